"""Mail that waits for a person as lists by waiting time: a page of one, how much is in it, all of it for a file.

It knows no GraphQL type: the worklist and files have these lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from asyncpg import Record

from gateway.campaigns.counts import Count
from gateway.mail.message import MessageRef
from service.database import Statement, statement
from service.finding.estimate import up_to_an_estimate
from service.finding.wanted import Fetcher
from service.graph.node import read_uuid

MAX_COUNTED = 10_000
"""Rows of a list that are counted one by one: more tells nobody anything."""
EXPORTED_AT_ONCE = 500
"""Messages of a file that are in memory at a time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = UUID(int=0)
_MICROSECOND = timedelta(microseconds=1)


class WaitingList(StrEnum):
    """The lists of messages; the value is their name in links and in the counts' row."""

    UNCERTAIN = "uncertain"
    HELD = "held"
    FAILED = "failed"


PAGES: Final[Mapping[WaitingList, Statement]] = {one: statement(f"{one}_page") for one in WaitingList}
ESTIMATES: Final[Mapping[WaitingList, Statement]] = {one: statement(f"estimated_{one}") for one in WaitingList}
COUNTS = statement("worklist_counts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a list by waiting time goes on: behind what waits since then, and of that behind this message."""

    since: datetime = _EPOCH
    message_id: UUID = _FIRST

    @classmethod
    def of(cls, row: Record) -> Place:
        """The place of a row."""
        return cls(since=row["since"], message_id=row["message_id"])

    @property
    def cursor(self) -> str:
        """48 hexadecimal digits."""
        return f"{(self.since - _EPOCH) // _MICROSECOND:016x}{self.message_id.hex}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Of what `cursor` gave; None for anything else."""
        message_id = read_uuid(text[16:])
        if message_id is None or len(text) != 48 or read_uuid(text[:16] * 2) is None:
            return None
        try:
            since = _EPOCH + int(text[:16], 16) * _MICROSECOND
        except OverflowError:
            return None
        return cls(since=since, message_id=message_id)


async def read_page(fetch: Fetcher, of: WaitingList, after: Place, rows: int) -> list[Record]:
    """The next keys behind a place, `rows` at most."""
    return await fetch(PAGES[of], since=after.since, message_id=after.message_id, rows=rows)


async def export_refs(fetch: Fetcher, of: WaitingList) -> AsyncIterator[Sequence[MessageRef]]:
    """All messages of a list, a batch at a time."""
    after = Place()
    while rows := await read_page(fetch, of, after, EXPORTED_AT_ONCE):
        yield [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) for row in rows]
        after = Place.of(rows[-1])


async def read_counts(fetch: Fetcher) -> Record:
    """How much waits by list, each counted to one more than MAX_COUNTED."""
    [row] = await fetch(COUNTS, most=MAX_COUNTED)
    return row


async def count(fetch: Fetcher, counts: Record, of: WaitingList) -> Count:
    """One list's, EXACT up to MAX_COUNTED, beyond that an ESTIMATE."""
    return await up_to_an_estimate(fetch, counts[of], MAX_COUNTED, ESTIMATES[of])
