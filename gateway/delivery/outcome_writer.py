"""Writes hand-offs and outcomes of single deliveries, grouped into commits.

An outcome is taken at once and written soon. While more than a limit of them wait, as when PostgreSQL is away, nothing
new is claimed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Protocol

import asyncpg

from gateway.batching import Batcher, Item, Result
from gateway.database import AWAY
from gateway.notify.changes import ChangeKind, ChangeNotifier
from gateway.outbox.claim import Claimed, RecipientKey, give_back
from gateway.outbox.outcomes import Finished, HandOff, Undelivered, decide_unsent, hand_off, record
from gateway.telemetry.metrics import BATCH_ROWS, LATE, LEDGER_AWAY, UNSENT, UNWRITTEN

log = logging.getLogger(__name__)

LARGEST_GROUP = 200
"""Rows a commit: the cost a row is flat from here on."""
MAX_UNWRITTEN = 400
"""Outcomes known and not yet committed from which on nothing is claimed: two groups. So a crash leaves few mails
uncertain that were answered: these, and what was on its way when they were this many, two mails a connection."""
GATHER_SECONDS = 0.005
"""How long an outcome may wait for others: a commit for a few costs the database as much as one for fifty, and no
sender waits for it."""
LONGEST_BACKOFF = 2.0
GIVE_UP_SECONDS = 600.0
"""How long an outcome is kept that PostgreSQL fails on by itself (a damaged page, say): longer than most of its own
troubles last, and no reason to send nothing for ever."""
OF_THE_ROW = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
"""Errors of an outcome itself, which a retry would not mend. Every other error of PostgreSQL is its own trouble."""


class Release(Protocol):
    """Ends the lease of a row (`gateway.delivery.claims.Claims.release`)."""

    def __call__(self, row: Finished, *, asked: bool) -> None: ...


class OutcomeWriter:
    """One worker's grouped writes. `release` is called for every row whose outcome is committed, `note_stop`
    for a relay that is stopped by then: `same_refusals` refusals in a row said the same. `wake` is called when mail may
    be claimed again."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        *,
        shard: int,
        clock: Callable[[], float],
        release: Release,
        note_stop: Callable[[str], None],
        wake: Callable[[], None],
        same_refusals: int,
        most_unwritten: int = MAX_UNWRITTEN,
    ) -> None:
        self._pool = pool
        self._shard = shard
        self._clock = clock
        self._release = release
        self._note_stop = note_stop
        self._wake = wake
        self._same_refusals = same_refusals
        self._most = most_unwritten
        self._unwritten: deque[Finished] = deque()
        self._writing = 0
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._wrote = asyncio.Event()
        self._claims_wait = False
        self._failing: dict[RecipientKey, float] = {}
        self.away = False
        self._changes = ChangeNotifier(clock=clock)
        self.hand_off = _in_groups(self._hand_off, "hand_off")
        self._returns = _in_groups(self._give_back, "give_back")
        self.undelivered = _in_groups(self._undelivered, "undelivered")

    async def _hand_off(self, rows: Sequence[Claimed]) -> Sequence[HandOff]:
        async with self._pool.acquire() as connection:
            return await hand_off(connection, rows)

    async def _give_back(self, rows: Sequence[tuple[Claimed, timedelta | None]]) -> Sequence[None]:
        async with self._pool.acquire() as connection:
            await give_back(connection, rows)
        return [None] * len(rows)

    async def _undelivered(self, rows: Sequence[tuple[Claimed, Undelivered]]) -> Sequence[None]:
        async with self._pool.acquire() as connection:
            await decide_unsent(connection, rows, shard=self._shard)
        for _, why in rows:
            UNSENT.labels(why.status, why.cause).inc()
        return [None] * len(rows)

    async def give_back(self, row: Claimed, wait: timedelta | None = None) -> None:
        """Return a row whose mail was certainly not sent. Retries until it is written: left alone, a row that was
        handed off would become UNCERTAIN, which it is not."""
        backoff = 0.05
        while True:
            try:
                await self._returns((row, wait))
            except (*AWAY, asyncpg.PostgresError):  # the parameters are a key and a wait: no row can be at fault itself
                self._note_away(True)
                await asyncio.sleep(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)
            else:
                # Nothing else may be waiting to be written, and while PostgreSQL is away nothing is claimed.
                return self._note_away(False)

    # ---- outcomes

    @property
    def unwritten(self) -> int:
        """Outcomes that are known and not yet committed."""
        return len(self._unwritten) + self._writing

    def has_room(self) -> bool:
        """Whether little enough waits to be written for more to be claimed; if not, `wake` is called once it does."""
        self._claims_wait = self.unwritten >= self._most
        return not self._claims_wait

    def record(self, outcome: Finished) -> None:
        """Take an outcome; it is committed soon. The flight recorder has it, and so has the journal."""
        self._unwritten.append(outcome)
        self._some.set()
        if len(self._unwritten) >= LARGEST_GROUP:
            self._enough.set()

    def recorders(self) -> list[Coroutine[Any, Any, None]]:
        """The tasks that write outcomes; they run until cancelled. While the first commits a group the next one forms;
        the second takes only what is a full group already."""
        return [self._write_always(self._some, least=1), self._write_always(self._enough, least=LARGEST_GROUP)]

    async def flush(self) -> None:
        """Return when every outcome taken so far is committed. Waits as long as PostgreSQL is away."""
        while self.unwritten:
            self._wrote.clear()
            await self._wrote.wait()

    async def _write_always(self, there_are: asyncio.Event, *, least: int) -> None:
        backoff = 0.05
        while True:
            while len(self._unwritten) < least:
                there_are.clear()
                await there_are.wait()
            if len(self._unwritten) < LARGEST_GROUP:
                await asyncio.sleep(GATHER_SECONDS)
            group = [self._unwritten.popleft() for _ in range(min(LARGEST_GROUP, len(self._unwritten)))]
            if not group:  # the other recorder took a full one meanwhile
                continue
            if await self._written(group):
                backoff = 0.05
                self._note_away(False)
            else:
                self._note_away(True)
                await asyncio.sleep(backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)

    async def _written(self, group: list[Finished]) -> bool:
        """Write a group. False: PostgreSQL is away, and the group waits again."""
        self._writing += len(group)
        try:
            await self._write(group)
        except (*AWAY, asyncpg.PostgresError) as error:
            if len(group) == 1 and self._is_given_up(group[0], error):
                return True
            log.warning("PostgreSQL away, %d outcomes wait: %s", self.unwritten, type(error).__name__)
            self._unwritten.extendleft(reversed(group))
            return False
        except asyncio.CancelledError:
            # Perhaps committed, perhaps not: writing it again is harmless, for it is fenced.
            self._unwritten.extendleft(reversed(group))
            raise
        finally:
            self._writing -= len(group)
            UNWRITTEN.set(len(self._unwritten))
            self._wrote.set()
            if self._claims_wait and self.has_room():
                self._wake()
        return True

    async def _write(self, group: list[Finished]) -> None:
        try:
            async with self._pool.acquire() as connection:
                recorded = await record(
                    connection, group, now=self._clock(), shard=self._shard, same_refusals=self._same_refusals
                )
                for relay in recorded.stopped_relays:
                    self._note_stop(relay)
                await self._changes.notify_change(connection, ChangeKind.MESSAGE, [outcome.ref for outcome in group])
        except AWAY:
            raise
        except Exception as error:
            await self._write_apart(group, error)
            return
        if self._failing:
            for outcome in group:
                self._failing.pop(outcome.key, None)
        LATE.inc(len(group) - recorded.written)
        BATCH_ROWS.labels("record").observe(len(group))
        for outcome in group:
            self._release(outcome, asked=True)

    async def _write_apart(self, group: list[Finished], error: Exception) -> None:
        """An outcome that cannot be written, whatever the reason, must not hold up the others, nor end the recorder.
        Alone, it is kept where the trouble is PostgreSQL's, else left to its lease, which makes it UNCERTAIN. Raises
        the error when PostgreSQL takes none of them."""
        if len(group) > 1:
            failed = [(outcome, why) for outcome in group if (why := await self._failure(outcome)) is not None]
            if len(failed) == len(group):
                raise failed[-1][1]
            self._unwritten.extend(outcome for outcome, _ in failed)
        elif isinstance(error, asyncpg.PostgresError) and not isinstance(error, OF_THE_ROW):
            raise error
        else:
            self._leave_to_its_lease(group[0], error)

    async def _failure(self, outcome: Finished) -> asyncpg.PostgresError | None:
        try:
            await self._write([outcome])
        except asyncpg.PostgresError as error:
            return error
        return None

    def _is_given_up(self, outcome: Finished, error: Exception) -> bool:
        """Whether an outcome that failed alone has done so for too long."""
        if isinstance(error, AWAY):
            return False
        since = self._failing.setdefault(outcome.key, self._clock())
        if self._clock() - since < GIVE_UP_SECONDS:
            return False
        del self._failing[outcome.key]
        self._leave_to_its_lease(outcome, error)
        return True

    def _leave_to_its_lease(self, outcome: Finished, error: Exception) -> None:
        log.error("outcome of message %s cannot be written: %s", outcome.message_id, type(error).__name__)
        self._release(outcome, asked=True)

    def _note_away(self, away: bool) -> None:
        self.away = away
        LEDGER_AWAY.set(away)


def _in_groups(run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], name: str) -> Batcher[Item, Result]:
    return Batcher(run, max_size=LARGEST_GROUP, on_batch=BATCH_ROWS.labels(name).observe)
