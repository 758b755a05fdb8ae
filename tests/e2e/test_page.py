"""The walkthrough of the Emails page in a real browser, with mail that was really sent, opened and clicked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browsing import World, looking
from tests.smtp_server import Reply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

SUBJECT = "An hour for your system, Ann Lee"
TWO_ESCAPES = """() => {
  const info = document.querySelector("dialog.info");
  for (let pressed = 0; pressed < 2; pressed += 1) info.dispatchEvent(new Event("cancel", { cancelable: true }));
}"""
"""Two presses in one task: the second comes before the page has gone back."""
STAMP = re.compile(r"^\d{1,2} \w{3,4} \d{4}, \d{2}:\d{2}$")
SPARE_HEIGHT = "(frame) => frame.clientHeight - frame.contentDocument.body.getBoundingClientRect().bottom"
"""Pixels between the end of a frame's body and the end of the frame."""
BLUE, INK, PICK = "rgb(26, 79, 192)", "rgb(27, 29, 33)", "rgb(232, 233, 237)"
GREY, RED, AMBER = "rgb(86, 92, 102)", "rgb(179, 35, 27)", "rgb(133, 83, 0)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Customers:
    """Global ids of customers, by what happened to their mail."""

    ann: str
    gone: str
    full: str
    dee: str
    slow: str


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def customers(world: World) -> Customers:
    """Ann gets all kinds of mail and reads it; the others' mail is refused, deferred or uncertain."""
    ann = await world.customer("Ann Lee", "ann@customer.example", ref="ANN-1")
    gone = await world.customer("Gus Gone", "gone@customer.example")
    full = await world.customer("Flo Full", "full@customer.example")
    dee = await world.customer("Dee Dropped", "dee@customer.example")
    slow = await world.customer("Sal Slow", "slow@customer.example")
    await world.campaign(ann, gone)
    await world.arrived("ann@customer.example", SUBJECT)
    signature = await world.e_signature(ann, cc=[{"address": "partner@customer.example", "name": "Pat Lee"}])
    order = await world.work_order(ann, confirmUrl="https://portal.fabrikam.example/visits/7")
    receipt = await world.card(ann)
    for message in (signature, order, receipt):
        await world.settled(message, "ACCEPTED")
    await world.settled(await world.card(full), "REFUSED")
    await world.settled(await world.work_order(dee), "UNCERTAIN")
    await world.settled(await world.work_order(slow), "DEFERRED")
    await world.read("ann@customer.example", SUBJECT)
    await world.read("ann@customer.example", "Your appointment")
    return Customers(ann=ann, gone=gone, full=full, dee=dee, slow=slow)


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: Browser, world: World, customers: Customers) -> AsyncIterator[Page]:
    """A signed-in page at desktop size in the light theme."""
    async with looking(browser, world) as opened:
        yield opened


def row(page: Page, text: str) -> Locator:
    """Returns the row that shows this text."""
    return page.locator("#panel .block .row", has_text=text)


def tab(page: Page, name: str) -> Locator:
    """Returns the tab of this name."""
    return page.get_by_role("tab", name=name)


async def test_the_first_tab_shows_what_was_sent_when_and_that_it_was_opened(page: Page, customers: Customers) -> None:
    # Given the Emails page of the customer, by the CRM's own reference
    await page.goto("/customers/ANN-1/emails")
    # Then the first tab is shown, with a row a campaign mail: campaign and subject, sent, opened, info icon
    await expect(tab(page, "Campaign Emails Sent")).to_have_attribute("aria-selected", "true")
    await expect(page.get_by_role("columnheader")).to_have_text(["Campaign: Subject", "Sent", "Opened", "Details"])
    mail = row(page, SUBJECT)
    await expect(mail.locator(".subject")).to_have_text(f"Spring service 2027: {SUBJECT}")
    await expect(mail.locator(".when").nth(0)).to_have_text(STAMP)
    await expect(mail.locator(".when").nth(1)).to_have_text(STAMP)
    # And the icon is grey, with the status as text
    icon = mail.get_by_role("button", name=re.compile("Accepted by the mail server"))
    await expect(icon).to_have_css("color", GREY)
    await expect(icon).to_have_attribute("title", "Accepted by the mail server. Details")
    assert await mail.locator("svg circle").count() == 2, "a circle with an i"


