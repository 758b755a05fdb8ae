"""Where hits wait while PostgreSQL is away: one bounded list in Valkey, first in, first out."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.errors import BufferUnavailable

MAX_WAITING = 500_000
"""Hits the list may hold, some 300 bytes each: a quarter of an hour at 500 hits/s."""

_KEY = "hits:waiting"
# Nobody waits for a hit to be kept, but the next group does.
_PATIENCE_SECONDS = 2.0


class HitBuffer:
    """The list of waiting hits. Every method raises BufferUnavailable when Valkey does not answer."""

    def __init__(self, url: str, *, limit: int = MAX_WAITING) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS, max_connections=4
        )
        self._most = limit

    async def push(self, hits: Sequence[bytes]) -> int:
        """Put hits at the end; answers how many had no room and are lost: the newest, the list keeps what it had."""
        length: int = await self._answer(self._redis.rpush(_KEY, *hits))
        if length <= self._most:
            return 0
        await self._answer(self._redis.ltrim(_KEY, 0, self._most - 1))
        return min(length - self._most, len(hits))

    async def oldest(self, limit: int) -> list[bytes]:
        """The hits that wait longest; they stay in the list."""
        found: list[bytes] = await self._answer(self._redis.lrange(_KEY, 0, limit - 1))
        return found

    async def remove_oldest(self, count: int) -> None:
        """Take this many away: they are in the ledger now."""
        await self._answer(self._redis.ltrim(_KEY, count, -1))

    async def size(self) -> int:
        """How many wait."""
        length: int = await self._answer(self._redis.llen(_KEY))
        return length

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    async def _answer(self, command: Awaitable[Any] | Any) -> Any:
        try:
            return await cast("Awaitable[Any]", command)
        except (RedisError, OSError) as error:
            raise BufferUnavailable(f"Valkey does not answer ({type(error).__name__}): is REDIS_URL right?") from error
