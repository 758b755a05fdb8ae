"""How smoothly the page scrolls through a long history, and how soon it answers a click: for `make screenshots`.

    python -m tests.page_speed

prints these figures alone.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from gateway.database import prepare_connection
from service.standalone.data_directory import DataDirectory
from service.standalone.postgres import Postgres
from tests.browsing import ARGUMENTS, CHROMIUM
from tests.builders import make_customer, make_sender_version, make_template_version
from tests.launching import Launcher, launched

ROWS = 20_000
FRAMES_GOAL, ANSWER_GOAL_MS = 60, 100
CLICKS = 20
ADDRESS = "/customers/LONG/emails?tab=notes"
SCROLL_MS = 300_000.0
FAST, BRISK, BRISK_FRAMES = 700, -150, 600
"""Pixels a frame: most of a screen, until the last row has been read; and ten screens a second, back up through all of
them, for so many frames."""
_MESSAGES = """
insert into message (customer_id, id, source_type, status, template_version_id, sender_version_id, decided_at, sent_at,
                     sender, recipient, subject, mail_date)
select $1, uuidv7(make_interval(mins => -g)), 'WORK_ORDER', 'ACCEPTED', $2, $3, now(), now(), 'a@fabrikam.example',
       'mia@customer.example', 'Mail number ' || g, now() - make_interval(mins => g)
from generate_series(1, $4::integer) g"""
_SCROLL = """([step, most]) => new Promise((resolve) => {
  const gaps = [];
  let before = null, top = window.scrollY, still = 0;
  const frame = (now) => {
    const moved = window.scrollY !== top;
    // Frames in which nothing moved wait for rows that are being read.
    if (moved && before !== null) gaps.push(now - before);
    before = now;
    still = moved ? 0 : still + 1;
    top = window.scrollY;
    // The end: nothing has moved for two seconds, so that nothing more is being read.
    if (still > 120 || gaps.length >= most) return resolve(gaps);
    window.scrollBy(0, step);
    return requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
"""Scrolls so many pixels a frame, to the end or for so many frames; returns the milliseconds between them."""
_BARE = """(rows) => {
  const all = [...document.querySelectorAll("#panel .block .row")];
  const bare = Array.from({ length: rows }, (_, place) => all[place % all.length].outerHTML).join("");
  document.body.innerHTML = `<main><div id="panel"><div class="table">${bare}</div></div></main>`;
  window.scrollTo(0, document.body.scrollHeight);
}"""
"""Puts so many rows, as they are drawn, in the place of everything: what this browser can scroll without a script."""
BARE_ROWS = 2_000
_ON_SCREEN = """() => Array.from(document.querySelectorAll("#panel [data-info]"))
  .map((each) => ({ id: each.dataset.info, place: each.getBoundingClientRect() }))
  .filter(({ place }) => place.top > 300 && place.bottom < innerHeight - 50)
  .map(({ id }) => id)"""
"""The ids of the messages whose rows are on the screen."""
_WATCH = """() => {
  window.answers = [];
  const take = (list) => window.answers.push(
    ...list.getEntries().filter((each) => each.interactionId).map(({ name, duration }) => [name, duration]));
  new PerformanceObserver(take).observe({ type: "event", durationThreshold: 16 });
}"""
"""Keeps the milliseconds from each click and key to the picture of its answer (Event Timing API), 16 or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Seconds of processor time of the page's main thread, in all and by kind."""

    all: float
    script: float
    style: float
    layout: float

    @classmethod
    def of(cls, devtools: CDPSession) -> Work:
        """Returns what it has worked since the page was opened."""
        found = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        return cls(
            all=found["TaskDuration"],
            script=found["ScriptDuration"],
            style=found["RecalcStyleDuration"],
            layout=found["LayoutDuration"],
        )


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
    """Lines: frames a second while scrolling through a long history, their work, and the slowest answer to a click."""
    # Playwright has an event loop of its own in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, make_long_history(demo)).result()
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{demo.port}", viewport={"width": 1440, "height": 900}, locale="en-US"
    )
    context.set_default_timeout(SCROLL_MS)
    context.request.post("/session", data={"token": demo.token})
    page = context.new_page()
    page.goto(ADDRESS)
    page.locator("#panel .block .row").first.wait_for()
    devtools = context.new_cdp_session(page)
    # Processor time, which says how much there is to do whatever else the machine does.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    down = _scrolled(page, devtools, FAST, ROWS)
    last = "to the last" if page.get_by_text(f"Mail number {ROWS}", exact=True).count() else "NOT to the last"
    up = _scrolled(page, devtools, BRISK, BRISK_FRAMES)
    answered = _answered(page, devtools)
    page.evaluate(_BARE, BARE_ROWS)
    bare = _scrolled(page, devtools, BRISK, BRISK_FRAMES)
    page.evaluate("window.scrollTo(0, 0)")
    bare_fast = _scrolled(page, devtools, FAST, ROWS)
    context.close()
    return [
        f"reading and scrolling {last} of {ROWS:,} rows: {down}",
        f"back up through all of them: {up}",
        f"{BARE_ROWS:,} such rows without any script, as fast: {bare}",
        f"the same: {bare_fast}",
        answered,
    ]


def _scrolled(page: Page, devtools: CDPSession, step: int, most: int) -> str:
    before = Work.of(devtools)
    gaps: list[float] = page.evaluate(_SCROLL, [step, most])
    after = Work.of(devtools)
    slow = sum(gap > 1.5 * 1000 / FRAMES_GOAL for gap in gaps)
    script, style, layout, work = (
        1000 * (getattr(after, name) - getattr(before, name)) / len(gaps)
        for name in ("script", "style", "layout", "all")
    )
    return (
        f"{1000 / statistics.mean(gaps):.1f} frames a second at {abs(step)} px a frame (goal {FRAMES_GOAL}), {slow} of"
        f" {len(gaps)} late, the longest {max(gaps):.0f} ms; processor time of the main thread {work:.1f} ms a frame of"
        f" {1000 / FRAMES_GOAL:.1f} (script {script:.1f}, style {style:.1f}, layout {layout:.1f})"
    )


def _answered(page: Page, devtools: CDPSession) -> str:
    """Opens and closes messages, on the screen in the midst of the long list, all of whose rows have been read."""
    shown: list[str] = page.evaluate(_ON_SCREEN)
    page.evaluate(_WATCH)
    before = Work.of(devtools)
    for number in range(CLICKS):
        page.locator(f'[data-info="{shown[number % len(shown)]}"]').click()
        page.locator("dialog.info .timeline").wait_for()
        page.keyboard.press("Escape")
        page.locator("dialog.info[open]").wait_for(state="detached")
    work = 1000 * (Work.of(devtools).all - before.all) / CLICKS
    answers: list[tuple[str, float]] = page.evaluate("window.answers")
    name, slowest = max(answers, key=lambda each: each[1], default=("none", 0))
    middle = statistics.median(each for _, each in answers)
    return (
        f"opening and closing {CLICKS} messages: the slowest answer {slowest:.0f} ms ({name}), the middle one"
        f" {middle:.0f} ms (goal {ANSWER_GOAL_MS}); processor time of the main thread {work:.0f} ms for both"
    )


def main() -> None:
    """Prints the figures of a page whose service has nothing but the long history."""
    with (
        tempfile.TemporaryDirectory(prefix="ce-") as data,
        launched(Path(data) / "long") as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        print(*speeds(browser, service), sep="\n")
        browser.close()


if __name__ == "__main__":
    main()