async def test_a_row_filters_the_links_turns_blue_and_is_deselected_by_a_second_click(
    page: Page, customers: Customers
) -> None:
    await page.goto(f"/customers/{customers.ann}/emails")
    await expect(row(page, SUBJECT)).to_have_css("background-color", "rgb(255, 255, 255)")
    # When a row of the first tab is clicked
    await row(page, SUBJECT).click(position={"x": 500, "y": 15})
    # Then the second tab shows the links of that mail alone, and says so
    await expect(tab(page, "Links Clicked")).to_have_attribute("aria-selected", "true")
    await expect(tab(page, "Links Clicked")).to_be_focused()
    await expect(page.locator(".chip")).to_contain_text(f"Only links in {SUBJECT}")
    await expect(page.locator("#panel .block .row")).to_have_count(1)
    link = page.get_by_role("link", name="https://fabrikam.example/book?visit=spring")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(page.locator("#panel .block .row .about")).to_have_text(f"Spring service 2027: {SUBJECT}")
    await expect(page.locator("#panel .block .row .when")).to_have_text(STAMP)
    # When the first tab is shown again, the mail is blue, and marked by more than its colour
    await tab(page, "Campaign Emails Sent").click()
    name = row(page, SUBJECT).get_by_role("button", name=SUBJECT).first
    await expect(name).to_have_css("color", BLUE)
    await expect(name).to_have_attribute("aria-pressed", "true")
    await expect(row(page, SUBJECT)).to_have_css("background-color", PICK)
    await expect(name.locator(".tick")).to_be_visible()
    # When its subject is clicked again, it is black and the tab stays
    await name.click()
    await expect(name).to_have_css("color", INK)
    await expect(name).to_have_attribute("aria-pressed", "false")
    await expect(tab(page, "Campaign Emails Sent")).to_have_attribute("aria-selected", "true")
    # And the second tab shows every link of every mail again
    await tab(page, "Links Clicked").click()
    await expect(page.locator("#panel .block .row")).to_have_count(2)
    await expect(row(page, "https://portal.fabrikam.example/visits/7")).to_be_visible()
    assert "message=" not in page.url


async def test_the_filter_can_be_cleared_and_is_in_the_address(page: Page, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.ann}/emails")
    await row(page, SUBJECT).click()
    await expect(page.locator("#panel .block .row")).to_have_count(1)
    # Given the URL, another browser tab shows the same
    await page.reload()
    await expect(page.locator(".chip")).to_contain_text(SUBJECT)
    await expect(page.locator("#panel .block .row")).to_have_count(1)
    # When the filter is cleared
    await page.get_by_role("button", name="Show the links of all mail").click()
    # Then all links are there; and the back button brings the filter, then the first tab, back
    await expect(page.locator("#panel .block .row")).to_have_count(2)
    await page.go_back()
    await expect(page.locator("#panel .block .row")).to_have_count(1)
    await page.go_back()
    await expect(tab(page, "Campaign Emails Sent")).to_have_attribute("aria-selected", "true")
    assert page.url.endswith(f"/customers/{customers.ann}/emails")


