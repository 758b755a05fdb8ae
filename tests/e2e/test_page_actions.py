"""What the page offers about a mail is what works: a button an action, small forms, on a phone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browsing import PHONE, World, looking
from tests.builders import make_message, make_outbox
from tests.smtp_server import Reply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

COLORS = {"grey": "rgb(86, 92, 102)", "red": "rgb(179, 35, 27)", "amber": "rgb(133, 83, 0)"}
SHOWN = {
    "ACCEPTED": ("grey", "Accepted by the mail server"),
    "RECEIVED": ("grey", "Received from the customer"),
    "CANCELLED": ("grey", "Cancelled"),
    "QUEUED": ("amber", "Waiting for its turn"),
    "HANDED_OFF": ("amber", "Being sent now"),
    "DEFERRED": ("amber", "Delayed: it will be tried again"),
    "UNCERTAIN": ("amber", "Uncertain: no answer after the message had left"),
    "REFUSED": ("red", "Refused by the mail server"),
    "HELD": ("red", "Held"),
    "EXPIRED": ("red", "Expired: it could not be sent in time"),
    "BOUNCED": ("red", "Bounced: it came back after it had been accepted"),
}
"""The colour of each status, and its words."""


async def details(page: Page, customer: str) -> Locator:
    """Opens the details of the customer's newest mail."""
    await page.goto(f"/customers/{customer}/emails?tab=notes")
    await page.locator("#panel .info-button").first.click()
    info = page.locator("dialog.info")
    await expect(info.locator(".info-subject")).to_be_visible()
    return info


async def offered(info: Locator) -> list[str]:
    """The names of the actions that can be chosen."""
    return [name.strip() for name in await info.locator(".actions [data-action]").all_inner_texts()]


async def refused(world: World, name: str, address: str) -> str:
    """A customer whose mail was refused, because there is no such mailbox; returns its id."""
    world.replies[address] = Reply(550, "5.1.1 User unknown in virtual mailbox table")
    customer = await world.customer(name, address)
    await world.settled(await world.card(customer), "REFUSED")
    world.replies[address] = Reply(250, "2.1.5 Ok")
    return customer


async def test_a_suppression_is_lifted_with_a_reason_and_the_mail_sent_again(browser: Browser, world: World) -> None:
    customer = await refused(world, "Lea Lifted", "lea@customer.example")
    async with looking(browser, world, phone=True) as page:
        # Given a refused mail, whose address is suppressed: nothing is offered that would be refused
        info = await details(page, customer)
        await expect(info.locator(".actions [data-action]")).to_have_count(2)
        assert await offered(info) == ["Lift the suppression", "Correct the address"]
        advice = await info.locator(".advice").inner_text()
        assert (await info.inner_text()).count(advice) == 1
        # When the suppression is lifted, for which a reason is needed
        await info.get_by_role("button", name="Lift the suppression").click()
        reason = info.get_by_label("Why")
        await expect(reason).to_be_focused()
        await info.get_by_role("button", name="Lift the suppression").click()
        await expect(reason).to_be_visible()
        await reason.fill("Their server was wrong")
        await expect(info.get_by_role("checkbox")).to_be_checked()
        assert await info.evaluate("each => each.scrollWidth <= each.clientWidth")
        box = await reason.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        await info.get_by_role("button", name="Lift the suppression").click()
        # Then it can be tried again, and the history says that it was lifted
        await expect(info.locator(".timeline")).to_contain_text("The suppression of its address was lifted")
        assert await offered(info) == ["Retry", "Correct the address"]
        await info.get_by_role("button", name="Retry").click()
        await info.get_by_role("button", name="Retry 1 message").click()
        await expect(info.get_by_role("heading", name="Accepted by the mail server")).to_be_visible()
        await expect(info.locator(".actions")).to_have_count(0)


async def test_an_address_is_corrected_in_the_details_and_errors_are_shown(browser: Browser, world: World) -> None:
    customer = await refused(world, "Cora Corrected", "cora-typo@customer.example")
    async with looking(browser, world, phone=True) as page:
        info = await details(page, customer)
        await info.get_by_role("button", name="Correct the address").click()
        address = info.get_by_role("textbox", name="Address")
        await expect(address).to_have_value("cora-typo@customer.example")
        # When what is typed is no address, then that is said, and what was typed stays
        await address.fill("cora@nowhere@")
        await info.get_by_role("button", name="Correct the address").click()
        await expect(info.get_by_role("alert")).to_contain_text("Not an e-mail address")
        await expect(address).to_have_value("cora@nowhere@")
        # When it is right, then the mail goes there, and the history keeps both
        await address.fill("cora@customer.example")
        await info.get_by_role("button", name="Correct the address").click()
        await expect(info.get_by_role("heading", name="Accepted by the mail server")).to_be_visible()
        await expect(info.locator(".facts-of-mail")).to_contain_text("cora@customer.example")
        moved = info.locator(".timeline li", has_text="Sent to the customer's present address instead")
        await expect(moved.locator(".detail")).to_contain_text("cora-typo@customer.example")
    assert "Receipt" in await world.arrived("cora@customer.example", "Receipt")


async def test_every_status_has_its_colour_its_words_and_its_actions(browser: Browser, world: World) -> None:
    # Given one message in each status
    customer = await world.customer("Sid Statuses", "sid@customer.example")
    number = int(customer.removeprefix("Customer_"))
    for status in SHOWN:
        waits = status in ("QUEUED", "HANDED_OFF", "DEFERRED")
        received = {"direction": "RECEIVED"} if status == "RECEIVED" else {}
        message = await make_message(
            world.database, number, status="QUEUED" if waits else status, subject=f"Mail {status}",
            recipient="sid@customer.example", **received,
        )  # fmt: skip
        if waits:
            await make_outbox(
                world.database,
                number,
                message,
                attempt=2 if status == "DEFERRED" else 1,
                scheduled=True,
                due_at=datetime.now(UTC) + timedelta(hours=1),
            )
        if status == "HANDED_OFF":
            await world.database.execute(
                "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour',"
                " handed_off_at = now() where message_id = $1",
                message,
            )
    async with looking(browser, world) as page:
        await page.goto(f"/customers/{customer}/emails?tab=notes")
        # Then each row's icon says so, in colour and in words
        for status, (color, words) in SHOWN.items():
            icon = page.locator("#panel .block .row", has_text=f"Mail {status}").locator(".info-button")
            await expect(icon).to_have_attribute("title", f"{words}. Details")
            await expect(icon).to_have_css("color", COLORS[color])
        cancelled = page.locator("#panel .block .row", has_text="Mail CANCELLED").locator(".outcome")
        await expect(cancelled).to_have_text("Cancelled")
        # And a mail that waits is cancelled
        await page.locator("#panel .block .row", has_text="Mail QUEUED").locator(".info-button").click()
        info = page.locator("dialog.info")
        await info.get_by_role("button", name="Cancel sending").click()
        await info.get_by_role("button", name="Cancel sending 1 message").click()
        await expect(info.get_by_role("heading", name=re.compile("it was cancelled"))).to_be_visible()
        await expect(info.locator(".why")).to_contain_text("A person took it back")
