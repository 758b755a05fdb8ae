"""How smoothly the page scrolls through a long history, and how soon it answers a click: for `make screenshots`."""

from __future__ import annotations

import asyncio
import statistics

import asyncpg
from playwright.sync_api import Browser, Page

from gateway.database import prepare_connection
from service.standalone.data_directory import DataDirectory
from service.standalone.postgres import Postgres
from tests.builders import make_customer, make_sender_version, make_template_version
from tests.launching import Launcher

ROWS = 20_000
FRAMES_GOAL, ANSWER_GOAL_MS = 60, 100
CLICKS = 20
_MESSAGES = """
insert into message (customer_id, id, source_type, status, template_version_id, sender_version_id, decided_at, sent_at,
                     sender, recipient, subject, mail_date)
select $1, uuidv7(make_interval(mins => -g)), 'WORK_ORDER', 'ACCEPTED', $2, $3, now(), now(), 'a@fabrikam.example',
       'mia@customer.example', 'Mail number ' || g, now() - make_interval(mins => g)
from generate_series(1, $4::integer) g"""
_SCROLL = """() => new Promise((resolve) => {
  const gaps = [];
  let before = null, still = 0, top = -1;
  const step = (now) => {
    if (before !== null) gaps.push(now - before);
    before = now;
    still = window.scrollY === top ? still + 1 : 0;
    top = window.scrollY;
    // The end: nothing has moved for two seconds, so that nothing more is being read.
    if (still > 120) return resolve(gaps.slice(0, -120));
    window.scrollBy(0, 700);
    return requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
"""Scrolls to the end, most of a screen a frame; returns the milliseconds between frames."""
_WATCH = """() => {
  window.answers = [];
  const take = (list) => window.answers.push(...list.getEntries().map((each) => each.duration));
  const seen = new PerformanceObserver(take);
  seen.observe({ type: "event", durationThreshold: 16, buffered: false });
}"""


async def make_long_history(demo: Launcher) -> None:
    """A customer with the reference LONG and 20,000 messages."""
    data = demo.data
    server = Postgres(
        data=data / "postgres", run=DataDirectory(data).run_directory(), log=data / "log" / "postgres.log"
    )
    connection = await asyncpg.connect(server.url())
    await prepare_connection(connection)
    customer = await make_customer(
        connection, name="Lena Long", external_ref="LONG", addresses=["lena@customer.example"]
    )
    template, sender = await make_template_version(connection), await make_sender_version(connection)
    await connection.execute(_MESSAGES, customer, template, sender, ROWS)
    await connection.close()


def speeds(browser: Browser, demo: Launcher) -> list[str]:
    """Two lines: frames a second while scrolling through a long history, and the slowest answer to a click."""
    asyncio.run(make_long_history(demo))
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{demo.port}", viewport={"width": 1440, "height": 900}, locale="en-US"
    )
    context.request.post("/session", data={"token": demo.token})
    page = context.new_page()
    page.goto("/customers/LONG/emails?tab=notes")
    page.locator("#panel .block .row").first.wait_for()
    gaps: list[float] = page.evaluate(_SCROLL)
    lines = [_scrolled(gaps, page), _answered(page)]
    context.close()
    return lines


def _scrolled(gaps: list[float], page: Page) -> str:
    rate = 1000 / statistics.mean(gaps)
    slow = sum(gap > 1.5 * 1000 / FRAMES_GOAL for gap in gaps)
    there = page.get_by_text(f"Mail number {ROWS}", exact=True).count()
    end = "to the last" if there else "not to the last"
    return (
        f"scrolling {ROWS:,} rows {end}: {rate:.0f} frames a second (goal {FRAMES_GOAL}), {slow} of {len(gaps)} late,"
        f" the longest {max(gaps):.0f} ms"
    )


def _answered(page: Page) -> str:
    page.goto("/customers/LONG/emails?tab=notes")
    page.locator("#panel .block .row").first.wait_for()
    page.evaluate(_WATCH)
    for number in range(CLICKS):
        page.locator("#panel .info-button").nth(number).click()
        page.locator("dialog.info h2").first.wait_for()
        page.keyboard.press("Escape")
        page.locator("dialog.info[open]").wait_for(state="detached")
    answers: list[float] = page.evaluate("window.answers")
    slowest = max(answers, default=0)
    return f"opening and closing {CLICKS} messages: the slowest answer {slowest:.0f} ms (goal {ANSWER_GOAL_MS})"
