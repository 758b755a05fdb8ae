"""Who follows a customer's page hears of changes: one LISTEN connection a process, fanned out to bounded queues.

A change says where to look, not what is there. Whoever cannot keep up, and whoever followed while the connection was
away, gets one RESYNC in place of what was missed.
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

from gateway.database import Connection
from gateway.notify.changes import CHANNEL, ChangeKind
from service.database import GONE, QUERIES, DatabasePools
from service.errors import ServiceError

log = logging.getLogger(__name__)

MAX_PENDING = 100
"""Changes that wait for one follower; with more it reads everything again anyway."""

_GOOD_FOR = timedelta(seconds=60)
_RENEW_SECONDS = 20.0
_NOTICED_SECONDS = 1.5
"""Until the gateway's writers, who remember for a second who is watched, know of a new follower."""
_LONGEST_BACKOFF = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something of a customer's history is new. `message_id` is None when it is no one message's."""

    customer_id: int
    message_id: UUID | None
    kind: ChangeKind


class Follower:
    """What waits for one follower. Equal changes wait once."""

    def __init__(self, customer_id: int) -> None:
        self.customer_id = customer_id
        self._pending: dict[Change, None] = {}
        self._arrived = asyncio.Event()

    def put(self, change: Change) -> None:
        """One change more; too many become one RESYNC."""
        if len(self._pending) >= MAX_PENDING:
            self.resync()
        else:
            self._pending[change] = None
            self._arrived.set()

    def resync(self) -> None:
        """Whatever waits is replaced by the advice to read everything again."""
        self._pending = {Change(customer_id=self.customer_id, message_id=None, kind=ChangeKind.RESYNC): None}
        self._arrived.set()

    async def get(self) -> Change:
        """The next change, once there is one."""
        while not self._pending:
            self._arrived.clear()
            await self._arrived.wait()
        change = next(iter(self._pending))
        del self._pending[change]
        return change


class Watch:
    """The source of `customerEmailsChanged`. One a process; `running()` for as long as it serves."""

    def __init__(self, database_url: str, pools: DatabasePools, *, noticed_seconds: float = _NOTICED_SECONDS) -> None:
        self._url = database_url
        self._pools = pools
        self._noticed_seconds = noticed_seconds
        self._id = uuid4()
        self._followers: dict[int, set[Follower]] = {}
        self.listening = asyncio.Event()
        """Set while what is told is heard."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and renew until the block ends."""
        tasks = [asyncio.create_task(self._listen_always()), asyncio.create_task(self._renew_always())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def follow(self, customer_id: int) -> AsyncGenerator[Change, None]:
        """Every change of one customer from now on. Raises ServiceError when the database is away at the start.

        The first is a RESYNC, as soon as every writer knows that this customer is watched: what a follower reads
        then, and hears of afterwards, is everything.
        """
        follower = Follower(customer_id)
        self._followers.setdefault(customer_id, set()).add(follower)
        noticed: asyncio.TimerHandle | None = None
        try:
            await self._renew([customer_id])
            noticed = asyncio.get_running_loop().call_later(self._noticed_seconds, follower.resync)
            while True:
                yield await follower.get()
        finally:
            if noticed is not None:
                noticed.cancel()
            await self._leave(follower)

    async def _leave(self, follower: Follower) -> None:
        others = self._followers[follower.customer_id]
        others.discard(follower)
        if others:
            return
        del self._followers[follower.customer_id]
        # The row ends by itself when this fails.
        with contextlib.suppress(ServiceError):
            async with self._pools.writing_connection() as connection:
                await QUERIES.end_watch(connection, customer_id=follower.customer_id, watcher=self._id)

    async def _renew(self, customer_ids: list[int]) -> None:
        async with self._pools.writing_connection() as connection:
            await QUERIES.renew_watches(connection, customer_ids=customer_ids, watcher=self._id, good_for=_GOOD_FOR)

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                if self._followers:
                    await self._renew(sorted(self._followers))
                async with self._pools.writing_connection() as connection:
                    await QUERIES.forget_watches(connection)
            except (ServiceError, asyncpg.PostgresError) as error:
                log.warning("watches are not renewed: %s", type(error).__name__)

    async def _listen_always(self) -> None:
        """Listen; when the connection is lost, listen again and tell every follower to read everything."""
        backoff = 0.1
        while True:
            try:
                connection = await asyncpg.connect(self._url, server_settings={"application_name": "service watch"})
            except (*GONE, asyncpg.PostgresError) as error:
                log.warning("changes are not heard of: %s; again in %.1f s", type(error).__name__, backoff)
                await asyncio.sleep(backoff)
                backoff = min(_LONGEST_BACKOFF, backoff * 2)
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
            await connection.add_listener(CHANNEL, self._hear)
        except (*GONE, asyncpg.PostgresError):
            return
        for followers in self._followers.values():
            for follower in followers:
                follower.resync()
        self.listening.set()
        await lost.wait()
        self.listening.clear()

    def _hear(self, connection: object, process: int, channel: str, payload: object) -> None:
        change = read_change(str(payload))
        if change is None:
            return
        for follower in self._followers.get(change.customer_id, ()):
            follower.put(change)


def read_change(text: str) -> Change | None:
    """What `gateway.notify.changes` wrote; None for anything else that was sent on this channel."""
    try:
        found = orjson.loads(text)
        return Change(
            customer_id=int(found["customer"]),
            message_id=UUID(str(found["message"])) if found["message"] else None,
            kind=ChangeKind(found["kind"]),
        )
    except (ValueError, KeyError, TypeError):
        log.warning("something on the channel of changes is no change")
        return None
