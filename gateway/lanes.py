"""What may go now, what waits, and why: limits and pauses of relays and destinations, lanes and their depths.

Everything here is kept in PostgreSQL, so that a restart forgets none of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.database import QUERIES
from gateway.errors import Refusal, RefusalCode
from gateway.mail.response import Exchange, FaultKind, Response, Stage
from gateway.mail.schedule import pause_step
from gateway.mail.verdict import Scope, Verdict
from gateway.settings import Relay

DEPTH_LIMIT = 10_000
"""Rows counted a lane: a depth above it is "at least this"; counting a million would cost a scan."""
DOMAIN_SAMPLE = 50_000
"""Rows looked at for the depths by domain, for the same reason."""
MOST_DESTINATIONS = 500
RELEASE_ROWS = 20_000
"""Parked rows freed in one statement: some tenths of a second of updates."""

PauseStep = Callable[[int, Verdict, float], timedelta]


def usual_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """The schedule's pauses."""
    return pause_step(step, verdict, jitter=jitter)


# Relays ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayStanding:
    """One relay as the ledger knows it. `usable`: neither stopped nor paused now. None is no limit of ours."""

    name: str
    usable: bool
    paused_until: datetime | None
    paused_why: str | None
    stopped_at: datetime | None
    stopped_why: str | None
    seen_at: datetime | None
    per_minute: float | None
    per_day: int | None
    cap_today: int | None
    sent_today: int
    next_slot: datetime | None
    read_at: datetime
    tomorrow: datetime
    pause_step: int

    @property
    def metered(self) -> bool:
        """Whether mail needs a slot of it."""
        return self.per_minute is not None or self.cap_today is not None

    @property
    def waits_until(self) -> datetime | None:
        """When it may next be used, if that is known and not now."""
        if self.stopped_at is not None:
            return None
        if not self.usable:
            return self.paused_until
        if self.cap_today is not None and self.sent_today >= self.cap_today:
            return self.tomorrow
        if self.per_minute is not None and self.next_slot is not None and self.next_slot > self.read_at:
            return self.next_slot
        return None


async def register_relays(connection: Any, relays: Sequence[Relay]) -> None:
    """Write the configured relays and their limits; pauses, stops and the day's count stay as they are."""
    await QUERIES.register_relays(
        connection,
        names=[relay.name for relay in relays],
        everys=[timedelta(minutes=1) / relay.per_minute if relay.per_minute else None for relay in relays],
        per_days=[relay.per_day for relay in relays],
        warm_up_starts=[relay.warm_up_start for relay in relays],
        warm_up_factors=[relay.warm_up_factor for relay in relays],
    )


async def relay_states(connection: Any) -> tuple[RelayStanding, ...]:
    """Every relay the ledger knows, by name: for `/readyz`, the `gateway` query and the worker."""
    return tuple([_standing(row) async for row in QUERIES.relay_states(connection)])


