"""A mailing, or a template that is not published, mailed to addresses of our own before it is sent: internal mail, in
no history and no count."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.campaigns.mailing_preview import Material, material
from gateway.campaigns.template_material import material_of_source
from gateway.compose import headers
from gateway.compose.campaign import compose_campaign
from gateway.compose.headers import Composed
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.mail.address import domain_of, parse_address
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.outbox.idempotency import check_key, digest_of, first_result, idempotency_conflict
from gateway.outbox.lanes import IndividualLane
from gateway.storage import content
from gateway.templates import versions
from gateway.templates.publishing import CompiledSource

MAX_ADDRESSES = 5
"""Addresses of one call: it is for those who made the mailing."""
DEADLINE = timedelta(hours=1)
"""Later nobody waits for a test mail."""
MARK = "[Test] "
"""What the subject of a test mail begins with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestOrder:
    """A mailing, or else a source, to be tried: with the data of a customer, or of the sample without one. A source is
    mailed as the sender's, else as DEFAULT_FROM's."""

    addresses: tuple[str, ...]
    idempotency_key: str
    actor: str
    mailing_id: int | None = None
    source: CompiledSource | None = None
    sender_id: UUID | None = None
    customer_id: int | None = None
    bound_relay: str | None = None

    @property
    def tried(self) -> dict[str, object]:
        """What tells it from other orders."""
        common: dict[str, object] = {"to": self.addresses, "customer": self.customer_id}
        if self.source is None:
            return {"test": self.mailing_id, **common}
        made_of = {"name": self.source.name, **self.source.source}
        return {"test": made_of, "sender": str(self.sender_id), **common}


@dataclass(frozen=True, kw_only=True, slots=True)
class TestMail:
    """One test mail. `answered`: a server said something of it, or it goes nowhere."""

    ref: MessageRef
    address: str
    answered: bool


async def send(
    connection: Connection, order: TestOrder, deployment: Deployment, *, misread: tuple[Refusal, ...] = ()
) -> UUID:
    """Queue a mail an address; one transaction. Returns by what `read` finds them; that of the first call where the key
    is known. Notify the workers after the commit. `misread`: what was wrong with the rest of the input, told with all
    that is wrong with the order.

    Raises Refusal or Refusals, having written nothing: NOT_FOUND, REQUIRED, TOO_MANY, TOO_LONG, INVALID,
    ADDRESS_INVALID, ADDRESS_RESERVED, SUPPRESSED, IDEMPOTENCY_CONFLICT, and TOO_MANY above the limit of a day.
    """
    found = RefusalCollector()
    with found.check():
        if misread:
            raise Refusals(misread)
    with found.check():
        check_key(order.idempotency_key)
    addresses = _read_addresses(order.addresses, deployment, found)
    async with connection.transaction():
        digest = digest_of(order.tried)
        if not found.refusals:
            first = await first_result(connection, order.idempotency_key, digest)
            if first is not None:
                return _first(first)
        made_of = None
        with found.check():
            made_of = await _material(connection, order, deployment)
            if made_of is None and not misread:
                await _refuse_unknown(connection, order)
        await _refuse_suppressed(connection, addresses, deployment, found)
        with found.check():
            await _refuse_above_limit(connection, len(addresses), deployment)
        found.raise_any()
        if made_of is None:
            raise LookupError("a test was refused without a refusal")
        return await _write(connection, order, list(addresses.values()), made_of, digest, deployment)


async def _material(connection: Connection, order: TestOrder, deployment: Deployment) -> Material | None:
    if order.source is not None:
        return await material_of_source(connection, order.source, order.sender_id, order.customer_id, deployment)
    return None if order.mailing_id is None else await material(connection, order.mailing_id, order.customer_id)


async def read(connection: Connection, first_message_id: UUID) -> list[TestMail]:
    """Returns the mails of one call, in the order of its addresses."""
    return [
        TestMail(
            ref=MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]),
            address=row["address"],
            answered=row["answered"],
        )
        async for row in QUERIES.test_mails_of_call(connection, first_message_id=first_message_id)
    ]


def _first(row: Any) -> UUID:
    if row["message_id"] is None:
        raise idempotency_conflict()
    return UUID(str(row["message_id"]))


# What is refused ---------------------------------------------------------------------------------------------------


def _read_addresses(given: Sequence[str], deployment: Deployment, found: RefusalCollector) -> dict[int, str]:
    """The addresses that can be read, by their places."""
    with found.check():
        if not given:
            raise Refusal(RefusalCode.REQUIRED, "Give an address to send the test to.", ("addresses",))
        if len(given) > MAX_ADDRESSES:
            raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ADDRESSES} addresses.", ("addresses",))
    read: dict[int, str] = {}
    allow = deployment.settings.allow_reserved_domains
    for place, text in enumerate(given[:MAX_ADDRESSES]):
        path = ("addresses", str(place))
        with found.check():
            address = parse_address(text, allow_reserved=allow, field=path).text
            if deployment.key_of(address) in {deployment.key_of(one) for one in read.values()}:
                raise Refusal(RefusalCode.INVALID, "This address is in the list twice.", path)
            read[place] = address
    return read


