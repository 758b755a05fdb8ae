"""Origins that fetched too many messages at once: scanners in front of many mailboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.hit import HitRules, Span, busy_spans, join_spans

MAX_ORIGIN_HITS = 20_000
"""Hits of origins read at once; where there are more, the period is halved until there are not."""

MAX_REVISED = 2000
"""Messages of busy origins revised in one transaction; the next hit of such an origin revises the others."""

MessageKey = tuple[int, UUID]
"""Customer and message."""


class Fetch(Protocol):
    """What of a hit is looked at here."""

    @property
    def occurred_at(self) -> datetime: ...
    @property
    def origin(self) -> str | None: ...
    @property
    def agent(self) -> str | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BusyOrigins:
    """When each origin was busy, and messages with hits of then that were classified before that was known."""

    spans: Mapping[str, Sequence[Span]]
    messages: frozenset[MessageKey]


async def find_busy_origins(connection: Connection, hits: Iterable[Fetch], rules: HitRules) -> BusyOrigins:
    """Returns when the origins of these hits were busy around them."""
    # An image proxy's few addresses fetch for thousands of readers.
    fetches = [hit for hit in hits if hit.origin and not rules.image_proxy.search(hit.agent or "")]
    if not fetches:
        return BusyOrigins(spans={}, messages=frozenset())
    first = min(hit.occurred_at for hit in fetches)
    last = max(hit.occurred_at for hit in fetches)
    rows = [
        row
        async for row in QUERIES.hits_of_origins(
            connection,
            origins=sorted({hit.origin for hit in fetches if hit.origin}),
            since=first - rules.origin_within,
            until=last + rules.origin_within,
            limit=MAX_ORIGIN_HITS,
        )
    ]
    if len(rows) < MAX_ORIGIN_HITS or first == last:
        return _busy_origins(rows, rules)
    # What was cut off may be what made an origin busy around the last of these hits: read each half of the period.
    middle = first + (last - first) / 2
    earlier = await find_busy_origins(connection, [hit for hit in fetches if hit.occurred_at <= middle], rules)
    later = await find_busy_origins(connection, [hit for hit in fetches if hit.occurred_at > middle], rules)
    return BusyOrigins(
        spans={
            origin: join_spans([*earlier.spans.get(origin, ()), *later.spans.get(origin, ())])
            for origin in {*earlier.spans, *later.spans}
        },
        messages=frozenset(sorted(earlier.messages | later.messages)[:MAX_REVISED]),
    )


def _busy_origins(rows: Iterable[Any], rules: HitRules) -> BusyOrigins:
    """Of rows that are ordered by origin and time."""
    spans: dict[str, Sequence[Span]] = {}
    messages: set[MessageKey] = set()
    for origin, of_origin in groupby(rows, key=lambda row: row["origin"]):
        seen = list(of_origin)
        spans[origin] = found = busy_spans([(row["occurred_at"], row["message_id"]) for row in seen], rules)
        for span in found:
            messages |= {
                (row["customer_id"], row["message_id"])
                for row in seen
                if row["unmarked"] and span.start <= row["occurred_at"] <= span.end
            }
    return BusyOrigins(spans=spans, messages=frozenset(sorted(messages)[:MAX_REVISED]))
