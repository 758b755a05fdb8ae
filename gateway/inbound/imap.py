"""The mailbox of IMAP_URL, read for what comes back: for a firm that no mail server hands its mail to.

Nothing in the mailbox changes: people may go on using it. How far it was read stands in `imap_folder`, written in one
transaction with the mail. A folder whose UIDVALIDITY changed is read again from its start; what was stored before is
known by its bytes.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import asyncpg

from gateway.database import AWAY, QUERIES
from gateway.deployment import Deployment
from gateway.inbound.heartbeat import keep_noting
from gateway.inbound.imap_client import ImapClient, MailboxRefused, MailboxUnavailable, connect
from gateway.inbound.store import Envelope, InboundSource, store
from gateway.mail.received import Header, read_headers
from gateway.settings import ImapMailbox, Settings
from gateway.telemetry.metrics import IMAP_CONNECTED, IMAP_MAILS

log = logging.getLogger(__name__)

BATCH = 100
"""Mails whose sizes are asked for at once: their UIDs fit a command line, and a stop waits for no more."""
TRIES = 5
"""Of one mail that ends the connection or cannot be stored, before it is left behind: with the waits between them half
a minute, which a restart of the server does not outlast."""


class ImapOutcome(StrEnum):
    """What became of a mail of the folder. `LEFT`: it could not be fetched or stored."""

    STORED = "stored"
    REPEATED = "repeated"
    TOO_LARGE = "too_large"
    LEFT = "left"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """Seconds. `idle` is one IDLE, which must end before 29 minutes (RFC 2177) and before a router forgets the
    connection; `poll` the time between looks where the server has no IDLE; `first` to `longest` the waits after
    failures, each twice the one before; `refused` the wait after a refused login: servers lock out who repeats it."""

    idle: float = 540.0
    poll: float = 60.0
    first: float = 1.0
    longest: float = 300.0
    refused: float = 900.0


@dataclass(kw_only=True, slots=True)
class _Reader:
    """The reading of one folder, over many connections."""

    mailbox: ImapMailbox
    pool: asyncpg.Pool[asyncpg.Record]
    settings: Settings
    waits: Waits
    tls: ssl.SSLContext
    failures: int = 0
    """Connections that failed since the folder was last read to its end."""
    trying: int | None = None
    """The UID that is being fetched and stored."""
    tries: Counter[int] = field(default_factory=Counter)
    """Of that mail, since it first failed."""

    @property
    def name(self) -> str:
        """The folder's key in `imap_folder`."""
        return f"{self.mailbox.username}@{self.mailbox.host}:{self.mailbox.port}/{self.mailbox.folder}"


