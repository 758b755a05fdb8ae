"""The frame of the console: the palette, keys, preferences and the bar at three widths, without a violation."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.accessible import violations
from tests.browsing import World, looking

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_a_customer_and_a_view_are_found_by_keys_alone(browser: Browser, world: World) -> None:
    # Given a customer, and a reader in any view
    await world.customer("Pauline Palette", "pauline@customer.example")
    async with looking(browser, world) as page:
        await page.goto("/settings/you")
        await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        # When the palette is opened and the beginning of the name typed
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox", name="View, action")).to_be_focused()
        await page.keyboard.type("pauline pal")
        await expect(page.locator(".palette-option").first).to_contain_text("Pauline Palette")
        assert await violations(page) == []
        # Then Enter opens the customer
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Pauline Palette")).to_be_visible()
        await expect(page.locator("dialog.overlay")).to_be_hidden()
        # And G and a comma lead back, and ? explains all keys until Escape
        await page.keyboard.press("g")
        await page.keyboard.press(",")
        await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        await page.keyboard.press("?")
        await expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_focused()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog.overlay")).to_be_hidden()


async def test_theme_language_and_zone_hold_at_once_and_after_a_reload(browser: Browser, world: World) -> None:
    async with looking(browser, world) as page:
        await page.goto("/settings/you")
        await expect(page.locator("html")).to_have_css("color-scheme", "light dark")
        # When they are chosen
        await page.get_by_label("Dark").check()
        await page.get_by_label("Time zone").select_option("Asia/Tokyo")
        await page.get_by_label("Deutsch").check()
        # Then the page is so, and stays so
        for _ in ("at once", "after a reload"):
            await expect(page.get_by_role("heading", name="Einstellungen", exact=True)).to_be_visible()
            await expect(page.locator("html")).to_have_css("color-scheme", "dark")
            await expect(page.locator(".side-end")).to_contain_text("Zeiten in Tokyo")
            assert await page.evaluate("document.documentElement.lang") == "de"
            await page.reload()
        assert await violations(page) == []
        # And no word is cut off on a phone, where the rest of the views are under More
        await page.set_viewport_size({"width": 360, "height": 740})
        await page.get_by_role("button", name="Mehr").click()
        await expect(page.get_by_role("link", name="Statistik")).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
