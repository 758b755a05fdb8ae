"""A worker's claims: rows leased to be sent, the leases it keeps, and what mail that did not go returns (connections of
limited destinations, permits of metered relays)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from gateway.database import QUERIES, Connection
from gateway.delivery.build import LARGE_AT_ONCE
from gateway.delivery.flight_recorder import FlightRecorder, Slot
from gateway.delivery.routing import RelayRouter
from gateway.deployment import Deployment
from gateway.outbox import claim
from gateway.outbox.claim import Claim, Claimed, NextWay
from gateway.outbox.outcomes import Finished
from gateway.smtp.relays import Relays
from gateway.telemetry.metrics import BATCH_ROWS, CLAIMING
from gateway.telemetry.traces import no_span

MAX_LARGE = 2 * LARGE_AT_ONCE
"""Large mails leased at a time: as many as have room, and one more for each. All others wait in the queue: what waits
for room here keeps other mail from being claimed."""

# Looked up once: a label costs more than what it counts.
_CLAIMED = BATCH_ROWS.labels("claim")


@dataclass(kw_only=True, slots=True, eq=False)
class Ready:
    """A claimed row to be sent, the relay it must go by, if one must, when its lease ends at the earliest, and its slot
    of the flight recorder, if there was one.

    `in_hand` until its delivery has ended, which sets `ended`, where a task waits for it, and calls `end_span`; `began`
    is when composing it did.
    """

    row: Claimed
    via_relay: str | None
    ends: float
    slot: Slot | None
    in_hand: bool = True
    began: float = 0.0
    ended: asyncio.Event | None = None
    end_span: Callable[[], object] = no_span


class Claims:
    """One worker's claims. `leased` are the rows it holds leases of, `in_hand` how many of them are being sent: as many
    as the relay has connections, and one ahead for each. `wake` is called when more may be claimed."""

    def __init__(
        self,
        deployment: Deployment,
        router: RelayRouter,
        smtp: Relays,
        *,
        worker: UUID,
        recorder: FlightRecorder,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._relays = deployment.relay_names
        self._sweep_seconds = deployment.settings.sweep_seconds
        self._lease_seconds = deployment.settings.lease_seconds
        self._lease = timedelta(seconds=self._lease_seconds)
        self._router = router
        self._smtp = smtp
        self._worker = worker
        self._recorder = recorder
        self._clock = clock
        self._wake = wake
        self.leased: dict[tuple[UUID, int, UUID], Ready] = {}
        self.in_hand = 0
        self._nothing_in_hand = asyncio.Event()
        self._full = False
        self._large = 0
        self._way = NextWay()
        self._unanswered: dict[UUID, float] = {}
        self._ask_unanswered_at = 0.0
        self._domain_connections = asyncio.Lock()
        self._freed_domain_connections: Counter[str] = Counter()
        self._unused_permits: Counter[str] = Counter()
        self._unused_since: dict[str, float] = {}

    # ---- mail in hand

    @property
    def wanted(self) -> int:
        """Mails to claim: as many as the relay in use has connections for, two each, without those in hand."""
        return max(0, self._router.width - self.in_hand)

    def want(self) -> int:
        """The same; when it is none, the first mail that ends wakes the claim loop."""
        wanted = self.wanted
        self._full = not wanted
        return wanted

    def end(self, item: Ready) -> None:
        """Its delivery has ended, however: another may be claimed."""
        if not item.in_hand:
            return
        item.in_hand = False
        self.in_hand -= 1
        if item.ended is not None:
            item.ended.set()
        if self._full and self.wanted:
            self._full = False
            self._wake()
        if not self.in_hand:
            self._nothing_in_hand.set()

    async def all_ended(self) -> None:
        """Return when no mail is in hand."""
        while self.in_hand:
            self._nothing_in_hand.clear()
            await self._nothing_in_hand.wait()

    @property
    def crowded(self) -> bool:
        """Whether no more large mail is claimed for now; the end of one wakes the claim loop."""
        return self._large >= MAX_LARGE

    def release(self, row: Claimed | Finished, *, asked: bool) -> None:
        """Its lease is over: written, given back, or left to recovery. Unless a server was `asked` to take the mail, a
        metered relay's permit is free for other mail."""
        item = self.leased.pop(_lease_key(row), None)
        if item is None:
            return
        if item.slot is not None:
            item.slot.free()
        if item.row.capped:
            self._freed_domain_connections[item.row.domain] += 1
        if not asked:
            self._note_permits(item.via_relay, 1, taken=item.ends - self._lease_seconds)
        if item.row.large:
            self._large -= 1
            self._wake()

    # ---- claims

    async def claim(
        self, connection: Connection, wanted: int, *, scan_limit: int, send: Callable[[Sequence[Ready]], None]
    ) -> Claim | None:
        """Up to `wanted` mails of the first `scan_limit` rows, in hand from now on, go to `send`; None when no relay
        has a permit.

        What may go is handed off with the claim: as many mails as can be on their way at once, so that after a crash no
        more are uncertain than two a connection, and none waits here while sooner mail comes in.
        """
        started = self._clock()
        async with self._domain_connections:
            await self._give_back_unanswered(connection)
            await self._release_domain_connections(connection)
            await self._return_permits(connection)
            allowance = await self._router.allowance(connection, wanted)
            if not allowance.rows:
                return None
            self._note_permits(allowance.via_relay, allowance.rows, taken=started)
            found, slots = await self._claim(connection, limit=allowance.rows, scan_limit=scan_limit)
            self._note_permits(allowance.via_relay, -len(found.leased), taken=started)
            ends = started + self._lease_seconds
            send(self._take(found.leased, slots, via_relay=allowance.via_relay, ends=ends))
            await self._return_permits(connection)
        CLAIMING.observe(self._clock() - started)
        _CLAIMED.observe(len(found.leased))
        return found

    async def _claim(self, connection: Connection, *, limit: int, scan_limit: int) -> tuple[Claim, list[Slot | None]]:
        """A claim whose answer does not come may have been committed all the same, or will be: its rows must not end as
        uncertain, for nothing was sent. They are given back as soon as PostgreSQL answers again; should this process
        die, by the flight recorder. Its rows have their slots before any sender has one."""
        owner = uuid4()
        self._recorder.begin_claim(owner, ends=self._clock() + self._lease_seconds)
        try:
            found = await claim.claim(
                connection,
                worker=self._worker,
                lease=self._lease,
                owner=owner,
                scan_limit=scan_limit,
                max_leased=limit,
                large_room=max(0, MAX_LARGE - self._large),
                relays=self._relays,
                hand_off=True,
                short_way=self._way.is_short,
            )
        except BaseException as error:
            if _rolled_back(error):
                self._recorder.end_claim(owner)
            else:
                self._unanswered[owner] = self._clock() + self._lease_seconds
                self._ask_unanswered_at = 0.0
            raise
        self._way.note(found)
        slots = [self._recorder.lease(row, row.domain) for row in found.leased]
        self._recorder.end_claim(owner)
        return found, slots

    def _take(
        self, rows: Sequence[Claimed], slots: Sequence[Slot | None], *, via_relay: str | None, ends: float
    ) -> Sequence[Ready]:
        """The rows as mails in hand."""
        items = [
            Ready(row=row, via_relay=via_relay, ends=ends, slot=slot) for row, slot in zip(rows, slots, strict=True)
        ]
        for item in items:
            self.leased[_lease_key(item.row)] = item
            self._large += item.row.large
        self.in_hand += len(items)
        return items

    # ---- leases and permits

    async def extend(self, connection: Connection) -> None:
        """Extend the leases of our rows and of the domain connections they use: with their number, unless a claim is
        under way, whose own connections only PostgreSQL knows yet."""
        await claim.extend(connection, [item.row for item in self.leased.values()], lease=self._lease)
        if self._domain_connections.locked():
            await self._extend_domain_connections(connection, counted=False)
            return
        async with self._domain_connections:
            await self._extend_domain_connections(connection, counted=True)

    async def _extend_domain_connections(self, connection: Connection, *, counted: bool) -> None:
        held = (
            Counter(item.row.domain for item in self.leased.values() if item.row.capped)
            + self._freed_domain_connections
        )
        domains = sorted(held)
        numbers = [held[name] if counted else None for name in domains]
        await QUERIES.extend_domain_connections(
            connection, worker=self._worker, domains=domains, connections=numbers, lease=self._lease
        )

    async def tidy(self, connection: Connection) -> None:
        """Return what is not needed: rows of claims whose answer was lost, domain connections, permits."""
        async with self._domain_connections:
            await self._release_domain_connections(connection)
            await self._return_permits(connection)
            await self._give_back_unanswered(connection)

    async def _give_back_unanswered(self, connection: Connection) -> None:
        """Give back claims whose answer was lost. PostgreSQL may commit one after its connection broke: done at once,
        and again with each sweep until its lease would be over."""
        if not self._unanswered or self._clock() < self._ask_unanswered_at:
            return
        for owner, ends in list(self._unanswered.items()):
            await claim.give_back_claim(connection, owner)
            if self._clock() >= ends:
                del self._unanswered[owner]
                self._recorder.end_claim(owner)
        self._ask_unanswered_at = self._clock() + self._sweep_seconds

    async def _release_domain_connections(self, connection: Connection) -> None:
        """Release the domain connections of our finished mails."""
        freed, self._freed_domain_connections = self._freed_domain_connections, Counter()
        if not freed:
            return
        try:
            await QUERIES.release_domain_connections(
                connection, worker=self._worker, domains=sorted(freed), freed=[freed[name] for name in sorted(freed)]
            )
        except Exception:
            self._freed_domain_connections.update(freed)
            raise

    def _note_permits(self, relay: str | None, count: int, *, taken: float) -> None:
        if relay is not None:
            self._unused_permits[relay] += count
            self._unused_since[relay] = min(taken, self._unused_since.get(relay, taken))

    async def _return_permits(self, connection: Connection) -> None:
        for name in list(self._unused_permits):
            unused, since = self._unused_permits.pop(name), self._unused_since.pop(name)
            if not unused:
                continue
            try:
                await self._router.return_permits(connection, name, unused, taken_ago=self._clock() - since)
            except Exception:
                self._note_permits(name, unused, taken=since)
                raise


def _lease_key(row: Claimed | Finished) -> tuple[UUID, int, UUID]:
    return row.message_id, row.recipient_no, row.owner


def _rolled_back(error: BaseException) -> bool:
    """Whether PostgreSQL itself reported the failure of a statement, so that nothing of it remains."""
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, _CUT_SHORT)


_CUT_SHORT = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)
