"""The gateway's process: claims, sends and records; sweeps, makes campaigns' messages; arq rings it awake.

Nothing here depends on Valkey: a ring saves seconds, the sweep finds everything. Nothing is lost with this process:
what it had claimed is rescued when its leases expire.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import asyncpg
from arq.worker import Worker as ArqWorker
from arq.worker import func
from redis.exceptions import RedisError

from gateway.campaigns import expansion, lifecycle
from gateway.database import AWAY, QUERIES, Connection
from gateway.delivery import journal
from gateway.delivery.build import MailBuilder
from gateway.delivery.claims import Claims, Ready
from gateway.delivery.dkim import Signer
from gateway.delivery.outcome_writer import OutcomeWriter
from gateway.delivery.routing import RelayRouter
from gateway.delivery.send import Mail, send
from gateway.deployment import Deployment
from gateway.mail.response import Exchange
from gateway.mail.schedule import wait_before_next
from gateway.mail.verdict import Verdict, judge
from gateway.notify.wakeup import WAKEUP_JOB, open_queue
from gateway.outbox import claim
from gateway.outbox.claim import Claimed
from gateway.outbox.lanes import LaneStanding, lane_states, note_throughput
from gateway.outbox.outcomes import NOT_COMPOSED, WRONG_RELAY, Finished, HandOff
from gateway.outbox.outcomes import record as record_now
from gateway.outbox.recovery import my_turn, recover
from gateway.outbox.relay_limits import register_relays
from gateway.outbox.trouble import PauseStep, usual_pause
from gateway.smtp.relays import Relays
from gateway.storage import attachments
from gateway.telemetry.metrics import COMPOSING, MESSAGES, QUEUE_AGE, QUEUE_DEPTH, RECOVERED, SENDING
from gateway.telemetry.traces import open_tracer, span
from gateway.tracking.classify import classify_due
from gateway.verdict_rules import read_verdict_rules

log = logging.getLogger(__name__)

POOL = 12
"""Connections to PostgreSQL: claim, hand-off and record two each, the rest for sweeps and single loads."""
GATHER_SECONDS = 0.002
"""How long the first free senders wait for others: a claim for a few rows costs the database as much as one for fifty,
and their connections have a mail each meanwhile."""
WORTH_A_CLAIM = 4
"""One sender of so many being free is worth a claim at once."""
ARQ_POLL_SECONDS = 0.05
"""How soon a ring is heard; twenty cheap reads a second while idle."""
ARQ_TIMEOUT = 5
"""Short, since after a killed worker a job's id stays taken for this long and ten seconds more."""
SCAN_SECONDS = 30.0
"""How often leases and deadlines are looked through, at the longest: one worker reads the whole outbox then."""
JUDGE_SECONDS = 1.0
"""How often hits are looked for that have settled: one read of an index that holds the unjudged only."""
VACUUM_AFTER = 5000
"""Rows finished until the head of the queue is swept clean of their remains."""
COLLECT_AFTER = 20_000
"""Objects made and not freed until the garbage collector looks at them: some megabytes."""
TALLY_SHARDS = 16
"""Slots of `campaign_tally`: a worker writes one, so that workers do not wait for each other."""
JOURNAL_RESERVE = 0.2
"""Part of DRAIN_SECONDS kept for what comes after the senders: telling those that still wait, writing, the journal."""
NOT_LOADED_WAIT = timedelta(minutes=1)
"""When a mail is tried again that could not be loaded, through no fault of its own."""
CANCEL_AGAIN_SECONDS = 0.05
"""When a task that has not ended is cancelled again."""
CANCEL_SECONDS = 1.0
"""How long a cancelled task may take: a drain ends within DRAIN_SECONDS whatever hangs."""


