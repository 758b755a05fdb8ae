"""DNS is asked daily about the senders in use, so that one whose mail will be refused is known before it is.

DNS may be silent for as long as it likes: while it is asked, no connection to the database is held, and no other job
waits.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.campaigns.dns_lookup import DnsLookup, NoResolver
from gateway.campaigns.sender_check import SECONDS, WITHOUT_RESOLVER, SenderCheck, check_sender
from gateway.database import QUERIES, Connection
from gateway.settings import Settings

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(hours=24)
"""Between two checks of a sender that is ready."""
SOONER = timedelta(hours=1)
"""Between two checks of one that is not, or not known to be: it is off the worklist soon after DNS was mended. And
between two looks whether one that is not used is used by now."""
ASKING = timedelta(seconds=SECONDS * 3)
"""How long a worker may ask about a domain; one that is gone holds up the checks no longer."""
LOOKED_AT = 100
"""Senders looked at in one run: people make them, a few each day."""
LAUNCHED_WITHIN = timedelta(days=30)
"""A sender of a campaign that was launched so recently is in use."""
NEWEST_MAILS = 500
"""The newest mails of each source type that tell which senders are in use: some 1,500 rows of an index."""
_LOCK = 0x53454E44_444E53
"""Of pg_advisory_xact_lock: "SENDDNS"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A domain about which DNS is asked, and the senders whose mail is from it."""

    domain: str
    sender_ids: tuple[UUID, ...]


class SenderChecks:
    """The background job: each run takes the answer of the one before, if there is one, and asks about another domain;
    it waits for nothing. One domain at a time over all workers."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._basis = _basis(settings)
        self._asked: tuple[_Asked, asyncio.Task[SenderCheck]] | None = None
        self._said = False

    async def run(self, connection: Connection) -> bool:
        """Do one step. Returns whether there is more to do at once."""
        if self._asked is not None:
            return await self._take_answer(connection, *self._asked)
        asked = await self._choose(connection)
        if asked is None:
            return False
        self._say_without_resolver()
        checking = check_sender(asked.sender_ids[0], asked.domain, self._settings, now=self._clock())
        self._asked = asked, asyncio.create_task(checking, name="asking DNS about a sender")
        return False

    async def settled(self) -> None:
        """Wait until DNS has answered what was asked, if anything was."""
        if self._asked is not None:
            await asyncio.wait([self._asked[1]])

    async def _choose(self, connection: Connection) -> _Asked | None:
        """The domain of the sender in use that is due longest, with all due senders of it; they are this worker's."""
        now = self._clock()
        async with connection.transaction():
            await QUERIES.lock_sender_dns(connection, lock=_LOCK)
            found = QUERIES.senders_to_look_at(
                connection,
                settings=self._basis,
                now=now,
                limit=LOOKED_AT,
                within=LAUNCHED_WITHIN,
                newest=NEWEST_MAILS,
            )
            rows = [row async for row in found]
            domain = next((row["domain"] for row in rows if row["in_use"]), None)
            noted = [row for row in rows if not row["in_use"] or row["domain"] == domain]
            if noted:
                await self._note(connection, noted, now)
        if domain is None:
            return None
        ids = tuple(row["id"] for row in noted if row["in_use"])
        return _Asked(domain=domain, sender_ids=ids)

    async def _note(self, connection: Connection, rows: Sequence[Any], now: datetime) -> None:
        await QUERIES.note_senders(
            connection,
            settings=self._basis,
            sender_ids=[row["id"] for row in rows],
            domains=[row["domain"] for row in rows],
            in_use=[row["in_use"] for row in rows],
            due_ats=[now + SOONER] * len(rows),
            asking_untils=[now + ASKING if row["in_use"] else None for row in rows],
        )

    async def _take_answer(self, connection: Connection, asked: _Asked, answer: asyncio.Task[SenderCheck]) -> bool:
        if not answer.done():
            return False
        self._asked = None
        found = answer.result()
        await QUERIES.write_sender_dns(
            connection,
            sender_ids=list(asked.sender_ids),
            domain=asked.domain,
            checked_at=found.checked_at,
            ready=found.ready,
            records=[asdict(record) for record in found.records],
            due_at=found.checked_at + (AGAIN_AFTER if found.ready else SOONER),
        )
        return True

    def _say_without_resolver(self) -> None:
        """Once a process: the records of each check say it, too."""
        if self._said:
            return
        self._said = True
        try:
            DnsLookup(self._settings.dns_servers)
        except NoResolver:
            log.warning("The DNS of senders is not checked. %s", WITHOUT_RESOLVER)


def _basis(settings: Settings) -> str:
    """What of the settings a check depends on, as a short hash: other keys are a reason to check again."""
    keys = sorted(f"{key.selector}.{key.domain.lower()}" for key in settings.dkim_keys)
    servers = [f"{server.address}:{server.port}" for server in settings.dns_servers]
    return hashlib.sha256("\n".join([settings.bounce_domain or "", *keys, *servers]).encode()).hexdigest()[:16]
