"""From the queue to the wire: the loop that claims, and a claim's mails composed, signed and sent together."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from typing import Any

import asyncpg

from gateway.database import AWAY, QUERIES
from gateway.delivery.attempt_log import AttemptLog
from gateway.delivery.build import Draft, MailBuilder, Source
from gateway.delivery.claims import Claims, Ready
from gateway.delivery.outcome_writer import OutcomeWriter
from gateway.delivery.routing import RelayRouter
from gateway.delivery.schedule import RetrySchedule
from gateway.delivery.send import Deliveries, Mail, fail
from gateway.mail.verdict import Verdict
from gateway.outbox import claim
from gateway.outbox.outcomes import NOT_COMPOSED, WRONG_RELAY, HandOff, Undelivered
from gateway.telemetry.metrics import COMPOSING, MESSAGES, SENDING
from gateway.telemetry.traces import begin_span, no_span, open_tracer
from gateway.verdict_rules import read_verdict_rules

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""How long the first mail that may be claimed waits for others: a claim for a few rows costs the database as much as
one for fifty, and connections have a mail each meanwhile."""
WORTH_A_CLAIM = 4
"""One mail wanted, of so many that may be on their way, is worth a claim at once."""
TOGETHER = 50
"""Mails of a claim that are composed and submitted in one go: 3 ms of the event loop with ed25519; with RSA-2048 13 ms
of a signing process, so that a claim for a hundred connections keeps two of them busy."""
NOT_LOADED_WAIT = timedelta(minutes=1)
"""When a mail is retried that could not be loaded, through no fault of its own."""


# Looked up once: a label costs more than what it counts.
_attempts = cache(MESSAGES.labels)


@dataclass(kw_only=True, slots=True)
class AttemptCounts:
    """Attempts since they were last written, by lane and by destination domain; rows finished since the last VACUUM."""

    lanes: Counter[int] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    since_vacuum: int = 0

    def take(self) -> tuple[Counter[int], Counter[str]]:
        """The counts by lane and by domain, which start anew."""
        taken = self.lanes, self.domains
        self.lanes, self.domains = Counter(), Counter()
        return taken


