"""Where a query's messages are read from: ranges of indexes and slices, chosen here and never by the planner.

A source is read in rounds, each of more rows than the one before, until a page is full or the last round is over. Each
reading tells how far it came: up to there everything that passes is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from gateway.mail.message import Status
from gateway.mail.source import Direction, SourceType
from service.database import Statement, statement
from service.finding.estimate import believed_rows
from service.finding.query import WAITING, MessageQuery
from service.finding.wanted import Fetcher, Wanted, stored_statuses

SCANS = (256, 2_048, 8_192)
"""Rows of a range that the rounds of one page read: together some ten milliseconds."""
SLICES = 16
"""Slices of a round; a word that they do not have costs 18 microseconds in each."""
SLICE_ROUNDS = 10
"""Together some ten million messages, whose absent word is told within a few milliseconds."""
MAX_WALKED = 16
"""Combinations that one walk looks up in each slice."""
PROBE = 2
"""Slices that are read first of words: how many they find tells whether all at once is less to read."""
SLICE_BLOCKS = 9
"""Blocks that a slice costs beside what it finds; a message that is found costs one."""
RARE = 5_000
"""Messages that have one of a search's words, as the planner believes: no more are read at once, wherever they lie, in
some ten milliseconds. Of a word that its statistics do not name it believes in a few in ten thousand."""
MAX_TERMS = 8
"""Words of a search that the planner is asked about: each takes a third of a millisecond."""
LEAST_OF_EACH = 16
"""Rows that are read of each range, however many a filter names."""
DENSE = 4
"""Rows that a first reading finds where the next is likely to fill a page: slices are for what is rarer."""

Key = tuple[UUID, int]
"""A message's id and its customer's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The ids between which to read, both exclusive, and in which direction."""

    low: UUID
    high: UUID
    upwards: bool = False

    def behind(self, id: UUID) -> Bounds:
        """What follows this id."""
        if self.upwards:
            return replace(self, low=max(self.low, id))
        return replace(self, high=min(self.high, id))

    def nearest(self, ids: Iterable[UUID | None]) -> UUID | None:
        """The first of these in the direction of reading; None is the end."""
        found = [one for one in ids if one is not None]
        return (min(found) if self.upwards else max(found)) if found else None

    def rest(self, part: Part) -> Part:
        """What is left of a reading that came to the end."""
        return replace(part, keys=[key for key in part.keys if self.low < key[0] < self.high])

    def reaches(self, id: UUID, limit: UUID | None) -> bool:
        """Whether an id is not behind a limit."""
        return limit is None or (id <= limit if self.upwards else id >= limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What a reading found, in order; all that passes is known up to `reached`, None at the end. `by`: which range of
    its source it is of, or PROBED, SLICED or AT_ONCE."""

    keys: Sequence[Key]
    reached: UUID | None
    by: int = 0


