"""What a person or an answering machine wrote: it becomes a message in its customer's history."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.forwarding import forward
from gateway.inbound.origin import Origin, author_key, find_origin, given_origin
from gateway.inbound.reading import Joined, Reading, StoredMail, Unmatched
from gateway.inbound.reports import PATIENCE, TooEarly, record_event
from gateway.mail.correspondence import AuthorKind, Mailbox, author_kind
from gateway.mail.header_guard import without_unwritable
from gateway.mail.inbound import InboundKind, MatchedBy, UnmatchedReason
from gateway.mail.media_signature import is_seen_in_content
from gateway.mail.message import EventKind, MessageRef
from gateway.mail.received_attachments import ReceivedAttachment
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.engagement import Choice, note_choice
from gateway.outbox.outcomes import GATEWAY
from gateway.storage.attachments import UNKNOWN_TYPE

log = logging.getLogger(__name__)

VOUCHED = frozenset({MatchedBy.TOKEN, MatchedBy.PERSON})
"""Ways of finding a mail's message by which it is evidence: nobody else can make them."""

COPIES_WITHIN = timedelta(days=7)
"""How long after one copy of a mail another may come: what servers try for (RFC 5321 4.5.4.1), and a weekend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mail:
    """A mail to be joined: as it came, as it was read, whose it is, who decided that."""

    stored: StoredMail
    reading: Reading
    origin: Origin
    actor: str

    @property
    def automatic(self) -> bool:
        return self.reading.inbound.kind is InboundKind.AUTOMATIC

    @property
    def answers(self) -> UUID | None:
        return self.origin.answered.ref.message_id if self.origin.answered else None

    def author(self, *, has_address: bool) -> AuthorKind:
        """Who wrote it. `has_address`: whether From is an address of the customer's today."""
        written, answered = self.reading.correspondence.author, self.origin.answered
        return author_kind(
            is_customer=has_address or (answered is not None and answered.went_to_author),
            has_token=self.origin.matched_by in VOUCHED,
            verified=self.reading.authentication.verifies(written.address.domain if written else None),
        )


async def join(
    connection: Connection,
    stored: StoredMail,
    reading: Reading,
    *,
    deployment: Deployment,
    customer_id: int | None = None,
    answers: UUID | None = None,
    by: str | None = None,
) -> Joined | Unmatched:
    """Make a received mail a message of its customer; Unmatched where it is nobody's. Within the caller's transaction.
    What is joined already is only read anew.

    `customer_id`, `answers` (the message that it answers) and `by` (the person) are given where a person says whose it
    is. Else raises TooEarly while the mail that it answers with our token is being sent: what comes of that may be
    uncertain, and is settled by this.
    """
    known = await QUERIES.message_of_inbound_mail(connection, inbound_id=stored.id)
    if known is not None:
        return await _read_anew(connection, known, reading)
    if customer_id is None:
        origin = await find_origin(connection, stored, reading, deployment=deployment)
    else:
        origin = await given_origin(
            connection, reading, customer_id=customer_id, answers=answers, deployment=deployment
        )
    if isinstance(origin, Unmatched):
        return origin
    if origin.matched_by is MatchedBy.TOKEN and await _is_under_way(connection, stored, origin):
        raise TooEarly("The mail that this one answers is being sent: read it again later.")
    mail = _Mail(stored=stored, reading=reading, origin=origin, actor=by or GATEWAY)
    return await _join(connection, mail, deployment)


async def _is_under_way(connection: Connection, stored: StoredMail, origin: Origin) -> bool:
    return origin.answered is not None and await QUERIES.is_being_sent(
        connection,
        customer_id=origin.customer_id,
        message_id=origin.answered.ref.message_id,
        recipient_no=origin.recipient_no or 0,
        received_at=stored.received_at,
        patience=PATIENCE,
    )


async def _read_anew(connection: Connection, known: Any, reading: Reading) -> Joined:
    ref = MessageRef(customer_id=known["customer_id"], message_id=known["message_id"])
    await QUERIES.reread_received_mail(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        automatic=reading.inbound.kind is InboundKind.AUTOMATIC,
        **_text(reading),
    )
    return Joined(ref=ref, matched_by=MatchedBy(known["matched_by"]))


