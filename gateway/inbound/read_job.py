"""The background job that reads received mail: takes it in the order in which it came, reads it, joins it to the
ledger.

A mail is taken for a while, which counts a try; all that is written about it is one transaction, in which it is locked
and still unread. So whatever dies, nothing is lost and nothing is written twice: what was taken is due again. A mail
whose reading fails MAX_TRIES times is listed as unreadable. The first try of a small mail is made here, every other in
a process of its own, so that one bad mail costs the others a second at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.joining import join_mail
from gateway.inbound.read_process import read_apart
from gateway.inbound.reading import Reading, ReadingOptions, StoredMail, Unmatched, load_rules, read
from gateway.inbound.reports import TooEarly
from gateway.inbound.store import InboundSource
from gateway.mail.inbound import InboundKind, MatchedBy, UnmatchedReason
from gateway.storage import content
from gateway.telemetry.metrics import INBOUND_READ

log = logging.getLogger(__name__)

BATCH = 50
"""Small mails taken at once: a tenth of a second's work, 6 MB at most."""
SMALL = 128 * 1024
"""Octets: what has more is read in a process of its own. Reports have some 5 KiB, replies without files some 30."""
INLINE = 16 * 1024
"""Octets of what is read on the event loop: a millisecond (measured); more is read in a thread."""
MAX_TRIES = 3
TAKEN_FOR = timedelta(minutes=2)
"""How long a mail belongs to the worker that took it: twice what the longest reading may take."""
AGAIN = timedelta(seconds=1)
"""Until the next try of a mail whose reading failed, and of one that came too early."""
LOCK_WAIT = timedelta(seconds=5)
"""For what a mail is about, while others change it: they take milliseconds, a person at a console any time."""
LATER = timedelta(seconds=30)
"""Until the next try of a mail that others were in the way of."""
IN_THE_WAY = (
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.QueryCanceledError,
    TimeoutError,
)
"""What says that others were in the way of one mail, and nothing of PostgreSQL as a whole or of the mail."""


@dataclass(slots=True)
class InboundReader:
    """Reads received mail on the connections that it is given, one batch a call.

    `put_back` holds mail that was taken when PostgreSQL went away: its try does not count.
    """

    deployment: Deployment
    put_back: set[UUID] = field(default_factory=set)

    async def read_small(self, connection: Connection) -> bool:
        """Read the next small mails; returns whether there were any."""
        return await self._read_next(connection, apart=False, limit=BATCH)

    async def read_apart(self, connection: Connection) -> bool:
        """Read the next mail that needs a process of its own; returns whether there was one."""
        return await self._read_next(connection, apart=True, limit=1)

    async def _read_next(self, connection: Connection, *, apart: bool, limit: int) -> bool:
        await self._return(connection)
        taken = await take(connection, apart=apart, limit=limit)
        if not taken:
            return False
        self.put_back.update(mail.stored.id for mail in taken)
        await asyncio.to_thread(load_rules)
        contents = await load_contents(connection, [mail.stored for mail in taken])
        for mail in taken:
            await self._read_one(connection, mail, contents[mail.stored.content_sha256], apart=apart)
            self.put_back.discard(mail.stored.id)
        return True

    async def _return(self, connection: Connection) -> None:
        if self.put_back:
            await QUERIES.put_back_unread_mail(connection, ids=list(self.put_back), wait=timedelta(0))
            self.put_back.clear()

    async def _read_one(self, connection: Connection, mail: Taken, encoded: Any, *, apart: bool) -> None:
        """Read one mail. Raises only what says that PostgreSQL is away: then the mail stays to be put back. What ails
        one mail, or is in its way, holds up no other."""
        stored = mail.stored
        try:
            reading = await read_stored(stored, encoded, self.deployment, apart=apart)
            await write(connection, stored, reading, self.deployment)
        except TooEarly:
            await QUERIES.put_back_unread_mail(connection, ids=[stored.id], wait=AGAIN)
        except IN_THE_WAY:
            await QUERIES.put_back_unread_mail(connection, ids=[stored.id], wait=LATER)
        except Exception as error:
            if is_away(error):
                raise
            log.warning("a received mail could not be read: %s", type(error).__name__, exc_info=True,
                        extra={"fields": {"inbound_mail": str(stored.id), "tries": mail.tries}})  # fmt: skip
            await _note_failure(connection, mail)


