"""Failures of a relay or destination: recorded in the server's own words; each pauses it, longer every time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.database import QUERIES, Connection
from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.schedule import pause_step
from gateway.mail.verdict import Scope, Verdict
from gateway.outbox.relay_limits import RelayEventKind, relay_states

PauseStep = Callable[[int, Verdict, float], timedelta]


def usual_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """The pause of `gateway.mail.schedule` for this step."""
    return pause_step(step, verdict, jitter=jitter)


_STAGE_KINDS = {
    Stage.AUTH: RelayEventKind.LOGIN,
    Stage.STARTTLS: RelayEventKind.TLS,
    Stage.CONNECT: RelayEventKind.CONNECTION,
}


def trouble_kind(exchange: Exchange) -> RelayEventKind:
    """The `relay_event` kind of this exchange."""
    if exchange.fault is not None and exchange.fault.kind is FaultKind.TLS:
        return RelayEventKind.TLS
    if exchange.stage in _STAGE_KINDS:
        return _STAGE_KINDS[exchange.stage]
    return RelayEventKind.UNAVAILABLE if _refusal(exchange) is not None else RelayEventKind.CONNECTION


def _refusal(exchange: Exchange) -> Response | None:
    """The server's refusal; None where a connection broke after a positive response, which is not the cause."""
    reply = exchange.answer
    return reply if reply is not None and (exchange.fault is None or reply.code >= 400) else None


def _fault_text(fault: Fault | None) -> str | None:
    if fault is None:
        return None
    return f"{fault.text} It said: {fault.words}" if fault.words else fault.text


async def note_trouble(
    connection: Connection,
    exchange: Exchange,
    verdict: Verdict,
    *,
    domain: str,
    jitter: float,
    pause: PauseStep | None = usual_pause,
) -> datetime | None:
    """Record a relay's or destination's failure and pause it, one step longer than last time; without `pause` only
    record it.

    A login refused for good stops the relay until a person resumes it. Returns until when it is paused by this; None
    when it was paused already, or is stopped. One transaction.
    """
    if pause is None:  # one mail's odd answer: a round trip, not three, while its sender waits
        await _insert_event(connection, exchange, verdict, domain=domain, until=None)
        return None
    async with connection.transaction():
        until = await _pause(connection, exchange, verdict, domain=domain, jitter=jitter, pause=pause)
        await _insert_event(connection, exchange, verdict, domain=domain, until=until)
    return until


async def _insert_event(
    connection: Connection, exchange: Exchange, verdict: Verdict, *, domain: str, until: datetime | None
) -> None:
    reply = _refusal(exchange)
    words = reply.text if reply is not None else _fault_text(exchange.fault)
    await QUERIES.insert_relay_event(
        connection,
        relay=exchange.relay,
        domain=domain if verdict.scope is Scope.DESTINATION else None,
        kind=RelayEventKind.STOPPED if verdict.stops_relay else trouble_kind(exchange),
        stage=exchange.stage,
        code=reply.code if reply is not None else None,
        response=words.replace("\0", "\N{REPLACEMENT CHARACTER}") if words is not None else None,
        until=until,
        actor=None,
    )


async def _pause(
    connection: Connection, exchange: Exchange, verdict: Verdict, *, domain: str, jitter: float, pause: PauseStep
) -> datetime | None:
    why = verdict.advice or "It did not take mail."
    if verdict.stops_relay:
        await QUERIES.stop_relay(connection, name=exchange.relay, why=why)
        return None
    if verdict.scope is Scope.DESTINATION:
        step = (await QUERIES.destination_step(connection, domain=domain) or 0) + 1
        wait = pause(step, verdict, jitter)
        until: datetime | None = await QUERIES.pause_destination(connection, domain=domain, wait=wait, why=why)
        return until
    steps = {standing.name: standing.pause_step for standing in await relay_states(connection)}
    wait = pause(steps.get(exchange.relay, 0) + 1, verdict, jitter)
    until = await QUERIES.pause_relay(connection, name=exchange.relay, wait=wait, why=why)
    return until
