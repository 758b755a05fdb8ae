"""Figures over time, booked by the difference: what each mail counts as now, less what it counted as before.

Every mail counts in the hour of its own id (RFC 9562 5.7), so that a late bounce or open changes the hour and the day
of its mail, and no rate passes 100 %. The job adds up a batch here, since most of its mails are alike: PostgreSQL then
writes a few rows and reads none of them one by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.message import Status
from gateway.mail.source import Direction
from gateway.value import value

_HOUR_MS = 3_600_000
_TIMES = 256
"""More than there are buckets of times: a bucket and how many mails are in it are one number."""
_ACCEPTED = (Status.ACCEPTED, Status.BOUNCED)


@value
class Facts:
    """What search rows mostly share, and what figures are made of."""

    mailing_id: int | None
    domain_no: int | None
    sender_no: int | None
    relay_no: int | None
    source_type: str | None
    direction: str
    status: str
    cause: str | None
    tracked: bool
    opened: bool
    clicked: bool
    complained: bool
    deferrals: int

    def figures(self) -> tuple[int, ...]:
        """What such a mail adds to each figure, in the order of `FIGURES`."""
        return (
            self.direction == Direction.SENT,
            self.status in _ACCEPTED,
            self.deferrals,
            self.status == Status.REFUSED,
            self.status == Status.BOUNCED,
            self.complained,
            self.opened,
            self.clicked,
            self.direction == Direction.RECEIVED,
        )


FACTS = tuple(field.name for field in fields(Facts))
FIGURES = ("sent", "accepted", "deferred", "refused", "bounced", "complained", "opened", "clicked", "received")
_TIMED_BY = ("mailing_id", "domain_no", "sender_no", "relay_no", "source_type", "cause")
"""A mail whose time, or of which one of these, is another than before has its time booked again; else it stays."""


def hour_of(message_id: UUID) -> int:
    """The hour in which a mail counts, in hours since 1970 (UTC)."""
    return (message_id.int >> 80) // _HOUR_MS


class Booking:
    """Mails to book, added up. A `bucket` is that of a mail's time to acceptance (`time_bucket`); None: it has none."""

    def __init__(self) -> None:
        self._mails: Counter[tuple[int, Facts, int | None]] = Counter()

    def add(self, message_id: UUID, facts: Facts, bucket: int | None) -> None:
        """A mail that was not counted before."""
        self._mails[hour_of(message_id), facts, bucket] += 1

    def change(self, message_id: UUID, before: tuple[Facts, int | None], now: tuple[Facts, int | None]) -> None:
        """A mail that counts as something else from now on."""
        if _timed_by(*before) == _timed_by(*now):
            before, now = (before[0], None), (now[0], None)
        hour = hour_of(message_id)
        self._mails[hour, *now] += 1
        self._mails[hour, *before] -= 1

    def by_mail(self) -> list[tuple[Any, ...]]:
        """The figures of mails that are alike but for their domain, of which every rollup but that by domain is made:
        hour, mailing, sender, relay, source type, cause, bucket, how many mails, and the figures."""
        totals = _Totals()
        counts: Counter[tuple[Any, ...]] = Counter()
        for (hour, facts, bucket), count in self._mails.items():
            key = (hour, facts.mailing_id, facts.sender_no, facts.relay_no, facts.source_type, facts.cause, bucket)
            totals.add(key, facts, count)
            counts[key] += count
        return [(*key, counts[key], *total) for key, total in totals.rows() if counts[key] or any(total)]

    def by_domain(self) -> list[tuple[Any, ...]]:
        """The figures of each day, domain and cause: those three, the figures, and the times as the ledger keeps
        them (how many, times 256, and the bucket)."""
        totals = _Totals()
        times: defaultdict[tuple[Any, ...], Counter[int]] = defaultdict(Counter)
        for (hour, facts, bucket), count in self._mails.items():
            key = (hour // 24, facts.domain_no, facts.cause)
            totals.add(key, facts, count)
            if bucket is not None:
                times[key][bucket] += count
        rows = [(key, total, _one_number_each(times[key])) for key, total in totals.rows()]
        return [(*key, *total, timed) for key, total, timed in rows if any(total) or timed]


class _Totals:
    """Sums of figures by key."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(FIGURES))

    def add(self, key: tuple[Any, ...], facts: Facts, count: int) -> None:
        """Add a mail's figures so many times."""
        sums = self._sums[key]
        for place, figure in enumerate(facts.figures()):
            if figure:
                sums[place] += figure * count

    def rows(self) -> Iterable[tuple[tuple[Any, ...], list[int]]]:
        """Every key with its sums."""
        return self._sums.items()


def _timed_by(facts: Facts, bucket: int | None) -> tuple[Any, ...]:
    return (bucket, *(getattr(facts, name) for name in _TIMED_BY))


def _one_number_each(times: Mapping[int, int]) -> list[int]:
    return [count * _TIMES + bucket for bucket, count in sorted(times.items()) if count]


async def book(connection: Connection, booking: Booking) -> None:
    """Write the figures of a batch, in the caller's transaction."""
    if mails := booking.by_mail():
        await QUERIES.book_mails(connection, **_columns(_MAIL, mails))
    if domains := booking.by_domain():
        # Arrays of PostgreSQL have no rows of several lengths: the times come as text.
        texts = [(*row[:-1], "{" + ",".join(map(str, row[-1])) + "}") for row in domains]
        await QUERIES.book_domains(connection, **_columns(_DOMAIN, texts))


_MAIL = ("hours", "mailing_ids", "sender_nos", "relay_nos", "source_types", "causes", "buckets", "mails", *FIGURES)
_DOMAIN = ("days", "domain_nos", "causes", *FIGURES, "times")


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
