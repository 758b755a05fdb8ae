"""Where hits wait while PostgreSQL is away: one bounded list in Valkey, first in, first out."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.errors import BufferUnavailable
from gateway.valkey import open_valkey

MAX_BUFFERED = 500_000
"""Hits the list may hold, some 300 bytes each: a quarter of an hour at 500 hits/s."""

_KEY = "hits:waiting"
# No request waits for a hit to be kept, but the next batch does.
_TIMEOUT_SECONDS = 2.0


class HitBuffer:
    """The list of waiting hits. Every method raises BufferUnavailable when Valkey does not answer."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_pool(open_valkey(url, timeout=_TIMEOUT_SECONDS, max_connections=4))

    async def push(self, hits: Sequence[bytes]) -> int:
        """Append hits; returns how many had no room and are lost: the newest, the list keeps what it had."""
        length: int = await self._run(self._redis.rpush(_KEY, *hits))
        if length <= MAX_BUFFERED:
            return 0
        await self._run(self._redis.ltrim(_KEY, 0, MAX_BUFFERED - 1))
        return min(length - MAX_BUFFERED, len(hits))

    async def oldest(self, limit: int) -> list[bytes]:
        """Returns the hits that wait longest; they stay in the list."""
        found: list[bytes] = await self._run(self._redis.lrange(_KEY, 0, limit - 1))
        return found

    async def remove_oldest(self, count: int) -> None:
        """Remove this many: they are in PostgreSQL now."""
        await self._run(self._redis.ltrim(_KEY, count, -1))

    async def size(self) -> int:
        """Returns how many wait."""
        length: int = await self._run(self._redis.llen(_KEY))
        return length

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, command: Awaitable[Any] | Any) -> Any:
        try:
            return await cast("Awaitable[Any]", command)
        except (RedisError, OSError) as error:
            raise BufferUnavailable(f"Valkey does not answer ({type(error).__name__}): is REDIS_URL right?") from error
