"""A worker's own upkeep: leases kept, standings read, attempts counted, the outbox scanned and vacuumed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.delivery.background import BackgroundRunner, Job, log_failure
from gateway.delivery.claims import Claims
from gateway.delivery.pipeline import AttemptCounts
from gateway.delivery.routing import RelayRouter
from gateway.delivery.settle import Settler
from gateway.outbox.lanes import LaneStanding, lane_states, note_throughput, queues_of
from gateway.outbox.recovery import my_turn, recover
from gateway.outbox.retention import forget_counts
from gateway.settings import Settings
from gateway.telemetry.metrics import QUEUE_AGE, QUEUE_DEPTH, RECOVERED

log = logging.getLogger(__name__)

ORDERS_SECONDS = 0.3
"""Seconds between two looks at what persons paused or limited: one read of a few rows, so that within a second nothing
more is handed off."""
VACUUM_AFTER = 5000
"""Rows finished until the head of the queue is vacuumed: dead rows there cost every claim."""


@dataclass(kw_only=True, slots=True)
class Maintenance:
    """The sweep and the leases of one worker. `scan_jobs` run with each scan of the outbox, every `scan_every` seconds,
    by one worker at a time."""

    settings: Settings
    pool: asyncpg.Pool[Any]
    runner: BackgroundRunner
    worker: UUID
    shard: int
    router: RelayRouter
    claims: Claims
    settler: Settler
    counts: AttemptCounts
    scan_jobs: Sequence[Job]
    scan_every: float
    clock: Callable[[], float]
    wake: Callable[[], None]
    _scanned: float = field(default=0.0, init=False)
    _extended: float = field(init=False)

    def __post_init__(self) -> None:
        """Leases are extended from now on."""
        self._extended = self.clock()

    # ---- leases

    async def keep_leases(self) -> None:
        """Extend leases a third of a lease after the last time; a failure is retried at once, while there is time."""
        await self.runner.pause(max(0.0, self._extended + self.settings.lease_seconds / 3 - self.clock()))
        if self.claims.leased:
            async with asyncio.timeout(self.settings.lease_seconds / 6), self.pool.acquire() as connection:
                await self.claims.extend(connection)
        self._extended = self.clock()

    # ---- orders

    async def follow_orders(self) -> None:
        """A few times a second: what persons paused, resumed or limited."""
        if await self.router.follow_orders():
            self.wake()
        await self.runner.pause(ORDERS_SECONDS)

    # ---- sweep

    async def sweep(self) -> None:
        """Every few seconds: what no wake-up announces. What flight recorders know of dead workers is written first:
        after a recovery it would be too late to say that nothing was sent."""
        await self.settler.settle()
        await self.router.refresh()
        self.wake()
        async with self.pool.acquire() as connection:
            await self._write_counts(connection)
            if self.clock() - self._scanned >= self.scan_every:
                self._scanned = self.clock()
                await self._scan(connection)
            if self.counts.since_vacuum >= VACUUM_AFTER:
                self.counts.since_vacuum = 0
                await QUERIES.vacuum_outbox(connection)
        await self.runner.pause(self.settings.sweep_seconds)

    async def _write_counts(self, connection: Connection) -> None:
        lanes, domains = self.counts.take()
        await note_throughput(connection, worker=self.worker, throughput=lanes, domains=domains)
        await self.claims.tidy(connection)

    async def _scan(self, connection: Connection) -> None:
        """If it is our turn, settle what lost workers had and expire what waited past its deadline; show the lanes."""
        # A little less than our own period: the worker whose turn it was last time is not too early by a moment.
        if await my_turn(connection, every=timedelta(seconds=0.9 * self.scan_every)):
            await self._recover(connection)
            await forget_counts(connection)
            await self._run_scan_jobs()
        await QUERIES.drop_domain_connections(connection, worker=self.worker)
        _show_lanes(await lane_states(connection))

    async def _recover(self, connection: Connection) -> None:
        found = await recover(connection, shard=self.shard)
        RECOVERED.labels("queued").inc(found.unsent)
        RECOVERED.labels("uncertain").inc(found.uncertain)
        if found.unsent or found.uncertain:
            log.warning("leases expired: %d rows requeued, %d uncertain", found.unsent, found.uncertain)

    async def _run_scan_jobs(self) -> None:
        """One job's failure is no reason to skip the others; it is retried with the next scan."""
        for job in self.scan_jobs:
            try:
                await self.runner.run_once(job)
            except Exception as error:
                log_failure(job.name, error)

    async def tidy_at_the_end(self) -> None:
        """A stop is no reason for a relay's day to be shorter, or for mail of a claim without an answer to become
        uncertain. Never raises for a database that is away."""
        with contextlib.suppress(*AWAY, asyncpg.PostgresError):
            async with self.pool.acquire() as connection:
                await self.claims.tidy(connection)


def _show_lanes(lanes: Iterable[LaneStanding]) -> None:
    """Campaigns come and go: a label each would never go away again."""
    for name, queue in queues_of(lanes).items():
        QUEUE_DEPTH.labels(name).set(queue.depth)
        QUEUE_AGE.labels(name).set(queue.oldest_seconds)