def is_away(error: Exception) -> bool:
    """Whether an error says that PostgreSQL is away. A value that asyncpg cannot send is one of its InterfaceErrors,
    and the mail's fault."""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A mail that is to be read, and for which time."""

    stored: StoredMail
    tries: int


async def take(connection: Connection, *, apart: bool, limit: int) -> list[Taken]:
    """Take the next unread mails, oldest first. What ended `MAX_TRIES` readings with their process is given up."""
    rows = [
        row
        async for row in QUERIES.take_unread_mail(connection, small=SMALL, apart=apart, limit=limit, lease=TAKEN_FOR)
    ]
    taken = [Taken(stored=stored_mail(row), tries=row["tries"]) for row in rows]
    for mail in taken:
        if mail.tries > MAX_TRIES:
            await _give_up(connection, mail.stored)
    return sorted((mail for mail in taken if mail.tries <= MAX_TRIES), key=lambda mail: mail.stored.id)


def stored_mail(row: Any) -> StoredMail:
    """A row of `inbound_mail` that still has its bytes."""
    return StoredMail(
        id=row["id"],
        received_at=row["received_at"],
        source=InboundSource(row["source"]),
        envelope_sender=row["envelope_from"],
        envelope_recipient=row["envelope_to"],
        content_sha256=row["content_sha256"],
        size=row["size"],
    )


async def read_again(connection: Connection, row: Any, deployment: Deployment) -> tuple[StoredMail, Reading]:
    """A row of `inbound_mail` that was read before, and what it says. What ended those who read it then is read apart
    again: it must not end the service. Raises ReadingFailed."""
    stored = stored_mail(row)
    await asyncio.to_thread(load_rules)
    contents = await load_contents(connection, [stored])
    apart = row["unmatched"] == UnmatchedReason.UNREADABLE
    return stored, await read_stored(stored, contents[stored.content_sha256], deployment, apart=apart)


async def load_contents(connection: Connection, stored: Sequence[StoredMail]) -> dict[bytes, Any]:
    """The stored bytes of these mails, still encoded, by their hashes."""
    hashes = list({mail.content_sha256 for mail in stored})
    return {row["sha256"]: row async for row in QUERIES.contents_by_sha256(connection, hashes=hashes)}


async def read_stored(stored: StoredMail, encoded: Any, deployment: Deployment, *, apart: bool = False) -> Reading:
    """Read a mail where its size allows: here, in a thread, or in a process of its own, which `apart` demands.
    `encoded` is its row of `load_contents`. Raises ReadingFailed."""
    settings = deployment.settings
    options = ReadingOptions(
        null_sender=stored.envelope_sender == "" if stored.envelope_sender is not None else None,
        authserv_id=settings.authserv_id,
        allow_reserved=settings.allow_reserved_domains,
    )
    small = stored.size <= INLINE
    raw = content.decode(encoded) if small else await asyncio.to_thread(content.decode, encoded)
    if apart or len(raw) > SMALL:
        return await read_apart(raw, options)
    return read(raw, **options) if small else await asyncio.to_thread(read, raw, **options)


async def write(connection: Connection, stored: StoredMail, reading: Reading, deployment: Deployment) -> bool:
    """Write all about one mail in one transaction; False when another has read it. Raises TooEarly."""
    async with connection.transaction():
        if await QUERIES.lock_unread_mail(connection, id=stored.id, wait=LOCK_WAIT) is None:
            return False
        found = await join_mail(connection, stored, reading, deployment)
    _count(reading.inbound.kind, found.reason if isinstance(found, Unmatched) else found.matched_by)
    return True


def _count(kind: InboundKind, match: MatchedBy | UnmatchedReason) -> None:
    INBOUND_READ.labels(kind.lower(), match.lower()).inc()


async def _note_failure(connection: Connection, mail: Taken) -> None:
    if mail.tries >= MAX_TRIES:
        await _give_up(connection, mail.stored)
    else:
        await QUERIES.put_off_unread_mail(connection, id=mail.stored.id, wait=AGAIN)


async def _give_up(connection: Connection, stored: StoredMail) -> None:
    """List a mail as unreadable: a person may look at it, and it is read again when the reader is better."""
    kind = InboundKind.BOUNCE if stored.envelope_sender == "" else InboundKind.REPLY
    async with connection.transaction():
        if await QUERIES.lock_unread_mail(connection, id=stored.id, wait=LOCK_WAIT) is None:
            return
        await QUERIES.finish_inbound_mail(
            connection,
            id=stored.id,
            kind=kind,
            unmatched=UnmatchedReason.UNREADABLE,
            matched_by=None,
            customer_id=None,
            message_id=None,
            from_address=stored.envelope_sender or None,
            subject=None,
            excerpt=None,
        )
    _count(kind, UnmatchedReason.UNREADABLE)
