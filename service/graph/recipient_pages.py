"""Pages of a campaign's recipients: which index finds them, and what a scan without one may read.

A list is a chain of segments, a mailing and a source each, read one after the other. Each source is a range of an index
whose rows have a key; a cursor names the segment and the key of its row. What no index tells apart is read row by row,
so many a page; a page that ends there is short, and the next one goes on behind what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from asyncpg import Record

from gateway.campaigns.counts import Count, CountPrecision
from gateway.mail import base64url
from gateway.mail.campaign import LeftOutReason
from gateway.mail.message import Status
from gateway.mail.verdict import Cause
from service.database import Statement, statement
from service.finding.wanted import Fetcher
from service.graph.search_patterns import read_search

SCANNED = 2000
"""Rows of a segment that one page reads: some ten milliseconds."""
MAX_SEGMENTS = 20
"""Segments that one page reads, when they hold nothing that passes: a campaign of many mailings."""
MAX_COUNTED = 10_000
"""Rows counted one by one."""
COUNTED_AT_ONCE = 1000

TROUBLES = (Status.UNCERTAIN, Status.REFUSED, Status.HELD, Status.EXPIRED, Status.BOUNCED)
"""What `message_trouble` holds, by an index."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
_FIRST_ID = UUID(int=0)


class Source(StrEnum):
    """Where recipients are read from."""

    AUDIENCE = "audience"
    LEFT_OUT = "left_out"
    LEFT_OUT_FOR = "left_out_for"
    TROUBLE = "trouble"
    OPENED = "opened"
    CLICKED = "clicked"
    FOUND = "found"


_STATEMENTS: Mapping[Source, tuple[Statement, Statement]] = {
    Source.AUDIENCE: (statement("recipients_of_mailing"), statement("recipients_scanned")),
    Source.LEFT_OUT: (statement("left_out_of_mailing"), statement("left_out_scanned")),
    Source.LEFT_OUT_FOR: (statement("left_out_for_reason"), statement("left_out_for_reason_scanned")),
    Source.TROUBLE: (statement("recipients_in_trouble"), statement("troubles_scanned")),
    Source.OPENED: (statement("recipients_who_opened"), statement("opened_scanned")),
    Source.CLICKED: (statement("recipients_who_clicked"), statement("clicked_scanned")),
    Source.FOUND: (statement("recipients_found"), statement("found_scanned")),
}
"""Of each source: its page, and the key of the last row that a scan read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One range of an index: `value` is a status or a reason. `mailing_id` is 0 of a search, which reads all."""

    source: Source
    mailing_id: int = 0
    value: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A key in a segment: rows behind it are read next."""

    segment: Segment
    planned_at: datetime = _ALWAYS
    customer_id: int = 0
    occurrence: str = ""
    message_key: UUID = _FIRST_ID
    mailing_id: int = 0

    @property
    def cursor(self) -> str:
        """Opaque; `read_place` reads it."""
        key = [(self.planned_at - _EPOCH) // timedelta(microseconds=1), self.customer_id, self.occurrence]
        segment = self.segment
        parts = [segment.source, segment.mailing_id, segment.value, *key, self.message_key.hex, self.mailing_id]
        return base64url.encode(orjson.dumps(parts))

    def at(self, row: Record) -> Place:
        """The place of a row of the same segment."""
        return replace(
            self,
            planned_at=row["planned_at"] or _ALWAYS,
            customer_id=row["customer_id"],
            occurrence=row["occurrence"],
            message_key=row["message_key"] or _FIRST_ID,
            mailing_id=row["mailing_id"],
        )


def read_place(cursor: str) -> Place | None:
    """The place that a cursor names; None when it is none."""
    try:
        source, mailing, value, planned, customer, occurrence, key, of = orjson.loads(base64url.decode(cursor) or b"")
        return Place(
            segment=Segment(source=Source(source), mailing_id=int(mailing), value=str(value)),
            planned_at=_EPOCH + timedelta(microseconds=int(planned)),
            customer_id=max(0, min(int(customer), 2**63 - 1)),
            occurrence=str(occurrence).replace("\0", ""),
            message_key=UUID(hex=str(key)),
            mailing_id=max(0, min(int(of), 2**31 - 1)),
        )
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientQuery:
    """Which recipients of which mailings. None does not filter; what is there is ANDed, but `statuses` and `left_out`,
    of which either suffices."""

    mailing_ids: tuple[int, ...]
    statuses: tuple[Status, ...] | None = None
    causes: tuple[Cause, ...] | None = None
    left_out: tuple[LeftOutReason, ...] | None = None
    opened: bool | None = None
    clicked: bool | None = None
    search: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Of every page's statement. Raises BadInput for the search."""
        found = read_search(self.search.strip()) if self.search is not None else {}
        return {
            "mailing_ids": list(self.mailing_ids),
            "statuses": None if self.statuses is None else list(self.statuses),
            "causes": None if self.causes is None else list(self.causes),
            "left_outs": None if self.left_out is None else list(self.left_out),
            "opened": self.opened,
            "clicked": self.clicked,
            **found,
        }

    def to_json(self) -> dict[str, Any]:
        """What `from_json` makes the same of."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RecipientQuery:
        """Of what `to_json` gave."""
        read: dict[str, Any] = {"mailing_ids": tuple(values["mailing_ids"])}
        for name, kind in (("statuses", Status), ("causes", Cause), ("left_out", LeftOutReason)):
            if name in values:
                read[name] = tuple(kind(one) for one in values[name])
        return cls(**read, opened=values.get("opened"), clicked=values.get("clicked"), search=values.get("search"))

    @property
    def is_whole(self) -> bool:
        """Whether it lets everybody pass."""
        return replace(self, mailing_ids=()) == RecipientQuery(mailing_ids=())

    @property
    def start(self) -> Place:
        """Before the first row."""
        return Place(segment=next(iter(self.segments()), Segment(source=Source.FOUND)))

    def segments(self) -> list[Segment]:
        """What to read, in order."""
        if self.search is not None:
            return [Segment(source=Source.FOUND)]
        return [
            Segment(source=source, mailing_id=mailing, value=value)
            for mailing in self.mailing_ids
            for source, value in [*self._of_mailed(), *self._of_left_out()]
        ]

    def _of_mailed(self) -> list[tuple[Source, str]]:
        """The narrowest range that holds all who pass and are not left out."""
        if self.statuses is None and self.left_out is not None:
            return []
        if self.clicked:
            return [(Source.CLICKED, "")]
        if self.opened:
            return [(Source.OPENED, "")]
        states = self.statuses
        if states is None and self.causes is not None and Cause.BY_PERSON not in self.causes:
            states = TROUBLES  # nobody else has a cause
        if states is not None and set(states) <= set(TROUBLES):
            return [(Source.TROUBLE, status.value) for status in TROUBLES if status in states]
        return [(Source.AUDIENCE, "")]

    def _of_left_out(self) -> list[tuple[Source, str]]:
        """Who was left out has no state and no cause, and neither opened nor clicked."""
        if self.causes is not None or self.opened or self.clicked:
            return []
        if self.left_out is not None:
            return [(Source.LEFT_OUT_FOR, reason.value) for reason in LeftOutReason if reason in self.left_out]
        return [(Source.LEFT_OUT, "")] if self.statuses is None else []


@dataclass(frozen=True, kw_only=True, slots=True)
class Walked:
    """Rows in order, each with its place; `stopped` is where reading stopped before the end without having found
    enough: None when it found enough, or there is no more."""

    rows: Sequence[tuple[Place, Record]]
    stopped: Place | None = None


async def walk(
    fetch: Fetcher, query: RecipientQuery, after: Place | None, *, rows: int, scan: int = SCANNED
) -> Walked | None:
    """The next recipients behind a place, `rows` at most; None when the place is in none of the query's segments."""
    segments, parameters = query.segments(), query.parameters
    if not segments and after == query.start:
        return Walked(rows=[])
    if after is not None and after.segment not in segments:
        return None
    start = segments.index(after.segment) if after is not None else 0
    found: list[tuple[Place, Record]] = []
    for number, segment in enumerate(segments[start:]):
        place = after if after is not None and number == 0 else Place(segment=segment)
        if number >= MAX_SEGMENTS:
            return Walked(rows=found, stopped=place)
        page, scanned = _STATEMENTS[segment.source]
        values = parameters | _key(place) | {"scan": scan}
        read = await fetch(page, **values, rows=rows - len(found))
        found += [(place.at(row), row) for row in read]
        if len(found) >= rows:
            break
        last = await fetch(scanned, **values)
        if last:
            return Walked(rows=found, stopped=place.at(last[0]))
    return Walked(rows=found)