async def _join(connection: Connection, mail: _Mail, deployment: Deployment) -> Joined | Unmatched:
    customer_id = mail.origin.customer_id
    customer = await QUERIES.lock_customer_of_reply(
        connection, customer_id=customer_id, address_key=author_key(mail.reading.correspondence, deployment)
    )
    if customer is None:
        return Unmatched(reason=UnmatchedReason.UNKNOWN_SENDER)
    author = mail.author(has_address=customer["has_address"])
    if customer["erased"]:
        ref, is_new = await _insert_codes(connection, mail, author), True
    else:
        ref, is_new = await _insert_or_merge(connection, mail, author)
    if is_new and mail.origin.answered is not None:
        await _note_answer(connection, ref, mail)
    await _settle(connection, ref, mail)
    if not customer["erased"]:
        await _forward(connection, ref, mail, deployment)
    await notify_change(connection, ChangeKind.MESSAGE, _changed(ref, mail))
    return Joined(ref=ref, matched_by=mail.origin.matched_by)


async def _forward(connection: Connection, ref: MessageRef, mail: _Mail, deployment: Deployment) -> None:
    """Forward it to staff, once. What goes wrong there leaves the reply in the history."""
    try:
        async with connection.transaction():
            await forward(connection, ref, mail.stored, mail.reading, deployment=deployment)
    except AWAY:
        raise
    except Exception as error:
        # Its words may name persons, as PostgreSQL's do.
        fields = {"inbound_mail": str(mail.stored.id), "error": type(error).__name__}
        log.warning("a reply could not be forwarded", extra={"fields": fields})


def _changed(ref: MessageRef, mail: _Mail) -> list[MessageRef]:
    return [ref, mail.origin.answered.ref] if mail.origin.answered else [ref]


# Written once ----------------------------------------------------------------------------------------------------


async def _insert_or_merge(connection: Connection, mail: _Mail, author: AuthorKind) -> tuple[MessageRef, bool]:
    """Returns the mail's message, and whether that answers something that it did not before."""
    customer_id = mail.origin.customer_id
    copy = None
    if mail.reading.fingerprint is not None:
        copy = await QUERIES.copy_of_received_mail(
            connection,
            customer_id=customer_id,
            fingerprint=mail.reading.fingerprint,
            received_at=mail.stored.received_at,
            within=COPIES_WITHIN,
        )
    if copy is None:
        return await _insert(connection, mail, author), True
    before = AuthorKind(copy["author"])
    await QUERIES.vouch_for_received_mail(
        connection,
        customer_id=customer_id,
        message_id=copy["message_id"],
        author=author if before is AuthorKind.UNVERIFIED else before,
        answers=mail.answers,
    )
    ref = MessageRef(customer_id=customer_id, message_id=copy["message_id"])
    return ref, copy["answers_message_id"] is None


async def _insert(connection: Connection, mail: _Mail, author: AuthorKind) -> MessageRef:
    stored, reading = mail.stored, mail.reading
    writer, files = _writer(reading), reading.attachments
    ref = await _insert_message(
        connection,
        mail,
        sender=_shown(writer),
        recipient=_recipient(mail),
        subject=without_unwritable(reading.correspondence.subject),
        content_sha256=stored.content_sha256,
    )
    await QUERIES.insert_received_mail(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        inbound_id=stored.id,
        from_address=without_unwritable(writer.address.text) if writer else None,
        from_name=without_unwritable(writer.name) if writer and writer.name else None,
        author=author,
        automatic=mail.automatic,
        authentication=without_unwritable(reading.authentication.words or "") or None,
        more_attachments=files.more if files else 0,
        fingerprint=reading.fingerprint,
        **_text(reading),
    )
    if files is not None and files.listed:
        await _insert_files(connection, ref, files.listed)
    return ref


async def _insert_message(
    connection: Connection,
    mail: _Mail,
    *,
    sender: str | None = None,
    recipient: str | None = None,
    subject: str | None = None,
    content_sha256: bytes | None = None,
) -> MessageRef:
    """Write the message, and on record that it was received."""
    answered = mail.origin.answered
    made = await QUERIES.insert_received_message(
        connection,
        customer_id=mail.origin.customer_id,
        received_at=mail.stored.received_at,
        source_type=answered.source_type if answered else None,
        sender=sender,
        recipient=recipient,
        subject=subject,
        content_sha256=content_sha256,
        answers=mail.answers,
    )
    ref = MessageRef(customer_id=mail.origin.customer_id, message_id=made)
    data = {"matchedBy": mail.origin.matched_by}
    await record_event(connection, ref, 0, EventKind.RECEIVED, actor=mail.actor, data=data)
    return ref