async def test_connection_notes_show_every_mail_grey_or_blue(page: Page, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.ann}/emails?tab=notes")
    heads = ["Date/Time", "Send/Rcvd", "Connection Type", "Title", "Opened", "Details"]
    await expect(page.get_by_role("columnheader")).to_have_text(heads)
    await expect(page.locator("#panel .block .row")).to_have_count(4)
    # Then campaigns and work orders are grey, documents and card payments blue; each shows its type
    for title, kind, color in (
        (SUBJECT, "Marketing campaign", GREY),
        ("Your appointment", "Individual emailWork order", GREY),
        ("Home cinema", "Individual emailE-signature", BLUE),
        ("Receipt", "Individual emailCard processing", BLUE),
    ):
        note = row(page, title)
        await expect(note.locator(".open")).to_have_css("color", color)
        await expect(note.locator(".type")).to_have_text(kind)
        await expect(note.locator(".direction")).to_have_attribute("title", "Outgoing")
        await expect(note.locator(".when").first).to_have_text(STAMP)
    # And an opened mail shows when
    await expect(row(page, "Your appointment").locator(".when").nth(1)).to_have_text(STAMP)
    assert await page.locator("#panel .block .outcome").count() == 0, "what went well says no more"


async def test_a_connection_note_opens_its_links_and_is_deselected_by_a_second_click(
    page: Page, customers: Customers
) -> None:
    await page.goto(f"/customers/{customers.ann}/emails?tab=notes")
    await row(page, "Your appointment").click()
    await expect(tab(page, "Links Clicked")).to_have_attribute("aria-selected", "true")
    await expect(page.locator("#panel .block .row .url")).to_contain_text("https://portal.fabrikam.example/visits/7")
    await tab(page, "Connection Notes").click()
    name = row(page, "Your appointment").locator(".open")
    # Selected by ground, tick and weight: blue is card and signature mail here
    await expect(row(page, "Your appointment")).to_have_css("background-color", PICK)
    await expect(name.locator(".tick")).to_be_visible()
    await expect(name).to_have_css("color", GREY)
    await name.click()
    await expect(row(page, "Your appointment")).not_to_have_css("background-color", PICK)
    await expect(name).to_have_css("color", GREY)
    await expect(page).to_have_url(re.compile(r"tab=notes$"))
    assert await name.get_attribute("aria-pressed") == "false"


async def test_a_red_icon_has_the_cause_in_the_row_and_the_response_in_the_popover(
    page: Page, customers: Customers
) -> None:
    await page.goto(f"/customers/{customers.gone}/emails")
    mail = row(page, "An hour for your system, Gus Gone")
    # Then the row itself shows the cause, without a click
    await expect(mail.locator(".outcome")).to_contain_text("Refused: no such mailbox")
    await expect(mail.locator(".outcome")).to_contain_text("550 5.1.1 User unknown in virtual mailbox table")
    await expect(mail.locator(".when").first).to_contain_text("Not sent")
    # When the red icon is clicked
    icon = mail.get_by_role("button", name=re.compile("^Refused by the mail server. Details"))
    await expect(icon).to_have_css("color", RED)
    await icon.click()
    # Then the popover explains it, with advice and the server's whole response
    info = page.get_by_role("dialog", name="Refused by the mail server")
    await expect(info.locator(".why")).to_contain_text("No such mailbox. The address has a typo or no longer exists.")
    said = "550 5.1.1 <gone@customer.example>: User unknown in virtual mailbox table"
    await expect(info.locator(".answer-whole pre")).to_have_text(said)
    await expect(info.locator(".timeline .what").first).to_contain_text("Queued")
    await expect(info.locator(".timeline .what").nth(1)).to_contain_text("Refused: no such mailbox")
    await expect(info.locator(".timeline pre").first).to_have_text(said)
    await expect(info.get_by_text("gone@customer.example", exact=True)).to_be_visible()
    await expect(info.get_by_text("Fabrikam Installers <hello@fabrikam.example>")).to_be_visible()
    suppressed = info.locator(".timeline li", has_text="Address put on the suppression list")
    await expect(suppressed.locator(".detail dd")).to_have_text("no such mailbox")
    # And times are in the reader's zone, with UTC beside
    time = info.locator(".facts-of-mail time").first
    await expect(time).to_contain_text(re.compile(r"GMT-[45]|E[SD]T"))
    await expect(time).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    # And the template is shown with sample data, in a sandboxed frame
    await info.get_by_role("tab", name="Content").click()
    await info.get_by_role("button", name="Template").click()
    frame = info.locator("iframe")
    await expect(frame).to_have_attribute("sandbox", "allow-same-origin")
    await expect(frame.content_frame.get_by_role("heading", name="Spring service")).to_be_visible()
    await expect(frame.content_frame.locator("body")).not_to_contain_text("Gus Gone")
    # As high as its content, without a scroll bar of its own
    assert 0 <= await frame.evaluate(SPARE_HEIGHT) < 40
    await info.get_by_role("button", name="Text").click()
    await expect(info.locator(".content-text")).to_contain_text("book an hour")
    # When it is closed by two Escapes, then the focus is where it was, and Back does not open the popover again
    await page.evaluate(TWO_ESCAPES)
    await expect(info).to_be_hidden()
    await expect(icon).to_be_focused()
    assert "info=" not in page.url
    await page.go_back()
    assert page.url == "about:blank"


