"""Valkey as a forgetful friend: documents other processes have seen, and whether it is there at all.

The only importer of redis in this package. Nothing here raises: without Valkey everything works, only colder.
"""

from __future__ import annotations

from collections.abc import Callable

import redis.asyncio
from redis.exceptions import RedisError

_PATIENCE = 0.25
"""Seconds a request may lose to a Valkey that does not answer."""
_REST = 5.0
"""Seconds to leave it alone after that."""
_LIFE = 86_400
"""Seconds a document is remembered: clients send it again when it is gone."""
_TROUBLE = (RedisError, OSError, TimeoutError)


class Cache:
    """What is kept in Valkey under `service:`."""

    def __init__(self, url: str, *, clock: Callable[[], float]) -> None:
        self._client = redis.asyncio.Redis.from_url(
            url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE, decode_responses=True, max_connections=50
        )
        self._clock = clock
        self._resting_until = 0.0

    async def get(self, key: str) -> str | None:
        """The document of this key; None when it, or Valkey, is not there."""
        if self._clock() < self._resting_until:
            return None
        try:
            found = await self._client.get(f"service:document:{key}")
        except _TROUBLE:
            self._resting_until = self._clock() + _REST
            return None
        return str(found) if found is not None else None

    async def put(self, key: str, document: str) -> None:
        """Remember the document for a day."""
        if self._clock() < self._resting_until:
            return
        try:
            await self._client.set(f"service:document:{key}", document, ex=_LIFE)
        except _TROUBLE:
            self._resting_until = self._clock() + _REST

    async def answers(self) -> bool:
        """Whether Valkey is there."""
        try:
            return bool(await self._client.ping())
        except _TROUBLE:
            return False

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
