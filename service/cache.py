"""A cache in Valkey: GraphQL documents that any process has seen, by hash.

The only importer of redis in this package. Nothing here raises: without Valkey everything works with a cold cache.
"""

from __future__ import annotations

from collections.abc import Callable

import redis.asyncio
from redis.exceptions import RedisError

from gateway.valkey import open_valkey

_TIMEOUT = 0.25
"""Seconds a request waits for Valkey at most."""
_BACKOFF = 5.0
"""Seconds without a call to Valkey after one has failed."""
_LIFE = 86_400
"""Seconds a document is cached: clients send it again afterwards."""
_FAILURES = (RedisError, OSError, TimeoutError)


class Cache:
    """Documents in Valkey, under keys that start with `service:document:`."""

    def __init__(self, url: str, *, clock: Callable[[], float]) -> None:
        pool = open_valkey(url, timeout=_TIMEOUT, decode_responses=True, max_connections=50)
        self._client = redis.asyncio.Redis.from_pool(pool)
        self._clock = clock
        self._backoff_until = 0.0

    async def get(self, key: str) -> str | None:
        """Returns the document of this key; None when it is not cached or Valkey is unavailable."""
        if self._clock() < self._backoff_until:
            return None
        try:
            found = await self._client.get(f"service:document:{key}")
        except _FAILURES:
            self._backoff_until = self._clock() + _BACKOFF
            return None
        return str(found) if found is not None else None

    async def put(self, key: str, document: str) -> None:
        """Cache the document for a day."""
        if self._clock() < self._backoff_until:
            return
        try:
            await self._client.set(f"service:document:{key}", document, ex=_LIFE)
        except _FAILURES:
            self._backoff_until = self._clock() + _BACKOFF

    async def is_up(self) -> bool:
        """Whether Valkey responds."""
        try:
            return bool(await self._client.ping())
        except _FAILURES:
            return False

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
