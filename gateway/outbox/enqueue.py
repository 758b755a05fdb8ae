"""Queues outgoing mail: one transaction writes the message, its recipients and their outbox rows. The caller notifies
the workers after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.compose import headers, individual, sender_profiles
from gateway.compose.sender_profiles import SenderVersion
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.mail.address import domain_of, parse_address, with_a_labels
from gateway.mail.letter import CardLetter, Letter, Mailbox, WorkOrderKind, WorkOrderLetter
from gateway.mail.message import CopyRole, EventKind, MessageRef, Status
from gateway.mail.source import SourceType
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.idempotency import check_key, digest_of, first_result, idempotency_conflict
from gateway.outbox.lanes import lane_of
from gateway.outbox.outcomes import GATEWAY, UNDELIVERED, WRONG_RELAY, HandOff, Undelivered
from gateway.storage import attachments, content
from gateway.templates import versions

MAX_COPIES = 100
"""RFC 5321 4.5.3.1.8: a server must take at least 100 recipients."""
MAX_ATTACHMENTS = 50
"""A letter with more is an archive; each costs a MIME part and a row."""

LIST_RULE = "its own rule"
"""Who added a member by whose mail a list grows (`customer_list.grows_on`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendRequest:
    """One letter to one customer. `address` must be one of the customer's; None means the primary one."""

    customer_id: int
    letter: Letter
    idempotency_key: str
    actor: str
    address: str | None = None
    sender_id: UUID | None = None
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    bcc_sender: bool = False
    attachment_ids: tuple[UUID, ...] = ()
    tracked: bool | None = None
    bound_relay: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """Where the letter is now. `repeated`: the idempotency key was used before, and this is its first result."""

    ref: MessageRef
    repeated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recipient:
    """One address of the message: number 0 is its To, the others are copies. `held` says why it must not be mailed."""

    number: int
    address: str
    key: bytes
    role: CopyRole | None = None
    name: str | None = None
    held: Undelivered | None = None

    @property
    def status(self) -> Status:
        return self.held.status if self.held else Status.QUEUED


async def enqueue(connection: Connection, request: SendRequest, deployment: Deployment) -> Enqueued:
    """Compose a letter and queue it; one transaction. Notify the workers after the commit.

    Raises Refusal or Refusals, having written nothing: NOT_FOUND, ERASED, ADDRESS_INVALID, IDEMPOTENCY_CONFLICT,
    DEADLINE_PASSED, ATTACHMENT_TOO_LARGE, TOO_MANY, and what letters and senders refuse. An address that is
    suppressed, or a relay that is not configured, is no refusal: the message is HELD and says why.
    """
    try:
        _check_request(request)
        return await _enqueue(connection, request, deployment)
    except (Refusal, Refusals) as first:
        refused = first
    await _refuse_all(connection, request, deployment, refused)
    raise refused


async def _enqueue(connection: Connection, request: SendRequest, deployment: Deployment) -> Enqueued:
    async with connection.transaction():
        attached = await attachments.find(connection, request.attachment_ids) if request.attachment_ids else []
        digest = input_digest(request, attached)
        first = await first_result(connection, request.idempotency_key, digest)
        if first is not None:
            return Enqueued(ref=_first_message(first), repeated=True)
        ref = await _make(connection, request, attached, deployment)
        if isinstance(request.letter, WorkOrderLetter):
            await QUERIES.grow_lists(connection, customer_id=ref.customer_id, kind=request.letter.kind, actor=LIST_RULE)
        await QUERIES.insert_idempotency_key(
            connection,
            key=request.idempotency_key,
            input_sha256=digest,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            campaign_id=None,
        )
        await notify_change(connection, ChangeKind.MESSAGE, [ref])
    return Enqueued(ref=ref, repeated=False)


def _first_message(row: Any) -> MessageRef:
    if row["message_id"] is None:
        raise idempotency_conflict()
    return MessageRef(customer_id=row["customer_id"], message_id=row["message_id"])


def input_digest(request: SendRequest, attached: Sequence[Any] = ()) -> bytes:
    """SHA-256 of the normalised input: the letter and whom it goes to, attachments by their content.

    Neither the key itself nor the caller's name counts: a retry by a colleague is still the same intent.
    """
    apart = ("idempotency_key", "actor", "bound_relay", "attachment_ids")
    value = {field.name: getattr(request, field.name) for field in fields(request) if field.name not in apart}
    value["attachments"] = [(row["sha256"].hex(), row["name"]) for row in attached]
    return digest_of(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parties:
    """What of a request only the ledger can say to be right: whom a letter is for and from, its files, its deadline.
    None where nothing that could be looked for was given."""

    customer_id: int | None
    address: str | None = None
    sender_id: UUID | None = None
    attachment_ids: tuple[UUID, ...] = ()
    letter: Letter | None = None


async def check_parties(
    connection: Connection, parties: Parties, deployment: Deployment, found: RefusalCollector
) -> None:
    """Collect what is wrong with these, beside what was refused before: NOT_FOUND, ERASED, ADDRESS_INVALID,
    ATTACHMENT_TOO_LARGE, DEADLINE_PASSED."""
    if parties.customer_id is not None:
        with found.check():
            await _whom(connection, parties.customer_id, parties.address, deployment)
    with found.check():
        await _profile(connection, parties.sender_id, deployment)
    if parties.attachment_ids:
        with found.check():
            await attachments.find(connection, parties.attachment_ids[:MAX_ATTACHMENTS])
    if parties.letter is not None:
        with found.check():
            _deadline(parties.letter, await QUERIES.database_time(connection), deployment)


async def _refuse_all(
    connection: Connection, request: SendRequest, deployment: Deployment, first: Refusal | Refusals
) -> None:
    """Raises Refusal or Refusals: the first one, and all else that is wrong with the request. A mail that is taken pays
    nothing for this."""
    found = RefusalCollector()
    with found.check():
        raise first
    if any(one.code is RefusalCode.IDEMPOTENCY_CONFLICT for one in found.refusals):
        raise first
    more = RefusalCollector()
    with more.check():
        _check_request(request)
    parties = Parties(
        customer_id=request.customer_id,
        address=request.address,
        sender_id=request.sender_id,
        attachment_ids=request.attachment_ids,
        letter=request.letter,
    )
    await check_parties(connection, parties, deployment, more)
    known = {(one.code, one.field) for one in found.refusals}
    for one in more.refusals:
        if (one.code, one.field) not in known:
            with found.check():
                raise one
    found.raise_any()


def _check_request(request: SendRequest) -> None:
    copies = len(request.cc) + len(request.bcc) + request.bcc_sender
    check_counts(request.idempotency_key, copies, len(request.attachment_ids))


def check_counts(key: str, copies: int, files: int) -> None:
    """Refuse a key that is none, and too many copies or files. Raises Refusal or Refusals."""
    found = RefusalCollector()
    with found.check():
        check_key(key)
    with found.check():
        if copies > MAX_COPIES:
            raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_COPIES} copies of one letter.", ("cc",))
    with found.check():
        if files > MAX_ATTACHMENTS:
            raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ATTACHMENTS} attachments.", ("attachmentIds",))
    found.raise_any()