async def watch(
    mailbox: ImapMailbox,
    pool: asyncpg.Pool[asyncpg.Record],
    *,
    deployment: Deployment,
    stopping: asyncio.Event,
    jitter: Callable[[], float],
    waits: Waits | None = None,
) -> None:
    """Store what is in the mailbox and what comes, until `stopping` is set. No failure ends it.

    `jitter` returns numbers in [-1, 1]. The server is verified with the system's authorities, or SSL_CERT_FILE's.
    """
    reader = _Reader(
        mailbox=mailbox,
        pool=pool,
        settings=deployment.settings,
        waits=waits or Waits(),
        tls=ssl.create_default_context(),
    )
    IMAP_CONNECTED.set(0)
    while not stopping.is_set():
        wait = await _unless(stopping, _connection(reader))
        IMAP_CONNECTED.set(0)
        if wait is not None:
            await _unless(stopping, asyncio.sleep(wait * (1 + 0.2 * jitter())))


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`; None when it was stopped."""
    task, stop = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stop):
            each.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


async def _connection(reader: _Reader) -> float:
    """Read over one connection until it fails; returns the seconds to wait before the next."""
    try:
        await _read_folder(reader)
    except MailboxRefused as error:
        log.error(
            "the mailbox of IMAP_URL is not read: %s. Correct IMAP_URL; the next try is in %d minutes",
            error,
            reader.waits.refused // 60,
        )
        return reader.waits.refused
    except MailboxUnavailable as error:
        log.warning("the mailbox of IMAP_URL is not read for now: %s", error)
    except AWAY as error:
        reader.trying = None  # which is not the mail's fault
        log.warning("the mailbox of IMAP_URL is not read for now: PostgreSQL is away (%s)", type(error).__name__)
    except Exception:
        log.exception("reading the mailbox of IMAP_URL failed")
    if reader.trying is not None:
        reader.tries[reader.trying] += 1
        reader.trying = None
    reader.failures += 1
    return min(reader.waits.longest, reader.waits.first * 2.0 ** min(reader.failures - 1, 30))


async def _read_folder(reader: _Reader) -> None:
    """Read all that is new, then what comes."""
    async with connect(reader.mailbox, reader.tls) as client:
        folder = await client.open_folder(reader.mailbox.folder)
        last_uid = await _last_uid(reader, folder.uid_validity)
        IMAP_CONNECTED.set(1)
        noting = asyncio.create_task(keep_noting(reader.pool, [InboundSource.IMAP]))
        try:
            while True:
                arrivals = client.arrivals
                last_uid = await _read_new(reader, client, folder.uid_validity, last_uid)
                reader.failures = 0
                if client.arrivals == arrivals:
                    await _wait_for_mail(reader.waits, client)
        finally:
            noting.cancel()


async def _wait_for_mail(waits: Waits, client: ImapClient) -> None:
    if client.can_idle:
        await client.idle(waits.idle, client.arrivals)
    else:
        await asyncio.sleep(waits.poll)
        await client.check()


async def _last_uid(reader: _Reader, uid_validity: int) -> int:
    known = await QUERIES.imap_folder(reader.pool, name=reader.name)
    if known is None:
        return 0
    if known["uid_validity"] != uid_validity:
        log.warning("the folder of IMAP_URL was made anew (UIDVALIDITY): it is read again from its start")
        reader.tries.clear()
        return 0
    return int(known["last_uid"])


async def _read_new(reader: _Reader, client: ImapClient, uid_validity: int, last_uid: int) -> int:
    """Store what is above `last_uid`, in order; returns the last one's UID."""
    uids = await client.uids_from(last_uid + 1)
    step = BATCH if reader.failures == 0 else 1  # after a failure one by one, which shows the mail that is its cause
    for start in range(0, len(uids), step):
        batch = uids[start : start + step]
        reader.trying = batch[0]
        sizes = await client.sizes(batch) if reader.tries[batch[0]] < TRIES else {}
        for uid in batch:
            reader.trying = uid
            outcome = await _read_one(reader, client, uid_validity, uid, sizes.get(uid))
            if outcome is not None:
                IMAP_MAILS.labels(outcome).inc()
            last_uid = uid
            reader.trying = None
            reader.tries.clear()
    return last_uid


async def _read_one(
    reader: _Reader, client: ImapClient, uid_validity: int, uid: int, size: int | None
) -> ImapOutcome | None:
    """Store one mail, and that it was read; None when it is gone."""
    limit = reader.settings.inbound_max_bytes
    raw, outcome = None, None
    if reader.tries[uid] >= TRIES:
        outcome = ImapOutcome.LEFT
    elif size is not None and size > limit:
        outcome = ImapOutcome.TOO_LARGE
    elif size is not None:
        raw = await client.mail(uid, limit + 1)  # a server's idea of a size may be wrong
        if raw is not None and len(raw) > limit:
            raw, outcome = None, ImapOutcome.TOO_LARGE
    if outcome is not None:
        log.error("a mail in the folder of IMAP_URL is left there", extra={"fields": {"uid": uid, "why": outcome}})
    return await _note(reader, raw, uid_validity, uid) or outcome


async def _note(reader: _Reader, raw: bytes | None, uid_validity: int, uid: int) -> ImapOutcome | None:
    """Write the mail and how far the folder was read in one transaction."""
    outcome = None
    async with reader.pool.acquire() as connection, connection.transaction():
        if raw is not None:
            stored = await store(connection, raw, envelope(raw, reader.settings))
            outcome = ImapOutcome.REPEATED if stored is None else ImapOutcome.STORED
        await QUERIES.record_imap_folder(connection, name=reader.name, uid_validity=uid_validity, last_uid=uid)
    return outcome


# The envelope ----------------------------------------------------------------------------------------------------

_RECIPIENT_HEADERS = frozenset({"delivered-to", "x-original-to", "envelope-to"})
"""What mail servers write above a mail that they put into a mailbox."""
_MAX_HEADERS = 65_536
"""Octets: what the last server wrote stands at the top."""


def envelope(raw: bytes, settings: Settings) -> Envelope:
    """Returns how a mail came, as the headers of the last server tell. The recipient is the topmost that is under one
    of our domains; who forges one could as well have written to that address."""
    headers = read_headers(raw[:_MAX_HEADERS])
    ours = {settings.bounce_domain, settings.reply_domain} - {None}
    recipients = (_address(header) for header in headers if header.name in _RECIPIENT_HEADERS)
    senders = (_address(header) for header in headers if header.name == "return-path")
    return Envelope(
        source=InboundSource.IMAP,
        sender=next(senders, None),
        recipient=next((one for one in recipients if one and one.rpartition("@")[2].lower() in ours), None),
    )


_PATH = re.compile(r"<?\s*((?:[^\s<>\0]{1,250}@[^\s<>@\0]{1,250})?)\s*>?")


def _address(header: Header) -> str | None:
    """The one address of a header, '' for `<>`; None when it holds anything else."""
    found = _PATH.fullmatch(header.written.strip())
    return found[1] if found else None
