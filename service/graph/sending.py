"""Mutations that send mail, and those that decide about one message: thin over the gateway's functions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.letter import (
    ANY_AMOUNT,
    ANY_WINDOW,
    CardLetter,
    CardMailKind,
    DocumentKind,
    ESignatureLetter,
    Letter,
    Mailbox,
    Money,
    Window,
    WorkOrderKind,
    WorkOrderLetter,
)
from gateway.mail.message import MessageRef
from gateway.outbox import actions, enqueue
from gateway.worklist.undoing import undo
from service.database import Connection
from service.graph.context import Context, Info
from service.graph.customer import Message
from service.graph.intent import Input
from service.graph.loaders import existing_row
from service.graph.node import read_message_id, read_typed_id
from service.graph.scalars import CurrencyCode
from service.graph.user_error import UserError


@strawberry.input(description="Somebody to copy.")
class MailboxInput:
    """RFC 5322 mailbox."""

    address: str = strawberry.field(description="Where the copy goes.")
    name: str | None = strawberry.field(default=None, description="A display name.")


@strawberry.input
class SendInput:
    """What the three sending inputs share."""

    customer_id: strawberry.ID = strawberry.field(description="Whom it is for: a Customer's id.")
    address: str | None = strawberry.field(
        default=None, description="One of the customer's addresses; the primary when omitted."
    )
    sender_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whom it is from: a Sender's id; DEFAULT_FROM when omitted."
    )
    cc: list[MailboxInput] | None = strawberry.field(default=None, description="Visible copies, up to 100 with BCC.")
    bcc: list[MailboxInput] | None = strawberry.field(default=None, description="Hidden copies, up to 100 with CC.")
    bcc_sender: bool = strawberry.field(default=False, description="Whether the sender gets a hidden copy, too.")
    attachment_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Files that POST /attachments took, 25 MB in all."
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.input(description="When somebody comes, in local time.")
class WindowInput:
    """Local times."""

    start: str = strawberry.field(
        description="Local: 2026-12-01T09:00. With its offset where clocks are put back and it comes twice."
    )
    end: str = strawberry.field(description="Local, as the start: 2026-12-01T11:00.")
    time_zone: str = strawberry.field(description="An IANA time zone, such as Europe/Berlin.")


@strawberry.input(description="An amount of money, exact.")
class MoneyInput:
    """ISO 4217."""

    amount: Decimal = strawberry.field(description='Above zero, with no more digits than the currency has: "12.50".')
    currency: CurrencyCode = strawberry.field(description="Of ISO 4217.")


@strawberry.input(description="A mail about a work order, with an .ics attached.")
class SendWorkOrderEmailInput(SendInput):
    """Makes a WorkOrderLetter."""

    kind: WorkOrderKind = strawberry.field(description="What happened.")
    number: str = strawberry.field(description="The work order's number.")
    type: str = strawberry.field(description="What is done, such as Installation.")
    window: WindowInput = strawberry.field(description="When somebody comes.")
    technician: str | None = strawberry.field(default=None, description="Who comes.")
    job_site_address: str | None = strawberry.field(default=None, description="Where.")
    notes: str | None = strawberry.field(default=None, description="Anything else, as plain text.")
    confirm_url: str | None = strawberry.field(default=None, description="Where the customer confirms.")
    sequence: int | None = strawberry.field(
        default=None, description="The .ics SEQUENCE (RFC 5545), if the caller keeps count; else it rises by time."
    )
    tracked: bool | None = strawberry.field(
        default=None, description="Whether opens and clicks are tracked; yes when omitted."
    )


@strawberry.input(description="A mail about a document to sign.")
class SendESignatureEmailInput(SendInput):
    """Makes an ESignatureLetter."""

    document_kind: DocumentKind = strawberry.field(description="What is to be signed.")
    title: str = strawberry.field(description="The document's title.")
    revision: str | None = strawberry.field(default=None, description="Its revision.")
    portal_url: str = strawberry.field(description="Where it is signed; never rewritten.")
    expires_at: datetime = strawberry.field(description="Until when it can be signed.")
    online_only: bool = strawberry.field(default=False, description="Whether the document is shown in the portal only.")
    subject: str | None = strawberry.field(default=None, description="A subject of its own.")
    body: str | None = strawberry.field(default=None, description="A text of its own.")
    tracked: bool | None = strawberry.field(
        default=None, description="Whether opens are tracked; no when omitted. The portal link never is."
    )


@strawberry.input(description="A mail about a card payment; never tracked.")
class SendCardProcessingEmailInput(SendInput):
    """Makes a CardLetter."""

    kind: CardMailKind = strawberry.field(description="What happened.")
    amount: MoneyInput = strawberry.field(description="How much.")
    invoice_number: str | None = strawberry.field(default=None, description="For which invoice.")
    card_brand: str | None = strawberry.field(default=None, description="The card's brand.")
    card_last_four: str | None = strawberry.field(default=None, description="The card's last four digits.")
    authorisation_code: str | None = strawberry.field(default=None, description="The bank's authorisation code.")
    portal_url: str | None = strawberry.field(default=None, description="Where to pay; required for PAYMENT_LINK.")
    note: str | None = strawberry.field(default=None, description="Anything else, as plain text.")


@strawberry.type(description="What came of a sending.")
class SendEmailPayload:
    """Either the message or the errors."""

    message: Message | None = strawberry.field(
        default=None, description="The message in the history; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was sent.")


@strawberry.input(description="One message.")
class MessageInput:
    """By its global id."""

    message_id: strawberry.ID = strawberry.field(description="A Message's id.")


@strawberry.type(description="What came of a decision about a message.")
class MessagePayload:
    """Either the message or the errors."""

    message: Message | None = strawberry.field(default=None, description="The message as it is now; null when refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def send_work_order_email(info: Info, input: Input[SendWorkOrderEmailInput]) -> SendEmailPayload:
    """It leaves before all other mail."""
    found, letter, window = RefusalCollector(), None, ANY_WINDOW
    with found.check():
        window = Window.parse(input.window.start, input.window.end, input.window.time_zone)
    with found.check():
        letter = WorkOrderLetter(
            kind=input.kind,
            number=input.number,
            type=input.type,
            window=window,
            technician=input.technician,
            job_site_address=input.job_site_address,
            notes=input.notes,
            confirm_url=input.confirm_url,
            sequence=input.sequence,
        )
    return await _send(info.context, input, letter if window is not ANY_WINDOW else None, input.tracked, found)


async def send_e_signature_email(info: Info, input: Input[SendESignatureEmailInput]) -> SendEmailPayload:
    """The portal's link stays as it is."""
    found, letter = RefusalCollector(), None
    with found.check():
        letter = ESignatureLetter(
            document_kind=input.document_kind,
            title=input.title,
            revision=input.revision,
            portal_url=input.portal_url,
            expires_at=input.expires_at,
            online_only=input.online_only,
            subject=input.subject,
            body=input.body,
        )
    return await _send(info.context, input, letter, input.tracked, found)