async def test_the_popover_moves_from_mail_to_mail_and_is_in_the_address(page: Page, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.ann}/emails?tab=notes")
    await row(page, "Receipt").locator(".info-button").click()
    info = page.locator("dialog.info")
    await expect(info.locator(".info-subject")).to_contain_text("Receipt")
    await info.get_by_role("button", name="Older message").click()
    await expect(info.locator(".info-subject")).to_contain_text("Your appointment")
    await info.get_by_role("button", name="Older message").click()
    # Then the copies have outcomes of their own
    await expect(info.locator(".copies")).to_contain_text("Pat Lee <partner@customer.example>")
    await expect(info.locator(".copies")).to_contain_text("Accepted by the mail server")
    await expect(info.locator(".timeline li")).to_have_count(3)
    # And the URL opens the same popover elsewhere
    await page.reload()
    await expect(info.locator(".info-subject")).to_contain_text("Home cinema")
    await info.get_by_role("button", name="Close").click()
    await expect(page).to_have_url(re.compile(r"tab=notes$"))
    await expect(info).to_be_hidden()
    assert "info=" not in page.url


async def test_waiting_mail_is_amber_and_shows_what_it_waits_for(page: Page, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.slow}/emails?tab=notes")
    note = row(page, "Your appointment")
    await expect(note.locator(".outcome b")).to_have_text("Delayed: the receiver asks newcomers to come back later")
    await expect(note.locator(".outcome b")).to_have_css("color", AMBER)
    await expect(note.locator(".outcome")).to_contain_text("next try in")
    await note.locator(".info-button").click()
    info = page.get_by_role("dialog", name="Delayed: it will be tried again")
    await expect(info.locator(".waits")).to_have_text(re.compile(r"^\s*Next try in \d minutes?: "))
    assert await info.locator(".answer-whole b").inner_text() == "450"


async def test_a_refused_mail_is_retried_after_confirmation(page: Page, world: World, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.full}/emails?tab=notes")
    note = row(page, "Receipt")
    await expect(note.locator(".outcome")).to_contain_text(
        "Refused: the mailbox is full · 552 5.2.2 Mailbox size limit exceeded"
    )
    # Given that the customer's mailbox has space again
    world.replies["full@customer.example"] = Reply(250, "2.1.5 Ok")
    await note.locator(".info-button").click()
    info = page.locator("dialog.info")
    # When a retry is asked for, not confirmed, and asked for again
    await info.get_by_role("button", name="Retry").click()
    await expect(info.get_by_role("button", name="Retry 1 message")).to_be_focused()
    await page.keyboard.press("Escape")
    await info.get_by_role("button", name="Retry").click()
    await expect(info.get_by_role("region", name="Retry this message")).to_be_visible()
    await expect(info.get_by_role("button", name="Retry 1 message")).to_be_focused()
    await page.keyboard.press("Enter")
    # Then it is sent; the popover and the row show that, and who asked for it
    await expect(info.get_by_role("heading", name="Accepted by the mail server")).to_be_visible()
    await expect(info.locator(".timeline")).to_contain_text("Retry asked for by")
    await expect(info.locator(".timeline li")).to_have_count(4)
    await info.get_by_role("button", name="Close").click()
    await expect(note.get_by_role("button", name=re.compile("Accepted by the mail server"))).to_be_visible()
    await expect(note.locator(".outcome")).to_have_count(0)
    assert "Receipt" in await world.arrived("full@customer.example", "Receipt")


