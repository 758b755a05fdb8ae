"""From the queue to the wire: the loop that claims for free senders, and the senders, each with one mail in hand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import asyncpg

from gateway.database import AWAY, QUERIES
from gateway.delivery.build import MailBuilder
from gateway.delivery.claims import Claims, Ready
from gateway.delivery.outcome_writer import OutcomeWriter
from gateway.delivery.routing import RelayRouter
from gateway.delivery.schedule import RetrySchedule
from gateway.delivery.send import Mail, send
from gateway.mail.verdict import Rules, Verdict
from gateway.outbox import claim
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import NOT_COMPOSED, WRONG_RELAY, HandOff
from gateway.telemetry.metrics import COMPOSING, MESSAGES, SENDING
from gateway.telemetry.traces import open_tracer, span
from gateway.verdict_rules import read_verdict_rules

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""How long the first free senders wait for others: a claim for a few rows costs the database as much as one for fifty,
and their connections have a mail each meanwhile."""
WORTH_A_CLAIM = 4
"""One free sender in so many is worth a claim at once."""
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
    """One worker's claim loop and senders. `wake` is set when there may be mail, `stop` when the worker drains."""

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
    counts: AttemptCounts = field(default_factory=AttemptCounts, init=False)
    idle: bool = field(default=False, init=False)
    _rules: Rules = field(default_factory=read_verdict_rules, init=False)
    _tracer: Any = field(default_factory=open_tracer, init=False)

    # ---- claim

    async def claim_due(self) -> None:
        """Claim for free senders until nothing is due; then wait for a free sender, a wake-up, the sweep or the next
        due time."""
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
            if self.claims.wanted * WORTH_A_CLAIM < self.router.width:
                await asyncio.sleep(GATHER_SECONDS)
            wanted, crowded = self.claims.want(), self.claims.crowded
            if not wanted:
                return self.sweep_seconds  # the first sender that may send wakes us
            async with self.pool.acquire() as connection:
                found = await self.claims.claim(connection, wanted, scan_limit=max(wanted, scan_limit))
            if found is None:
                return self._until_a_relay_opens(0.05)
            if found.leased:
                scan_limit = scan_limit if crowded else 0
            elif (found.parked or crowded) and scan_limit < claim.LARGEST_BATCH:
                scan_limit = claim.LARGEST_BATCH  # behind what must wait there may be what may go
            elif not found.parked:
                # A sender that has sent a large mail wakes us, as does a sender that becomes free.
                return self.sweep_seconds if crowded else await self._next_due()
        return 0.0

    def _until_a_relay_opens(self, unknown: float) -> float:
        return min(self.sweep_seconds, self.router.opens_in or unknown)

    async def _next_due(self) -> float:
        async with self.pool.acquire() as connection:
            seconds = await QUERIES.seconds_to_next_due(connection)
        return self.sweep_seconds if seconds is None else min(self.sweep_seconds, max(0.005, seconds))

    # ---- send

    async def send_always(self) -> None:
        """One of the senders: each has one mail in hand, so that a connection has one on the wire and one ahead."""
        while not self.stop.is_set():
            item = await self.claims.next()
            try:
                await self._send_or_give_back(item)
            except Exception:
                # Perhaps handed off, perhaps sent: its lease ends, and recovery decides by what is known.
                log.exception("message %s: sending failed in our own code", item.row.message_id)
                if item.slot is not None:
                    item.slot.give_up()
                self.claims.release(item.row, asked=True)

    async def _send_or_give_back(self, item: Ready) -> None:
        try:
            await self._send_one(item)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("mail returned to the queue, PostgreSQL did not answer: %s", type(error).__name__)
            # Whether the hand-off was committed is unknown; that nothing was sent is known.
            await self._give_back(item.row)

    async def _send_one(self, item: Ready) -> None:
        row = item.row
        if not self.router.may_use(row.bound_relay or item.via_relay):
            await self._not_now(row)
        elif not row.large:
            await self._compose_and_send(item)
        else:
            async with self.builder.room:
                await (self._give_back(row) if self.stop.is_set() else self._compose_and_send(item))

    async def _compose_and_send(self, item: Ready) -> None:
        row = item.row
        started = self.clock()
        mail = await self._composed(item)
        if mail is None:
            return
        composed = self.clock()
        COMPOSING.observe(composed - started)
        # Mails claimed together are all composed before the first is written: a server that sleeps between two writes
        # has to be woken for each, which costs more than composing.
        await asyncio.sleep(0)
        if row.handed_off and composed >= item.ends:
            # This process was stopped for so long: the row may be another's by now. If it is not, nothing was sent.
            await self._give_back(row)
            return
        with span(self._tracer, "mail.send", row):
            outcome = await send(
                mail,
                router=self.router,
                outcomes=self.outcomes,
                rules=self._rules,
                wait=self.schedule.wait,
                clock=self.clock,
            )
        SENDING.observe(self.clock() - started)
        self._note(mail.source_type, row, outcome)

    async def _composed(self, item: Ready) -> Mail | None:
        """The mail, or None. One that cannot be composed is held, whatever the reason: a retry would only fail again.
        One that could not be loaded for want of memory, here or in PostgreSQL, returns to the queue."""
        try:
            return await self.builder.build(item.row, via_relay=item.via_relay, slot=item.slot)
        except AWAY:
            raise
        except (asyncpg.PostgresError, MemoryError) as error:
            log.warning("message %s cannot be loaded now: %s", item.row.message_id, type(error).__name__)
            await self._give_back(item.row, NOT_LOADED_WAIT)
            return None
        except Exception:
            log.exception("message %s cannot be composed", item.row.message_id)
            await self.outcomes.undelivered((item.row, NOT_COMPOSED))
            self.claims.release(item.row, asked=False)
            return None

    async def _not_now(self, row: Claimed) -> None:
        if row.bound_relay is None:
            await self._give_back(row)
        elif row.bound_relay in self.relay_names:
            # The ledger says that it may be used, our last reading not yet: until the next one.
            await self._give_back(row, timedelta(seconds=self.sweep_seconds))
        else:
            await self.outcomes.undelivered((row, WRONG_RELAY))
            self.claims.release(row, asked=False)

    async def _give_back(self, row: Claimed, wait: timedelta | None = None) -> None:
        await self.outcomes.give_back(row, wait)
        self.claims.release(row, asked=False)

    async def give_back_untaken(self) -> None:
        """Return to the queue what was claimed while the senders stopped."""
        await asyncio.gather(*(self._give_back(item.row) for item in self.claims.untaken))

    def _note(self, source_type: str, row: Claimed, outcome: HandOff | Verdict) -> None:
        """Count the attempt. A row whose outcome is being written keeps its lease until the commit."""
        if isinstance(outcome, Verdict):
            _attempts(source_type, outcome.outcome, outcome.cause or "").inc()
            self.counts.lanes[row.lane_id] += 1
            self.counts.domains[row.domain] += 1
        self.counts.since_vacuum += 1
        if not isinstance(outcome, Verdict) or not outcome.counts:
            self.claims.release(row, asked=False)
