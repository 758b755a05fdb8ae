"""Wakes a worker through arq after a commit. The row is the queue: a lost wakeup costs latency, never mail."""

from __future__ import annotations

import logging

import orjson
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from gateway.valkey import open_valkey

log = logging.getLogger(__name__)

WAKEUP_JOB = "drain"
"""The only job, and its id: while it is queued, enqueuing it again changes nothing."""

VALKEY_AWAY = (RedisError, OSError)
"""What redis-py and arq raise when Valkey cannot be reached."""

# A mutation waits for the wakeup: a Valkey that does not respond must not delay it for long.
_TIMEOUT_SECONDS = 1.0


def open_queue(url: str) -> ArqRedis:
    """Returns arq's client, with JSON: its default, pickle, would let anyone who can write to Valkey run code here."""
    pool = open_valkey(url, timeout=_TIMEOUT_SECONDS)
    return ArqRedis(pool_or_conn=pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads)


class Wakeup:
    """Wakes the gateway when mail is due. Share one a process; `close()` at the end."""

    def __init__(self, url: str) -> None:
        self._queue = open_queue(url)
        self._away = False

    async def notify(self) -> None:
        """Wake one worker. Never raises: without Valkey the sweep finds the mail seconds later."""
        try:
            await self._queue.enqueue_job(WAKEUP_JOB, _job_id=WAKEUP_JOB)
        except VALKEY_AWAY as error:
            if not self._away:
                log.warning("Valkey unavailable, mail waits for the next sweep: %s", type(error).__name__)
            self._away = True
        else:
            self._away = False

    async def close(self) -> None:
        """Close the connections."""
        await self._queue.aclose(close_connection_pool=True)
