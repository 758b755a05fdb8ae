"""A worker's own upkeep: leases kept, standings read, attempts counted, the outbox scanned and vacuumed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.delivery.background import BackgroundRunner, Job, log_failure
from gateway.delivery.claims import Claims
from gateway.delivery.pipeline import AttemptCounts
from gateway.delivery.routing import RelayRouter
from gateway.outbox.lanes import LaneStanding, lane_states, note_throughput
from gateway.outbox.recovery import my_turn, recover
from gateway.settings import Settings
from gateway.telemetry.metrics import QUEUE_AGE, QUEUE_DEPTH, RECOVERED

log = logging.getLogger(__name__)

VACUUM_AFTER = 5000
"""Rows finished until the head of the queue is vacuumed: dead rows there cost every claim."""


class Maintenance:
    """The sweep and the leases of one worker. `scan_jobs` run with each scan of the outbox, by one worker at a time."""

    def __init__(
        self,
        settings: Settings,
        pool: asyncpg.Pool[Any],
        runner: BackgroundRunner,
        *,
        worker: UUID,
        shard: int,
        router: RelayRouter,
        claims: Claims,
        counts: AttemptCounts,
        scan_jobs: Sequence[Job],
        scan_seconds: float,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._runner = runner
        self._worker = worker
        self._shard = shard
        self._router = router
        self._claims = claims
        self._counts = counts
        self._scan_jobs = scan_jobs
        self._scan_every = min(scan_seconds, settings.lease_seconds / 2)
        self._clock = clock
        self._wake = wake
        self._scanned = 0.0
        self._extended = clock()

    # ---- leases

    async def keep_leases(self) -> None:
        """Extend leases a third of a lease after the last time; a failure is retried at once, while there is time."""
        await self._runner.pause(max(0.0, self._extended + self._settings.lease_seconds / 3 - self._clock()))
        if self._claims.leased:
            async with asyncio.timeout(self._settings.lease_seconds / 6), self._pool.acquire() as connection:
                await self._claims.extend(connection)
        self._extended = self._clock()

    # ---- sweep

    async def sweep(self) -> None:
        """Every few seconds: what no wake-up announces."""
        await self._router.refresh()
        self._wake()
        async with self._pool.acquire() as connection:
            await self._write_counts(connection)
            if self._clock() - self._scanned >= self._scan_every:
                self._scanned = self._clock()
                await self._scan(connection)
            if self._counts.since_vacuum >= VACUUM_AFTER:
                self._counts.since_vacuum = 0
                await QUERIES.vacuum_outbox(connection)
        await self._runner.pause(self._settings.sweep_seconds)

    async def _write_counts(self, connection: Connection) -> None:
        lanes, domains = self._counts.take()
        await note_throughput(connection, worker=self._worker, throughput=lanes, domains=domains)
        await self._claims.tidy(connection)

    async def _scan(self, connection: Connection) -> None:
        """If it is our turn, settle what lost workers had and expire what waited past its deadline; show the lanes."""
        # A little less than our own period: the worker whose turn it was last time is not too early by a moment.
        if await my_turn(connection, every=timedelta(seconds=0.9 * self._scan_every)):
            await self._recover(connection)
            await QUERIES.forget_throughput(connection)
            await QUERIES.forget_domain_throughput(connection)
            await QUERIES.forget_old_refusals(connection)
            await QUERIES.forget_relay_tally(connection)
            await self._run_scan_jobs()
        await QUERIES.drop_domain_connections(connection, worker=self._worker)
        _show_lanes(await lane_states(connection))

    async def _recover(self, connection: Connection) -> None:
        found = await recover(connection, shard=self._shard)
        RECOVERED.labels("queued").inc(found.unsent)
        RECOVERED.labels("uncertain").inc(found.uncertain)
        if found.unsent or found.uncertain:
            log.warning("leases expired: %d rows requeued, %d uncertain", found.unsent, found.uncertain)

    async def _run_scan_jobs(self) -> None:
        """One job's failure is no reason to skip the others; it is retried with the next scan."""
        for job in self._scan_jobs:
            try:
                await self._runner.run_once(job)
            except Exception as error:
                log_failure(job.name, error)

    async def tidy_at_the_end(self) -> None:
        """A stop is no reason for a relay's day to be shorter, or for mail of a claim without an answer to become
        uncertain. Never raises for a database that is away."""
        with contextlib.suppress(*AWAY, asyncpg.PostgresError):
            async with self._pool.acquire() as connection:
                await self._claims.tidy(connection)


def _show_lanes(lanes: Iterable[LaneStanding]) -> None:
    """Campaigns come and go, and are shown as one lane: a label each would never go away again."""
    depths, ages = {"campaigns": 0}, {"campaigns": 0.0}
    for lane in lanes:
        name = lane.name if lane.campaign_id is None else "campaigns"
        depths[name] = depths.get(name, 0) + lane.depth
        ages[name] = max(ages.get(name, 0.0), lane.oldest_seconds)
    for name in depths:
        QUEUE_DEPTH.labels(name).set(depths[name])
        QUEUE_AGE.labels(name).set(ages[name])
