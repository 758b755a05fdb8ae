"""Change notifications for subscriptions: one LISTEN connection a process, fanned out to a bounded queue a subscriber.

A change says where to look, not what is there. A subscriber that cannot keep up, or that was subscribed while the
connection was lost, gets one RESYNC in place of what it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import orjson

from gateway.database import Connection, connect
from gateway.notify.changes import CHANNEL, ChangeKind
from service.database import GONE, QUERIES, DatabasePools
from service.errors import ServiceError

log = logging.getLogger(__name__)

MAX_PENDING = 100
"""Changes queued for one subscriber; beyond that, reading everything again is cheaper."""

_WATCH_LIFE = timedelta(seconds=60)
_RENEW_SECONDS = 20.0
_NOTICE_SECONDS = 1.5
"""Until the gateway's writers, which cache the watched customers for a second, know of a new subscriber."""
_MAX_BACKOFF = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something in a customer's history has changed. `message_id` is None when it concerns no single message."""

    customer_id: int
    message_id: UUID | None
    kind: ChangeKind


class Subscriber:
    """The queue of one subscriber. Equal changes are queued once."""

    def __init__(self, customer_id: int) -> None:
        self.customer_id = customer_id
        self._pending: dict[Change, None] = {}
        self._arrived = asyncio.Event()

    def put(self, change: Change) -> None:
        """Queue a change; with more than `MAX_PENDING` queued, all become one RESYNC."""
        if len(self._pending) >= MAX_PENDING:
            self.resync()
        else:
            self._pending[change] = None
            self._arrived.set()

    def resync(self) -> None:
        """Replace everything queued by one RESYNC."""
        self._pending = {Change(customer_id=self.customer_id, message_id=None, kind=ChangeKind.RESYNC): None}
        self._arrived.set()

    async def get(self) -> Change:
        """Returns the next change, once there is one."""
        while not self._pending:
            self._arrived.clear()
            await self._arrived.wait()
        change = next(iter(self._pending))
        del self._pending[change]
        return change


class ChangeListener:
    """The source of `customerEmailsChanged`. One a process; active inside `running()`.

    While a customer has subscribers here, a row of `customer_watch` tells the gateway to send notifications for it.
    """

    def __init__(self, database_url: str, pools: DatabasePools, *, notice_seconds: float = _NOTICE_SECONDS) -> None:
        self._url = database_url
        self._pools = pools
        self._notice_seconds = notice_seconds
        self._id = uuid4()
        self._subscribers: dict[int, set[Subscriber]] = {}
        self.listening = asyncio.Event()
        """Set while the LISTEN connection is up."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen, and renew the watches, until the block ends."""
        tasks = [asyncio.create_task(self._listen_forever()), asyncio.create_task(self._renew_forever())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def subscribe(self, customer_id: int) -> AsyncGenerator[Change, None]:
        """Yields every change of one customer from now on. Raises ServiceError when the watch cannot be written.

        The first is a RESYNC, sent once every writer knows that this customer is watched: what is read after it,
        together with the changes that follow it, is complete.
        """
        subscriber = Subscriber(customer_id)
        self._subscribers.setdefault(customer_id, set()).add(subscriber)
        noticed: asyncio.TimerHandle | None = None
        try:
            await self._renew([customer_id])
            noticed = asyncio.get_running_loop().call_later(self._notice_seconds, subscriber.resync)
            while True:
                yield await subscriber.get()
        finally:
            if noticed is not None:
                noticed.cancel()
            await self._unsubscribe(subscriber)

    async def _unsubscribe(self, subscriber: Subscriber) -> None:
        others = self._subscribers[subscriber.customer_id]
        others.discard(subscriber)
        if others:
            return
        del self._subscribers[subscriber.customer_id]
        # When this fails, the watch expires by itself.
        with contextlib.suppress(ServiceError):
            async with self._pools.writing_connection() as connection:
                await QUERIES.end_watch(connection, customer_id=subscriber.customer_id, watcher=self._id)

    async def _renew(self, customer_ids: list[int]) -> None:
        async with self._pools.writing_connection() as connection:
            await QUERIES.renew_watches(connection, customer_ids=customer_ids, watcher=self._id, good_for=_WATCH_LIFE)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                if self._subscribers:
                    await self._renew(sorted(self._subscribers))
                async with self._pools.writing_connection() as connection:
                    await QUERIES.forget_watches(connection)
            except (ServiceError, asyncpg.PostgresError) as error:
                log.warning("customer watches not renewed: %s", type(error).__name__)

    async def _listen_forever(self) -> None:
        """Listen; when the connection is lost, reconnect and send every subscriber a RESYNC."""
        backoff = 0.1
        while True:
            try:
                connection = await connect(self._url, server_settings={"application_name": "service changes"})
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("cannot listen for changes: %s; retrying in %.1f s", type(error).__name__, backoff)
                await asyncio.sleep(backoff)
                backoff = min(_MAX_BACKOFF, backoff * 2)
                continue
            try:
                backoff = 0.1
                await self._listen(connection)
            finally:
                connection.terminate()

    async def _listen(self, connection: Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._on_notification)
        except (*GONE, asyncpg.PostgresError):
            return
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.resync()
        self.listening.set()
        await lost.wait()
        self.listening.clear()

    def _on_notification(self, connection: object, process: int, channel: str, payload: object) -> None:
        change = parse_change(str(payload))
        if change is None:
            return
        for subscriber in self._subscribers.get(change.customer_id, ()):
            subscriber.put(change)


def parse_change(payload: str) -> Change | None:
    """Returns the change that `gateway.notify.changes` sent; None for any other payload on this channel."""
    try:
        found = orjson.loads(payload)
        return Change(
            customer_id=int(found["customer"]),
            message_id=UUID(str(found["message"])) if found["message"] else None,
            kind=ChangeKind(found["kind"]),
        )
    except (ValueError, KeyError, TypeError):
        log.warning("ignored a notification with an unreadable payload on channel %s", CHANNEL)
        return None
