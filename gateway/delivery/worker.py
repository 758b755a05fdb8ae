"""The gateway's process: its parts, its life, its drain. `pipeline` claims and sends, `maintenance` keeps it healthy.

Nothing depends on Valkey: a wake-up saves seconds, the sweep finds everything. Nothing is lost with this process: what
it had claimed is recovered when its leases expire.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from gateway.delivery import arq_listener, journal
from gateway.delivery.attempt_log import AttemptLog
from gateway.delivery.background import BackgroundRunner, Job
from gateway.delivery.build import MailBuilder
from gateway.delivery.claims import Claims
from gateway.delivery.dkim import Signer
from gateway.delivery.flight_recorder import SPARE_SLOTS, FlightRecorder, deployment_id, open_directory
from gateway.delivery.maintenance import Maintenance
from gateway.delivery.outcome_writer import MAX_UNWRITTEN, OutcomeWriter
from gateway.delivery.pipeline import Pipeline
from gateway.delivery.routing import RelayRouter
from gateway.delivery.schedule import RetrySchedule, random_jitter
from gateway.delivery.settle import Settler
from gateway.deployment import Deployment
from gateway.mail.response import Exchange
from gateway.mail.verdict import judge
from gateway.outbox.relay_limits import register_relays
from gateway.smtp.relays import Relays
from gateway.verdict_rules import read_verdict_rules

log = logging.getLogger(__name__)

POOL = 16
"""Connections to PostgreSQL: claim, hand-off and record two each, the rest for jobs and single loads."""
COLLECT_AFTER = 20_000
"""Objects made and not freed until the garbage collector looks at them: some megabytes."""
TALLY_SHARDS = range(1, 15)
"""Shards of `mailing_tally` that workers count in: one each, so that they do not wait for each other. The first and the
last are of what is counted otherwise, and noted for sampling."""
JOURNAL_RESERVE = 0.2
"""Part of DRAIN_SECONDS kept for what comes after sending: interrupting what still waits, writing, the journal."""
CANCEL_SECONDS = 1.0
"""How long a cancelled task may take: a drain ends within DRAIN_SECONDS whatever hangs."""


def relax_garbage_collector() -> None:
    """Let the garbage collector look at less, less often; for a process that is a worker and nothing else.

    What lives now lives as long as the process, and a delivery leaves no cycles behind: the usual thresholds cost a
    tenth of a worker's time.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