async def _insert_files(connection: Connection, ref: MessageRef, files: tuple[ReceivedAttachment, ...]) -> None:
    await QUERIES.insert_received_attachments(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        positions=list(range(len(files))),
        names=[without_unwritable(file.name) for file in files],
        media_types=[media_type(file) for file in files],
        sizes=[file.size for file in files],
        parts=[file.number for file in files],
        sha256s=[bytes.fromhex(file.sha256) for file in files],
    )


def media_type(file: ReceivedAttachment) -> str:
    """Returns what a file's octets show; what its sender declares only where no octets would show that."""
    if file.found_type is not None:
        return file.found_type
    return UNKNOWN_TYPE if is_seen_in_content(file.declared_type) else file.declared_type


# Erased customers ------------------------------------------------------------------------------------------------


async def _insert_codes(connection: Connection, mail: _Mail, author: AuthorKind) -> MessageRef:
    """Write what an erased customer's history keeps of a mail: that it came, when, and what it answers. The mail itself
    goes with its row of `inbound_mail`."""
    ref = await _insert_message(connection, mail)
    await QUERIES.insert_received_mail(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        inbound_id=mail.stored.id,
        from_address=None,
        from_name=None,
        author=author,
        body="",
        quoted=None,
        cut=False,
        automatic=mail.automatic,
        authentication=None,
        more_attachments=0,
        fingerprint=None,
    )
    return ref


# What it says of the message that it answers ---------------------------------------------------------------------


async def _note_answer(connection: Connection, ref: MessageRef, mail: _Mail) -> None:
    if mail.origin.answered is not None:
        data = {"message": ref.message_id, "automatic": mail.automatic, "matchedBy": mail.origin.matched_by}
        answered, recipient_no = mail.origin.answered.ref, mail.origin.recipient_no or 0
        await record_event(connection, answered, recipient_no, EventKind.REPLIED, actor=mail.actor, data=data)
        if recipient_no == 0 and not mail.automatic:
            await note_choice(connection, answered, Choice.REPLIED)


async def _settle(connection: Connection, ref: MessageRef, mail: _Mail) -> None:
    """An answer proves that the mail arrived: also a machine's, which only a mail that arrived makes answer."""
    origin = mail.origin
    if origin.answered is None or origin.matched_by not in VOUCHED:
        return
    copy = origin.recipient_no is not None and origin.recipient_no > 0
    settle = QUERIES.settle_copy_by_reply if copy else QUERIES.settle_by_reply
    async for _ in settle(
        connection,
        customer_id=origin.customer_id,
        message_id=origin.answered.ref.message_id,
        recipient_no=origin.recipient_no,
        reply_id=ref.message_id,
        actor=mail.actor,
    ):
        pass


# Words, as PostgreSQL takes them ---------------------------------------------------------------------------------


def _text(reading: Reading) -> dict[str, Any]:
    reply = reading.reply
    if reply is None:
        return {"body": "", "quoted": None, "cut": False}
    return {
        "body": without_unwritable(reply.text),
        "quoted": without_unwritable(reply.history) or None,
        "cut": reply.cut,
    }


def _writer(reading: Reading) -> Mailbox | None:
    """Who is shown as the one who wrote: of several, the one who sent it (RFC 5322 3.6.2)."""
    written = reading.correspondence
    return written.author or written.sender or next(iter(written.from_), None)


def _shown(writer: Mailbox | None) -> str | None:
    if writer is None:
        return None
    address = writer.address.text
    return without_unwritable(f"{writer.name} <{address}>" if writer.name else address)


_LONGEST_PATH = 320
"""Characters of an address as it is shown: 64 and 255 octets, and the sign between (RFC 5321 4.5.3.1)."""


def _recipient(mail: _Mail) -> str | None:
    """The address that it came to; where its way does not tell, the first that its headers name."""
    named = mail.stored.envelope_recipient or next(iter(mail.reading.recipients), None)
    return without_unwritable(named[:_LONGEST_PATH]) if named else None
