"""Mail that customers write, as our listener takes it in and the reading job reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.deployment import Deployment
from gateway.inbound.reading import Joined, StoredMail, Unmatched, read
from gateway.inbound.replies import join
from gateway.inbound.store import Envelope, InboundSource, store
from gateway.mail.message import MessageRef
from gateway.mail.tracking import reply_address
from gateway.settings import Settings
from tests.builders import KEYRING

REPLY_DOMAIN = "reply.example"
BOUNCE_DOMAIN = "bounce.example"
OFFICE = f"office@{REPLY_DOMAIN}"
OUR_SERVER = "mx.fabrikam.example"
"""Whose Authentication-Results are believed."""


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
    row = await connection.fetchrow("select * from inbound_mail where id = $1", made)
    return StoredMail(
        id=row["id"],
        received_at=row["received_at"],
        source=InboundSource.SMTP,
        envelope_sender=row["envelope_from"],
        envelope_recipient=row["envelope_to"],
        content_sha256=row["content_sha256"],
        size=row["size"],
    )


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
        stored = StoredMail(**{name: getattr(stored, name) for name in stored.__slots__} | {"received_at": received_at})
    return await read_and_join(connection, deployment, raw, stored, **said)


async def read_and_join(
    connection: Any, deployment: Deployment, raw: bytes, stored: StoredMail, **said: Any
) -> Joined | Unmatched:
    """What the reading job does with a stored mail, in one transaction."""
    reading = read(
        raw,
        null_sender=stored.envelope_sender == "",
        authserv_id=deployment.settings.authserv_id,
        allow_reserved=True,
    )
    async with connection.transaction():
        found = await join(connection, stored, reading, deployment=deployment, **said)
        if isinstance(found, Joined):
            await connection.execute(
                "update inbound_mail set read_at = now(), kind = $2, matched_by = $3, customer_id = $4, message_id = $5"
                " where id = $1",
                stored.id, reading.inbound.kind, found.matched_by, found.ref.customer_id, found.ref.message_id,
            )  # fmt: skip
    return found


async def settled_events(connection: Any, ref: MessageRef) -> list[dict[str, Any]]:
    """What settled a message."""
    rows = await connection.fetch(
        "select data from event where message_id = $1 and kind = 'SETTLED' order by id", ref.message_id
    )
    return [row["data"] for row in rows]
