"""The clients that docs/clients.md shows, as it prints them, against a real service."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette

import service.settings
from tests.browsing import ARGUMENTS
from tests.builders import make_campaign, make_customer, make_hit, make_message
from tests.conventions.sources import ROOT
from tests.serving import Serving, serve

SERVICE = "http://127.0.0.1:8000"
"""Where the page's clients look for it."""
PAGE = ROOT / "docs" / "clients.md"


def printed(language: str) -> str:
    """The page's one block of code in this language."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
async def serving(app: Starlette, service_settings: service.settings.Settings, pool: Any) -> AsyncIterator[Serving]:
    """A service that knows the customer whom the page asks for, with a row in each list."""
    customer = await make_customer(pool, external_ref="NL-1004")
    campaign = await make_campaign(pool, title="Spring service")
    message = await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED", subject="An hour for you")
    await make_hit(pool, customer, message, url="https://northlight.example/spring")
    async with serve(app, service_settings) as made:
        yield made


def tells_the_history(data: Any) -> None:
    """The three lists, each with what the page's query asks of it."""
    emails = data["customer"]["emails"]
    [sent], [click], [note] = (emails[name]["nodes"] for name in ("sent", "clicks", "connectionNotes"))
    assert sent["campaignTitle"] == "Spring service"
    assert sent["info"] == {"colorHint": "GREY", "status": "ACCEPTED"}
    assert click["url"] == "https://northlight.example/spring"
    assert (note["title"], note["info"]["cause"]) == ("An hour for you", None)


async def test_the_python_client_reads_the_three_lists(serving: Serving, token: str) -> None:
    # Given the page's lines, with a token and this service's address
    program = printed("python").replace(SERVICE, serving.url)
    assert serving.url in program
    lines = ["import json, sys", "token = sys.argv[1]", program, "print(json.dumps(history))"]
    # When they are run
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", "\n".join(lines), token, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        told, _ = await process.communicate()
    # Then they end well, with the customer's history
    assert process.returncode == 0
    tells_the_history(json.loads(told))


@pytest.mark.browser
async def test_the_browser_client_reads_the_three_lists(serving: Serving, token: str, chromium: str) -> None:
    async with async_playwright() as playwright:
        # Given a browser on a page of the service's
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await browser.new_page()
        await page.goto(serving.url)
        # When it runs the page's lines
        told = await page.evaluate(f"async (token) => {{ {printed('js')} return {{ data, errors }}; }}", token)
        await browser.close()
    # Then it has the customer's history
    assert told.get("errors") is None
    tells_the_history(told["data"])
