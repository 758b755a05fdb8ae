"""Records opens and clicks in batches, off the request's path.

No request waits for a hit to be written: a redirect and a pixel need no database. Hits gather in memory for a moment,
then go to PostgreSQL together; while it is away they wait in a bounded Valkey list and are written later. What has room
nowhere is counted as dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.errors import BufferUnavailable
from gateway.mail.message import MessageRef
from gateway.telemetry.metrics import HITS
from gateway.tracking.buffer import HitBuffer
from gateway.tracking.raw_hit import RawHit, insert_hits

log = logging.getLogger(__name__)

MAX_BATCH = 100
"""Hits in one statement: the cost a row is flat from 20 on, and making a larger one would delay requests."""

MAX_IN_MEMORY = 20_000
"""Hits that may wait in this process: 40 s at 500 hits/s without PostgreSQL and without Valkey, some 20 MB."""

MAX_OF_MESSAGE_A_MINUTE = 1000
"""Hits of one message kept in one minute: no reader comes near; a flood on one token is counted, not stored."""

_GATHER_SECONDS = 0.1
_TIMEOUT_SECONDS = 5.0
_PROBE_SECONDS = 1.0
_DRAIN_LOCK = 0x68697473


class HitOutcome(StrEnum):
    """What became of a hit. DROPPED: there was room nowhere. FLOODED: above MAX_OF_MESSAGE_A_MINUTE."""

    RECORDED = "recorded"
    BUFFERED = "buffered"
    DROPPED = "dropped"
    FLOODED = "flooded"


class HitRecorder:
    """Takes hits without waiting, writes them in batches. One a process: `start()`, `add()` for each hit, `close()`."""

    def __init__(self, pool: asyncpg.Pool[Any], buffer: HitBuffer) -> None:
        self._pool = pool
        self._buffer = buffer
        self._waiting: deque[RawHit] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._away_until = self._drain_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._minute = 0
        self._of_minute: Counter[MessageRef] = Counter()
        self.counts: Counter[HitOutcome] = Counter()

    def start(self) -> None:
        """Begin to write, also the hits that waited in Valkey before."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, hit: RawHit) -> None:
        """Take one hit. Never waits, never raises."""
        if self._floods(hit.ref):
            self._count(HitOutcome.FLOODED, 1)
        elif len(self._waiting) >= MAX_IN_MEMORY:
            self._count(HitOutcome.DROPPED, 1)
        else:
            self._waiting.append(hit)
            self._arrived.set()

    async def close(self) -> None:
        """Write what waits, to PostgreSQL or else to Valkey, and stop."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._waiting:
            log.error("%d hits were lost: neither PostgreSQL nor Valkey answered", len(self._waiting))
            self._count(HitOutcome.DROPPED, len(self._waiting))
        await self._buffer.close()

    def _count(self, outcome: HitOutcome, hits: int) -> None:
        if not hits:
            return
        self.counts[outcome] += hits
        HITS.labels(outcome).inc(hits)

    def _floods(self, ref: MessageRef) -> bool:
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute = minute
            self._of_minute.clear()
        self._of_minute[ref] += 1
        return self._of_minute[ref] > MAX_OF_MESSAGE_A_MINUTE

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._turn()
            except Exception:
                log.exception("writing hits failed, retrying")
                await asyncio.sleep(_PROBE_SECONDS)
        await self._write_waiting()

    async def _turn(self) -> None:
        """Drain the Valkey list once a second; write what has gathered in memory."""
        if time.time() >= self._drain_at:
            await self._drain_buffer()
            self._drain_at = time.time() + _PROBE_SECONDS
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_GATHER_SECONDS)
        self._arrived.clear()
        await self._write_waiting()
        if self._waiting:
            # Neither server answers: wait before the next try.
            self._arrived.set()
            await asyncio.sleep(_PROBE_SECONDS)

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            kept = False
            try:
                kept = await self._write(batch) or await self._buffer_hits(batch)
            finally:
                if not kept:
                    self._waiting.extendleft(reversed(batch))
            if not kept:
                return

    async def _write(self, batch: Sequence[RawHit]) -> bool:
        """Write a batch to PostgreSQL; false while it is away, which is probed once a second."""
        if time.time() < self._away_until:
            return False
        try:
            async with self._pool.acquire(timeout=_TIMEOUT_SECONDS) as connection:
                await self._insert(connection, batch)
        except AWAY as error:
            log.warning("hits wait, PostgreSQL is away: %s", type(error).__name__)
            self._away_until = time.time() + _PROBE_SECONDS
            return False
        return True

    async def _insert(self, connection: Connection, batch: Sequence[RawHit]) -> None:
        """Insert a batch and count it. A hit that PostgreSQL refuses for its own sake is found by halving the batch and
        dropped: it would be refused again and hold up all that wait behind it. Raises one of AWAY."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await insert_hits(connection, batch, at=time.time())
        except AWAY:
            raise
        except asyncpg.PostgresError as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._insert(connection, batch[:middle])
                await self._insert(connection, batch[middle:])
            else:
                log.error("a hit cannot be written and is dropped: %s", type(error).__name__)
                self._count(HitOutcome.DROPPED, 1)
        else:
            self._count(HitOutcome.RECORDED, len(batch))

    async def _buffer_hits(self, batch: Sequence[RawHit]) -> bool:
        """Put a batch into Valkey; false while that is away, too."""
        try:
            dropped = await self._buffer.push([hit.to_json() for hit in batch])
        except BufferUnavailable as error:
            log.warning("hits wait in memory: %s", error)
            return False
        self._count(HitOutcome.BUFFERED, len(batch) - dropped)
        self._count(HitOutcome.DROPPED, dropped)
        return True

    async def _drain_buffer(self) -> None:
        """Move what waits in Valkey into PostgreSQL, once that is back; one process at a time."""
        try:
            if time.time() < self._away_until or not await self._buffer.size():
                return
            async with self._pool.acquire(timeout=_TIMEOUT_SECONDS) as connection:
                if not await QUERIES.try_hit_drain_lock(connection, lock=_DRAIN_LOCK):
                    return
                try:
                    await self._move(connection)
                finally:
                    await QUERIES.end_hit_drain(connection, lock=_DRAIN_LOCK)
        except BufferUnavailable as error:
            log.debug("the list of waiting hits cannot be read: %s", error)
        except AWAY:
            self._away_until = time.time() + _PROBE_SECONDS

    async def _move(self, connection: Connection) -> None:
        # What is left when this process ends waits for the next one.
        while not self._closing and (texts := await self._buffer.oldest(MAX_BATCH)):
            hits = [hit for hit in map(_read_waiting, texts) if hit is not None]
            await self._insert(connection, hits)
            # Removed only now: a crash in between writes them twice, which the id makes harmless.
            await self._buffer.remove_oldest(len(texts))
            self._count(HitOutcome.DROPPED, len(texts) - len(hits))
            await self._write_waiting()


def _read_waiting(text: bytes) -> RawHit | None:
    try:
        return RawHit.from_json(text)
    except (ValueError, KeyError, TypeError):
        log.error("an entry of the list of waiting hits is no hit; it is dropped")
        return None
