"""Relays as PostgreSQL knows them: limits, pauses and stops, the day's count. A restart forgets none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.response import Stage
from gateway.outbox.parked import release_parked
from gateway.settings import Relay


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayStanding:
    """One relay's limits and state. `usable`: neither stopped nor paused now. None is no limit of ours.

    `paused_by`: the person who paused it, None for the gateway itself; without `paused_until` it waits for a person.
    `limited_by`: who set limits before those of RELAY_URL, None where these are in force. `sent_today` are permits used
    in the UTC day; a relay without limits needs none.
    """

    name: str
    usable: bool
    paused_until: datetime | None
    paused_why: str | None
    paused_by: str | None
    stopped_at: datetime | None
    stopped_why: str | None
    seen_at: datetime | None
    per_minute: float | None
    per_day: int | None
    cap_today: int | None
    sent_today: int
    next_permit_at: datetime | None
    read_at: datetime
    tomorrow: datetime
    pause_step: int
    warm_up_start: int | None
    warm_up_factor: float | None
    warm_up_from: date | None
    limited_by: str | None
    limited_at: datetime | None

    @property
    def metered(self) -> bool:
        """Whether mail needs a permit to go by it."""
        return self.per_minute is not None or self.cap_today is not None

    @property
    def waits_until(self) -> datetime | None:
        """When it may next be used; None when that is now, or not known."""
        if self.stopped_at is not None:
            return None
        if not self.usable:
            return self.paused_until
        if self.cap_today is not None and self.sent_today >= self.cap_today:
            return self.tomorrow
        if self.per_minute is not None and self.next_permit_at is not None and self.next_permit_at > self.read_at:
            return self.next_permit_at
        return None


async def register_relays(connection: Connection, relays: Sequence[Relay]) -> None:
    """Write the configured relays and their limits; pauses, stops and the day's count stay as they are."""
    await QUERIES.register_relays(
        connection,
        names=[relay.name for relay in relays],
        min_intervals=[timedelta(minutes=1) / relay.per_minute if relay.per_minute else None for relay in relays],
        per_days=[relay.per_day for relay in relays],
        warm_up_starts=[relay.warm_up_start for relay in relays],
        warm_up_factors=[relay.warm_up_factor for relay in relays],
    )


async def relay_states(connection: Connection) -> tuple[RelayStanding, ...]:
    """Every relay in the database, by name: for `/readyz`, the `gateway` query and the worker."""
    return tuple([_standing(row) async for row in QUERIES.relay_states(connection)])


async def accepted_today(connection: Connection, time_zone: str) -> dict[str, int]:
    """How many recipients each relay took since midnight of the IANA zone, by its name; none for one that took none."""
    return {row["relay"]: row["accepted"] async for row in QUERIES.accepted_today(connection, time_zone=time_zone)}


def _standing(row: Any) -> RelayStanding:
    return RelayStanding(
        name=row["name"],
        usable=row["stopped_at"] is None and not row["paused"],
        paused_until=row["paused_until"] if row["paused"] else None,
        paused_why=row["paused_why"] if row["paused"] else None,
        paused_by=row["paused_by"],
        stopped_at=row["stopped_at"],
        stopped_why=row["stopped_why"],
        seen_at=row["seen_at"],
        per_minute=timedelta(minutes=1) / row["min_interval"] if row["min_interval"] else None,
        per_day=row["per_day"],
        cap_today=row["cap_today"],
        sent_today=row["sent_today"],
        next_permit_at=row["next_permit_at"],
        read_at=row["read_at"],
        tomorrow=row["tomorrow"],
        pause_step=row["pause_step"],
        warm_up_start=row["warm_up_start"],
        warm_up_factor=float(row["warm_up_factor"]) if row["warm_up_factor"] is not None else None,
        warm_up_from=row["warm_up_from"],
        limited_by=row["limited_by"],
        limited_at=row["limited_at"],
    )


class RelayEventKind(StrEnum):
    """What happened to a relay or a destination. SQL: `relay_event_kind`."""

    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    STOPPED = "STOPPED"
    LIMITED = "LIMITED"
    CONNECTION = "CONNECTION"
    TLS = "TLS"
    LOGIN = "LOGIN"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayEvent:
    """One failure of a relay or destination, in the server's own words; or what a person ordered: `actor`. `relay` is
    None where that is for a domain, whatever the relay."""

    id: UUID
    occurred_at: datetime
    relay: str | None
    domain: str | None
    kind: RelayEventKind
    stage: Stage | None
    code: int | None
    response: str | None
    until: datetime | None
    actor: str | None


async def relay_events(connection: Connection, *relays: str, limit: int = 20) -> tuple[RelayEvent, ...]:
    """The newest events of these relays, at most `limit` of each, newest first."""
    return tuple([_event(row) async for row in QUERIES.relay_events(connection, relays=relays, limit=limit)])


async def destination_events(connection: Connection, *domains: str, limit: int = 20) -> tuple[RelayEvent, ...]:
    """The newest events of these domains, at most `limit` of each, newest first."""
    return tuple([_event(row) async for row in QUERIES.destination_events(connection, domains=domains, limit=limit)])


def _event(row: Any) -> RelayEvent:
    stage = Stage(row["stage"]) if row["stage"] else None
    return RelayEvent(**{**row, "kind": RelayEventKind(row["kind"]), "stage": stage})


async def resume_relay(connection: Connection, name: str, actor: str) -> None:
    """End a relay's stop and its pauses, by a person's decision. Raises Refusal(NOT_FOUND)."""
    async with connection.transaction():
        resumed = await QUERIES.resume_relay(connection, name=name)
        if resumed is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such relay.", ("name",))
        await note_order(connection, RelayEventKind.RESUMED, actor, relay=name, text=f"Resumed by {actor}.")
    await QUERIES.forget_refusals(connection, of_relay=True, place=name)
    await release_parked(connection, relay=name, paused_until=resumed["paused_until"])


async def note_order(
    connection: Connection,
    kind: RelayEventKind,
    actor: str,
    *,
    text: str,
    until: datetime | None = None,
    relay: str | None = None,
    domain: str | None = None,
) -> None:
    """Keep what a person ordered of a relay, or of a domain."""
    await QUERIES.insert_relay_event(
        connection,
        relay=relay,
        domain=domain,
        kind=kind,
        stage=None,
        code=None,
        response=text,
        until=until,
        actor=actor,
    )
