"""Replicas: which of them a query is read from, so that nobody reads less than they have written or were told of.

There is none of this without DATABASE_READ_URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import asyncpg

from gateway.database import Connection, connect
from service.auth.callers import Caller
from service.database import DatabasePools, Statement, statement
from service.errors import ServiceError
from service.metrics import READS, REPLICA_IN, REPLICA_LAG
from service.positions import PrimaryTrail, ReplicaState, choose, write_position

POLL_SECONDS = 0.25
"""Between two looks at a server while nobody waits for it."""
HURRY_SECONDS = 0.01
"""The same while somebody does."""
ANSWER_SECONDS = 1.0
"""Within which a server answers a look, or counts as away."""
LOOK_UP_SECONDS = 1.0
"""Within which a server answers for a token or session, or the next one is asked."""
WAIT_SECONDS = 0.3
"""How long a query waits for a replica that has replayed what it must see; then the primary is asked."""
UNKNOWN_SECONDS = 10.0
"""How long a caller is answered by the primary after a write whose position could not be asked."""
MAX_CALLERS = 10_000
"""Callers whose last position is remembered: tokens and names of sessions."""
_UNKNOWN = 1 << 64
"""Beyond every position."""
_POSITION = statement("written_position")
_STANDING = statement("server_position")


async def _fetch(pools: DatabasePools, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
    """A statement's rows from a replica."""
    async with pools.reading_connection() as connection:
        return await connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a caller has written or was told of, and until when that matters."""

    position: int
    until: float


class Replicas:
    """The replicas of a process; they are followed inside `running()`. `primary` are the pools that read the primary,
    `pools` one for each replica, `addresses` their addresses."""

    def __init__(
        self,
        primary: DatabasePools,
        pools: Sequence[asyncpg.Pool[Any]],
        *,
        primary_url: str,
        addresses: Sequence[str],
        max_lag: float,
        clock: Callable[[], float],
    ) -> None:
        self.primary = primary
        self._reading = [replace(primary, reading=pool) for pool in pools]
        self._primary_url = primary_url
        self._addresses = addresses
        self._max_lag = max_lag
        self._clock = clock
        self._states: list[ReplicaState | None] = [None] * len(pools)
        self._primary_answers = True
        self._trail = PrimaryTrail()
        self._timeline = 0
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._turn = 0
        self._waiting = 0
        self._hurry = asyncio.Event()
        self._news = asyncio.Event()

    # ---- reading

    async def pools_for(self, caller: Caller) -> DatabasePools:
        """The pools for a query of this caller: those of a replica that has replayed what it has seen, within a bounded
        wait, else the primary's."""
        wanted = max(caller.seen, self._remembered(caller.name))
        chosen = self._choose(wanted)
        if chosen is None and self._choose(0) is not None:
            chosen = await self._wait_for(wanted)
        READS.labels("primary" if chosen is None else "replica").inc()
        return self.primary if chosen is None else self._reading[chosen]

    def _choose(self, wanted: int) -> int | None:
        self._turn += 1
        return choose(self._states, wanted=wanted, max_lag=self._max_lag, turn=self._turn)

    async def _wait_for(self, wanted: int) -> int | None:
        self._waiting += 1
        self._hurry.set()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while (chosen := self._choose(wanted)) is None:
                    await self._news.wait()
                return chosen
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    async def fetch_latest(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """Returns a statement's rows from the primary: for tokens and sessions, where a replica's lag is too much.
        While the primary does not answer, from the replica that has replayed most: else nobody could read any. Raises
        Busy, Unavailable or TooSlow."""
        sources: list[Callable[..., Awaitable[list[asyncpg.Record]]]] = [
            partial(_fetch, self._reading[number]) for number in self._by_progress()
        ]
        if self._primary_answers or not sources:
            sources.insert(0, self.primary.fetch_latest)
        for source in sources[:-1]:
            with contextlib.suppress(ServiceError, TimeoutError):
                async with asyncio.timeout(LOOK_UP_SECONDS):
                    return await source(wanted, **values)
        return await sources[-1](wanted, **values)

    def _by_progress(self) -> list[int]:
        """The replicas that are read, the one that has replayed most first."""
        able = {number: state.replayed for number, state in enumerate(self._states) if state and self._is_in(state)}
        return sorted(able, key=lambda number: -able[number])

    # ---- positions

    def _remembered(self, name: str) -> int:
        seen = self._seen.get(name)
        return seen.position if seen is not None and seen.until > self._clock() else 0

    async def note_seen(self, caller: Caller) -> str | None:
        """What this caller has written or was told of is there by now: its later queries read it. Returns the position,
        which says so to other processes; None where it could not be asked."""
        try:
            [row] = await self.primary.fetch_latest(_POSITION)
        except ServiceError:
            self._remember(caller.name, _UNKNOWN, self._clock() + UNKNOWN_SECONDS)
            return None
        self._remember(caller.name, row["position"], math.inf)
        return write_position(row["position"])

    def _remember(self, name: str, position: int, until: float) -> None:
        self._seen[name] = _Seen(position=max(position, self._remembered(name)), until=until)
        self._seen.move_to_end(name)
        while len(self._seen) > MAX_CALLERS:
            self._seen.popitem(last=False)

    # ---- following

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow primary and replicas until the block ends."""
        followed = [self._follow(self._primary_url, self._note_primary)]
        for number, address in enumerate(self._addresses):
            followed.append(self._follow(address, partial(self._note_replica, number)))
        tasks = [asyncio.create_task(one) for one in followed]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, address: str, note: Callable[[asyncpg.Record | None], None]) -> None:
        """Look at one server, again and again; None is noted while it is away."""
        connection: Connection | None = None
        try:
            while True:
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        if connection is None:
                            named = {"application_name": "service positions"}
                            connection = await connect(address, server_settings=named)
                        note(await connection.fetchrow(_STANDING.sql))
                except Exception:
                    if connection is not None:
                        connection.terminate()
                    connection = None
                    note(None)
                await self._pause(hurry=connection is not None)
        finally:
            if connection is not None:
                connection.terminate()

    async def _pause(self, *, hurry: bool) -> None:
        if self._waiting and hurry:
            await asyncio.sleep(HURRY_SECONDS)
            return
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._hurry.wait()
        if not hurry:
            await asyncio.sleep(POLL_SECONDS)

    def _note_primary(self, row: asyncpg.Record | None) -> None:
        self._primary_answers = row is not None and not row["standby"]
        if row is not None and not row["standby"]:
            self._timeline = max(self._timeline, row["timeline"])
            self._trail.note(self._clock(), row["position"])

    def _note_replica(self, number: int, row: asyncpg.Record | None) -> None:
        """A server that takes writes is as good as a replica, unless it was replaced as the primary."""
        if row is None or (not row["standby"] and row["timeline"] < self._timeline):
            self._states[number] = None
        else:
            lag = self._trail.lag(self._clock(), row["position"])
            self._states[number] = ReplicaState(replayed=row["position"], lag_seconds=lag)
        state, label = self._states[number], str(number + 1)
        REPLICA_LAG.labels(label).set(math.nan if state is None else state.lag_seconds)
        REPLICA_IN.labels(label).set(self._is_in(state))
        self._news.set()
        self._news = asyncio.Event()

    def _is_in(self, state: ReplicaState | None) -> bool:
        return state is not None and state.lag_seconds <= self._max_lag

    # ---- standing

    def report(self) -> str:
        """Each replica, by its place in DATABASE_READ_URL: in or out, and how far behind."""
        return "; ".join(
            f"{number}: away"
            if state is None
            else f"{number}: {'in' if self._is_in(state) else 'out'}, {state.lag_seconds:.1f} s behind"
            for number, state in enumerate(self._states, start=1)
        )

    async def close(self) -> None:
        """Close the pools of the replicas."""
        for reading in self._reading:
            await reading.close_reading()