async def _make(
    connection: Connection, request: SendRequest, attached: Sequence[Any], deployment: Deployment
) -> MessageRef:
    """Compose and write the message. Raises Refusal."""
    whom = await _whom(connection, request.customer_id, request.address, deployment)
    profile = await _profile(connection, request.sender_id, deployment)
    locale = whom["locale"] or profile.locale
    version = await versions.builtin_version(connection, request.letter, locale)
    ref = MessageRef(customer_id=request.customer_id, message_id=whom["message_id"])
    recipients = await _recipients(connection, request, whom, profile, deployment)
    expires_at = _deadline(request.letter, whom["mail_date"], deployment)
    composed = individual.compose(
        request.letter,
        template=version,
        sender=profile,
        facts=_facts(request, whom, ref, profile, deployment, sequence=await _sequence(connection, request)),
        keyring=deployment.keyring,
        attachments=await attachments.load_many(connection, request.attachment_ids) if attached else (),
    )
    sha256 = await content.store(connection, composed.content)
    await QUERIES.insert_message(
        connection,
        customer_id=ref.customer_id,
        id=ref.message_id,
        source_type=request.letter.source_type,
        status=recipients[0].status,
        template_version_id=version.id,
        sender_version_id=profile.id,
        letter_kind=request.letter.letter_kind,
        mail_date=whom["mail_date"],
        cause=recipients[0].held.cause if recipients[0].held else None,
        advice=recipients[0].held.advice if recipients[0].held else None,
        sender=profile.mailbox,
        recipient=recipients[0].address,
        recipient_name=whom["name"],
        subject=composed.subject,
        reference=request.letter.reference,
        content_sha256=sha256,
        composer_version=headers.COMPOSER_VERSION,
        token_key_id=None,
        tracked=is_tracked(request),
        bound_relay=request.bound_relay,
    )
    await _write_parts(connection, ref, request, attached, recipients)
    await _write_outbox(
        connection,
        ref,
        request,
        recipients,
        expires_at=expires_at,
        retry_once=request.letter.source_type in deployment.settings.retry_once,
    )
    return ref