PROBED, SLICED, AT_ONCE = -1, -2, -3


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """A statement that reads the next rows of an index: `ranges` of it. `in_order`: it is one range, whose rows come as
    they are wanted. `together`: its rows lie in a few days and side by side, so that its end is soon reached."""

    statement: Statement
    values: Mapping[str, Any]
    ranges: int = 1
    in_order: bool = False
    together: bool = False

    async def read(self, fetch: Fetcher, bounds: Bounds, rows: int, scan: int) -> Part:
        """The next `rows` at most, of `scan` in all."""
        each = max(LEAST_OF_EACH, scan // max(1, self.ranges))
        wanted = in_order(self.statement) if self.in_order else self.statement
        return await _read(fetch, wanted, {**self.values, "scan": each, "several": not self.in_order}, bounds, rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slices:
    """A statement that looks something up slice by slice."""

    statement: Statement
    values: Mapping[str, Any]

    async def read(self, fetch: Fetcher, bounds: Bounds, rows: int, *, probe: bool = False) -> Part:
        """The next `rows` at most, of SLICES, or of PROBE."""
        values = {**self.values, "scan": PROBE if probe else SLICES, "upwards": bounds.upwards}
        part = await _read(fetch, self.statement, values, bounds, rows, open_end=bounds.upwards)
        return replace(part, by=PROBED if probe else SLICED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rare:
    """A statement that looks words up in all slices at once, where one of the `terms` is rare: less to read than slice
    by slice, however many there are."""

    statement: Statement
    values: Mapping[str, Any]
    terms: Sequence[str]

    async def pays(self, fetch: Fetcher, *, probed: int, rows: int) -> bool:
        """Whether some term has no more messages than slices would cost in blocks, until they had found `rows` more at
        the rate of the probe, which found `probed`."""
        most = min(RARE, SLICE_BLOCKS * PROBE * rows // probed) if probed else RARE
        for term in self.terms[:MAX_TERMS]:
            if await believed_rows(fetch, ROWS_OF_WORDS, words=term) <= most:
                return True
        return False

    async def read(self, fetch: Fetcher, bounds: Bounds, rows: int) -> Part:
        """The next `rows` at most, of all there are."""
        return replace(await _read(fetch, self.statement, self.values, bounds, rows), by=AT_ONCE)


async def _read(
    fetch: Fetcher, wanted: Statement, values: Mapping[str, Any], bounds: Bounds, rows: int, *, open_end: bool = False
) -> Part:
    """`open_end`: what a statement says of its end is the first id behind it."""
    if bounds.low >= bounds.high:
        return Part(keys=(), reached=None)
    chosen = upwards(wanted) if bounds.upwards else wanted
    found = await fetch(chosen, **values, low=bounds.low, high=bounds.high, rows=rows)
    ends: list[UUID | None] = [UUID(int=row["id"].int - open_end) for row in found if row["is_end"]]
    keys = sorted([(row["id"], row["customer_id"]) for row in found if not row["is_end"]], reverse=not bounds.upwards)
    if len(keys) >= rows:
        ends.append(keys[-1][0])
    reached = bounds.nearest(ends)
    return Part(keys=[key for key in keys if bounds.reaches(key[0], reached)], reached=reached)


@lru_cache(maxsize=128)
def upwards(newest_first: Statement) -> Statement:
    """The same statement, oldest first."""
    return Statement(
        name=f"{newest_first.name} upwards",
        sql=newest_first.sql.replace(" desc", ""),
        parameters=newest_first.parameters,
    )


@lru_cache(maxsize=128)
def in_order(of: Statement) -> Statement:
    """The same statement of one range: it reads no further than to the last row that is wanted."""
    return Statement(
        name=f"{of.name} in order",
        sql=of.sql.replace("where r.passes order by r.id desc", "where r.passes"),
        parameters=of.parameters,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What finds a query's messages: of several ranges the first round reads each, the later ones begin with what lies
    together, then with the one that came furthest the last time. What is rare is found slice by slice in the later
    rounds, where it can be, or all at once."""

    ranges: tuple[Range, ...]
    slices: Slices | None = None
    rare: Rare | None = None

    @property
    def rounds(self) -> int:
        """After so many a page ends, short or not."""
        return max(len(SCANS), 1 + SLICE_ROUNDS + (self.rare is not None) if self.slices else 0)

    async def read(self, fetch: Fetcher, bounds: Bounds, rows: int, round_: int, last: Part | None = None) -> Part:
        """The reading that came furthest, or the first that is enough; `last` is what the round before found."""
        if self.slices is not None and last is not None and (round_ > 1 or len(last.keys) < DENSE):
            return await self._slice(self.slices, fetch, bounds, rows, last)
        parts: list[Part] = []
        for number in self._order(last):
            scan = max(SCANS[min(round_, len(SCANS) - 1)], rows)
            part = replace(await self.ranges[number].read(fetch, bounds, rows, scan), by=number)
            if part.reached is None or len(part.keys) >= rows:
                return part
            parts.append(part)
        return furthest(bounds, parts) or Part(keys=(), reached=None)

    async def _slice(self, slices: Slices, fetch: Fetcher, bounds: Bounds, rows: int, last: Part) -> Part:
        """The next slices; of words a few, then all at once or slice by slice, whichever is less to read."""
        if self.rare is None or last.by == SLICED:
            return await slices.read(fetch, bounds, rows)
        if last.by not in (PROBED, AT_ONCE):
            return await slices.read(fetch, bounds, rows, probe=True)
        if last.by == AT_ONCE or await self.rare.pays(fetch, probed=len(last.keys), rows=rows):
            return await self.rare.read(fetch, bounds, rows)
        return await slices.read(fetch, bounds, rows)

    def _order(self, last: Part | None) -> Sequence[int]:
        numbers = range(len(self.ranges))
        if last is None:
            return numbers
        return sorted(numbers, key=lambda number: (not self.ranges[number].together, number != last.by))


def furthest(bounds: Bounds, parts: Sequence[Part]) -> Part | None:
    """The part that is complete up to where no other is, or to the end."""
    best: Part | None = None
    for one in parts:
        if best is None or (best.reached is not None and bounds.reaches(best.reached, one.reached)):
            best = one
    return best


# Which source finds what -----------------------------------------------------------------------------------------

DRIVERS = ("address", "status", "cause", "mailing", "domain", "sender", "relay", "source", "clicked", "received", "id")
"""Each an index of search rows."""
FOUND = {name: statement(f"found_by_{name}") for name in DRIVERS}
OF_CUSTOMERS = statement("found_of_customers")
BY_KEYS = statement("found_by_keys")
OF_WAITING = statement("found_waiting")
BY_WORDS = statement("walked_by_words")
BY_RARE_WORDS = statement("found_by_words")
ROWS_OF_WORDS = statement("estimated_rows_of_words")
WALKS = {
    ("mailing_ids", "domain_nos"): statement("walked_by_mailing_domain"),
    ("mailing_ids", "sender_nos"): statement("walked_by_mailing_sender"),
    ("domain_nos", "sender_nos"): statement("walked_by_domain_sender"),
}


def sources_of(wanted: Wanted) -> list[Source]:
    """What to read and to put together."""
    query, values = wanted.query, wanted.values
    if wanted.nothing:
        return []
    if query.ids is not None:
        keys = {
            "key_customers": [one.customer_id for one in query.ids],
            "key_ids": [one.message_id for one in query.ids],
        }
        return [Source(ranges=(Range(statement=BY_KEYS, values={**values, **keys}),))]
    if query.customer_ids is not None:
        return [Source(ranges=(_range(OF_CUSTOMERS, values, list(query.customer_ids)),))]
    sources = [_of_search_rows(wanted)]
    if wanted.words is not None and values["subjects"]:
        sources.append(Source(ranges=(_range(FOUND["mailing"], values, values["subjects"]),)))
    if query.statuses is not None and not WAITING.isdisjoint(query.statuses):
        sources.append(Source(ranges=(Range(statement=OF_WAITING, values=values),)))
    return sources


def drivers_of(wanted: Wanted) -> dict[str, list[Any]]:
    """The indexes that hold all that a query finds, each with the values of its ranges."""
    query, values = wanted.query, wanted.values
    statuses = stored_statuses(query)
    hashes = values["address_hashes"] if query.search_hash is None else [query.search_hash]
    found: dict[str, list[Any] | None] = {
        "address": hashes,
        "status": sorted(statuses) if statuses is not None and Status.ACCEPTED not in statuses else None,
        "cause": values["causes"],
        "mailing": values["mailing_ids"],
        "domain": values["domain_nos"],
        "sender": values["sender_nos"],
        "relay": values["relay_nos"],
        "source": None if SourceType.CAMPAIGN in (query.source_types or ()) else values["source_types"],
        "clicked": [] if query.clicked else None,
        "received": [] if query.direction is Direction.RECEIVED else None,
    }
    return {name: keys for name, keys in found.items() if keys is not None} or {"id": []}


def _of_search_rows(wanted: Wanted) -> Source:
    ranges = tuple(_range(FOUND[name], wanted.values, keys) for name, keys in drivers_of(wanted).items())
    rare = Rare(statement=BY_RARE_WORDS, values=wanted.values, terms=wanted.terms) if wanted.terms else None
    return Source(ranges=ranges, slices=_slices(wanted), rare=rare)


def _range(of: Statement, values: Mapping[str, Any], keys: list[Any]) -> Range:
    return Range(
        statement=of,
        values={**values, "keys": keys},
        ranges=len(keys),
        in_order=len(keys) <= 1,
        together=of is FOUND["mailing"],
    )


def _slices(wanted: Wanted) -> Slices | None:
    values = wanted.values
    if wanted.words is not None:
        return Slices(statement=BY_WORDS, values=values)
    for (one, other), walk in WALKS.items():
        if values[one] and values[other] and len(values[one]) * len(values[other]) <= MAX_WALKED:
            return Slices(statement=walk, values=values)
    return None


def only_driver(query: MessageQuery, driver: str) -> bool:
    """Whether nothing is left to be checked of what this index finds."""
    rest = replace(query, since=None, until=None, **_CLEARED[driver])
    return rest == MessageQuery()


_CLEARED: Mapping[str, Mapping[str, None]] = {
    "address": {"addresses": None, "address_hashes": None},
    "status": {"statuses": None},
    "cause": {"causes": None},
    "mailing": {"mailing_ids": None, "campaign_ids": None},
    "domain": {"domains": None},
    "sender": {"sender_ids": None},
    "relay": {"relays": None},
    "source": {"source_types": None},
    "clicked": {"clicked": None},
    "received": {"direction": None},
    "id": {},
}
