"""Change notifications for open pages: a NOTIFY for each watched customer, and for no other.

A customer is watched while a service process has subscribers for it (the table `customer_watch`). A notification is a
hint to read again and carries no data, so a lost one only delays a page.
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
"""The channel on which the service's processes LISTEN."""

MAX_WATCHED = 10_000
"""Watched customers that are cached: far more than staff have pages open."""

_CACHE_SECONDS = 1.0


class ChangeKind(StrEnum):
    """What changed in a customer's history. RESYNC: changes may have been lost, read everything again."""

    MESSAGE = "MESSAGE"
    HIT = "HIT"
    OPT_OUT = "OPT_OUT"
    RESYNC = "RESYNC"


async def notify_change(connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
    """Notify the watchers of these messages' customers, when the caller's transaction commits."""
    changes = {(ref.customer_id, ref.message_id) for ref in refs}
    customers = sorted({customer_id for customer_id, _ in changes})
    found = QUERIES.watched_among(connection, customer_ids=customers)
    watched = {row["customer_id"] async for row in found}
    notified = sorted(change for change in changes if change[0] in watched)
    if notified:
        await _notify(connection, [change_payload(customer, message.hex, kind) for customer, message in notified])


async def notify_customers(connection: Connection, kind: ChangeKind, customer_ids: Collection[int]) -> None:
    """Like `notify_change`, for changes of a customer that concern no single message."""
    found = QUERIES.watched_among(connection, customer_ids=sorted(set(customer_ids)))
    payloads = [change_payload(row["customer_id"], None, kind) async for row in found]
    if payloads:
        await _notify(connection, payloads)


async def _notify(connection: Connection, payloads: list[str]) -> None:
    async for _ in QUERIES.notify_watchers(connection, changes=payloads):
        pass


def change_payload(customer_id: int, message_hex: str | None, kind: ChangeKind) -> str:
    """Returns a notification's payload: JSON without name, address or subject."""
    return orjson.dumps({"customer": customer_id, "message": message_hex, "kind": kind}).decode()


class ChangeNotifier:
    """`notify_change` for writers of thousands of rows a second: it reads the watched customers once a second."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._read_at = float("-inf")
        self._watched: frozenset[int] = frozenset()

    async def notify_change(self, connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
        """Notify the watchers of these messages' customers. Never raises: the rows stay written."""
        try:
            await self._notify_watched(connection, kind, refs)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.debug("watchers not notified: %s", type(error).__name__)

    async def _notify_watched(self, connection: Connection, kind: ChangeKind, refs: Collection[MessageRef]) -> None:
        if self._clock() - self._read_at >= _CACHE_SECONDS:
            self._read_at = self._clock()
            found = QUERIES.watched_customers(connection, limit=MAX_WATCHED)
            self._watched = frozenset([row["customer_id"] async for row in found])
        watched = [ref for ref in refs if ref.customer_id in self._watched]
        if watched:
            await notify_change(connection, kind, watched)