def _key(place: Place) -> dict[str, Any]:
    segment = place.segment
    return {
        "mailing_id": segment.mailing_id or place.mailing_id,
        "value": segment.value,
        "planned_at": place.planned_at,
        "customer_id": place.customer_id,
        "occurrence": place.occurrence,
        "message_key": place.message_key,
    }


# Counting --------------------------------------------------------------------------------------------------------


async def count(fetch: Fetcher, query: RecipientQuery) -> Count:
    """How many there are, one by one up to MAX_COUNTED."""
    counted, after = 0, None
    # Each round either finds COUNTED_AT_ONCE or reads as many rows as a page may: bounded like a few pages.
    for _ in range(2 * MAX_COUNTED // COUNTED_AT_ONCE):
        walked = await walk(fetch, query, after, rows=COUNTED_AT_ONCE)
        if walked is None:
            break
        counted += len(walked.rows)
        if walked.stopped is not None:
            after = walked.stopped
        elif len(walked.rows) < COUNTED_AT_ONCE:
            return Count(value=counted, precision=CountPrecision.EXACT)
        else:
            after = walked.rows[-1][0]
        if counted >= MAX_COUNTED:
            break
    return Count(value=min(counted, MAX_COUNTED), precision=CountPrecision.AT_LEAST)


_COUNTERS: Mapping[Status, str] = {
    Status.ACCEPTED: "accepted",
    Status.REFUSED: "refused",
    Status.BOUNCED: "bounced",
    Status.UNCERTAIN: "uncertain",
    Status.HELD: "held",
    Status.EXPIRED: "expired",
    Status.CANCELLED: "cancelled",
    Status.HANDED_OFF: "on_the_wire",
}


def counters_of(query: RecipientQuery) -> list[str] | None:
    """The counts of a mailing's progress that add up to this many; None when they do not tell."""
    if query.search is not None or query.causes is not None:
        return None
    by_state = query.statuses is not None or query.left_out is not None
    if query.opened is not None or query.clicked is not None:
        if by_state or (query.opened is not None and query.clicked is not None):
            return None
        return ["opened"] if query.opened else ["clicked"] if query.clicked else None
    if not by_state:
        return None
    states = set(query.statuses or ())
    names = [f"left_out_{reason.value.lower()}" for reason in sorted(set(query.left_out or ()))]
    if states >= {Status.QUEUED, Status.DEFERRED}:
        states -= {Status.QUEUED, Status.DEFERRED}
        names.append("queued")
    if not states <= _COUNTERS.keys():
        return [] if states <= {Status.RECEIVED} and not names else None
    return names + [_COUNTERS[state] for state in sorted(states)]
