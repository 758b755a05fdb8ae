"""Bad addresses as a list: a page of it, how many there are, all of them for a file.

It knows no GraphQL type: the query and files have this list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from gateway.campaigns.counts import Count
from gateway.mail.verdict import Cause
from service.database import statement
from service.finding.estimate import up_to_an_estimate
from service.finding.wanted import Fetcher
from service.graph.connection import BEFORE_EVERYTHING
from service.graph.node import read_uuid
from service.graph.search_patterns import read_search

PAGE = statement("bad_addresses_page")
OF_CAUSES = statement("bad_addresses_of_causes")
FOUND = statement("bad_addresses_found")
COUNT = statement("count_bad_addresses")
COUNT_FOUND = statement("count_found_bad_addresses")
ESTIMATED = statement("estimated_bad_addresses")

MAX_COUNTED = 10_000
"""Rows counted one by one."""
EXPORTED_AT_ONCE = 200
"""Rows of a file that are in memory at a time, with what may help with each."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_EVERYTHING = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a row stands: when the address last failed, and its id."""

    failed_at: datetime = _AFTER_EVERYTHING
    id: UUID = BEFORE_EVERYTHING

    @classmethod
    def of(cls, row: Record) -> Place:
        """The place of a row."""
        return cls(failed_at=row["failed_at"], id=row["id"])

    @property
    def cursor(self) -> str:
        """Opaque; `read_place` reads it."""
        return f"{(self.failed_at - _EPOCH) // timedelta(microseconds=1):x}-{self.id.hex}"


FIRST = Place()


def read_place(cursor: str) -> Place | None:
    """The place that a cursor names; None when it is none."""
    moment, dash, row = cursor.partition("-")
    row_id = read_uuid(row)
    if not dash or row_id is None or not 1 <= len(moment) <= 14 or not all(d in "0123456789abcdef" for d in moment):
        return None
    return Place(failed_at=_EPOCH + timedelta(microseconds=int(moment, 16)), id=row_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class BadAddressQuery:
    """Which bad addresses; None does not filter."""

    search: str | None = None
    causes: tuple[Cause, ...] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Of the statements. Raises BadInput for the search."""
        found = {} if self.search is None else read_search(self.search.strip())
        return {**found, "causes": None if self.causes is None else list(self.causes)}

    def to_json(self) -> dict[str, Any]:
        """What a link to the list says."""
        return {"search": self.search, "causes": None if self.causes is None else list(self.causes)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> BadAddressQuery:
        """The list that a link names."""
        causes = said["causes"]
        return cls(search=said["search"], causes=None if causes is None else tuple(map(Cause, causes)))


async def read_page(fetch: Fetcher, query: BadAddressQuery, after: Place, rows: int) -> list[Record]:
    """The next rows behind a place, `rows` at most. Raises BadInput."""
    page = FOUND if query.search is not None else PAGE if query.causes is None else OF_CAUSES
    return await fetch(page, **query.parameters, failed_at=after.failed_at, id=after.id, rows=rows)


async def count(fetch: Fetcher, query: BadAddressQuery) -> Count:
    """How many there are, one by one up to MAX_COUNTED; beyond that an ESTIMATE, with a search AT_LEAST so many."""
    counting = COUNT if query.search is None else COUNT_FOUND
    [row] = await fetch(counting, **query.parameters, limit=MAX_COUNTED + 1)
    if query.search is not None:
        return Count.up_to(MAX_COUNTED, row["found"])
    return await up_to_an_estimate(fetch, row["found"], MAX_COUNTED, ESTIMATED, **query.parameters)


async def export_rows(fetch: Fetcher, query: BadAddressQuery) -> AsyncIterator[Sequence[Record]]:
    """All rows of a list, a batch at a time."""
    after = FIRST
    while rows := await read_page(fetch, query, after, EXPORTED_AT_ONCE):
        yield rows
        after = Place.of(rows[-1])
