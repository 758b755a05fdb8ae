"""Received mail stored as it came, before anybody is told that we have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.storage import content


class InboundSource(StrEnum):
    """The way by which a mail came. SQL: `inbound_source`."""

    SMTP = "SMTP"
    LMTP = "LMTP"
    HTTP = "HTTP"
    IMAP = "IMAP"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """How a mail came. `sender` is MAIL FROM, empty for the null sender; `recipient` the address of ours that it came
    to. None where the way does not tell."""

    source: InboundSource
    sender: str | None
    recipient: str | None


async def store(connection: Connection, raw: bytes, envelope: Envelope) -> UUID | None:
    """Store a mail in one transaction; returns its id, or None when the same bytes came to this recipient before.

    When this returns, the mail is on the disk: only then may it be acknowledged.
    """
    async with connection.transaction():
        sha256 = await content.store(connection, raw)
        stored: UUID | None = await QUERIES.insert_inbound_mail(
            connection,
            source=envelope.source,
            envelope_from=envelope.sender,
            envelope_to=envelope.recipient.lower() if envelope.recipient is not None else None,
            content_sha256=sha256,
            size=len(raw),
        )
        return stored
