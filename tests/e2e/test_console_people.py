"""People in the console: a bad address corrected, an unmatched reply assigned, and a session that may only look."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from playwright.async_api import Browser, Page, expect

from service.auth.sessions import create_login_link
from tests.accessible import violations
from tests.browsing import World, looking
from tests.eventually import eventually
from tests.smtp_server import Reply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

UNMATCHED = "{ unmatchedMail(first: 20) { nodes { id subject } } }"
PARTS = ("emails", "lists", "campaigns", "addresses", "choices")
LISTS = ("bad", "suppressed", "opted-out")
LOOKING = re.compile(r"Print|Export CSV|Details|Sign out|Search|More|Close|Links|^Campaign|Connection|Show|Live")
"""Buttons that change nothing."""


async def clean(page: Page) -> None:
    """Nothing that WCAG forbids, and nothing wider than the screen."""
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_bad_address_is_corrected_in_two_presses(browser: Browser, world: World) -> None:
    # Given a receipt that was refused, for the domain of the address is mistyped
    world.replies["ivy@gmial.com"] = Reply(550, "5.1.2 Host or domain name not found")
    customer = await world.customer("Ivy Mistyped", "ivy@gmial.com")
    await world.settled(await world.card(customer), "REFUSED")
    async with looking(browser, world) as page:
        await page.emulate_media(reduced_motion="reduce")
        await page.goto("/addresses/bad")
        row = page.locator(".addr-row", has_text="ivy@gmial.com")
        await expect(row).to_contain_text("5.1.2 Host or domain name not found")
        # When the suggestion is pressed, then what it will do is said first, and its button has the keyboard
        await row.get_by_role("button", name=re.compile(r"Use gmail\.com ?: ivy@gmail\.com")).focus()
        await page.keyboard.press("1")
        confirm = row.get_by_role("button", name="Correct and retry 1 message")
        await expect(confirm).to_be_focused()
        await clean(page)
        await page.keyboard.press("Enter")
        # Then the row has left, and the receipt goes to the right address
        await expect(page.locator(".undo-line")).to_contain_text(
            "Corrected to ivy@gmail.com. 1 message goes out again."
        )
        await expect(row).to_have_count(0)
        assert "Receipt" in await world.arrived("ivy@gmail.com", "Receipt")
        # and the customer's page has it
        await page.goto(f"/customers/{customer}/addresses")
        await expect(page.locator(".person-address")).to_contain_text("ivy@gmail.com")
        await clean(page)


async def test_an_unmatched_reply_is_read_assigned_and_taken_back(browser: Browser, world: World) -> None:
    # Given a reply from an address that nobody has
    customer = await world.customer("Rosa Replies", "rosa@customer.example")
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "rosa@home.example", "Thursday, from home"
    mail["Message-ID"] = "<thursday@home.example>"
    mail.set_content("Thursday at nine suits me.")
    assert (await world.client.post("/inbound/raw", content=mail.as_bytes())).status_code == 201

    async def listed() -> bool:
        nodes = (await world.call(UNMATCHED))["unmatchedMail"]["nodes"]
        return any(node["subject"] == "Thursday, from home" for node in nodes)

    await eventually(listed, "the reply is nobody's")
    async with looking(browser, world) as page:
        await page.emulate_media(reduced_motion="reduce")
        await page.goto("/?show=unmatched")
        row = page.locator(".wl-row", has_text="Thursday, from home")
        # When it is read, and given to whom a search finds: four presses, the typed name counted once
        await row.locator(".wl-open").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".unmatched .letter-text")).to_have_text(re.compile("Thursday at nine suits me"))
        await clean(page)
        assign = page.locator(".unmatched").get_by_role("button", name="Assign")
        await page.keyboard.press((await assign.get_attribute("aria-keyshortcuts")) or "")
        await expect(page.get_by_label("Customer", exact=True)).to_be_focused()
        await page.keyboard.type("Rosa Rep")
        await page.keyboard.press("Enter")
        # Then it is in her history
        await expect(page.locator(".undo-line")).to_contain_text("The message is Rosa Replies’s now.")
        history = "query($id: ID!) { customer(id: $id) { emails { connectionNotes { nodes { title } } } } }"
        notes = (await world.call(history, id=customer))["customer"]["emails"]["connectionNotes"]["nodes"]
        assert notes == [{"title": "Thursday, from home"}]
        # And taken back, it waits for a person again
        await page.keyboard.press("z")
        await expect(page.locator(".wl-row", has_text="Thursday, from home")).to_be_visible()
        await eventually(listed, "the reply is nobody's again")


async def test_a_session_for_looking_sees_no_action(browser: Browser, world: World) -> None:
    # Given a customer of whom everything could be changed, and a link for looking
    world.replies["lou@gmial.com"] = Reply(550, "5.1.1 User unknown")
    customer = await world.customer("Lou Looked-at", "lou@gmial.com")
    await world.settled(await world.card(customer), "REFUSED")
    link = await create_login_link(world.database, "Auditor", world.url, read_only=True)
    async with looking(browser, world, phone=True, dark=True, signed_in=False) as page:
        await page.emulate_media(reduced_motion="reduce")
        await page.goto(link)
        await page.get_by_role("button").click()
        await expect(page).to_have_url(f"{world.url}/")
        # When they look at everything about people, then there is nothing to press that would change something
        places = [f"/customers/{customer}/{part}" for part in PARTS] + [f"/addresses/{each}" for each in LISTS]
        for place in places:
            await page.goto(place)
            await expect(page.locator("#main h1")).to_be_visible()
            await expect(page.locator(".skeleton")).to_have_count(0)
            names = await page.locator("#main :is(button, [role=switch])").evaluate_all(
                "each => each.map((one) => one.getAttribute('aria-label') ?? one.innerText)"
            )
            assert [name for name in names if not LOOKING.search(name)] == [], place
            await clean(page)
