"""Mail that comes back, on the page: replies with their text, bounces told apart from refusals, doubted reports."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.storage import content
from tests.browsing import World, looking
from tests.builders import insert, make_attempt, make_customer, make_message
from tests.looks import LOOKS, Look

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

HOSTILE = "Thursday suits me.\n\n<img src=x onerror=alert(1)> & <b>Ann</b>"
QUOTED = "On 23 Nov 2026, Fabrikam wrote:\n> Dear Ann,\n> is Thursday at nine fine?\n> Fabrikam Installers"
SKETCH = b"%PDF-1.7\nsketch"
WORDS = "host mx.customer.example[192.0.2.7] said: 550 5.1.1 <gus@customer.example>: User unknown in local table"


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """Customers whose mail came back: Ann answers, Gus's mail bounced, of Dora's a report is doubted."""

    ann: int
    gus: int
    dora: int


async def receive(database: Any, customer: int, subject: str, **said: Any) -> UUID:
    """A mail that was received; `answers` is the mail that it answers, `files` whether a file came with it."""
    answers, files = said.pop("answers", None), said.pop("files", False)
    raw = EmailMessage()
    raw.set_content(HOSTILE)
    raw.add_attachment(SKETCH, maintype="application", subtype="pdf", filename="Sketch of the rack.pdf")
    message = await make_message(
        database,
        customer,
        direction="RECEIVED",
        subject=subject,
        sender="ann@customer.example",
        answers_message_id=answers,
        content_sha256=await content.store(database, raw.as_bytes()),
        mail_date=datetime.now(UTC),
    )
    of = {"customer_id": customer, "message_id": message}
    usual = {"from_address": "ann@customer.example", "author": "CUSTOMER", "body": HOSTILE, "automatic": False}
    await insert(database, "received_mail", **of, **(usual | said))
    await insert(database, "event", **of, kind="RECEIVED", actor="customer", data={"matched_by": "TOKEN"})
    if files:
        values = {"name": "Sketch of the rack.pdf", "media_type": "application/pdf", "size": len(SKETCH), "part": 2}
        await insert(database, "message_attachment", **of, position=0, **values)
    if answers is not None:
        data = {"message": str(message), "automatic": False, "matched_by": "TOKEN"}
        about = {"customer_id": customer, "message_id": answers}
        await insert(database, "event", **about, kind="REPLIED", actor="customer", data=data)
    return message


async def sent(database: Any, customer: int, status: str, **values: Any) -> UUID:
    """A mail that the server took an hour ago."""
    before = datetime.now(UTC) - timedelta(hours=1)
    message = await make_message(
        database, customer, status=status, decided_at=before, sent_at=before, mail_date=before, **values
    )
    await make_attempt(database, customer, message, started_at=before, response="2.0.0 Ok: queued as 7F3")
    return message


async def report(database: Any, customer: int, message: UUID, *, verified: bool) -> None:
    """A report that this mail came back."""
    of = {"customer_id": customer, "message_id": message}
    event = await insert(database, "event", **of, kind="BOUNCED", actor="gateway")
    await insert(
        database,
        "delivery_report",
        **of,
        id=event["id"],
        recipient_no=0,
        action="FAILED",
        verified=verified,
        matched_by="TOKEN" if verified else "MESSAGE_ID",
        words=WORDS,
        status_code="5.1.1",
        reported_by="relay.fabrikam.example",
        host="mx.customer.example",
        cause="BAD_ADDRESS",
    )


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def came(world: World) -> Came:
    """Inserted into the ledger, as the gateway writes it."""
    database = world.database
    ann = await make_customer(database, name="Ann Answers", addresses=["ann@customer.example"])
    order = await sent(database, ann, "ACCEPTED", subject="Your appointment on Thursday")
    await receive(
        database, ann, "Re: Your appointment on Thursday", answers=order, files=True, from_name="Ann Answers",
        quoted=QUOTED, authentication="dkim=pass; dmarc=pass",
    )  # fmt: skip
    away = {"automatic": True, "author": "UNVERIFIED", "body": "I am away until Monday."}
    await receive(database, ann, "Out of office", **away)
    gus = await make_customer(database, name="Gus Gone", addresses=["gus@customer.example"])
    bounced = await sent(database, gus, "BOUNCED", subject="Your proposal", cause="BAD_ADDRESS", advice="Ask for it.")
    await report(database, gus, bounced, verified=True)
    refused = await make_message(database, gus, status="REFUSED", subject="Your receipt", cause="BAD_ADDRESS")
    await make_attempt(database, gus, refused, verdict="REFUSED", code=550, enhanced="5.1.1", response="No such user")
    dora = await make_customer(database, name="Dora Doubted", addresses=["dora@customer.example"])
    await report(database, dora, await sent(database, dora, "ACCEPTED", subject="Your order"), verified=False)
    return Came(ann=ann, gus=gus, dora=dora)


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: Browser, world: World, came: Came) -> AsyncIterator[Page]:
    """A signed-in page at desktop size in the light theme."""
    async with looking(browser, world) as opened:
        yield opened


def row(page: Page, text: str) -> Locator:
    return page.locator("#panel .block .row", has_text=text)


async def opened(page: Page, customer: int, text: str) -> Locator:
    """The details of the mail in this row."""
    await page.goto(f"/customers/Customer_{customer}/emails?tab=notes")
    await row(page, text).locator(".info-button").click()
    info = page.locator("dialog.info")
    await expect(info.locator(".info-subject")).to_be_visible()
    return info


async def test_a_reply_shows_who_wrote_what_and_to_what_it_is_the_answer(page: Page, came: Came) -> None:
    # Given a reply, marked in its row by its direction, an icon of its own, and nothing that a reader need not know
    info = await opened(page, came.ann, "Re: Your appointment")
    reply = row(page, "Re: Your appointment")
    await expect(reply.get_by_title("Received", exact=True)).to_be_visible()
    await expect(reply.locator(".mark")).to_have_count(0)
    await expect(row(page, "Out of office").locator(".mark")).to_have_text(["Automatic reply", "Unverified sender"])
    # Then its details say who wrote and what, as text: markup in it is shown and never run
    await expect(info.get_by_role("heading", name="Received from the customer")).to_be_visible()
    await expect(info.locator(".writer")).to_have_text(re.compile(r"Ann Answers <ann@customer\.example>\s*Verified"))
    text = info.locator(".letter > .letter-text")
    assert await text.inner_text() == HOSTILE
    assert await text.locator("*").count() == 0
    # And the quoted history is folded
    quoted = info.locator(".quoted .letter-text")
    await expect(quoted).to_be_hidden()
    await info.get_by_text("Show quoted text (4 lines)").click()
    await expect(quoted).to_be_visible()
    assert await quoted.inner_text() == QUOTED
    # And its file is downloaded
    async with page.expect_download() as downloading:
        await info.get_by_role("link", name="Sketch of the rack.pdf").click()
    download = await downloading.value
    assert download.suggested_filename == "Sketch of the rack.pdf"
    assert (await download.path()).read_bytes() == SKETCH
    # And what it answers is one click away, and leads back
    await info.get_by_role("button", name="Your appointment on Thursday").click()
    await expect(info.locator(".info-subject")).to_have_text("Your appointment on Thursday")
    await expect(info.locator(".timeline .what b")).to_have_text(["Queued", "Accepted", "Answered"])
    await info.locator(".timeline").get_by_role("button", name="Re: Your appointment on Thursday").click()
    await expect(info.locator(".writer")).to_be_visible()


async def test_bounced_later_is_told_apart_from_refused_at_once(page: Page, came: Came) -> None:
    info = await opened(page, came.gus, "Your proposal")
    # Given two red rows: one was refused, one came back
    await expect(row(page, "Your receipt").locator(".outcome")).to_contain_text("Refused: no such mailbox · 550")
    outcome = row(page, "Your proposal").locator(".outcome")
    await expect(outcome).to_contain_text("Bounced: no such mailbox · host mx.customer.example")
    # Then the details of the one that came back say who reported, with the report's words, beside the server's yes
    told = info.locator("section", has=page.get_by_role("heading", name="Bounced", exact=True))
    await expect(told.locator("pre")).to_have_text(WORDS)
    await expect(told.locator("figcaption")).to_contain_text(re.compile("reported by relay.fabrikam.example", re.I))
    await expect(told.locator("figcaption")).to_contain_text("refused by mx.customer.example · 5.1.1")
    await expect(info.locator(".timeline .what b")).to_have_text(
        ["Queued", "Accepted", "Bounced: a report said that it came back"]
    )


async def test_a_report_that_nothing_vouches_for_is_shown_as_such_and_can_be_believed(page: Page, came: Came) -> None:
    info = await opened(page, came.dora, "Your order")
    await expect(row(page, "Your order").locator(".outcome")).to_contain_text("Reported as bounced, not verified")
    # Given a mail that counts as sent, and a report that anybody could have written
    await expect(info.get_by_role("heading", name="Accepted by the mail server")).to_be_visible()
    await expect(info.locator("#report-heading .mark")).to_have_text("Not verified")
    # When a person believes it, then that is asked for once more
    await info.get_by_role("button", name="Believe the report").click()
    await expect(info.locator(".plan")).to_contain_text("its address may be suppressed")
    await expect(info.get_by_role("button", name="Count 1 message as bounced")).to_be_visible()


async def test_a_reply_reaches_a_page_that_is_open(page: Page, world: World, came: Came) -> None:
    # Given an open page
    await page.goto(f"/customers/Customer_{came.gus}/emails?tab=notes")
    await expect(row(page, "Your receipt")).to_be_visible()
    await expect(page.locator(".live")).to_have_text("Live")
    # When a reply comes
    async with world.database.transaction():
        message = await receive(world.database, came.gus, "Please use my new address")
        ref = MessageRef(customer_id=came.gus, message_id=message)
        await notify_change(world.database, ChangeKind.MESSAGE, [ref])
    # Then it stands there by itself
    await expect(row(page, "Please use my new address")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_received_mail_fits_every_screen(browser: Browser, world: World, came: Came, look: Look) -> None:
    async with looking(browser, world, phone=look.phone) as page:
        await look.apply(page)
        for customer, text in (
            (came.ann, "Re: Your appointment"),
            (came.gus, "Your proposal"),
            (came.dora, "Your order"),
        ):
            info = await opened(page, customer, text)
            for part in (info.locator(".info-body"), page.locator("#main")):
                assert await part.evaluate("each => each.scrollWidth <= each.clientWidth")