def _standing(row: Any) -> RelayStanding:
    return RelayStanding(
        name=row["name"],
        usable=row["stopped_at"] is None and not row["paused"],
        paused_until=row["paused_until"] if row["paused"] else None,
        paused_why=row["paused_why"] if row["paused"] else None,
        stopped_at=row["stopped_at"],
        stopped_why=row["stopped_why"],
        seen_at=row["seen_at"],
        per_minute=timedelta(minutes=1) / row["every"] if row["every"] else None,
        per_day=row["per_day"],
        cap_today=row["cap_today"],
        sent_today=row["sent_today"],
        next_slot=row["next_slot"],
        read_at=row["read_at"],
        tomorrow=row["tomorrow"],
        pause_step=row["pause_step"],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayEvent:
    """One trouble of a relay or destination, in the server's own words."""

    id: UUID
    domain: str | None
    kind: str
    stage: str | None
    code: int | None
    response: str | None
    until: datetime | None


async def relay_events(connection: Any, name: str, *, most: int = 20) -> tuple[RelayEvent, ...]:
    """A relay's newest troubles, newest first."""
    return tuple([RelayEvent(**dict(row)) async for row in QUERIES.relay_events(connection, relay=name, most=most)])


async def resume_relay(connection: Any, name: str, actor: str) -> None:
    """A person's word that a stopped or paused relay works again. Raises Refusal(NOT_FOUND)."""
    async with connection.transaction():
        if await QUERIES.resume_relay(connection, name=name) is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such relay.", ("relay",))
        await QUERIES.insert_relay_event(
            connection,
            relay=name,
            domain=None,
            kind="RESUMED",
            stage=None,
            code=None,
            response=f"Resumed by {actor}.",
            until=None,
        )
    await _release(connection, relay=name)


# Trouble ---------------------------------------------------------------------------------------------------------

_STAGE_KINDS = {
    Stage.AUTH: "LOGIN",
    Stage.STARTTLS: "TLS",
    Stage.CONNECT: "CONNECTION",
}


def trouble_kind(exchange: Exchange) -> str:
    """What kind of `relay_event` this exchange is."""
    if exchange.fault is not None and exchange.fault.kind is FaultKind.TLS:
        return "TLS"
    if exchange.stage in _STAGE_KINDS:
        return _STAGE_KINDS[exchange.stage]
    return "UNAVAILABLE" if _refusal(exchange) is not None else "CONNECTION"


def _refusal(exchange: Exchange) -> Response | None:
    """What the server said against it. Where something broke after friendly words, those are not the trouble's."""
    reply = exchange.answer
    return reply if reply is not None and (exchange.fault is None or reply.code >= 400) else None


async def note_trouble(
    connection: Any,
    exchange: Exchange,
    verdict: Verdict,
    *,
    domain: str,
    jitter: float,
    pause: PauseStep = usual_pause,
) -> datetime | None:
    """Write a relay's or destination's failure in its own words, and pause it, one step longer than last time.

    A login refused for good stops the relay until a person resumes it. Answers until when it is paused by this; None
    when it was paused already, or is stopped. One transaction.
    """
    async with connection.transaction():
        until = await _pause(connection, exchange, verdict, domain=domain, jitter=jitter, pause=pause)
        reply = _refusal(exchange)
        words = reply.text if reply is not None else (exchange.fault.text if exchange.fault is not None else None)
        await QUERIES.insert_relay_event(
            connection,
            relay=exchange.relay,
            domain=domain if verdict.scope is Scope.DESTINATION else None,
            kind="STOPPED" if verdict.stops_relay else trouble_kind(exchange),
            stage=exchange.stage,
            code=reply.code if reply is not None else None,
            response=words.replace("\0", "\N{REPLACEMENT CHARACTER}") if words is not None else None,
            until=until,
        )
    return until


async def _pause(
    connection: Any, exchange: Exchange, verdict: Verdict, *, domain: str, jitter: float, pause: PauseStep
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


# Destinations ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationLimit:
    """A domain's limits; None is no limit of ours. Warm-up starts at so many a day and grows by its factor daily."""

    domain: str
    per_minute: int | None = None
    per_day: int | None = None
    connections: int | None = None
    warm_up_start: int | None = None
    warm_up_factor: float = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationStanding:
    """A limited or paused domain as it is now. `rate` is attempts a second over the last one to two minutes."""

    domain: str
    per_minute: float | None
    per_day: int | None
    connections: int | None
    cap_today: int | None
    sent_today: int
    rate: float
    next_slot: datetime | None
    paused_until: datetime | None
    paused_why: str | None


_RANGES = {"per_minute": 100_000, "per_day": 100_000_000, "connections": 1000, "warm_up_start": 100_000_000}


async def limit_destination(connection: Any, limit: DestinationLimit) -> None:
    """Set (or, with Nones, lift) a domain's limits; mail that waits for its turn gets a new one. Ring the bell then.
    Raises Refusal(INVALID)."""
    names = {
        "per_minute": "perMinute",
        "per_day": "perDay",
        "connections": "connections",
        "warm_up_start": "warmUpStart",
    }
    for name, most in _RANGES.items():
        value = getattr(limit, name)
        if value is not None and not 1 <= value <= most:
            raise Refusal(RefusalCode.INVALID, f"A whole number from 1 to {most:,}.", (names[name],))
    if not 1 <= limit.warm_up_factor <= 10:
        raise Refusal(RefusalCode.INVALID, "A warm-up grows by a factor of 1 to 10 a day.", ("warmUpFactor",))
    if not limit.domain or len(limit.domain) > 253 or "@" in limit.domain:
        raise Refusal(RefusalCode.INVALID, "A domain, such as example.com.", ("domain",))
    await QUERIES.limit_destination(
        connection,
        domain=limit.domain.lower(),
        every=timedelta(minutes=1) / limit.per_minute if limit.per_minute else None,
        per_day=limit.per_day,
        connections=limit.connections,
        warm_up_start=limit.warm_up_start,
        warm_up_factor=limit.warm_up_factor if limit.warm_up_start else None,
    )
    await _release(connection, domain=limit.domain.lower(), slots=True)


async def resume_destination(connection: Any, domain: str) -> None:
    """A person's word that a paused domain takes mail again; what waits for it is due. Ring the bell after it. Raises
    Refusal(NOT_FOUND)."""
    if await QUERIES.resume_destination(connection, domain=domain.lower()) is None:
        raise Refusal(RefusalCode.NOT_FOUND, "This domain is neither limited nor paused.", ("domain",))
    await _release(connection, domain=domain.lower())


async def _release(
    connection: Any, *, domain: str | None = None, relay: str | None = None, slots: bool = False
) -> None:
    """Mail parked for what is over is due now, batch after batch: a statement reads the whole outbox, a few times a
    year, and is no longer than that."""
    while (
        await QUERIES.release_parked(connection, domain=domain, relay=relay, slots=slots, most=RELEASE_ROWS)
        == RELEASE_ROWS
    ):
        pass


async def destinations(connection: Any, *, after: str | None = None) -> tuple[DestinationStanding, ...]:
    """Limited and paused domains by name, at most 500 behind `after`."""
    return tuple(
        [
            DestinationStanding(
                domain=row["domain"],
                per_minute=timedelta(minutes=1) / row["every"] if row["every"] else None,
                per_day=row["per_day"],
                connections=row["connections"],
                cap_today=row["cap_today"],
                sent_today=row["sent_today"],
                rate=row["rate"],
                next_slot=row["next_slot"],
                paused_until=row["paused_until"],
                paused_why=row["paused_why"],
            )
            async for row in QUERIES.destinations(connection, after=after, most=MOST_DESTINATIONS)
        ]
    )


# Lanes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneStanding:
    """A lane as it is now. `depth` counts up to 10,000; `deeper` says that there is more. `rate` is attempts a second
    over the last one to two minutes."""

    name: str
    campaign_id: UUID | None
    campaign_title: str | None
    priority: int
    paused_at: datetime | None
    paused_why: str | None
    depth: int
    deeper: bool
    rate: float
    next_due_at: datetime | None
    oldest_seconds: float


async def lane_states(connection: Any, *, most: int = DEPTH_LIMIT) -> tuple[LaneStanding, ...]:
    """Every lane in order of priority, 500 at most."""
    paces = {row["lane_id"]: row["attempts"] / max(1.0, row["seconds"]) async for row in QUERIES.lane_paces(connection)}
    return tuple(
        [
            LaneStanding(
                name=row["name"],
                campaign_id=row["campaign_id"],
                campaign_title=row["campaign_title"],
                priority=row["priority"],
                paused_at=row["paused_at"],
                paused_why=row["paused_why"],
                depth=row["depth"],
                deeper=row["depth"] >= most,
                rate=float(paces.get(row["id"], 0.0)),
                next_due_at=row["next_due_at"],
                oldest_seconds=_age(row["next_due_at"], row["read_at"]),
            )
            async for row in QUERIES.lane_depths(connection, most=most)
        ]
    )


def _age(due: datetime | None, now: datetime) -> float:
    return max(0.0, (now - due).total_seconds()) if due is not None else 0.0


PACED_DOMAINS = 500
"""Domains whose pace one worker notes each time, the busiest: a campaign's long tail would be a row a mail."""


async def note_pace(connection: Any, *, worker: UUID, paces: Mapping[int, int], domains: Counter[str]) -> None:
    """Write a worker's attempts since it last said, a lane and a destination domain."""
    if paces:
        await QUERIES.note_pace(connection, worker=worker, lane_ids=list(paces), attempts=list(paces.values()))
    if domains:
        busiest = domains.most_common(PACED_DOMAINS)
        await QUERIES.note_domain_pace(
            connection,
            worker=worker,
            domains=[domain for domain, _ in busiest],
            attempts=[attempts for _, attempts in busiest],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainDepth:
    """How much waits for one domain, among the first 50,000 rows of the queue, and how fast it goes. `rate` is attempts
    a second over the last one to two minutes."""

    domain: str
    depth: int
    rate: float
    next_due_at: datetime
    paused_until: datetime | None
    paused_why: str | None


async def domain_depths(connection: Any) -> tuple[DomainDepth, ...]:
    """The hundred domains that most mail waits for."""
    return tuple([DomainDepth(**dict(row)) async for row in QUERIES.domain_depths(connection, most=DOMAIN_SAMPLE)])


async def pause_lane(connection: Any, name: str, actor: str) -> None:
    """Stop a lane of individual mail exactly, like a campaign's pause. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    await _individual_lane(connection, name)
    if await QUERIES.pause_lane(connection, name=name, why=f"Paused by {actor}.") is None:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This lane is paused already.", ("lane",))


async def resume_lane(connection: Any, name: str) -> None:
    """Let a lane's mail go again. Ring the bell after it. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    await _individual_lane(connection, name)
    await QUERIES.resume_lane(connection, name=name)


async def _individual_lane(connection: Any, name: str) -> None:
    lane = await QUERIES.find_lane(connection, name=name)
    if lane is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such lane.", ("lane",))
    if lane["campaign_id"] is not None:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This lane is a campaign's: pause or resume the campaign.", ("lane",))
