"""The page behind a mail's unsubscribe link in a real browser: without scripts, by keyboard, on any screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette

import service.settings
from gateway.mail.message import MessageRef
from gateway.mail.tracking import unsubscribe_url
from tests.accessible import violations
from tests.browsing import DESKTOP, PHONE, running_browser
from tests.builders import KEYRING, make_campaign, make_customer, make_message
from tests.serving import serve

pytestmark = pytest.mark.browser


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """A browser of this test's own: it runs in the test's event loop, as the service does."""
    async with running_browser(chromium) as running:
        yield running


@pytest.fixture
async def address(app: Starlette, service_settings: service.settings.Settings, pool: Any) -> AsyncIterator[str]:
    """The unsubscribe link of a campaign mail that was accepted."""
    customer = await make_customer(pool, locale="de")
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED")
    async with serve(app, service_settings) as serving:
        yield unsubscribe_url(KEYRING, serving.url, MessageRef(customer_id=customer, message_id=message))


async def opt_outs(pool: Any) -> list[str]:
    return [row["kind"] for row in await pool.fetch("select kind::text from address_opt_out order by kind")]


async def test_a_reader_without_scripts_or_mouse_unsubscribes(browser: Browser, address: str, pool: Any) -> None:
    # Given a browser without scripts
    page = await browser.new_page(java_script_enabled=False, viewport=PHONE)
    await page.goto(address)
    await expect(page.get_by_role("group", name="Ich möchte nicht mehr bekommen")).to_be_visible()
    await expect(page.get_by_label("Werbung")).to_be_checked()
    assert await opt_outs(pool) == []
    # When the reader moves to the last choice by keyboard, and presses the button
    await page.get_by_label("Werbung").focus()
    for key in ("ArrowDown", "ArrowDown", "Tab", "Enter"):
        await page.keyboard.press(key)
    # Then it is done, and the page shows it from now on
    await expect(page.get_by_role("heading")).to_have_text("Sie sind abgemeldet")
    assert await opt_outs(pool) == ["EVENT_BASED", "MARKETING"]
    await page.goto(address)
    await expect(page.locator("main")).to_contain_text("Sie bekommen nicht mehr: Werbung, Mails aus bestimmtem Anlass.")


async def test_no_state_of_the_page_has_violations_or_scrolls_sideways(browser: Browser, address: str) -> None:
    for viewport, dark in ((DESKTOP, False), (PHONE, True)):
        page = await browser.new_page(viewport=viewport, color_scheme="dark" if dark else "light")
        await page.goto(address)
        assert await faults(page) == [], "the choice"
        await page.get_by_role("button").click()
        await expect(page.get_by_role("heading")).to_have_text("Sie sind abgemeldet")
        assert await faults(page) == [], "the end"
        await page.goto(address[:-1])
        assert await faults(page) == [], "a wrong link"


async def faults(page: Page) -> list[str]:
    sideways = not await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return [*await violations(page), *["it scrolls sideways"] * sideways]
