"""The list of all messages: why one failed, by its invoice; refused ones chosen, planned and retried; by keyboard."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from tests.accessible import violations
from tests.browsing import World, looking
from tests.eventually import eventually
from tests.looks import LOOKS
from tests.smtp_server import Reply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

FOUND = "query($search: String!) { messages(search: $search) { nodes { id } } }"
Presses = Callable[[str], Awaitable[None]]


def counting(page: Page) -> tuple[Presses, list[str]]:
    """A function that presses a key, and what it pressed."""
    pressed: list[str] = []

    async def press(key: str) -> None:
        pressed.append(key)
        await page.keyboard.press(key)

    return press, pressed


async def refused(world: World, name: str, address: str, invoice: str) -> str:
    """A customer whose receipt was refused, and found by its invoice; returns the message's id."""
    world.replies[address] = Reply(552, "5.2.2 Mailbox size limit exceeded")
    message = await world.card(await world.customer(name, address), invoiceNumber=invoice)
    await world.settled(message, "REFUSED")

    async def is_found() -> bool:
        return bool((await world.call(FOUND, search=invoice))["messages"]["nodes"])

    await eventually(is_found, f"{invoice} found by the search")
    return message


async def test_why_a_message_failed_is_found_by_its_invoice(browser: Browser, world: World) -> None:
    # Given a refused receipt
    message = await refused(world, "Ina Invoice", "ina@customer.example", "INV-90210-7")
    async with looking(browser, world) as page:
        await page.goto("/messages")
        await expect(page.get_by_role("grid", name="Messages")).to_be_visible()
        press, pressed = counting(page)
        # When its invoice is typed into the search, without the pointer
        await press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("INV-90210-7")
        await press("Enter")
        # Then its popover says why, in our words and the server's, with what can be done
        info = page.get_by_role("dialog", name="Refused by the mail server")
        await expect(info.locator(".cause")).to_have_text("The mailbox is full.")
        await expect(info.locator(".answer-whole pre")).to_contain_text("552 5.2.2 Mailbox size limit exceeded")
        await expect(info.get_by_role("link", name="Ina Invoice")).to_be_visible()
        await expect(info.locator(".timeline .what b").first).to_have_text("Queued")
        assert len(pressed) <= 8, pressed
        print(f"why a message failed: {len(pressed)} keys")
        # And a copied address shows a colleague the same, as a page that has the exact content
        assert f"info={message}" in page.url
        await info.get_by_role("link", name="Open as page").click()
        await expect(page).to_have_url(re.compile(f"/messages/{message}$"))
        await expect(page.get_by_role("heading", level=1, name="Refused by the mail server")).to_be_visible()
        await page.get_by_role("tab", name="Content").click()
        await expect(page.get_by_text("Exact: its fingerprint")).to_be_visible()
        await expect(page.frame_locator(".mail-frame").get_by_text("INV-90210-7").first).to_be_visible()
        await page.get_by_role("button", name="Source", exact=True).click()
        await expect(page.locator(".content-text")).to_contain_text("Subject: ")


async def test_refused_messages_are_chosen_planned_and_retried_by_keyboard(browser: Browser, world: World) -> None:
    # Given two refused receipts of customers whose mailboxes have space again, and one of one whose has not
    for number in (1, 2):
        await refused(world, f"Rita Retry {number}", f"rita{number}@customer.example", f"INV-7700-{number}")
        world.replies[f"rita{number}@customer.example"] = Reply(250, "2.1.5 Ok")
    async with looking(browser, world) as page:
        await page.goto("/messages?search=rita&status=refused")
        rows = page.locator("#messages .block [role=row]")
        await expect(rows).to_have_count(2)
        press, pressed = counting(page)
        # When both are chosen
        await rows.first.focus()
        await press("Control+a")
        await expect(page.locator(".bulk-count")).to_have_text("2 chosen")
        await expect(rows.first).to_have_attribute("aria-selected", "true")
        # Then the plan says what will be done before it is done, and its button has the number
        await press("1")
        await expect(page.get_by_role("button", name="Retry 2 messages")).to_be_focused()
        await expect(page.locator(".plan-lines")).to_contain_text("go back to the queue")
        # And it is done, said, and the rows tell what came of it
        await press("Enter")
        await expect(page.get_by_text("2 messages went back to the queue.")).to_be_visible()
        for number in (1, 2):
            assert "Receipt" in await world.arrived(f"rita{number}@customer.example", "Receipt")
        await expect(page.locator("#messages .block .info-button.grey")).to_have_count(2)
        assert len(pressed) <= 8, pressed
        print(f"retry of two refused messages: {len(pressed)} keys")


async def test_the_list_its_plan_and_a_message_fit_every_screen_and_have_no_violations(
    browser: Browser, world: World
) -> None:
    invoice = "INV-8800-1"
    message = await refused(world, "Fay Fitting", "fay@customer.example", invoice)
    async with looking(browser, world) as page:

        async def sound(name: str) -> None:
            assert await violations(page) == [], name
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

        for look in LOOKS:
            await look.apply(page)
            await page.goto(f"/messages?status=refused&search={invoice}")
            row = page.locator("#messages .block [role=row]").first
            await expect(row).to_be_visible()
            await page.get_by_role("button", name="Status", exact=False).first.click()
            await expect(page.locator("#filter-status")).to_be_visible()
            await sound(f"list and menu at {look}")
            await page.keyboard.press("Escape")
            await row.get_by_role("checkbox").check()
            await page.get_by_role("region", name="Chosen rows").get_by_role("button", name="Retry").click()
            await expect(page.get_by_role("button", name="Retry 1 message")).to_be_visible()
            await sound(f"plan at {look}")
            for address, tab in ((f"/messages?info={message}", "Outcome"), (f"/messages/{message}", "Content")):
                await page.goto(address)
                await page.get_by_role("tab", name=tab).click()
                await expect(page.locator(".timeline, .mail-frame").first).to_be_visible()
                await sound(f"{address} at {look}")