# Looked up once: a label costs more than what it counts.
_attempts = cache(MESSAGES.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrySchedule:
    """The schedules a worker follows; tests and proofs hurry them."""

    wait: Callable[[int, Verdict], timedelta]
    pause: PauseStep = usual_pause
    scan_seconds: float = SCAN_SECONDS


def default_schedule(jitter: Callable[[], float]) -> RetrySchedule:
    """The schedule's waits and pauses."""
    return RetrySchedule(wait=lambda attempt, verdict: wait_before_next(attempt, verdict, jitter=jitter()))


def ease_collector() -> None:
    """Let the garbage collector look at less, less often; for a process that is a worker and nothing else.

    What lives now lives as long as the process, and a delivery leaves no cycles behind: the usual thresholds cost a
    tenth of a worker's time.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def random_jitter() -> float:
    """In [-1, 1]: spreads what failed together."""
    return random.uniform(-1, 1)  # noqa: S311  nothing secret hangs on it


class Worker:
    """One process's engine. `run` until `stop`; then it drains: what is handed off is finished, the rest given back."""

    def __init__(
        self,
        deployment: Deployment,
        pool: asyncpg.Pool[Any],
        smtp: Relays,
        *,
        signer: Signer | None,
        schedule: RetrySchedule,
        jitter: Callable[[], float] = random_jitter,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.id = uuid4()
        self._deployment = deployment
        self._settings = deployment.settings
        self._pool = pool
        self._smtp = smtp
        self._schedule = schedule
        self._clock = clock
        self._wall = wall
        self._shard = self.id.int % TALLY_SHARDS
        self._scan_every = min(schedule.scan_seconds, self._settings.lease_seconds / 2)
        self._rules = read_verdict_rules()
        self._tracer = open_tracer()
        self._builder = MailBuilder(pool, deployment, signer)
        self._router = RelayRouter(pool, smtp, self._settings.relay_url, jitter=jitter, pause=schedule.pause)
        self._wake = asyncio.Event()
        self._claims = Claims(deployment, self._router, smtp, worker=self.id, clock=clock, wake=self._wake.set)
        self.outcomes = OutcomeWriter(pool, shard=self._shard, clock=clock, forget=self._claims.finished)
        self._lane_attempts: Counter[int] = Counter()
        self._domain_attempts: Counter[str] = Counter()
        self._done_since_vacuum = 0
        self._notes: set[asyncio.Task[object]] = set()
        self._stop = asyncio.Event()
        self._scanned = 0.0
        self._extended = clock()
        self.idle = False

    # ---- life

    def wake(self) -> None:
        """There is mail now."""
        self._wake.set()

    def heard(self, exchange: Exchange) -> None:
        """A connection failed. With one relay the mail that waited for it tells; with several, another relay may have
        taken that mail, and the failure would be seen by nobody."""
        if len(self._settings.relay_url) > 1:
            task = asyncio.get_running_loop().create_task(self._router.note(exchange, judge(exchange, self._rules)))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)

    def stop(self) -> None:
        """Drain and end: `run` returns within DRAIN_SECONDS."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`. Raises only what keeps a process from starting."""
        await self._start()
        loops = [
            self._always(self._sweep, "sweep"),
            self._always(self._make_campaigns, "campaigns"),
            self._always(self._judge_hits, "hits"),
            self._always(self._keep_leases, "leases"),
            self._always(self._hear_rings, "rings"),
        ]
        # Senders first: a claim is for those who are free.
        senders = [asyncio.create_task(self._send_always()) for _ in range(self._smtp.widest)]
        claiming = asyncio.create_task(self._always(self._claim_due, "claim"))
        background = [asyncio.create_task(loop) for loop in loops]
        recorders = [asyncio.create_task(loop) for loop in self.outcomes.recorders()]
        try:
            await self._stop.wait()
        finally:
            await self._drain(claiming, background, senders, recorders)

    async def _start(self) -> None:
        async with self._pool.acquire() as connection:
            await register_relays(connection, self._settings.relay_url)
        await self._replay_journal()
        await self._router.refresh()

    async def _always(self, step: Callable[[], Awaitable[None]], name: str) -> None:
        """Run a step again and again; its failures are told and waited out, never fatal."""
        backoff, failing = 0.1, ""
        while not self._stop.is_set():
            try:
                await step()
                backoff, failing = 0.1, ""
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # A deadlock, PostgreSQL restarting, Valkey away: whatever it is, mail must not stop for good.
                if failing != type(error).__name__:
                    failing = type(error).__name__
                    log.warning("%s fails, and is tried again and again: %s", name, failing, exc_info=_unknown(error))
                await self._pause(backoff)
                backoff = min(2.0, backoff * 2)

    async def _pause(self, seconds: float) -> None:
        """Wait, or less if the worker is stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    # ---- claim

    async def _claim_due(self) -> None:
        """Claim for whoever is free until nothing is due; then wait for a free sender, a ring, the sweep or the next
        due time."""
        self._wake.clear()
        wait = await self._claim_while_due()
        self.idle = True
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self.idle = False

    async def _claim_while_due(self) -> float:
        """Answers how long to wait before asking again."""
        scan_limit = 0
        while not self._stop.is_set():
            if self.outcomes.away or not self._router.open:
                return min(self._settings.sweep_seconds, self._router.opens_in or self._settings.sweep_seconds)
            if self._claims.wanted * WORTH_A_CLAIM < self._router.width:
                await asyncio.sleep(GATHER_SECONDS)
            wanted, crowded = self._claims.want(), self._claims.crowded
            if not wanted:
                return self._settings.sweep_seconds  # the first who may send wakes us
            async with self._pool.acquire() as connection:
                found = await self._claims.claim(connection, wanted, scan_limit=max(wanted, scan_limit))
            if found is None:
                return min(self._settings.sweep_seconds, self._router.opens_in or 0.05)
            if found.leased:
                scan_limit = scan_limit if crowded else 0
            elif (found.parked or crowded) and scan_limit < claim.LARGEST_BATCH:
                scan_limit = claim.LARGEST_BATCH  # behind what must wait there may be what may go
            elif not found.parked:
                # Whoever has sent a large mail wakes us, as does whoever is free.
                return self._settings.sweep_seconds if crowded else await self._next_due()
        return 0.0

    async def _next_due(self) -> float:
        async with self._pool.acquire() as connection:
            seconds = await QUERIES.seconds_to_next_due(connection)
        return (
            min(self._settings.sweep_seconds, max(0.005, seconds))
            if seconds is not None
            else (self._settings.sweep_seconds)
        )

    # ---- send

    async def _send_always(self) -> None:
        """One of the senders: each has one mail in hand, so that a connection has one on the wire and one ahead."""
        while not self._stop.is_set():
            item = await self._claims.next()
            try:
                asked = await self._send_or_give_back(item)
            except Exception:
                # Perhaps handed off, perhaps sent: its lease ends, and the rescue says what is known.
                log.exception("message %s: sending failed in our own code", item.row.message_id)
                self._claims.finished(item.row)
                asked = True
            if not asked:
                self._claims.return_unused_permit(item)

    async def _send_or_give_back(self, item: Ready) -> bool:
        """Answers whether a server was asked to take it."""
        try:
            return await self._send_one(item)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("a mail goes back, the ledger did not answer: %s", type(error).__name__)
            # Whether the hand-off was committed is unknown; that nothing was sent is known.
            await self._give_back(item.row)
            return False

    async def _send_one(self, item: Ready) -> bool:
        row = item.row
        if not self._router.may_use(row.bound_relay or item.via_relay):
            return await self._not_now(row)
        if not row.large:
            return await self._compose_and_send(item)
        async with self._builder.room:
            return await (self._give_back(row) if self._stop.is_set() else self._compose_and_send(item))

    async def _compose_and_send(self, item: Ready) -> bool:
        row = item.row
        started = self._clock()
        mail = await self._composed(item)
        if mail is None:
            return False
        composed = self._clock()
        COMPOSING.observe(composed - started)
        # Whoever was claimed together is composed first and written then: a server that sleeps between two writes has
        # to be woken for each, which costs more than composing.
        await asyncio.sleep(0)
        if row.handed_off and composed >= item.ends:
            # This process was stopped for so long: the row may be another's by now. If it is not, nothing was sent.
            return await self._give_back(row)
        with span(self._tracer, "mail.send", row):
            outcome = await send(
                mail,
                router=self._router,
                outcomes=self.outcomes,
                rules=self._rules,
                wait=self._schedule.wait,
                clock=self._clock,
            )
        SENDING.observe(self._clock() - started)
        return self._note(mail.source_type, row, outcome)

    async def _composed(self, item: Ready) -> Mail | None:
        """The mail; one that cannot be composed is held, whatever the reason: tried again and again it would only
        fail again and again. One that could not be loaded for want of memory, here or in PostgreSQL, goes back."""
        try:
            return await self._builder.build(item.row, via_relay=item.via_relay)
        except AWAY:
            raise
        except (asyncpg.PostgresError, MemoryError) as error:
            log.warning("message %s cannot be loaded now: %s", item.row.message_id, type(error).__name__)
            await self._give_back(item.row, NOT_LOADED_WAIT)
            return None
        except Exception:
            log.exception("message %s cannot be composed", item.row.message_id)
            await self.outcomes.undelivered((item.row, NOT_COMPOSED))
            self._claims.finished(item.row)
            return None

    async def _not_now(self, row: Claimed) -> bool:
        if row.bound_relay is None:
            return await self._give_back(row)
        if row.bound_relay in self._deployment.relay_names:
            # The ledger says that it may be used, our last reading not yet: until the next one.
            return await self._give_back(row, timedelta(seconds=self._settings.sweep_seconds))
        await self.outcomes.undelivered((row, WRONG_RELAY))
        self._claims.finished(row)
        return False

    async def _give_back(self, row: Claimed, wait: timedelta | None = None) -> bool:
        """Answers that no server was asked."""
        await self.outcomes.give_back(row, wait)
        self._claims.finished(row)
        return False

    def _note(self, source_type: str, row: Claimed, outcome: HandOff | Verdict) -> bool:
        """Answers whether a server was asked to take the mail, and not only found in trouble."""
        if isinstance(outcome, Verdict):
            _attempts(source_type, outcome.outcome, outcome.cause or "").inc()
            self._lane_attempts[row.lane_id] += 1
            self._domain_attempts[row.domain] += 1
        self._done_since_vacuum += 1
        if isinstance(outcome, Verdict) and outcome.counts:
            return True
        self._claims.finished(row)
        return False

    # ---- leases, sweep, campaigns

    async def _keep_leases(self) -> None:
        """A third of a lease after the last time; one that failed is tried again at once, while there is time."""
        await self._pause(max(0.0, self._extended + self._settings.lease_seconds / 3 - self._clock()))
        if self._claims.leased:
            async with asyncio.timeout(self._settings.lease_seconds / 6), self._pool.acquire() as connection:
                await self._claims.extend(connection)
        self._extended = self._clock()

    async def _sweep(self) -> None:
        """Every few seconds: what no ring announces."""
        await self._router.refresh()
        self._wake.set()
        async with self._pool.acquire() as connection:
            await self._write_counts(connection)
            for finished in await lifecycle.finish(connection):
                log.info("campaign %s is finished", finished)
            if self._clock() - self._scanned >= self._scan_every:
                self._scanned = self._clock()
                await self._scan(connection)
            if self._done_since_vacuum >= VACUUM_AFTER:
                self._done_since_vacuum = 0
                await QUERIES.vacuum_outbox(connection)
        await self._pause(self._settings.sweep_seconds)

    async def _write_counts(self, connection: Connection) -> None:
        paces, self._lane_attempts = self._lane_attempts, Counter()
        domains, self._domain_attempts = self._domain_attempts, Counter()
        await note_throughput(connection, worker=self.id, throughput=paces, domains=domains)
        await self._claims.tidy(connection)

    async def _scan(self, connection: Connection) -> None:
        """Rescue what lost workers had and expire what waited past its deadline, if it is our turn; show the lanes."""
        # A little less than our own period: the worker whose turn it was last time is not too early by a moment.
        if await my_turn(connection, every=timedelta(seconds=0.9 * self._scan_every)):
            await self._recover(connection)
            await attachments.sweep(connection)
            await QUERIES.forget_throughput(connection)
            await QUERIES.forget_domain_throughput(connection)
        await QUERIES.drop_domain_connections(connection, worker=self.id)
        _show_lanes(await lane_states(connection))

    async def _recover(self, connection: Connection) -> None:
        found = await recover(connection, shard=self._shard)
        RECOVERED.labels("queued").inc(found.unsent)
        RECOVERED.labels("uncertain").inc(found.uncertain)
        if found.unsent or found.uncertain:
            log.warning("rescued: %d back in the queue, %d uncertain", found.unsent, found.uncertain)

    async def _make_campaigns(self) -> None:
        made: int | None = 1
        while made is not None and not self._stop.is_set():
            async with self._pool.acquire() as connection:
                made = await expansion.make_messages(connection, self._deployment)
            if made:
                self._wake.set()
        await self._pause(min(0.25, self._settings.sweep_seconds))

    async def _judge_hits(self) -> None:
        """Judge opens and clicks that have settled, as long as some are due; then look again in a moment."""
        judged = 1
        while judged and not self._stop.is_set():
            async with self._pool.acquire() as connection:
                judged = await classify_due(connection)
        await self._pause(JUDGE_SECONDS)

    async def _hear_rings(self) -> None:
        """arq's runner. Every ring is one job that wakes the drain and is over; its errors end only itself."""

        async def drain(ctx: dict[Any, Any]) -> None:
            self.wake()

        queue = open_queue(self._settings.redis_url)
        runner = ArqWorker(
            functions=[func(cast(Any, drain), name=WAKEUP_JOB, keep_result=0, timeout=ARQ_TIMEOUT, max_tries=1)],
            redis_pool=queue,
            queue_name=queue.default_queue_name,
            handle_signals=False,
            poll_delay=ARQ_POLL_SECONDS,
            job_timeout=ARQ_TIMEOUT,
            keep_result=0,
            log_results=False,
            job_serializer=queue.job_serializer,
            job_deserializer=queue.job_deserializer,
        )
        listening = asyncio.create_task(runner.async_run())
        try:
            await asyncio.wait([listening])
            await listening
        finally:
            await end(listening)
            # A ring that was just heard is still being written off, and would connect anew behind our back.
            if jobs := [job for job in runner.tasks.values() if not job.done()]:
                await asyncio.wait(jobs, timeout=CANCEL_SECONDS / 2)
            await queue.aclose(close_connection_pool=True)

    # ---- the end

    async def _drain(
        self,
        claiming: asyncio.Task[None],
        background: list[asyncio.Task[None]],
        senders: list[asyncio.Task[None]],
        recorders: list[asyncio.Task[None]],
    ) -> None:
        """Claim nothing more, finish what is handed off, give back the rest, write or journal what is known."""
        self._stop.set()
        ends = self._clock() + self._settings.drain_seconds * (1 - JOURNAL_RESERVE)
        self._claims.send_home()
        # A claim under way ends by itself: cancelled, what it has leased would have to be looked for.
        await asyncio.wait([claiming], timeout=CANCEL_SECONDS)
        await _cancel([claiming, *background])
        back = asyncio.create_task(self._give_back_untaken())
        await asyncio.wait([*senders, back], timeout=max(0.0, ends - self._clock()))
        # Whoever still waits for a server is told that we stop, and says of its mail what is known.
        moment = self._settings.drain_seconds * JOURNAL_RESERVE / 4
        await _within(self._smtp.close(), moment)
        await asyncio.wait([*senders, back], timeout=moment)
        await _within(self._tidy_at_last(), moment)
        await _within(self.outcomes.flush(), max(moment, ends - self._clock()))
        await _cancel([*senders, back])
        await _cancel(recorders)
        self._journal(self.outcomes.leave())
        await _within(self._builder.close(), CANCEL_SECONDS)

    async def _give_back_untaken(self) -> None:
        async def give_back(item: Ready) -> None:
            await self._give_back(item.row)
            self._claims.return_unused_permit(item)

        await asyncio.gather(*(give_back(item) for item in self._claims.untaken))

    async def _tidy_at_last(self) -> None:
        """A stop is no reason for a relay's day to be shorter, or for mail of an unheard claim to be uncertain."""
        with contextlib.suppress(*AWAY, asyncpg.PostgresError):
            async with self._pool.acquire() as connection:
                await self._claims.tidy(connection)

    def _journal(self, left: list[Finished]) -> None:
        if not left:
            return
        if self._settings.journal_dir is None:
            log.error("%d outcomes are lost to the ledger and will show UNCERTAIN: set JOURNAL_DIR", len(left))
            return
        path = journal.write(
            Path(self._settings.journal_dir), left, now=self._clock(), wall=self._wall(), process=self.id
        )
        log.warning("%d outcomes wait in the journal %s for the next start", len(left), path.name)

    async def _replay_journal(self) -> None:
        if self._settings.journal_dir is None:
            return

        async def write(outcomes: Sequence[Finished]) -> None:
            async with self._pool.acquire() as connection:
                await record_now(connection, outcomes, now=self._clock(), shard=self._shard)

        await journal.replay(Path(self._settings.journal_dir), write, now=self._clock(), wall=self._wall())


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


def _unknown(error: Exception) -> bool:
    """Whether a failure deserves its traceback: PostgreSQL or Valkey being away does not."""
    return not isinstance(error, (*AWAY, asyncpg.PostgresError, RedisError))


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended, for one that runs arq or redis. In Python 3.11 `asyncio.wait_for`, by which
    redis sends, loses a cancellation that comes as the sending ends: one in seven of arq's runner (measured), which
    then runs on for ever."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
    if not task.cancelled():
        task.exception()  # whoever waits for it has heard of it; nobody else will ask


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel, and wait a little: a statement on its way is cancelled at the server, which may be busy."""
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
