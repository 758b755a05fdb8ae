"""Tells open pages that something changed: a NOTIFY for each customer that somebody watches, and for no other.

A notification is a hint to read again, never the news itself: whoever misses one reads later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from enum import StrEnum

import asyncpg
import orjson

from gateway.database import QUERIES, Connection
from gateway.mail.message import MessageRef

log = logging.getLogger(__name__)

CHANNEL = "customer_emails"
"""What the service's processes LISTEN on."""

MAX_WATCHED = 10_000
"""Customers watched at once that are remembered: far above the pages that staff have open."""

_REMEMBERED_SECONDS = 1.0


class ChangeKind(StrEnum):
    """What changed in a customer's history. RESYNC: changes may have been missed, read everything again."""

    MESSAGE = "MESSAGE"
    HIT = "HIT"
    OPT_OUT = "OPT_OUT"
    RESYNC = "RESYNC"


async def notify_change(connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
    """Notify whoever watches these messages' customers, when the caller's transaction commits."""
    changes = {(ref.customer_id, ref.message_id) for ref in refs}
    customers = sorted({customer_id for customer_id, _ in changes})
    found = QUERIES.watched_among(connection, customer_ids=customers)
    watched = {row["customer_id"] async for row in found}
    told = sorted(change for change in changes if change[0] in watched)
    if told:
        await _notify(connection, [change_text(customer, message.hex, kind) for customer, message in told])


async def notify_customers(connection: Connection, kind: ChangeKind, customer_ids: Collection[int]) -> None:
    """The same of changes that are no one message's, or of messages whose ids are not at hand."""
    found = QUERIES.watched_among(connection, customer_ids=sorted(set(customer_ids)))
    told = [change_text(row["customer_id"], None, kind) async for row in found]
    if told:
        await _notify(connection, told)


async def _notify(connection: Connection, changes: list[str]) -> None:
    async for _ in QUERIES.notify_watchers(connection, changes=changes):
        pass


def change_text(customer_id: int, message_hex: str | None, kind: ChangeKind) -> str:
    """A notification's payload: JSON with no name, address or subject in it."""
    return orjson.dumps({"customer": customer_id, "message": message_hex, "kind": kind}).decode()


class ChangeNotifier:
    """`tell` for those who write thousands of rows a second: who is watched is asked once a second, not every time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at = float("-inf")
        self._watched: frozenset[int] = frozenset()

    async def notify_change(self, connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
        """Notify whoever watches these messages' customers. Never raises: what is written stays written."""
        try:
            await self._tell(connection, kind, refs)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.debug("watchers were not told: %s", type(error).__name__)

    async def _tell(self, connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
        if self._clock() - self._asked_at >= _REMEMBERED_SECONDS:
            self._asked_at = self._clock()
            found = QUERIES.watched_customers(connection, limit=MAX_WATCHED)
            self._watched = frozenset([row["customer_id"] async for row in found])
        told = [ref for ref in refs if ref.customer_id in self._watched]
        if told:
            await notify_change(connection, kind, told)
