"""Received mail stored as it came, before anybody is told that we have it."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A mail as it came, and how: once for each of its recipients."""

    raw: bytes
    envelopes: tuple[Envelope, ...]


async def store(connection: Connection, raw: bytes, envelope: Envelope) -> UUID | None:
    """Store a mail in one transaction; returns its id, or None when the same bytes came to this recipient before.

    When this returns, the mail is on the disk: only then may it be acknowledged.
    """
    new = await store_all(connection, [Received(raw=raw, envelopes=(envelope,))])
    return new[0] if new else None


async def store_all(connection: Connection, mails: Sequence[Received]) -> list[UUID]:
    """Store several in one transaction, each as `store` does for each of its recipients: all of them or none. Returns
    the ids of those that are new."""
    async with connection.transaction():
        hashes = await content.store_all(connection, [mail.raw for mail in mails])
        rows = [
            (envelope, sha256, len(mail.raw))
            for mail, sha256 in zip(mails, hashes, strict=True)
            for envelope in mail.envelopes
        ]
        # In one order, for the same reason as their contents.
        rows.sort(key=lambda row: (row[1], row[0].recipient or ""))
        new = QUERIES.insert_inbound_mails(
            connection,
            sources=[envelope.source for envelope, _, _ in rows],
            envelope_froms=[envelope.sender for envelope, _, _ in rows],
            envelope_tos=[_small(envelope.recipient) for envelope, _, _ in rows],
            content_sha256s=[sha256 for _, sha256, _ in rows],
            sizes=[size for _, _, size in rows],
        )
        return [row["id"] async for row in new]


def _small(recipient: str | None) -> str | None:
    return recipient.lower() if recipient is not None else None
