"""Rings arq after a commit. The row is the queue: a lost ring costs latency, never mail."""

from __future__ import annotations

import logging

import orjson
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

WAKEUP_JOB = "drain"
"""The one job there is, and its id: while one waits, another ring adds nothing."""

VALKEY_AWAY = (RedisError, OSError)
"""What says that Valkey cannot be reached."""

# A mutation waits for its ring: a silent Valkey must not hold it for long.
_PATIENCE_SECONDS = 1.0


def open_queue(url: str) -> ArqRedis:
    """arq's client. JSON, because its default, pickle, lets whoever writes to Valkey run code here."""
    pool: ConnectionPool = ConnectionPool.from_url(
        url, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
    )
    return ArqRedis(pool_or_conn=pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads)


class Wakeup:
    """Tells the gateway that mail is due now. Share one a process; `close()` at the end."""

    def __init__(self, url: str) -> None:
        self._queue = open_queue(url)
        self._away = False

    async def notify(self) -> None:
        """Ask some worker to drain. Never raises: without Valkey the sweep finds the mail, seconds later."""
        try:
            await self._queue.enqueue_job(WAKEUP_JOB, _job_id=WAKEUP_JOB)
        except VALKEY_AWAY as error:
            if not self._away:
                log.warning("valkey is away, mail waits for the sweep: %s", type(error).__name__)
            self._away = True
        else:
            self._away = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._queue.aclose(close_connection_pool=True)
