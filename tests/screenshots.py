"""`make screenshots`: the README's pictures, from the demo as `make run` fills it.

    python -m tests.screenshots [DIRECTORY]

Needs a Chromium on the PATH. Ends with 1 and a sentence where there is none.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browsing import ARGUMENTS, CHROMIUM, PHONE
from tests.launching import Launcher, launched

PICTURES = Path(__file__).resolve().parents[1] / "service" / "page" / "pictures"
DESK: ViewportSize = {"width": 1200, "height": 720}
"""As wide as a README shows it; the tests use 1440."""
DEMO_SECONDS = 180.0
ROWS = "#panel .block .row"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture: the page's address, the element to wait for, and what is done before it is taken."""

    name: str
    address: str
    there: str = ROWS
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


def _select_first(page: Page) -> None:
    page.locator(f"{ROWS} .open").first.click()
    page.get_by_role("tab", name="Campaign Emails Sent").click()
    page.locator(".selected").wait_for()
    page.mouse.move(5, 5)


PICTURES_TO_TAKE = (
    Picture(name="customers", address="/?search=NL-100", there="#customers .failed .badge"),
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


def main(directory: Path) -> int:
    """Takes all pictures into `directory`; returns the exit code."""
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
        browser.close()
    return 0


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
    page.locator(".live-live").or_(page.locator("#search")).first.wait_for()
    picture.first(page)
    page.wait_for_load_state("networkidle")
    path = directory / f"{picture.name}.png"
    page.screenshot(path=path)
    context.close()
    return path


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES))
