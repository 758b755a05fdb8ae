"""Which relays one worker may use now, permits of metered ones, failures and their end. The state lies in PostgreSQL;
this keeps the latest reading at hand."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.delivery.failing import FailingMails
from gateway.delivery.send import Mail
from gateway.mail.response import Exchange, FaultKind
from gateway.mail.schedule import wait_before_next
from gateway.mail.verdict import BEFORE_MAIL, Scope, Verdict
from gateway.outbox.claim import Claimed
from gateway.outbox.relay_limits import RelayStanding, relay_states
from gateway.outbox.trouble import PauseStep, note_trouble, trouble_kind, usual_pause
from gateway.settings import Relay
from gateway.smtp.connection import Receiver
from gateway.smtp.relays import Relays
from gateway.telemetry.metrics import CONNECTIONS, RELAY_USABLE, TROUBLE

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """How many rows may be claimed now, and by which relay they must go (None: by any that may be used)."""

    rows: int
    via_relay: str | None = None


class RelayRouter:
    """The relays of one worker. `refresh` before use, then every few seconds."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        smtp: Relays,
        relays: tuple[Relay, ...],
        *,
        jitter: Callable[[], float],
        pause: PauseStep = usual_pause,
    ) -> None:
        self._pool = pool
        self._smtp = smtp
        self._names = tuple(relay.name for relay in relays)
        self._jitter = jitter
        self._pause = pause
        self._standings: dict[str, RelayStanding] = {}
        self._avoid: frozenset[str] = frozenset()
        # Relays that failed since the last reading, a number each; and the numbers that are written by now.
        self._unread: dict[int, str] = {}
        self._written: set[int] = set()
        self._numbers = itertools.count()
        self._troubled_relays: set[str] = set()
        self._troubled_domains: set[str] = set()
        self._mended_relays: set[str] = set()
        self._mended_domains: set[str] = set()
        self._failing = FailingMails()
        # Relays after a pause by which one mail is on its way, to see whether they work again.
        self._probed: set[str] = set()

    # ---- reading

    async def refresh(self) -> None:
        """Read the relays' states, and write which failed relays and domains work again. Raises when PostgreSQL is
        away."""
        async with self._pool.acquire() as connection:
            await self._write_mended(connection)
            await QUERIES.see_relays(connection, names=list(self._names))
            await self._read_states(connection)
            self._troubled_domains = {row["domain"] async for row in QUERIES.troubled_domains(connection)}
        self._troubled_relays = {name for name, state in self._standings.items() if state.pause_step > 0}
        self._show()

    async def follow_orders(self) -> bool:
        """Read what persons paused or limited, and call back mail that waits here for what must not be used. Returns
        whether more may be sent than before. Raises when PostgreSQL is away."""
        before, avoided = self._standings, self._avoid
        async with self._pool.acquire() as connection:
            await self._read_states(connection)
            domains = frozenset([row["domain"] async for row in QUERIES.destinations_paused_by_persons(connection)])
        self._smtp.withhold(
            relays=frozenset(name for name, state in self._standings.items() if state.paused_by is not None),
            domains=domains,
        )
        limits = {name: (state.per_minute, state.cap_today) for name, state in self._standings.items()}
        limits_before = {name: (state.per_minute, state.cap_today) for name, state in before.items()}
        return bool(avoided - self._avoid) or limits != limits_before

    async def _read_states(self, connection: Connection) -> None:
        written = self._written.copy()
        states = await relay_states(connection)
        self._standings = {state.name: state for state in states if state.name in self._names}
        self._written -= written
        self._unread = {number: name for number, name in self._unread.items() if number not in written}
        unusable = {name for name, state in self._standings.items() if not state.usable}
        self._avoid = frozenset(unusable | set(self._unread.values()))

    def _show(self) -> None:
        for name, state in self._standings.items():
            RELAY_USABLE.labels(name).set(state.usable)
        for pool in self._smtp.states():
            CONNECTIONS.labels(pool.name, "connected").set(pool.connected)
            CONNECTIONS.labels(pool.name, "idle").set(pool.idle)

    @property
    def open(self) -> bool:
        """Whether any relay may be used."""
        return len(self._avoid) < len(self._names)

    @property
    def width(self) -> int:
        """How many mails to keep on their way, by the relay that they go to now; one to see whether it works again."""
        if self._troubled_relays and all(name in self._avoid or self._unproven(name) for name in self._names):
            return 1
        return self._smtp.width(self._avoid)

    def _unproven(self, name: str) -> bool:
        """Whether a relay was paused, and nothing has gone through since."""
        return name in self._troubled_relays and name not in self._mended_relays

    @property
    def metered(self) -> bool:
        """Whether mail needs permits."""
        return any(state.metered for state in self._standings.values())

    @property
    def opens_in(self) -> float | None:
        """Seconds until a relay may be used again, as of the last reading; None when unknown, or when one may be used
        now."""
        waits = [
            (state.waits_until - state.read_at).total_seconds()
            for state in self._standings.values()
            if state.waits_until is not None
        ]
        return max(0.0, min(waits)) if waits else None

    def may_use(self, name: str | None) -> bool:
        """Whether this relay (None: some relay) may be used now."""
        return self.open if name is None else name in self._names and name not in self._avoid

    # ---- permits

    async def allowance(self, connection: Connection, wanted: int) -> Allowance:
        """How many rows may be claimed: all of them, or as many as the first usable relay has permits for."""
        if not self.metered:
            return Allowance(rows=wanted)
        for name in self._names:
            state = self._standings.get(name)
            if state is None or name in self._avoid:
                continue
            if not state.metered:
                return Allowance(rows=wanted, via_relay=name)
            granted = await QUERIES.take_relay_permits(connection, name=name, wanted=wanted)
            self._standings[name] = replace(state, next_permit_at=None)
            if granted:
                return Allowance(rows=granted, via_relay=name)
        return Allowance(rows=0)

    async def return_permits(self, connection: Connection, name: str, unused: int, *, taken_ago: float) -> None:
        """Give back permits of a relay by which nothing left, taken so many seconds ago."""
        if (state := self._standings.get(name)) is not None and state.metered:
            await QUERIES.return_relay_permits(
                connection, name=name, unused=unused, taken_ago=timedelta(seconds=taken_ago)
            )

    # ---- `gateway.delivery.send.Router`

    def deliver(self, mail: Mail, result: Receiver) -> None:
        """Hand one mail to a relay that may be used; `result` gets the exchange. After a pause a relay gets one mail at
        a time until one has gone through."""
        via_relay, avoid = mail.row.bound_relay or mail.via_relay, self._avoid
        if self._troubled_relays:
            avoid |= self._probed
            probed = self._first(avoid, via_relay)
            if probed is not None and self._unproven(probed):
                self._probed.add(probed)
                result = _Probe(result, self._probed, probed)
        self._smtp.submit(mail.envelope, result, avoid=avoid, via_relay=via_relay, log=mail.slot)

    def _first(self, avoid: Collection[str], via_relay: str | None) -> str | None:
        return next((name for name in self._names if name not in avoid and via_relay in (None, name)), None)

    async def trouble(self, mail: Mail, exchange: Exchange, verdict: Verdict) -> timedelta | None:
        """Record a relay's or destination's failure and stop using it. Returns how long this mail waits, None: not at
        all."""
        if exchange.fault is not None and exchange.fault.kind is FaultKind.NO_RELAY:
            return None  # its own relay became unusable meanwhile: the next claim knows
        if await self.note(exchange, verdict, mail=mail.row):
            # It keeps its place: while the relay is paused nothing is claimed, or another relay takes it. A paused
            # destination parks it at the next claim.
            return None
        return wait_before_next(mail.row.attempt, verdict, jitter=self._jitter())

    async def note(self, exchange: Exchange, verdict: Verdict, *, mail: Claimed | None = None) -> bool:
        """Record a failure, and pause what failed where it is no matter of this mail alone. Returns whether the pause
        is written."""
        TROUBLE.labels(exchange.relay, trouble_kind(exchange)).inc()
        if verdict.scope is Scope.MESSAGE or exchange.relay not in self._names:
            return False
        domain = mail.domain if mail else ""
        if not self._is_widespread(exchange, verdict, mail):
            await self._record(exchange, verdict, domain=domain, pause=None)
            return False
        number = next(self._numbers)
        if verdict.scope is Scope.RELAY:
            self._avoid |= {exchange.relay}
            self._unread[number] = exchange.relay
        try:
            return await self._record(exchange, verdict, domain=domain, pause=self._pause)
        finally:
            self._written.add(number)

    def _is_widespread(self, exchange: Exchange, verdict: Verdict, mail: Claimed | None) -> bool:
        """Whether the relay or destination fails, and not only this mail: before MAIL no mail matters; from MAIL on
        several different mails have failed in a row, or the first new one after a pause has. A mail that failed before
        proves nothing."""
        if mail is None or exchange.stage in BEFORE_MAIL or verdict.stops_relay:
            return True
        is_new = mail.attempt == 1
        if verdict.scope is Scope.RELAY:
            failing = self._failing.relay_fails(exchange.relay, mail.message_id)
            return failing or (is_new and self._unproven(exchange.relay))
        failing = self._failing.domain_fails(mail.domain, mail.message_id)
        unproven = mail.domain in self._troubled_domains and mail.domain not in self._mended_domains
        return failing or (is_new and unproven)

    async def _record(self, exchange: Exchange, verdict: Verdict, *, domain: str, pause: PauseStep | None) -> bool:
        try:
            async with self._pool.acquire() as connection:
                until = await note_trouble(
                    connection, exchange, verdict, domain=domain, jitter=self._jitter(), pause=pause
                )
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("relay failure could not be recorded: %s", type(error).__name__)
            return False
        if pause is None:
            return True
        self._failing.reset(relay=exchange.relay, domain=domain)
        # Noted at once: the next mail may succeed, and end it, before the states are read again.
        if verdict.scope is Scope.RELAY:
            self._troubled_relays.add(exchange.relay)
        elif domain:
            self._troubled_domains.add(domain)
        if until is not None or verdict.stops_relay:
            log.warning("%s: paused until %s", _place(exchange, verdict), until or "a person resumes it")
        return True

    def note_stop(self, name: str) -> None:
        """Use a relay no more that was stopped by refusals; the next reading of its state decides when again."""
        number = next(self._numbers)
        self._avoid |= {name}
        self._unread[number] = name
        self._written.add(number)

    def works(self, mail: Mail, exchange: Exchange) -> None:
        """A mail got its own response: the relay and the domain work again, written with the next refresh."""
        self._failing.reset(relay=exchange.relay, domain=mail.row.domain)
        if exchange.relay in self._troubled_relays:
            self._mended_relays.add(exchange.relay)
        if mail.row.domain in self._troubled_domains:
            self._mended_domains.add(mail.row.domain)

    async def _write_mended(self, connection: Connection) -> None:
        for name in sorted(self._mended_relays):
            await QUERIES.relay_works(connection, name=name)
        if self._mended_domains:
            async for _ in QUERIES.destination_works(connection, domains=sorted(self._mended_domains)):
                pass
        self._mended_relays.clear()
        self._mended_domains.clear()


class _Probe:
    """Passes on the exchange of the one mail that is to show whether a relay works again (`Receiver`)."""

    def __init__(self, result: Receiver, probed: set[str], relay: str) -> None:
        self._result = result
        self._probed = probed
        self._relay = relay

    def done(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._result.done()

    def set_result(self, exchange: Exchange) -> None:
        """The next mail may go, too."""
        self._probed.discard(self._relay)
        self._result.set_result(exchange)


def _place(exchange: Exchange, verdict: Verdict) -> str:
    """What is paused, for the log, which names no domain: that may identify a person."""
    if verdict.scope is Scope.DESTINATION:
        return f"a destination behind relay {exchange.relay}"
    return f"relay {exchange.relay}"