async def _profile(connection: Connection, sender_id: UUID | None, deployment: Deployment) -> SenderVersion:
    return await sender_profiles.current(connection, sender_id, default_from=deployment.settings.default_from)


async def _whom(connection: Connection, customer_id: int, address: str | None, deployment: Deployment) -> Any:
    asked = None if address is None else with_a_labels(address)
    row = await QUERIES.facts_of_customer(connection, customer_id=customer_id, address=asked)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",))
    if row["erased"]:
        raise Refusal(RefusalCode.ERASED, "This customer was erased.", ("customerId",))
    if row["address"] is None and address is not None:
        raise Refusal(
            RefusalCode.ADDRESS_INVALID,
            "This is none of the customer's addresses: add it to the customer.",
            ("address",),
        )
    if row["address"] is None:
        raise Refusal(RefusalCode.ADDRESS_INVALID, "The customer has no address.", ("customerId",))
    parse_address(row["address"], allow_reserved=deployment.settings.allow_reserved_domains, field=("address",))
    return row


def _deadline(letter: Letter, now: datetime, deployment: Deployment) -> datetime:
    expires_at = letter.deadline(now, deployment.settings)
    if expires_at > now:
        return expires_at
    path = ("window", "start") if isinstance(letter, WorkOrderLetter) else ("expiresAt",)
    raise Refusal(RefusalCode.DEADLINE_PASSED, "This time has passed: the mail would come too late.", path)


def is_tracked(request: SendRequest) -> bool:
    """Card mail never; e-signature mail only when asked for; work orders unless asked not to."""
    if isinstance(request.letter, CardLetter):
        return False
    if request.tracked is not None:
        return request.tracked
    return request.letter.source_type is SourceType.WORK_ORDER


async def _recipients(
    connection: Connection, request: SendRequest, whom: Any, profile: SenderVersion, deployment: Deployment
) -> list[_Recipient]:
    """The To and its copies; an address gets one copy at most. A suppressed address is marked as held."""
    copies = [(CopyRole.CC, mailbox) for mailbox in request.cc] + [(CopyRole.BCC, mailbox) for mailbox in request.bcc]
    if request.bcc_sender:
        copies.append((CopyRole.BCC, Mailbox(address=profile.reply_to or profile.from_address)))
    listed: dict[bytes, tuple[str, CopyRole | None, str | None]] = {
        deployment.key_of(whom["address"]): (whom["address"], None, whom["name"])
    }
    for role, mailbox in copies:
        listed.setdefault(deployment.key_of(mailbox.address), (mailbox.address, role, mailbox.name))
    found = QUERIES.suppressed_keys(connection, address_keys=list(listed), campaign=False)
    suppressed = {row["address_key"] async for row in found}
    return [
        _Recipient(
            number=number,
            address=address,
            key=key,
            role=role,
            name=name,
            held=_held(request, key in suppressed, deployment),
        )
        for number, (key, (address, role, name)) in enumerate(listed.items())
    ]


