"""Mail that customers write, as our listener takes it in and the reading job reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from gateway.deployment import Deployment
from gateway.inbound.joining import join_mail, write_result
from gateway.inbound.read_job import stored_mail
from gateway.inbound.reading import Joined, StoredMail, Unmatched, read
from gateway.inbound.replies import join
from gateway.inbound.store import Envelope, InboundSource, store
from gateway.mail.message import MessageRef
from gateway.mail.tracking import reply_address
from gateway.settings import Settings
from tests.builders import KEYRING, make_customer, make_message

REPLY_DOMAIN = "reply.example"
BOUNCE_DOMAIN = "bounce.example"
OFFICE = f"office@{REPLY_DOMAIN}"
OUR_SERVER = "mx.fabrikam.example"
"""Whose Authentication-Results are believed."""
CARA = "cara@customer.example"
VERIFIED = f"{OUR_SERVER}; dmarc=pass header.from=customer.example"


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    """One that takes replies in."""
    return replying(settings)


@pytest.fixture
async def sent(connection: Any) -> MessageRef:
    """A work-order mail that Cara got."""
    return await make_sent(connection)


def replying(settings: Settings) -> Deployment:
    """A deployment that takes replies in."""
    own = {"reply_domain": REPLY_DOMAIN, "bounce_domain": BOUNCE_DOMAIN, "authserv_id": OUR_SERVER}
    return Deployment.open(settings.model_copy(update=own))


def token_address(ref: MessageRef) -> str:
    """Where replies to this message go."""
    return reply_address(KEYRING, REPLY_DOMAIN, ref)


def message_id(ref: MessageRef, domain: str = "fabrikam.example") -> str:
    """The message's Message-ID."""
    return f"<{ref.message_id.hex}.{ref.customer_id}@{domain}>"


def letter(
    from_: str | None = "Cara <cara@customer.example>", body: str = "Thursday suits me.", **headers: str
) -> bytes:
    """A mail; a header's name is written with underscores. `subject` and Message-ID are there."""
    usual = {"subject": "Re: Your appointment", "message_id": "<1@customer.example>"}
    named = ({"from": from_} if from_ else {}) | usual | headers
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"{head}\r\n{body}\r\n".encode()


async def taken_in(
    connection: Any, raw: bytes, *, to: str | None = OFFICE, mail_from: str | None = "cara@customer.example"
) -> StoredMail:
    """A mail that our listener took for one recipient."""
    envelope = Envelope(source=InboundSource.SMTP, sender=mail_from, recipient=to)
    made = await store(connection, raw, envelope)
    assert made is not None
    return stored_mail(await connection.fetchrow("select * from inbound_mail where id = $1", made))


async def receive(
    connection: Any,
    deployment: Deployment,
    raw: bytes,
    *,
    to: str | None = OFFICE,
    mail_from: str | None = "cara@customer.example",
    received_at: datetime | None = None,
    **said: Any,
) -> Joined | Unmatched:
    """Take a mail in, read it and join it. `said`: what a person says of it."""
    stored = await taken_in(connection, raw, to=to, mail_from=mail_from)
    if received_at is not None:
        await connection.execute("update inbound_mail set received_at = $2 where id = $1", stored.id, received_at)
        stored = replace(stored, received_at=received_at)
    return await read_and_join(connection, deployment, raw, stored, **said)


async def read_and_join(
    connection: Any, deployment: Deployment, raw: bytes, stored: StoredMail, **said: Any
) -> Joined | Unmatched:
    """What the reading job does with a stored mail, or where a person says something of it, what `assign` does."""
    reading = read(
        raw,
        null_sender=stored.envelope_sender == "",
        authserv_id=deployment.settings.authserv_id,
        allow_reserved=True,
    )
    async with connection.transaction():
        if not said:
            return await join_mail(connection, stored, reading, deployment)
        found = await join(connection, stored, reading, deployment=deployment, **said)
        await write_result(connection, stored, reading, found, deployment)
    return found


async def settled_events(connection: Any, ref: MessageRef) -> list[dict[str, Any]]:
    """What settled a message."""
    rows = await connection.fetch(
        "select data from event where message_id = $1 and kind = 'SETTLED' order by id", ref.message_id
    )
    return [row["data"] for row in rows]


async def make_sent(connection: Any, *, addresses: tuple[str, ...] = (CARA,), **values: Any) -> MessageRef:
    """A work-order mail of yesterday to a customer of its own, by default one of Cara's."""
    customer = await make_customer(connection, addresses=addresses)
    usual = {"status": "ACCEPTED", "recipient": addresses[0], "id": await _earlier(connection)}
    return MessageRef(customer_id=customer, message_id=await make_message(connection, customer, **(usual | values)))


async def _earlier(connection: Any) -> Any:
    return await connection.fetchval("select uuidv7(interval '-1 day')")


async def received(connection: Any) -> list[asyncpg.Record]:
    """Every received message with what it says, in the history's order."""
    found: list[asyncpg.Record] = await connection.fetch(
        "select m.*, r.from_address, r.from_name, r.author, r.body, r.quoted, r.cut, r.automatic, r.authentication,"
        " r.more_attachments, r.inbound_id from message m join received_mail r on r.message_id = m.id"
        " where m.direction = 'RECEIVED' order by m.id"
    )
    return found


async def events(connection: Any, ref: MessageRef) -> list[tuple[str, str]]:
    """What happened to a message, and by whom."""
    rows = await connection.fetch("select kind, actor from event where message_id = $1 order by id", ref.message_id)
    return [(row["kind"], row["actor"]) for row in rows]