async def _refuse_unknown(connection: Connection, order: TestOrder) -> None:
    of_mailing = order.source is None
    if of_mailing and await QUERIES.mailing_to_preview(connection, mailing_id=order.mailing_id) is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such mailing.", ("mailingId",))
    raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer, or it was erased.", ("customerId",))


async def _refuse_suppressed(
    connection: Connection, addresses: Mapping[int, str], deployment: Deployment, found: RefusalCollector
) -> None:
    keys = {place: deployment.key_of(address) for place, address in addresses.items()}
    rows = QUERIES.suppressed_keys(connection, address_keys=list(keys.values()), campaign=True)
    suppressed = {row["address_key"] async for row in rows}
    for place, key in keys.items():
        with found.check():
            if key in suppressed:
                message = "This address is suppressed: nothing is mailed to it. Lift the suppression first."
                raise Refusal(RefusalCode.SUPPRESSED, message, ("addresses", str(place)))


async def _refuse_above_limit(connection: Connection, mails: int, deployment: Deployment) -> None:
    """Callers wait for each other from here on, so that the limit is kept."""
    await QUERIES.lock_test_mail(connection)
    limit = deployment.settings.test_emails_per_day
    made = int(await QUERIES.test_mail_of_a_day(connection))
    if made + mails > limit:
        message = (
            f"At most {limit} test mails in 24 hours (TEST_EMAILS_PER_DAY), and {made} were sent. Try again later."
        )
        raise Refusal(RefusalCode.TOO_MANY, message, ("addresses",))


# What is written ---------------------------------------------------------------------------------------------------


async def _write(
    connection: Connection,
    order: TestOrder,
    addresses: Sequence[str],
    made_of: Material,
    digest: bytes,
    deployment: Deployment,
) -> UUID:
    beside = await QUERIES.test_mail_beside(connection, customer_id=order.customer_id, mails=len(addresses))
    if beside is None:
        message = "There is no customer yet: a test mail is kept beside one. Make a customer first."
        raise Refusal(RefusalCode.CONFLICT, message, ("template",) if order.source else ("mailingId",))
    refs = [MessageRef(customer_id=beside["id"], message_id=one) for one in beside["message_ids"]]
    for place, (ref, address) in enumerate(zip(refs, addresses, strict=True)):
        composed = await asyncio.to_thread(compose_test, made_of, ref, address, beside["mail_date"], deployment)
        await _queue(connection, order, ref, address, composed, made_of, beside["mail_date"], deployment)
        await QUERIES.insert_test_email(
            connection,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            mailing_id=order.mailing_id,
            first_message_id=refs[0].message_id,
            place=place,
            actor=order.actor,
        )
    await QUERIES.insert_idempotency_key(
        connection,
        key=order.idempotency_key,
        input_sha256=digest,
        customer_id=refs[0].customer_id,
        message_id=refs[0].message_id,
        campaign_id=None,
    )
    return refs[0].message_id


def compose_test(
    made_of: Material, ref: MessageRef, address: str, mail_date: datetime, deployment: Deployment
) -> Composed:
    """The mail as a recipient would get it, but marked, its links untracked, and without a way back to us: replies go
    to the sender's own address. Its unsubscribe link is one of internal mail, which leads nowhere."""
    return compose_campaign(
        template=versions.marked(made_of.version, MARK),
        sender=made_of.sender,
        facts=made_of.facts(ref, Mailbox(address=address, name=None), mail_date, deployment, tracked=False),
        merge_data=made_of.shown_values,
        keyring=deployment.keyring,
    )


async def _queue(
    connection: Connection,
    order: TestOrder,
    ref: MessageRef,
    address: str,
    composed: Composed,
    made_of: Material,
    mail_date: datetime,
    deployment: Deployment,
) -> None:
    relay = made_of.bound_relay or order.bound_relay
    await QUERIES.insert_internal_message(
        connection,
        customer_id=ref.customer_id,
        id=ref.message_id,
        sender_version_id=made_of.sender.id,
        mail_date=mail_date,
        sender=made_of.sender.mailbox,
        recipient=address,
        subject=composed.subject,
        content_sha256=await content.store(connection, composed.content),
        composer_version=headers.COMPOSER_VERSION,
        bound_relay=relay,
    )
    await QUERIES.insert_outbox(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        lane=IndividualLane.INDIVIDUAL,
        expires_at=mail_date + DEADLINE,
        bound_relay=relay,
        recipient_nos=[0],
        addresses=[address],
        address_keys=[deployment.key_of(address)],
        domains=[domain_of(address)],
        attempts=[1],
        retry_once=False,
    )
