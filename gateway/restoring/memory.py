"""Where gateways keep what they have seen of a ledger: a file on their host, and Valkey for all hosts.

A ledger that goes back takes everything with it that stands in it, so this stands elsewhere. It is known by the
ledger's id, not by its address: a restored one often has another address.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.restoring.positions import LONGEST, LedgerPosition, Remembered, pack, unpack
from gateway.valkey import open_valkey

log = logging.getLogger(__name__)

SUFFIX = ".seen"
"""Of the file in each directory."""
_TIMEOUT_SECONDS = 1.0
"""For Valkey: a start waits no longer for one that is away."""


class PositionMemory:
    """The last positions seen, by ledger. `directories`: RECORDER_DIR, which is in memory, and JOURNAL_DIR, on a disk.

    Nothing here raises: a place that cannot be read or written is logged once, and is as good as empty. Two workers
    that write at once may leave the older of two positions, a second before the other.
    """

    def __init__(self, *, directories: Sequence[Path], redis_url: str) -> None:
        self._directories = tuple(dict.fromkeys(directories))
        self._redis = Redis.from_pool(open_valkey(redis_url, timeout=_TIMEOUT_SECONDS, max_connections=2))
        self._failing: set[str] = set()

    async def recall(self, ledger: UUID) -> list[Remembered]:
        """What was seen of this ledger, in each place that knows it."""
        found = await asyncio.to_thread(self._read_files, ledger)
        try:
            kept = await self._redis.get(_key(ledger))
            self._failing.discard("Valkey")
        except (RedisError, OSError) as error:
            self._say_once("Valkey", error)
            return found
        position = unpack(kept, ledger) if kept is not None else None
        return found + ([Remembered(position=position, place="Valkey")] if position is not None else [])

    async def keep(self, position: LedgerPosition) -> None:
        """Remember a position that is in the ledger, in every place."""
        packed = pack(position)
        await asyncio.to_thread(self._write_files, position.ledger, packed)
        try:
            await self._redis.set(_key(position.ledger), packed)
        except (RedisError, OSError) as error:
            self._say_once("Valkey", error)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)

    def _read_files(self, ledger: UUID) -> list[Remembered]:
        found = []
        for directory in self._directories:
            path = directory / f"{ledger}{SUFFIX}"
            try:
                with path.open("rb") as file:
                    position = unpack(file.read(LONGEST + 1), ledger)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._say_once(str(directory), error)
                continue
            if position is not None:
                found.append(Remembered(position=position, place=str(directory)))
        return found

    def _write_files(self, ledger: UUID, packed: bytes) -> None:
        for directory in self._directories:
            path = directory / f"{ledger}{SUFFIX}"
            part = path.with_suffix(f".{os.getpid()}.tmp")
            try:
                part.write_bytes(packed)
                part.replace(path)
            except OSError as error:
                self._say_once(str(directory), error)
            else:
                self._failing.discard(str(directory))

    def _say_once(self, place: str, error: Exception) -> None:
        if place not in self._failing:
            self._failing.add(place)
            log.warning("how far the ledger has come is not remembered in %s: %s", place, type(error).__name__)


def _key(ledger: UUID) -> str:
    return f"ledger:seen:{ledger}"