def _held(request: SendRequest, suppressed: bool, deployment: Deployment) -> Undelivered | None:
    if request.bound_relay is not None and request.bound_relay not in deployment.relay_names:
        return WRONG_RELAY
    return UNDELIVERED[HandOff.SUPPRESSED] if suppressed else None


def _facts(
    request: SendRequest,
    whom: Any,
    ref: MessageRef,
    profile: SenderVersion,
    deployment: Deployment,
    *,
    sequence: int | None,
) -> headers.Facts:
    return headers.Facts(
        ref=ref,
        mail_date=whom["mail_date"],
        to=Mailbox(address=whom["address"], name=whom["name"]),
        cc=request.cc,
        customer_name=whom["name"],
        locale=whom["locale"] or profile.locale,
        time_zone=whom["time_zone"] or profile.time_zone,
        message_id_domain=profile.domain,
        public_url=deployment.settings.public_url,
        tracked=is_tracked(request),
        honeypot=deployment.settings.honeypot_link,
        bounce_domain=deployment.settings.bounce_domain,
        reply_domain=deployment.settings.reply_domain,
        sequence=sequence,
    )


async def _sequence(connection: Connection, request: SendRequest) -> int | None:
    """The .ics SEQUENCE of a work-order letter. Its row is locked until the letter is committed. Raises Refusal."""
    letter = request.letter
    if not isinstance(letter, WorkOrderLetter) or letter.kind is WorkOrderKind.COMPLETED:
        return None
    sequence = await QUERIES.next_sequence(
        connection, customer_id=request.customer_id, number=letter.number, counted=letter.sequence
    )
    if sequence is None:
        message = (
            "An earlier mail about this work order has a higher sequence, so calendars would ignore this one: "
            "give a higher one, or leave it out."
        )
        raise Refusal(RefusalCode.INVALID, message, ("sequence",))
    return int(sequence)


async def _write_parts(
    connection: Connection,
    ref: MessageRef,
    request: SendRequest,
    attached: Sequence[Any],
    recipients: Sequence[_Recipient],
) -> None:
    """Write copies, attachments, and an event for each recipient that is held."""
    keys = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    copies = [recipient for recipient in recipients if recipient.role is not None]
    if copies:
        await QUERIES.insert_copies(
            connection,
            **keys,
            recipient_nos=[copy.number for copy in copies],
            roles=[copy.role for copy in copies],
            addresses=[copy.address for copy in copies],
            names=[copy.name for copy in copies],
            statuses=[copy.status for copy in copies],
            causes=[copy.held.cause if copy.held else None for copy in copies],
            advices=[copy.held.advice if copy.held else None for copy in copies],
        )
    if attached:
        await QUERIES.insert_message_attachments(
            connection,
            **keys,
            positions=list(range(len(attached))),
            names=[row["name"] for row in attached],
            media_types=[row["media_type"] for row in attached],
            sizes=[row["size"] for row in attached],
            sha256s=[row["sha256"] for row in attached],
        )
        await QUERIES.reference_attachments(connection, ids=list(request.attachment_ids))
    for recipient in recipients:
        if recipient.held is not None:
            await QUERIES.insert_event(
                connection,
                **keys,
                recipient_no=recipient.number,
                kind=EventKind.HELD,
                actor=GATEWAY,
                data={"cause": recipient.held.cause},
            )


async def _write_outbox(
    connection: Connection,
    ref: MessageRef,
    request: SendRequest,
    recipients: Sequence[_Recipient],
    *,
    expires_at: datetime,
    retry_once: bool,
) -> None:
    due = [recipient for recipient in recipients if recipient.held is None]
    await QUERIES.insert_outbox(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        lane=lane_of(request.letter.source_type),
        expires_at=expires_at,
        bound_relay=request.bound_relay,
        recipient_nos=[recipient.number for recipient in due],
        addresses=[recipient.address for recipient in due],
        address_keys=[recipient.key for recipient in due],
        domains=[domain_of(recipient.address) for recipient in due],
        attempts=[1 for _ in due],
        retry_once=retry_once,
    )