async def send_card_processing_email(info: Info, input: Input[SendCardProcessingEmailInput]) -> SendEmailPayload:
    """Never tracked."""
    found, letter, amount = RefusalCollector(), None, ANY_AMOUNT
    with found.check():
        amount = Money(amount=input.amount.amount, currency=input.amount.currency)
    with found.check():
        letter = CardLetter(
            kind=input.kind,
            amount=amount,
            invoice_number=input.invoice_number,
            card_brand=input.card_brand,
            card_last_four=input.card_last_four,
            authorisation_code=input.authorisation_code,
            portal_url=input.portal_url,
            note=input.note,
        )
    return await _send(info.context, input, letter if amount is not ANY_AMOUNT else None, False, found)


async def _send(
    context: Context, given: SendInput, letter: Letter | None, tracked: bool | None, found: RefusalCollector
) -> SendEmailPayload:
    """Queue a letter; without one, or where something else was refused, say all that is wrong."""
    customer_id, sender_id = None, None
    with found.check():
        customer_id = read_customer_id(given.customer_id, ("customerId",))
    with found.check():
        sender_id = read_sender_id(given.sender_id, ("senderId",))
    cc, bcc = _mailboxes(context, given.cc, "cc", found), _mailboxes(context, given.bcc, "bcc", found)
    attachment_ids = _attachments(given.attachment_ids or [], found)
    async with context.pools.writing_connection() as connection:
        if letter is None or customer_id is None or found.refusals:
            with found.check():
                enqueue.check_counts(given.idempotency_key, len(cc) + len(bcc) + given.bcc_sender, len(attachment_ids))
            parties = enqueue.Parties(
                customer_id=customer_id,
                address=given.address,
                sender_id=sender_id,
                attachment_ids=attachment_ids,
                letter=letter,
            )
            await enqueue.check_parties(connection, parties, context.deployment, found)
            found.raise_any()
            raise LookupError("a letter was refused without a refusal")
        request = enqueue.SendRequest(
            customer_id=customer_id,
            letter=letter,
            idempotency_key=given.idempotency_key,
            actor=context.actor,
            address=given.address,
            sender_id=sender_id,
            cc=cc,
            bcc=bcc,
            bcc_sender=given.bcc_sender,
            attachment_ids=attachment_ids,
            tracked=tracked,
            bound_relay=context.bound_relay,
        )
        enqueued = await enqueue.enqueue(connection, request, context.deployment)
    if not enqueued.repeated:
        await context.wakeup.notify()
    return SendEmailPayload(message=await written_message(context, enqueued.ref))