async def test_an_uncertain_mail_is_assumed_sent_by_a_person(page: Page, customers: Customers) -> None:
    await page.goto(f"/customers/{customers.dee}/emails?tab=notes")
    note = row(page, "Your appointment")
    await expect(note.locator(".outcome b")).to_contain_text("Uncertain")
    await note.locator(".info-button").click()
    info = page.get_by_role("dialog", name="Uncertain: no answer after the message had left")
    uncertain = info.locator(".timeline li", has_text="Uncertain from here on")
    await expect(uncertain.locator(".detail dd").first).to_have_text("the connection broke")
    await info.get_by_role("button", name="Retry").click()
    await expect(info.get_by_text("the customer may get it twice")).to_be_visible()
    await info.get_by_role("button", name="Back").click()
    await info.get_by_role("button", name="Assume sent").click()
    done = page.locator("dialog.info")
    await expect(done.get_by_role("heading", name="Accepted by the mail server")).to_be_visible()
    await expect(done.locator(".timeline")).to_contain_text("Assumed sent by")
    assert await done.get_by_role("button", name="Assume sent").count() == 0


async def test_new_mail_appears_by_itself(page: Page, world: World, customers: Customers) -> None:
    customer = await world.customer("Liv Live", "liv@customer.example")
    await page.goto(f"/customers/{customer}/emails?tab=notes")
    await expect(page.get_by_role("heading", name="No mail yet")).to_be_visible()
    # When a mail is sent to the customer while the page is open
    await world.card(customer)
    # Then it appears, and its icon turns grey when the server has accepted it
    await expect(row(page, "Receipt")).to_be_visible()
    await expect(
        row(page, "Receipt").get_by_role("button", name=re.compile("Accepted by the mail server"))
    ).to_be_visible()
    # And the next one goes on top
    await world.work_order(customer)
    await expect(page.locator("#panel .block .row .subject").first).to_contain_text("Your appointment")
    assert await page.locator("#panel .block .row").count() == 2


async def test_clicks_of_machines_are_distinguished(page: Page, world: World, customers: Customers) -> None:
    customer = await world.customer("Max Machine", "max@customer.example")
    order = await world.work_order(customer, confirmUrl="https://portal.fabrikam.example/visits/9")
    await world.settled(order, "ACCEPTED")
    key = {"customer_id": int(customer.removeprefix("Customer_"))}
    await world.database.execute(
        "insert into hit (customer_id, message_id, kind, url, verdict, reasons, rules_version)"
        " select $1, m.id, 'CLICK', 'https://portal.fabrikam.example/visits/9', 'MACHINE',"
        " array['SCANNER_AGENT', 'LINK_BURST']::hit_reason[], 1 from message m where m.customer_id = $1",
        key["customer_id"],
    )
    await page.goto(f"/customers/{customer}/emails?tab=clicks")
    await expect(page.get_by_role("heading", name="No links clicked yet")).to_be_visible()
    await page.get_by_role("switch", name="Include machines").check()
    judged = page.locator(".hit-verdict")
    await expect(judged).to_have_text(
        "Machine · its user agent is a known scanner's; several links of the mail within moments"
    )
    await expect(page).to_have_url(re.compile("machines"))
    assert await page.locator("#panel .block .row").count() == 1
