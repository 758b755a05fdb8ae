"""What waits for a person is settled by keyboard: planned first, done, and taken back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.accessible import violations
from tests.browsing import World, looking
from tests.builders import NOON, make_message

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

TEN = 10
LONG_AGO = NOON - timedelta(days=2)
"""Before whatever else waits in this world."""


async def crashed(world: World) -> str:
    """Ten messages that one lost worker left uncertain; returns their customer's id."""
    customer = await world.customer("Una Uncertain", "una@customer.example")
    for number in range(TEN):
        await make_message(
            world.database, int(customer.split("_")[1]), status="UNCERTAIN", cause="CONNECTION_LOST",
            subject=f"Crash {number}", recipient="una@customer.example", decided_at=LONG_AGO,
        )  # fmt: skip
    return customer


def row_of_ten(page: Page) -> Locator:
    """The row of the incident."""
    return page.locator(".wl-row", has_text=f"{TEN} messages: their worker was lost")


async def statuses(world: World, customer: str) -> list[str]:
    """The states that the customer's messages are in."""
    found = await world.database.fetch(
        "select distinct status::text from message where customer_id = $1", int(customer.split("_")[1])
    )
    return [row["status"] for row in found]


async def clean(page: Page) -> None:
    """Nothing that WCAG forbids, and nothing wider than the screen."""
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_ten_uncertain_messages_of_one_crash_are_settled_in_two_keys_and_undone(
    browser: Browser, world: World
) -> None:
    # Given ten messages of one crash, the oldest thing that waits
    customer = await crashed(world)
    async with looking(browser, world) as page:
        await page.emulate_media(reduced_motion="reduce")
        await page.goto("/")
        row = row_of_ten(page)
        await expect(row.locator(".wl-open")).to_be_focused()
        await expect(row.get_by_role("button", name="Assume sent")).to_be_visible()
        await clean(page)
        # When they are settled: one key for the plan, one to confirm it
        keys = 0
        await page.keyboard.press("1")
        keys += 1
        confirm = row.get_by_role("button", name=f"Count {TEN} messages as sent")
        await expect(confirm).to_be_focused()
        await expect(row.locator(".plan")).to_have_attribute("aria-busy", "false")
        await clean(page)
        await page.keyboard.press("Enter")
        keys += 1
        # Then they count as sent, and the row has left
        await expect(page.locator(".undo-line")).to_contain_text(f"{TEN} messages count as sent.")
        await expect(row).to_have_count(0)
        assert await statuses(world, customer) == ["ACCEPTED"]
        assert keys == 2
        # And Z takes all of it back
        await page.keyboard.press("z")
        await expect(row.locator(".wl-open")).to_be_focused()
        assert await statuses(world, customer) == ["UNCERTAIN"]
        # The whole group is chosen and planned in the bar, without being done
        await page.get_by_role("link", name=re.compile(r"^All \d+$")).first.click()
        await expect(page.locator(".wl-row .wl-open").first).to_be_focused()
        await page.keyboard.press("Control+a")
        await page.keyboard.press("1")
        await expect(page.locator(".bulk .plan")).to_have_attribute("aria-busy", "false")
        await expect(page.locator(".bulk .plan .primary")).to_be_focused()
        await clean(page)
        await page.keyboard.press("Escape")
        await expect(page.locator(".plan")).to_have_count(0)
    async with looking(browser, world, phone=True, dark=True) as page:
        await page.emulate_media(reduced_motion="reduce")
        for address in ("/", "/?show=uncertain"):
            await page.goto(address)
            await expect(page.locator(".wl-row").first).to_be_visible()
            await clean(page)