class Worker:
    """One process's engine. `run` until `stop`; then it drains: what is handed off is finished, the rest given back.

    `jobs` are its background jobs (`gateway.__main__.background_jobs`).
    """

    def __init__(
        self,
        deployment: Deployment,
        pool: asyncpg.Pool[Any],
        smtp: Relays,
        *,
        signer: Signer | None,
        schedule: RetrySchedule,
        jobs: Sequence[Job],
        jitter: Callable[[], float] = random_jitter,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.id = uuid4()
        self._settings = deployment.settings
        self._pool = pool
        self._smtp = smtp
        self._clock = clock
        self._wall = wall
        self._shard = TALLY_SHARDS[self.id.int % len(TALLY_SHARDS)]
        self._jobs = jobs
        self._notes: set[asyncio.Task[object]] = set()
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._router = RelayRouter(pool, smtp, self._settings.relay_url, jitter=jitter, pause=schedule.pause)
        self._recorder, settler = self._open_recorder(schedule)
        self._claims = Claims(
            deployment, self._router, smtp, worker=self.id, recorder=self._recorder, clock=clock, wake=self._wake.set
        )
        self._builder = MailBuilder(pool, deployment, signer)
        self.outcomes = OutcomeWriter(
            pool,
            shard=self._shard,
            clock=clock,
            release=self._claims.release,
            note_stop=self._router.note_stop,
            wake=self._wake.set,
            same_refusals=self._settings.same_refusals,
        )
        self._attempts = AttemptLog(later=asyncio.get_running_loop().call_later, wall=wall)
        self._pipeline = Pipeline(
            relay_names=deployment.relay_names,
            sweep_seconds=self._settings.sweep_seconds,
            pool=pool,
            router=self._router,
            claims=self._claims,
            builder=self._builder,
            outcomes=self.outcomes,
            attempts=self._attempts,
            schedule=schedule,
            clock=clock,
            wake=self._wake,
            stop=self._stop,
        )
        self._runner = BackgroundRunner(pool, stop=self._stop, wake=self._wake.set)
        self._maintenance = Maintenance(
            settings=self._settings,
            pool=pool,
            runner=self._runner,
            worker=self.id,
            shard=self._shard,
            router=self._router,
            claims=self._claims,
            settler=settler,
            counts=self._pipeline.counts,
            scan_jobs=[job for job in jobs if job.every is None],
            scan_every=min(schedule.scan_seconds, self._settings.lease_seconds / 2),
            clock=clock,
            wake=self._wake.set,
        )

    def _open_recorder(self, schedule: RetrySchedule) -> tuple[FlightRecorder, Settler]:
        """This worker's own flight recorder, and its part in settling those of the dead."""
        settings, clock, wall = self._settings, self._clock, self._wall
        directory, deployment = open_directory(settings.recorder_dir), deployment_id(settings.database_url)
        slots = self._smtp.widest + MAX_UNWRITTEN + SPARE_SLOTS
        recorder = FlightRecorder.open(
            directory, deployment=deployment, worker=self.id, slots=slots, clock=clock, wall=wall
        )
        settler = Settler(
            pool=self._pool,
            recorders=directory,
            journals=Path(settings.journal_dir) if settings.journal_dir else None,
            deployment=deployment,
            shard=self._shard,
            same_refusals=settings.same_refusals,
            wait=schedule.wait,
            note_stop=self._router.note_stop,
            clock=clock,
            wall=wall,
        )
        return recorder, settler

    # ---- life

    @property
    def idle(self) -> bool:
        """Whether nothing is due, as of the last claim."""
        return self._pipeline.idle

    def wake(self) -> None:
        """There is mail now."""
        self._wake.set()

    def note_relay_failure(self, exchange: Exchange) -> None:
        """A connection failed. With one relay the mail that waited for it reports it; with several, another relay may
        have taken that mail, and the failure would go unnoticed."""
        if len(self._settings.relay_url) > 1:
            verdict = judge(exchange, read_verdict_rules())
            task = asyncio.get_running_loop().create_task(self._router.note(exchange, verdict))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)

    def stop(self) -> None:
        """Drain and end: `run` returns within DRAIN_SECONDS."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`. Raises only what keeps a process from starting."""
        await self._start()
        repeat = self._runner.repeat
        claiming = asyncio.create_task(repeat(self._pipeline.claim_due, "claim"))
        background = [
            asyncio.create_task(repeat(self._maintenance.sweep, "sweep")),
            asyncio.create_task(repeat(self._maintenance.follow_orders, "orders")),
            asyncio.create_task(repeat(self._maintenance.keep_leases, "leases")),
            asyncio.create_task(repeat(self._listen, "wake-ups")),
            *(asyncio.create_task(self._runner.run(job)) for job in self._jobs if job.every is not None),
        ]
        recorders = [asyncio.create_task(loop) for loop in self.outcomes.recorders()]
        try:
            await self._stop.wait()
        finally:
            await self._drain(claiming, background, recorders)

    async def _start(self) -> None:
        async with self._pool.acquire() as connection:
            await register_relays(connection, self._settings.relay_url)
        await self._router.refresh()

    async def _listen(self) -> None:
        await arq_listener.listen(self._settings.redis_url, self.wake)

    # ---- drain

    async def _drain(
        self,
        claiming: asyncio.Task[None],
        background: list[asyncio.Task[None]],
        recorders: list[asyncio.Task[None]],
    ) -> None:
        """Claim nothing more, finish what is handed off, give back the rest, write or journal what is known."""
        self._stop.set()
        ends = self._clock() + self._settings.drain_seconds * (1 - JOURNAL_RESERVE)
        # A claim under way ends by itself: cancelled, what it has leased would have to be looked for.
        await asyncio.wait([claiming], timeout=CANCEL_SECONDS)
        await _cancel([claiming, *background])
        await _within(self._claims.all_ended(), ends - self._clock())
        # Mail that still waits for a server is interrupted, and what is known of it recorded.
        moment = self._settings.drain_seconds * JOURNAL_RESERVE / 4
        await _within(self._smtp.close(), moment)
        await _within(self._claims.all_ended(), moment)
        await _within(self._maintenance.tidy_at_the_end(), moment)
        await _within(self.outcomes.flush(), max(moment, ends - self._clock()))
        await _cancel(list(self._pipeline.tasks))
        await _cancel(recorders)
        self._end_recorder()
        self._attempts.flush()
        await _within(self._builder.close(), CANCEL_SECONDS)

    def _end_recorder(self) -> None:
        """Remove the flight recorder; or, where PostgreSQL could not take everything, journal it. It stays in its
        directory if that fails: then a worker of this machine finds it there, while the machine runs."""
        left = self._recorder.left
        if not left:
            self._recorder.close()
            return
        if self._settings.journal_dir is not None:
            sealed = self._recorder.seal(now=self._clock(), wall=self._wall())
            try:
                path = journal.write(Path(self._settings.journal_dir), sealed, worker=self.id)
            except OSError as error:
                log.error("the journal cannot be written: %s", error.strerror)
            else:
                self._recorder.close()
                log.warning("%d mails and claims wait in the journal %s for the next start", left, path.name)
                return
        if self._recorder.close(keep=True):
            log.warning("%d mails and claims wait in the flight recorder for a start on this machine", left)
        else:
            log.error("%d mails and claims could not be written and will show UNCERTAIN: set JOURNAL_DIR", left)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel, and wait a little: a statement on its way is cancelled at the server, which may be busy."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    _, left = await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    if left:
        log.warning("%d tasks did not end in time", len(left))


async def _within(work: Coroutine[Any, Any, Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await work
    except TimeoutError:
        return
