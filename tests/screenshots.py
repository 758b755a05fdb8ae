"""`make screenshots`: the README's pictures, and every view in three widths and both themes, from the demo as
`make run` fills it; and how much each view loads and how soon it can be used.

    python -m tests.screenshots [DIRECTORY [VIEWS]]

The README's pictures go into DIRECTORY, the views into VIEWS, which git ignores. Needs a Chromium on the PATH. Ends
with 1 and a sentence where there is none.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browsing import ARGUMENTS, CHROMIUM, PHONE
from tests.launching import Launcher, launched
from tests.page_speed import speeds

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "service" / "page" / "pictures"
VIEW_PICTURES = ROOT / ".screenshots"
DESK: ViewportSize = {"width": 1200, "height": 720}
"""As wide as a README shows it; the tests use 1440."""
DEMO_SECONDS = 180.0
ROWS = "#panel .block .row"
CAMPAIGN = "main a[href^='/campaigns/Campaign']"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture: the page's address, the element to wait for, whether the page then says that it is live, and what is
    done before it is taken."""

    name: str
    address: str
    there: str = ROWS
    live: bool = True
    phone: bool = False
    dark: bool = False
    first: Callable[[Page], None] = lambda page: None


def _open_refused(page: Page) -> None:
    page.locator(".row", has_text="Refused").locator(".info-button").first.click()
    page.locator("dialog.info .timeline").wait_for()


def _open_reply(page: Page) -> None:
    page.locator(".row", has_text="Re: ").locator(".info-button").first.click()
    page.locator("dialog.info .letter-text").first.wait_for()


def _open_with_preview(page: Page) -> None:
    page.locator(".info-button").first.click()
    page.get_by_role("tab", name="Content").click()
    page.get_by_role("button", name="Template").click()
    page.frame_locator("dialog.info iframe").locator("a").first.wait_for()


def _choose_all(page: Page) -> None:
    # The keys are the list's while one of its rows has the keyboard.
    page.locator("main .info-button").first.focus()
    _press(page, "Control+a", "1")


def _open_campaign(page: Page) -> None:
    page.locator(CAMPAIGN).first.click()
    page.locator("main figure").first.wait_for()


def _select_first(page: Page) -> None:
    page.locator(f"{ROWS} .open").first.click()
    page.get_by_role("tab", name="Campaign Emails Sent").click()
    page.locator(".selected").wait_for()
    page.mouse.move(5, 5)


