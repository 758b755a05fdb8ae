"""Destination domains: their limits, pauses and depths, kept in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.outbox.parked import release_parked

DOMAIN_SAMPLE = 50_000
"""Rows read for the depths by domain: counting a million would cost a scan."""
MAX_DESTINATIONS = 500


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
    """A limited, paused or stopped domain as it is now. `rate` is attempts a second over the last one to two
    minutes."""

    domain: str
    per_minute: float | None
    per_day: int | None
    connections: int | None
    cap_today: int | None
    sent_today: int
    rate: float
    next_permit_at: datetime | None
    paused_until: datetime | None
    paused_why: str | None
    stopped_at: datetime | None
    stopped_why: str | None


_RANGES = {"per_minute": 100_000, "per_day": 100_000_000, "connections": 1000, "warm_up_start": 100_000_000}


async def limit_destination(connection: Connection, limit: DestinationLimit) -> None:
    """Set (or, with Nones, lift) a domain's limits; parked mail is placed anew. Notify the workers
    afterwards. Raises Refusal(INVALID)."""
    names = {
        "per_minute": "perMinute",
        "per_day": "perDay",
        "connections": "connections",
        "warm_up_start": "warmUpStart",
    }
    for name, highest in _RANGES.items():
        value = getattr(limit, name)
        if value is not None and not 1 <= value <= highest:
            raise Refusal(RefusalCode.INVALID, f"A whole number from 1 to {highest:,}.", (names[name],))
    if not 1 <= limit.warm_up_factor <= 10:
        raise Refusal(RefusalCode.INVALID, "A warm-up grows by a factor of 1 to 10 a day.", ("warmUpFactor",))
    if not limit.domain or len(limit.domain) > 253 or "@" in limit.domain:
        raise Refusal(RefusalCode.INVALID, "A domain, such as example.com.", ("domain",))
    await QUERIES.limit_destination(
        connection,
        domain=limit.domain.lower(),
        min_interval=timedelta(minutes=1) / limit.per_minute if limit.per_minute else None,
        per_day=limit.per_day,
        connections=limit.connections,
        warm_up_start=limit.warm_up_start,
        warm_up_factor=limit.warm_up_factor if limit.warm_up_start else None,
    )
    await release_parked(connection, domain=limit.domain.lower(), rate_counted=True)


async def resume_destination(connection: Connection, domain: str) -> None:
    """End a domain's pause or stop, by a person's decision; mail parked for it is due. Notify the workers afterwards.
    Raises Refusal(NOT_FOUND)."""
    resumed = await QUERIES.resume_destination(connection, domain=domain.lower())
    if resumed is None:
        raise Refusal(RefusalCode.NOT_FOUND, "This domain is neither limited, paused nor stopped.", ("domain",))
    await QUERIES.forget_refusals(connection, of_relay=False, place=domain.lower())
    await release_parked(connection, domain=domain.lower(), paused_until=resumed["paused_until"])


async def destinations(connection: Connection, *, after: str | None = None) -> tuple[DestinationStanding, ...]:
    """Limited, paused and stopped domains by name, at most 500 behind `after`."""
    return tuple(
        [
            DestinationStanding(
                domain=row["domain"],
                per_minute=timedelta(minutes=1) / row["min_interval"] if row["min_interval"] else None,
                per_day=row["per_day"],
                connections=row["connections"],
                cap_today=row["cap_today"],
                sent_today=row["sent_today"],
                rate=row["rate"],
                next_permit_at=row["next_permit_at"],
                paused_until=row["paused_until"],
                paused_why=row["paused_why"],
                stopped_at=row["stopped_at"],
                stopped_why=row["stopped_why"],
            )
            async for row in QUERIES.destinations(connection, after=after, limit=MAX_DESTINATIONS)
        ]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainDepth:
    """How much mail waits for one domain, among the first 50,000 rows of the queue, and how fast it leaves. `rate` is
    attempts a second over the last one to two minutes."""

    domain: str
    depth: int
    rate: float
    next_due_at: datetime
    paused_until: datetime | None
    paused_why: str | None


async def domain_depths(connection: Connection) -> tuple[DomainDepth, ...]:
    """The hundred domains that most mail waits for."""
    return tuple([DomainDepth(**dict(row)) async for row in QUERIES.domain_depths(connection, limit=DOMAIN_SAMPLE)])