@dataclass(kw_only=True, slots=True)
class Pipeline:
    """One worker's claim loop, and the sending of what it claims. `wake` is set when there may be mail, `stop` when the
    worker drains. `tasks` are those of mails in hand."""

    relay_names: frozenset[str]
    sweep_seconds: float
    pool: asyncpg.Pool[Any]
    router: RelayRouter
    claims: Claims
    builder: MailBuilder
    outcomes: OutcomeWriter
    schedule: RetrySchedule
    clock: Callable[[], float]
    wake: asyncio.Event
    stop: asyncio.Event
    attempts: AttemptLog
    counts: AttemptCounts = field(default_factory=AttemptCounts, init=False)
    idle: bool = field(default=False, init=False)
    tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _deliveries: Deliveries = field(init=False)
    _tracer: Any = field(default_factory=open_tracer, init=False)

    def __post_init__(self) -> None:
        """What deliveries share."""
        self._deliveries = Deliveries(
            router=self.router,
            outcomes=self.outcomes,
            attempts=self.attempts,
            rules=read_verdict_rules(),
            wait=self.schedule.wait,
            clock=self.clock,
            start=self._start,
        )

    # ---- claim

    async def claim_due(self) -> None:
        """Claim until nothing is due, or enough is in hand; then wait until less is, or for a wake-up, the sweep or the
        next due time."""
        self.wake.clear()
        wait = await self._claim_while_due()
        self.idle = True
        try:
            async with asyncio.timeout(wait):
                await self.wake.wait()
        except TimeoutError:
            return
        finally:
            self.idle = False

    async def _claim_while_due(self) -> float:
        """Returns how many seconds to wait before the next claim."""
        scan_limit = 0
        while not self.stop.is_set():
            if self.outcomes.away or not self.router.open:
                return self._until_a_relay_opens(self.sweep_seconds)
            if not self.outcomes.has_room():
                return self.sweep_seconds  # a group that is written wakes us
            if self.claims.wanted * WORTH_A_CLAIM < self.router.width:
                await asyncio.sleep(GATHER_SECONDS)
            wanted, crowded = self.claims.want(), self.claims.crowded
            if not wanted:
                return self.sweep_seconds  # the first mail that ends wakes us
            async with self.pool.acquire() as connection:
                found = await self.claims.claim(
                    connection, wanted, scan_limit=max(wanted, scan_limit), send=self._send_claim
                )
            if found is None:
                return self._until_a_relay_opens(0.05)
            if found.leased:
                scan_limit = scan_limit if crowded else 0
            elif (found.parked or crowded) and scan_limit < claim.LARGEST_BATCH:
                scan_limit = claim.LARGEST_BATCH  # behind what must wait there may be what may go
            elif not found.parked:
                # The end of a large mail wakes us, as does that of any where all we may send is in hand.
                return self.sweep_seconds if crowded else await self._next_due()
        return 0.0

    def _until_a_relay_opens(self, unknown: float) -> float:
        return min(self.sweep_seconds, self.router.opens_in or unknown)

    async def _next_due(self) -> float:
        async with self.pool.acquire() as connection:
            seconds = await QUERIES.seconds_to_next_due(connection)
        return self.sweep_seconds if seconds is None else min(self.sweep_seconds, max(0.005, seconds))

    # ---- send

    def _send_claim(self, items: Sequence[Ready]) -> None:
        """Send what was claimed: together what is alike, in a task of its own what has to wait for something."""
        if self.stop.is_set():
            for item in items:
                self._start_alone(item, self._give_back(item))
            return
        together: list[tuple[Ready, Source]] = []
        for item in items:
            source = self.builder.source(item.row) if item.row.handed_off and not item.row.large else None
            if source is None or not self._may_go(item):
                self._start_alone(item, self._send_alone(item))
            else:
                together.append((item, source))
        for at in range(0, len(together), TOGETHER):
            self._start(self._send_together(together[at : at + TOGETHER]))

    async def _send_together(self, items: Sequence[tuple[Ready, Source]]) -> None:
        """Mails claimed together are all composed before the first is written: a server that sleeps between two writes
        has to be woken for each, which costs more than composing."""
        drafts = [(item, draft) for item, source in items if (draft := self._composed(item, source)) is not None]
        for item, mail in await self._signed(drafts):
            self._submit(item, mail)

    async def _send_alone(self, item: Ready) -> None:
        """A mail that must be loaded, waits for room, or was not handed off with its claim."""
        if not self._may_go(item):
            await self._not_now(item)
        elif not item.row.large:
            await self._load_and_send(item)
        else:
            await self._send_large(item)

    async def _send_large(self, item: Ready) -> None:
        """Its room is free again when it is out of memory: when its delivery has ended."""
        item.ended = asyncio.Event()
        async with self.builder.room:
            await (self._give_back(item) if self.stop.is_set() else self._load_and_send(item))
            await item.ended.wait()

    async def _load_and_send(self, item: Ready) -> None:
        row = item.row
        try:
            source = await self.builder.load(row)
        except AWAY:
            raise
        except (asyncpg.PostgresError, MemoryError) as error:
            log.warning("message %s cannot be loaded now: %s", row.message_id, type(error).__name__)
            return await self._give_back(item, NOT_LOADED_WAIT)
        except Exception:
            log.exception("message %s cannot be composed", row.message_id)
            return await self._hold(item)
        draft = self._composed(item, source)
        if draft is None:
            return None
        for _, mail in await self._signed([(item, draft)]):
            if not row.handed_off and await self._deliveries.hand_off(row) is not HandOff.GO:
                self.counts.since_vacuum += 1
                self.claims.release(row, asked=False)
                return self.claims.end(item)
            self._submit(item, mail)
        return None

    def _composed(self, item: Ready, source: Source) -> Draft | None:
        """The mail, or None. One that cannot be composed is held, whatever the reason: a retry would only fail again.
        For want of memory it returns to the queue."""
        began = self.clock()
        try:
            draft = self.builder.compose(item.row, source, via_relay=item.via_relay, slot=item.slot)
        except MemoryError:
            log.warning("message %s cannot be composed now: MemoryError", item.row.message_id)
            self._start_alone(item, self._give_back(item, NOT_LOADED_WAIT))
            return None
        except Exception:
            log.exception("message %s cannot be composed", item.row.message_id)
            self._start_alone(item, self._hold(item))
            return None
        item.began = began
        COMPOSING.observe(self.clock() - began)
        return draft

    async def _signed(self, drafts: Sequence[tuple[Ready, Draft]]) -> Sequence[tuple[Ready, Mail]]:
        """The mails with their signatures; none where that fails, since nothing was sent: then they are held, or for
        want of memory return to the queue."""
        try:
            mails = await self.builder.sign([draft for _, draft in drafts])
        except Exception as error:
            log.exception("%d messages cannot be signed", len(drafts))
            for item, _ in drafts:
                again = isinstance(error, MemoryError)
                self._start_alone(item, self._give_back(item, NOT_LOADED_WAIT) if again else self._hold(item))
            return ()
        return [(item, mail) for (item, _), mail in zip(drafts, mails, strict=True)]

    def _submit(self, item: Ready, mail: Mail) -> None:
        if item.row.handed_off and self.clock() >= item.ends:
            # This process was stopped for so long: the row may be another's by now. If it is not, nothing was sent.
            self._start_alone(item, self._give_back(item))
            return
        end = partial(self._end, item)
        try:
            item.end_span = begin_span(self._tracer, "mail.send", item.row)
            self._deliveries.send(mail, end)
        except Exception:
            fail(item.row, end)

    def _end(self, item: Ready, verdict: Verdict | None) -> None:
        """Count the attempt; something else may be claimed. A row whose outcome is being written keeps its lease until
        the commit."""
        row = item.row
        end_span, item.end_span = item.end_span, no_span  # once, though it fails: `fail` ends a mail, too
        end_span()
        if verdict is None or row.facts is None:
            if item.slot is not None:
                item.slot.give_up()
            self.claims.release(row, asked=True)
        else:
            SENDING.observe(self.clock() - item.began)
            _attempts(row.facts.kind, verdict.outcome, verdict.cause or "").inc()
            self.counts.lanes[row.lane_id] += 1
            self.counts.domains[row.domain] += 1
            self.counts.since_vacuum += 1
            if not verdict.counts:
                self.claims.release(row, asked=False)
        self.claims.end(item)

    # ---- what is not sent

    def _may_go(self, item: Ready) -> bool:
        return self.router.may_use(item.row.bound_relay or item.via_relay)

    async def _not_now(self, item: Ready) -> None:
        row = item.row
        if row.bound_relay is None:
            await self._give_back(item)
        elif row.bound_relay in self.relay_names:
            # The ledger says that it may be used, our last reading not yet: until the next one.
            await self._give_back(item, timedelta(seconds=self.sweep_seconds))
        else:
            await self._hold(item, WRONG_RELAY)

    async def _give_back(self, item: Ready, wait: timedelta | None = None) -> None:
        await self.outcomes.give_back(item.row, wait)
        self.claims.release(item.row, asked=False)
        self.claims.end(item)

    async def _hold(self, item: Ready, why: Undelivered = NOT_COMPOSED) -> None:
        await self.outcomes.undelivered((item.row, why))
        self.claims.release(item.row, asked=False)
        self.claims.end(item)

    # ---- tasks

    def _start_alone(self, item: Ready, work: Coroutine[Any, Any, None]) -> None:
        """Start work on one mail that was not given to SMTP. Whatever fails, the mail leaves our hands."""
        self._start(self._guarded(item, work))

    async def _guarded(self, item: Ready, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("mail returned to the queue, PostgreSQL did not answer: %s", type(error).__name__)
            # Whether the hand-off was committed is unknown; that nothing was sent is known.
            await self._give_back(item)
        except Exception:
            fail(item.row, partial(self._end, item))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
