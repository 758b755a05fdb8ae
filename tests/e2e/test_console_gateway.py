"""The gateway in the console: an operator pauses a relay, sees why and until when, and lets it go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.accessible import fits, violations
from tests.browsing import World, looking
from tests.builders import insert
from tests.looks import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

PAGES = ("/gateway", "/gateway/relays?last=day", "/gateway/destinations", "/gateway/refusals", "/statistics")
MAX_CLICKS = 3
"""From any view to a paused relay: Gateway, Pause, Pause until I resume."""


@pytest_asyncio.fixture(loop_scope="package")
async def spare(world: World) -> AsyncIterator[str]:
    """A relay that no worker uses, so that no other test's mail waits."""
    await insert(world.database, "relay", name="spare", per_day=5_000)
    yield "spare"
    await world.database.execute("delete from relay where name = 'spare'")


async def test_a_relay_is_paused_in_three_clicks_says_why_and_until_when_and_goes_on(
    browser: Browser, world: World, spare: str
) -> None:
    async with looking(browser, world) as page:
        # Given an operator somewhere in the console
        await page.goto("/customers")
        await expect(page.get_by_role("heading", name="Customers", level=1)).to_be_visible()
        await page.evaluate("window.clicks = 0; addEventListener('click', () => { window.clicks += 1; }, true)")
        row = page.locator(f'li[data-of="relay"][data-name="{spare}"]')
        # When they pause a relay
        await page.get_by_role("link", name="Gateway", exact=True).click()
        await row.get_by_role("button", name=f"Pause: relay {spare}").click()
        await row.get_by_role("button", name="Pause until I resume").click()
        # Then its row says who, why and until when, in at most three clicks, and the keyboard is at what ends it
        await expect(row).to_contain_text("until somebody resumes it")
        await expect(row).to_contain_text("Paused from the console.")
        assert await page.evaluate("window.clicks") <= MAX_CLICKS
        resume = row.get_by_role("button", name=f"Resume: relay {spare}")
        await expect(resume).to_be_focused()
        # And with the keyboard it goes on
        await page.keyboard.press("Enter")
        await expect(row.get_by_role("button", name=f"Pause: relay {spare}")).to_be_focused()
        # And a limit is set by a button that says the old and the new value
        await row.get_by_role("button", name=f"Edit limits: relay {spare}").click()
        await row.get_by_label("Messages a day").fill("2,000")
        await row.get_by_role("button", name="Set 2,000 a day (now 5,000)").click()
        await expect(row).to_contain_text("0 of 2,000 today")


async def test_every_part_is_clean_for_assistive_tools_and_fits_the_screen(
    browser: Browser, world: World, spare: str
) -> None:
    async with looking(browser, world) as page:
        for address in PAGES:
            await page.goto(address)
            await expect(page.locator("main h1")).to_be_visible()
            await expect(page.locator("main .skeleton")).to_have_count(0)
            for look in LOOKS:
                await look.apply(page)
                assert await fits(page), (address, look)
                assert await violations(page, doubted=False) == [], (address, look)
        # And a plot is read by the arrow keys and as a table
        await page.goto("/gateway")
        plot = page.locator("figure.plot").first
        await expect(plot.locator("canvas")).to_have_count(1)
        await plot.locator(".plot-area").press("ArrowLeft")
        await expect(plot.get_by_role("status")).to_contain_text("Accepted")
        await plot.get_by_text("As a table").click()
        await expect(plot.get_by_role("columnheader", name="Accepted")).to_be_visible()
        assert await violations(page, doubted=False) == []
