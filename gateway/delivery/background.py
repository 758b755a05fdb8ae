"""Background jobs: a list of them is handed to the worker, which runs each periodically until it stops.

A capability adds a job to the list in `gateway.__main__`; nothing here or in the worker changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from gateway.database import AWAY, Connection
from gateway.notify.wakeup import VALKEY_AWAY

log = logging.getLogger(__name__)

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0
"""Seconds between two tries of a job that fails: soon enough for mail to move again when PostgreSQL is back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What one batch of a job came to. `more`: run the job again at once. `mail_due`: there is mail to claim now."""

    more: bool = False
    mail_due: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One kind of background work. `run` does a bounded batch on a connection of the worker's pool.

    `every`: seconds between the end of its work and the next look; None runs it once a scan of the outbox, by the one
    worker whose turn that is. Every worker runs every other job, so `run` must be safe beside itself.
    """

    name: str
    run: Callable[[Connection], Awaitable[Progress]]
    every: float | None


@dataclass(slots=True)
class BackgroundRunner:
    """Runs jobs and the worker's own loops until `stop` is set."""

    pool: asyncpg.Pool[asyncpg.Record]
    stop: asyncio.Event
    wake: Callable[[], None]

    async def repeat(self, step: Callable[[], Awaitable[None]], name: str) -> None:
        """Run `step` until the worker stops. A failure is logged once and retried after a growing pause; it never ends
        the worker."""
        backoff, failing = FIRST_BACKOFF, ""
        while not self.stop.is_set():
            try:
                await step()
                backoff, failing = FIRST_BACKOFF, ""
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # A deadlock, PostgreSQL restarting, Valkey away: whatever it is, mail must not stop for good.
                if failing != type(error).__name__:
                    failing = type(error).__name__
                    log_failure(name, error)
                await self.pause(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)

    async def run(self, job: Job) -> None:
        """Run a job with a period of its own until the worker stops."""

        async def step() -> None:
            while (await self.run_once(job)).more and not self.stop.is_set():
                pass
            await self.pause(job.every or 0.0)

        await self.repeat(step, job.name)

    async def run_once(self, job: Job) -> Progress:
        """Do one batch of a job. Raises what the job raises."""
        async with self.pool.acquire() as connection:
            progress = await job.run(connection)
        if progress.mail_due:
            self.wake()
        return progress

    async def pause(self, seconds: float) -> None:
        """Wait, or less if the worker is stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return


def log_failure(name: str, error: Exception) -> None:
    """Log that a background job failed and is retried; with its traceback where the error is not a server away."""
    known = isinstance(error, (*AWAY, *VALKEY_AWAY, asyncpg.PostgresError))
    log.warning("background job %s failed, retrying: %s", name, type(error).__name__, exc_info=not known)
