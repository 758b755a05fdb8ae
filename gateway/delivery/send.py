"""One delivery: deliver, read the response, record. The table of contents of what this project is for.

A mail costs no task and no future: SMTP calls back with what came of it, in the turn of the event loop in which the
server's answer arrives. Only what asks PostgreSQL about this one mail, as a failure of its relay does, is a task.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from gateway.delivery.flight_recorder import Slot
from gateway.mail.response import Exchange
from gateway.mail.verdict import Outcome, Rules, Scope, Verdict, judge
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import UNDELIVERED, Finished, HandOff, Undelivered, finished
from gateway.smtp.connection import Receiver
from gateway.smtp.relays import Envelope
from gateway.value import value

log = logging.getLogger(__name__)

NO_WAIT = timedelta()
"""Of an outcome that is final."""


MAY_GO_AGAIN = (Outcome.DEFERRED, Outcome.UNCERTAIN)
"""Uncertain mail only where RETRY_ONCE says so: `record_outcomes` decides."""


@value
class Mail:
    """A claimed row, composed and ready: its envelope (with signatures) and the hash of its content without them.

    `kind` as in `MessageFacts`. `slot`: where the flight recorder keeps what its transaction comes to.
    """

    row: Claimed
    kind: str
    envelope: Envelope
    sha256_hex: str
    via_relay: str | None = None
    slot: Slot | None = None


class Writes(Protocol):
    """What a delivery needs of `gateway.delivery.outcome_writer.OutcomeWriter`."""

    @property
    def hand_off(self) -> Callable[[Claimed], Awaitable[HandOff]]: ...
    async def give_back(self, row: Claimed, wait: timedelta | None = None) -> None: ...
    @property
    def undelivered(self) -> Callable[[tuple[Claimed, Undelivered]], Awaitable[None]]: ...
    def record(self, outcome: Finished) -> None: ...


class Router(Protocol):
    """What a delivery needs of `gateway.delivery.routing.RelayRouter`: SMTP itself, and where failures are noted."""

    def deliver(self, mail: Mail, result: Receiver) -> None: ...
    async def trouble(self, mail: Mail, exchange: Exchange, verdict: Verdict) -> timedelta | None: ...
    def works(self, mail: Mail, exchange: Exchange) -> None: ...


class Log(Protocol):
    """What a delivery needs of `gateway.delivery.attempt_log.AttemptLog`."""

    def note(self, row: Claimed, kind: str, exchange: Exchange, verdict: Verdict) -> None: ...


class End(Protocol):
    """Called once a delivery has ended: its outcome, if it has one, waits to be written. None: our own code failed."""

    def __call__(self, verdict: Verdict | None) -> None: ...


@dataclass(kw_only=True, slots=True)
class Deliveries:
    """One worker's deliveries, and what they share. `start` runs a task of the worker's."""

    router: Router
    outcomes: Writes
    attempts: Log
    rules: Rules
    wait: Callable[[int, Verdict], timedelta]
    clock: Callable[[], float]
    start: Callable[[Coroutine[Any, Any, None]], None]

    async def hand_off(self, row: Claimed) -> HandOff:
        """Ask for what a claim did not decide: may this mail go? What must not is recorded here."""
        match await self.outcomes.hand_off(row):
            case HandOff.GO:
                return HandOff.GO
            case HandOff.LOST:
                return HandOff.LOST
            case HandOff.PAUSED:
                await self.outcomes.give_back(row)
                return HandOff.PAUSED
            case stop:
                await self.outcomes.undelivered((row, UNDELIVERED[stop]))
                return stop

    def send(self, mail: Mail, end: End) -> None:
        """Deliver one mail that is handed off to one recipient, at most once, and record what came of it."""
        self.router.deliver(mail, Answer(self, mail, end))

    def answered(self, mail: Mail, exchange: Exchange, end: End) -> None:
        """Every response, verbatim; a fault is a value with its stage."""
        ended = self.clock()
        verdict = judge(exchange, self.rules)
        self.attempts.note(mail.row, mail.kind, exchange, verdict)
        if verdict.counts and verdict.scope is Scope.MESSAGE:
            self.router.works(mail, exchange)
            self.record(mail, exchange, verdict, ended)
            end(verdict)
        else:
            self.start(self.failed(mail, exchange, verdict, ended, end))

    async def failed(self, mail: Mail, exchange: Exchange, verdict: Verdict, ended: float, end: End) -> None:
        """Relay or destination failed, or the message's own response asks to leave them alone ("Server busy")."""
        try:
            wait = await self.router.trouble(mail, exchange, verdict)
            if verdict.counts:
                self.record(mail, exchange, verdict, ended)
            else:  # it says nothing of the message: nothing was sent
                await self.outcomes.give_back(mail.row, wait)
        except Exception:
            fail(mail.row, end)
        else:
            end(verdict)

    def record(self, mail: Mail, exchange: Exchange, verdict: Verdict, ended: float) -> None:
        """Take the outcome; it is committed soon, with others."""
        wait = self.wait(mail.row.attempt, verdict) if verdict.outcome in MAY_GO_AGAIN else NO_WAIT
        self.outcomes.record(
            finished(mail.row, exchange, verdict, mail_sha256_hex=mail.sha256_hex, wait=wait, ended=ended)
        )


def fail(row: Claimed, end: End) -> None:
    """Our own code failed, and the mail was perhaps sent: its lease ends, and recovery decides by what is known."""
    log.exception("message %s: sending failed in our own code", row.message_id)
    end(None)


class Answer:
    """Takes the exchange of one mail (`gateway.smtp.connection.Receiver`)."""

    __slots__ = ("_came", "_deliveries", "_end", "_mail")

    def __init__(self, deliveries: Deliveries, mail: Mail, end: End) -> None:
        self._deliveries = deliveries
        self._mail = mail
        self._end = end
        self._came = False

    def done(self) -> bool:
        """Whether it has come."""
        return self._came

    def set_result(self, exchange: Exchange) -> None:
        """It has come."""
        self._came = True
        try:
            self._deliveries.answered(self._mail, exchange, self._end)
        except Exception:
            fail(self._mail.row, self._end)
