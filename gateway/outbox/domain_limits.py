"""Destination domains: their limits, pauses and depths, kept in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import domain_of, with_a_labels
from gateway.outbox.parked import release_parked
from gateway.outbox.relay_limits import RelayEventKind, note_order

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
    minutes. `paused_by` and no `paused_until`: paused until a person resumes it."""

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
    paused_by: str | None
    stopped_at: datetime | None
    stopped_why: str | None
    warm_up_start: int | None
    warm_up_factor: float | None
    warm_up_from: date | None


MAX_PER_MINUTE = 100_000
"""Of one relay or domain: more than a worker sends."""
MAX_PER_DAY = 100_000_000
_RANGES = {
    "per_minute": MAX_PER_MINUTE, "per_day": MAX_PER_DAY, "connections": 1000, "warm_up_start": MAX_PER_DAY,
}  # fmt: skip


def check_range(number: int | None, most: int, field: str) -> None:
    """Refuse a limit that is no number from 1 to `most` (INVALID). None is no limit."""
    if number is not None and not 1 <= number <= most:
        raise Refusal(RefusalCode.INVALID, f"A whole number from 1 to {most:,}.", (field,))


def check_warm_up_factor(factor: float | None) -> None:
    """Refuse a factor by which no warm-up grows (INVALID). None passes."""
    if factor is not None and not 1 <= factor <= 10:
        raise Refusal(RefusalCode.INVALID, "A warm-up grows by a factor of 1 to 10 a day.", ("warmUpFactor",))


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
        check_range(getattr(limit, name), highest, names[name])
    check_warm_up_factor(limit.warm_up_factor)
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


async def resume_destination(connection: Connection, domain: str, actor: str) -> None:
    """End a domain's pauses and its stop, by a person's decision; mail parked for it is due. Notify the workers
    afterwards. Raises Refusal(NOT_FOUND)."""
    name = domain_of(with_a_labels(f"@{domain.strip()}"))
    async with connection.transaction():
        resumed = await QUERIES.resume_destination(connection, domain=name)
        if resumed is None:
            raise Refusal(RefusalCode.NOT_FOUND, "This domain is neither limited, paused nor stopped.", ("domain",))
        await note_order(connection, RelayEventKind.RESUMED, actor, domain=name, text=f"Resumed by {actor}.")
    await QUERIES.forget_refusals(connection, of_relay=False, place=name)
    await release_parked(connection, domain=name, paused_until=resumed["paused_until"])


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
                paused_by=row["paused_by"],
                stopped_at=row["stopped_at"],
                stopped_why=row["stopped_why"],
                warm_up_start=row["warm_up_start"],
                warm_up_factor=float(row["warm_up_factor"]) if row["warm_up_factor"] is not None else None,
                warm_up_from=row["warm_up_from"],
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