def read_customer_id(text: str, field: tuple[str, ...]) -> int:
    """A Customer's id. Raises Refusal NOT_FOUND."""
    found = read_typed_id(text, "Customer")
    if found is None or found.customer_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", field)
    return found.customer_id


def read_sender_id(text: str | None, field: tuple[str, ...]) -> UUID | None:
    """A Sender's id, or None for the default one. Raises Refusal NOT_FOUND."""
    return None if text is None else read_row_id(text, "Sender", field)


def read_row_id(text: str, kind: str, field: tuple[str, ...]) -> UUID:
    """The row of an id of this type. Raises Refusal NOT_FOUND."""
    found = read_typed_id(text, kind)
    if found is None or found.row_id is None:
        raise Refusal(RefusalCode.NOT_FOUND, f"There is no such {_as_words(kind)}.", field)
    return found.row_id


def read_number_id(text: str, kind: str, field: tuple[str, ...]) -> int:
    """The number of an id of this type. Raises Refusal NOT_FOUND."""
    found = read_typed_id(text, kind)
    if found is None or found.number is None:
        raise Refusal(RefusalCode.NOT_FOUND, f"There is no such {_as_words(kind).removeprefix('customer ')}.", field)
    return found.number


def _as_words(kind: str) -> str:
    """A type's name as prose: "unmatched mail"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def _mailboxes(
    context: Context, given: list[MailboxInput] | None, name: str, found: RefusalCollector
) -> tuple[Mailbox, ...]:
    allow, read = context.deployment.settings.allow_reserved_domains, list[Mailbox]()
    for number, one in enumerate(given or []):
        with found.check():
            read.append(Mailbox.parse(one.address, one.name, allow_reserved=allow, path=(name, str(number))))
    return tuple(read)


def _attachments(given: list[strawberry.ID], found: RefusalCollector) -> tuple[UUID, ...]:
    read = list[UUID]()
    for number, text in enumerate(given):
        with found.check():
            read.append(read_row_id(text, "Attachment", ("attachmentIds", str(number))))
    return tuple(read)


ToPresentAddress = Annotated[
    bool,
    strawberry.argument(
        description="To the customer's present primary address instead of the one it was for; the message keeps both in"
        " its history."
    ),
]


async def retry_message(
    info: Info, input: Input[MessageInput], to_present_address: ToPresentAddress = False
) -> MessagePayload:
    """Back to the queue, on record with who and when."""
    return await _decide(info.context, input, partial(actions.retry, to_present_address=to_present_address))


async def assume_sent(info: Info, input: Input[MessageInput]) -> MessagePayload:
    """UNCERTAIN becomes ACCEPTED, on record with who and when."""
    return await _decide(info.context, input, actions.assume_sent)


async def cancel_message(info: Info, input: Input[MessageInput]) -> MessagePayload:
    """Called back before it is sent, on record with who and when."""
    return await _decide(info.context, input, actions.cancel)


@strawberry.input(description="A decision to take back.")
class UndoDecisionInput:
    """By the message it is about."""

    message_id: strawberry.ID = strawberry.field(description="A Message's id.")


async def undo_decision(info: Info, input: Input[UndoDecisionInput]) -> MessagePayload:
    """On record, with who and when. Received mail that is nobody's again is no message any more."""
    context, ref = info.context, read_message_id(input.message_id)
    if ref is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    async with context.pools.writing_connection() as connection:
        shown = await undo(connection, ref, context.actor, context.deployment)
    return MessagePayload(message=None if shown is None else await written_message(context, shown))


async def _decide(
    context: Context,
    given: MessageInput,
    action: Callable[[Connection, MessageRef, str, Deployment], Awaitable[None]],
) -> MessagePayload:
    ref = read_message_id(given.message_id)
    if ref is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    async with context.pools.writing_connection() as connection:
        await action(connection, ref, context.actor, context.deployment)
    await context.wakeup.notify()
    return MessagePayload(message=await written_message(context, ref))


async def written_message(context: Context, ref: MessageRef) -> Message:
    """A message as it stands after a mutation: a replica may not have it yet."""
    loaders = context.reading_back().loaders
    return Message.of(await existing_row(loaders.messages, (ref.customer_id, ref.message_id)))