PICTURES_TO_TAKE = (
    Picture(name="worklist", address="/", there="main h2", live=False),
    Picture(name="messages", address="/messages?status=refused,bounced", there="main .info-button", live=False),
    Picture(
        name="campaign",
        address="/campaigns",
        there=CAMPAIGN,
        live=False,
        first=_open_campaign,
    ),
    Picture(name="customers", address="/customers?search=NL-100", there="#customers .failed .badge", live=False),
    Picture(name="campaign-emails-sent", address="/customers/NL-1001/emails", first=_select_first),
    Picture(name="links-clicked", address="/customers/NL-1030/emails?tab=clicks&machines"),
    Picture(name="connection-notes", address="/customers/NL-1004/emails?tab=notes"),
    Picture(name="why-it-failed", address="/customers/NL-1004/emails?tab=notes", first=_open_refused),
    Picture(name="why-it-failed-dark", address="/customers/NL-1004/emails?tab=notes", first=_open_refused, dark=True),
    Picture(name="reply", address="/customers/NL-1021/emails?tab=notes", first=_open_reply),
    Picture(name="template-preview", address="/customers/NL-1001/emails", first=_open_with_preview),
    Picture(name="phone", address="/customers/NL-1004/emails?tab=notes", phone=True),
    Picture(
        name="phone-dark", address="/customers/NL-1008/emails?tab=notes", phone=True, dark=True, first=_open_refused
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One view: its address (CAMPAIGN and TEMPLATE are the demo's), and what is done before it is looked at."""

    name: str
    address: str
    first: Callable[[Page], None] = lambda page: None


VIEWS = (
    View(name="worklist", address="/"),
    View(name="worklist-plan", address="/?show=uncertain", first=lambda page: _press(page, "Control+a", "1")),
    View(name="messages", address="/messages"),
    View(name="messages-refused", address="/messages?status=refused,bounced"),
    View(
        name="messages-plan",
        address="/messages?status=refused,bounced",
        first=_choose_all,
    ),
    View(name="message", address="/messages", first=lambda page: page.locator(".info-button").first.click()),
    View(name="customers", address="/customers"),
    View(name="emails", address="/customers/NL-1004/emails?tab=notes"),
    View(name="customer-lists", address="/customers/NL-1004/lists"),
    View(name="customer-campaigns", address="/customers/NL-1004/campaigns"),
    View(name="customer-addresses", address="/customers/NL-1004/addresses"),
    View(name="customer-choices", address="/customers/NL-1004/choices"),
    View(name="bad-addresses", address="/addresses/bad"),
    View(name="suppressed", address="/addresses/suppressed"),
    View(name="opted-out", address="/addresses/opted-out"),
    View(name="campaigns", address="/campaigns"),
    View(name="campaign", address="/campaigns/CAMPAIGN"),
    View(name="campaign-recipients", address="/campaigns/CAMPAIGN/recipients"),
    View(name="campaign-links", address="/campaigns/CAMPAIGN/links"),
    View(name="campaign-mailings", address="/campaigns/CAMPAIGN/mailings"),
    View(name="campaign-history", address="/campaigns/CAMPAIGN/history"),
    View(name="campaign-new", address="/campaigns/new"),
    View(name="lists", address="/lists"),
    View(name="list-new", address="/lists/new"),
    View(name="import", address="/lists/imports"),
    View(name="templates", address="/templates"),
    View(name="template", address="/templates/TEMPLATE"),
    View(
        name="template-versions",
        address="/templates/TEMPLATE",
        first=lambda page: page.get_by_role("button", name="Versions").click(),
    ),
    View(name="gateway", address="/gateway"),
    View(name="relays", address="/gateway/relays"),
    View(name="destinations", address="/gateway/destinations"),
    View(name="refusals", address="/gateway/refusals"),
    View(name="statistics", address="/statistics"),
    View(name="settings", address="/settings/you"),
    View(name="palette", address="/", first=lambda page: _press(page, "Control+k")),
    View(name="keys", address="/", first=lambda page: _press(page, "?")),
)
WIDTHS: tuple[ViewportSize, ...] = (
    {"width": 1440, "height": 900},
    {"width": 768, "height": 1024},
    {"width": 360, "height": 740},
)
FIRST_VIEW_KB, USABLE_MS = 100.0, 1000.0
"""What a view's first loading and its first usable moment are to stay below."""
LOADED = """() => {
  const parts = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const files = parts.filter((part) => !part.name.includes("/graphql"));
  return files.reduce((sum, part) => sum + part.encodedBodySize, 0) / 1000;
}"""
"""Kilobytes of page, scripts, styles and words as they came, compressed."""
USABLE = f"""() => new Promise((resolve) => {{
  const loaded = {LOADED};
  const look = () => {{
    const there = document.querySelector("main h1") && !document.querySelector("main .skeleton:not(.older *)");
    if (there) resolve([performance.now(), loaded()]);
    else requestAnimationFrame(look);
  }};
  look();
}})"""
"""Waits until the view has its heading and its data; returns when that was, in milliseconds, and what was loaded."""

SETTLED = """() => !document.querySelector(".skeleton:not(.older *)")
  && !document.body.innerText.includes("Counting …")"""
"""Whether nothing that is shown is still being read or counted."""


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def main(directory: Path, views: Path) -> int:
    """Takes all pictures into `directory` and `views`; returns the exit code."""
    if CHROMIUM is None:
        print("There is no Chromium on the PATH: install one, as in `apt-get install chromium`.", file=sys.stderr)
        return 1
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="ce-") as data,
        launched(Path(data) / "demo", {"DEMO": "1"}) as demo,
        sync_playwright() as playwright,
    ):
        _wait_for_demo(demo)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for picture in PICTURES_TO_TAKE:
            print(_take(browser, demo, picture, directory))
        for size in WIDTHS:
            for dark in (False, True):
                _look(browser, demo, views, size=size, dark=dark)
        print(*speeds(browser, demo), sep="\n")
        browser.close()
    return 0


def _look(browser: Browser, demo: Launcher, directory: Path, *, size: ViewportSize, dark: bool) -> None:
    """Takes every view at this size; says what each loads the first time, and when it can be used."""
    directory.mkdir(parents=True, exist_ok=True)
    ids = _demo_ids(demo)
    for view in VIEWS:
        # A browser that has seen nothing before.
        context = browser.new_context(
            base_url=f"http://127.0.0.1:{demo.port}",
            viewport=size,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="America/New_York",
            has_touch=size["width"] < 768,
        )
        context.request.post("/session", data={"token": demo.token})
        page = context.new_page()
        page.goto(view.address.replace("CAMPAIGN", ids["campaign"]).replace("TEMPLATE", ids["template"]))
        usable, loaded = page.evaluate(USABLE)
        page.wait_for_load_state("networkidle")
        later = page.evaluate(LOADED) - loaded
        view.first(page)
        page.wait_for_function(SETTLED)
        page.screenshot(path=directory / f"{view.name}-{size['width']}-{'dark' if dark else 'light'}.png")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        context.close()
        if size == WIDTHS[0] and not dark:
            print(
                f"{view.name:22} {loaded:6.1f} kB (goal {FIRST_VIEW_KB:.0f}), usable after {usable:5.0f} ms"
                f" (goal {USABLE_MS:.0f}), then {later:5.1f} kB more"
            )
        if wide > 0:
            print(f"{view.name:22} scrolls sideways at {size['width']} px, by {wide} px")


def _demo_ids(demo: Launcher) -> dict[str, str]:
    """A campaign and a template of the demo."""
    query = "{ campaigns(first: 1) { nodes { id } } templates(first: 1) { nodes { id } } }"
    headers = {"Authorization": f"Bearer {demo.token}"}
    answer = httpx.post(f"http://127.0.0.1:{demo.port}/graphql", json={"query": query}, headers=headers).json()["data"]
    return {name: answer[f"{name}s"]["nodes"][0]["id"] for name in ("campaign", "template")}


def _wait_for_demo(demo: Launcher) -> None:
    """Waits until the demo's customers have read their mail."""
    ends, pause = time.monotonic() + DEMO_SECONDS, threading.Event()
    while "their readers:" not in demo.output:
        if time.monotonic() > ends or demo.process.poll() is not None:
            raise SystemExit(f"The demo did not come to its end:\n{demo.output}")
        pause.wait(0.2)


def _take(browser: Browser, demo: Launcher, picture: Picture, directory: Path) -> Path:
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{demo.port}",
        viewport=PHONE if picture.phone else DESK,
        color_scheme="dark" if picture.dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="America/New_York",
        has_touch=picture.phone,
    )
    context.request.post("/session", data={"token": demo.token})
    page = context.new_page()
    page.goto(picture.address)
    page.locator(picture.there).first.wait_for()
    if picture.live:
        page.locator(".live-live").first.wait_for()
    picture.first(page)
    page.wait_for_load_state("networkidle")
    path = directory / f"{picture.name}.png"
    page.screenshot(path=path)
    context.close()
    return path


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    sys.exit(main(*given, *(PICTURES, VIEW_PICTURES)[len(given) :]))
