"""Opens and clicks: written in groups off the request's path, judged some seconds later, judged again when asked.

A hit is never waited for: a redirect and a pixel need no database. Hits gather in memory for a moment, then go to
PostgreSQL together; while it is away they wait in a bounded Valkey list and arrive later. What has no room anywhere
is counted as dropped.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import BufferUnavailable
from gateway.mail.hit import HitKind
from gateway.mail.keys import Purpose
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.settings import OriginPrivacy
from gateway.telemetry.metrics import HITS
from gateway.tracking.buffer import HitBuffer
from gateway.tracking.classify import Reclassified, classify_due, reclassify

__all__ = [
    "Fate",
    "HitBuffer",
    "HitRecorder",
    "RawHit",
    "Reclassified",
    "classify_due",
    "insert",
    "new_hit_id",
    "origin_of",
    "reclassify",
]

log = logging.getLogger(__name__)

LARGEST_GROUP = 100
"""Hits in one statement: the cost a row is flat from 20 on, and making a larger one would hold up requests."""

MAX_IN_MEMORY = 20_000
"""Hits that may wait in this process: 40 s at 500 hits/s without PostgreSQL and without Valkey, some 20 MB."""

MAX_A_MESSAGE = 1000
"""Hits of one message kept in one minute: no reader comes near; a flood on one token is counted, not stored."""

_GATHER_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0
_PROBE_SECONDS = 1.0
_DRAIN_LOCK = 0x68697473


@dataclass(frozen=True, kw_only=True, slots=True)
class RawHit:
    """One fetch as it came. `at` is this process's clock in seconds since 1970; the ledger reckons from its age."""

    id: UUID
    ref: MessageRef
    kind: HitKind
    at: float
    link: int | None = None
    url: str | None = None
    origin: str | None = None
    agent: str | None = None
    head: bool = False
    prefetch: bool = False
    honeypot: bool = False

    def to_json(self) -> bytes:
        """For the Valkey list."""
        return orjson.dumps(self, default=str)

    @classmethod
    def from_json(cls, text: bytes) -> RawHit:
        """What `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        values = orjson.loads(text)
        ref = values.pop("ref")
        return cls(
            id=UUID(values.pop("id")),
            ref=MessageRef(customer_id=int(ref["customer_id"]), message_id=UUID(ref["message_id"])),
            kind=HitKind(values.pop("kind")),
            at=float(values.pop("at")),
            **values,
        )


class Fate(StrEnum):
    """What became of a hit. DROPPED: there was no room anywhere. FLOODED: above MAX_A_MESSAGE."""

    RECORDED = "recorded"
    BUFFERED = "buffered"
    DROPPED = "dropped"
    FLOODED = "flooded"


def new_hit_id(at: float) -> UUID:
    """A UUIDv7 (RFC 9562) of this moment. Ours, so that a group written twice after a lost answer is there once."""
    raw = bytearray(int(at * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def origin_of(address: str | None, deployment: Deployment) -> str | None:
    """A network address as the setting ORIGIN_PRIVACY keeps it: a keyed hash, in full, or not at all."""
    privacy = deployment.settings.origin_privacy
    if address is None or privacy is OriginPrivacy.NONE:
        return None
    return _origin(address, None if privacy is OriginPrivacy.FULL else deployment.keyring.sign_key(Purpose.ORIGIN)[1])


@lru_cache(maxsize=4096)
def _origin(address: str, key: bytes | None) -> str | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(parsed) if key is None else hmac.digest(key, parsed.packed, "sha256")[:16].hex()


async def insert(connection: Connection, hits: Sequence[RawHit], *, at: float) -> None:
    """Write a group and tell who watches; `at` is now on the clock of `RawHit.at`. What is there is left alone."""
    ordered = sorted(hits, key=lambda hit: (hit.ref.customer_id, hit.id))
    await QUERIES.insert_hits(
        connection,
        customer_ids=[hit.ref.customer_id for hit in ordered],
        ids=[hit.id for hit in ordered],
        message_ids=[hit.ref.message_id for hit in ordered],
        kinds=[hit.kind for hit in ordered],
        ages=[timedelta(seconds=max(0.0, at - hit.at)) for hit in ordered],
        links=[hit.link for hit in ordered],
        urls=[hit.url for hit in ordered],
        origins=[hit.origin for hit in ordered],
        agents=[hit.agent for hit in ordered],
        heads=[hit.head for hit in ordered],
        prefetches=[hit.prefetch for hit in ordered],
        honeypots=[hit.honeypot for hit in ordered],
    )
    await notify_change(connection, ChangeKind.HIT, [hit.ref for hit in ordered])


class HitRecorder:
    """Takes hits without waiting, writes them in groups. One a process: `start()`, `add()` for each hit, `close()`."""

    def __init__(self, pool: asyncpg.Pool[Any], buffer: HitBuffer) -> None:
        self._pool = pool
        self._buffer = buffer
        self._waiting: deque[RawHit] = deque()
        self._arrived = asyncio.Event()
        self._closing = False
        self._away_until = self._look_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._minute = 0
        self._of_minute: Counter[MessageRef] = Counter()
        self.counts: Counter[Fate] = Counter()

    def start(self) -> None:
        """Begin to write; hits that waited in Valkey from before are brought in, too."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, hit: RawHit) -> None:
        """Take one hit. Never waits, never raises."""
        if self._floods(hit.ref):
            self._count(Fate.FLOODED, 1)
        elif len(self._waiting) >= MAX_IN_MEMORY:
            self._count(Fate.DROPPED, 1)
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
            self._count(Fate.DROPPED, len(self._waiting))
        await self._buffer.close()

    def _count(self, fate: Fate, hits: int) -> None:
        if not hits:
            return
        self.counts[fate] += hits
        HITS.labels(fate).inc(hits)

    def _floods(self, ref: MessageRef) -> bool:
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute = minute
            self._of_minute.clear()
        self._of_minute[ref] += 1
        return self._of_minute[ref] > MAX_A_MESSAGE

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._turn()
            except Exception:
                log.exception("writing hits failed; the next turn tries again")
                await asyncio.sleep(_PROBE_SECONDS)
        await self._write_waiting()

    async def _turn(self) -> None:
        """Look into Valkey once a second; write what has gathered."""
        if time.time() >= self._look_at:
            await self._bring_in()
            self._look_at = time.time() + _PROBE_SECONDS
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_GATHER_SECONDS)
        self._arrived.clear()
        await self._write_waiting()
        if self._waiting:
            # Neither server answers: not again at once.
            self._arrived.set()
            await asyncio.sleep(_PROBE_SECONDS)

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(LARGEST_GROUP, len(self._waiting)))]
            kept = False
            try:
                kept = await self._write(group) or await self._keep(group)
            finally:
                if not kept:
                    self._waiting.extendleft(reversed(group))
            if not kept:
                return

    async def _write(self, group: Sequence[RawHit]) -> bool:
        """Put a group into PostgreSQL; false while it is away, which is asked again once a second."""
        if time.time() < self._away_until:
            return False
        try:
            async with self._pool.acquire(timeout=_PATIENCE_SECONDS) as connection:
                await self._insert(connection, group)
        except AWAY as error:
            log.warning("hits wait, PostgreSQL is away: %s", type(error).__name__)
            self._away_until = time.time() + _PROBE_SECONDS
            return False
        return True

    async def _insert(self, connection: Connection, group: Sequence[RawHit]) -> None:
        """Write a group and count it. A hit that PostgreSQL refuses for its own sake is found by halves and dropped: it
        would be refused again, and hold up all that wait behind. Raises one of AWAY."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await insert(connection, group, at=time.time())
        except AWAY:
            raise
        except asyncpg.PostgresError as error:
            if len(group) > 1:
                middle = len(group) // 2
                await self._insert(connection, group[:middle])
                await self._insert(connection, group[middle:])
            else:
                log.error("a hit cannot be written and is dropped: %s", type(error).__name__)
                self._count(Fate.DROPPED, 1)
        else:
            self._count(Fate.RECORDED, len(group))

    async def _keep(self, group: Sequence[RawHit]) -> bool:
        """Put a group into Valkey; false while that is away, too."""
        try:
            dropped = await self._buffer.push([hit.to_json() for hit in group])
        except BufferUnavailable as error:
            log.warning("hits wait in memory: %s", error)
            return False
        self._count(Fate.BUFFERED, len(group) - dropped)
        self._count(Fate.DROPPED, dropped)
        return True

    async def _bring_in(self) -> None:
        """Move what waits in Valkey into PostgreSQL, once that is back; one process at a time."""
        try:
            if time.time() < self._away_until or not await self._buffer.size():
                return
            async with self._pool.acquire(timeout=_PATIENCE_SECONDS) as connection:
                if not await QUERIES.try_hit_drain_lock(connection, lock=_DRAIN_LOCK):
                    return
                try:
                    await self._move(connection)
                finally:
                    await QUERIES.end_hit_drain(connection, lock=_DRAIN_LOCK)
        except BufferUnavailable as error:
            log.debug("waiting hits cannot be looked for: %s", error)
        except AWAY:
            self._away_until = time.time() + _PROBE_SECONDS

    async def _move(self, connection: Connection) -> None:
        # What is left when this process ends waits for the next one.
        while not self._closing and (texts := await self._buffer.oldest(LARGEST_GROUP)):
            hits = [hit for hit in map(_read_waiting, texts) if hit is not None]
            await self._insert(connection, hits)
            # Removed only now: a crash in between writes them twice, which the id makes harmless.
            await self._buffer.remove_oldest(len(texts))
            self._count(Fate.DROPPED, len(texts) - len(hits))
            await self._write_waiting()


def _read_waiting(text: bytes) -> RawHit | None:
    try:
        return RawHit.from_json(text)
    except (ValueError, KeyError, TypeError):
        log.error("something in the list of waiting hits is no hit; it is dropped")
        return None
