"""One delivery: hand off, deliver, read the response, record. The table of contents of what this project is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from gateway.delivery.attempt_log import log_attempt
from gateway.delivery.flight_recorder import Slot
from gateway.mail.response import Exchange
from gateway.mail.verdict import Outcome, Rules, Scope, Verdict, judge
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import UNDELIVERED, Finished, HandOff, Undelivered, finished
from gateway.smtp.relays import Envelope
from gateway.value import value

NO_WAIT = timedelta()
"""Of an outcome that is final."""


MAY_GO_AGAIN = (Outcome.DEFERRED, Outcome.UNCERTAIN)
"""Uncertain mail only where RETRY_ONCE says so: `record_outcomes` decides."""


@value
class Mail:
    """A claimed row, composed and ready: its envelope (with signatures) and the hash of its content without them.

    `slot`: where the flight recorder keeps what its transaction comes to.
    """

    row: Claimed
    source_type: str
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
    async def record(self, outcome: Finished) -> None: ...


class Router(Protocol):
    """What a delivery needs of `gateway.delivery.routing.RelayRouter`: SMTP itself, and where failures are noted."""

    async def deliver(self, mail: Mail) -> Exchange: ...
    async def trouble(self, mail: Mail, exchange: Exchange, verdict: Verdict) -> timedelta | None: ...
    def works(self, mail: Mail, exchange: Exchange) -> None: ...


async def send(
    mail: Mail,
    *,
    router: Router,
    outcomes: Writes,
    rules: Rules,
    wait: Callable[[int, Verdict], timedelta],
    clock: Callable[[], float],
) -> HandOff | Verdict:
    """Deliver one mail to one recipient, at most once, and record what came of it."""
    match HandOff.GO if mail.row.handed_off else await outcomes.hand_off(mail.row):
        case HandOff.GO:
            exchange = await router.deliver(mail)  # every response, verbatim; a fault is a value with its stage
        case HandOff.LOST:
            return HandOff.LOST
        case HandOff.PAUSED:
            await outcomes.give_back(mail.row)
            return HandOff.PAUSED
        case stop:
            await outcomes.undelivered((mail.row, UNDELIVERED[stop]))
            return stop
    ended = clock()
    verdict = judge(exchange, rules)
    log_attempt(mail.row, mail.source_type, exchange, verdict)
    if not verdict.counts:  # a failure of the relay or destination, not of the message: nothing was sent
        await outcomes.give_back(mail.row, await router.trouble(mail, exchange, verdict))
        return verdict
    if verdict.scope is Scope.MESSAGE:
        router.works(mail, exchange)
    else:  # the message's own response, which also asks to leave the relay or destination alone ("Server busy")
        await router.trouble(mail, exchange, verdict)
    waits = wait(mail.row.attempt, verdict) if verdict.outcome in MAY_GO_AGAIN else NO_WAIT
    await outcomes.record(
        finished(mail.row, exchange, verdict, mail_sha256_hex=mail.sha256_hex, wait=waits, ended=ended)
    )
    return verdict
