"""Recipients of campaigns as lists: a page of a campaign's or a customer's, how many there are, all of them for a file.

It knows no GraphQL type of theirs: campaigns and customers have these lists, and recipients lead back to both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import strawberry
from asyncpg import Record
from strawberry.types.base import StrawberryOptional

from gateway.campaigns.counts import Count, CountPrecision
from gateway.mail import base64url
from service.database import statement
from service.errors import BadInput
from service.finding.wanted import Fetcher
from service.graph.connection import PageInfo, read_cursor_window
from service.graph.context import Context
from service.graph.exporting import Linking, linking
from service.graph.node import LARGEST_INTEGER
from service.graph.recipient_pages import (
    MAX_COUNTED,
    RecipientQuery,
    Walked,
    count,
    counters_of,
    read_place,
    walk,
)

RECIPIENTS_BY_KEY = statement("recipients_by_key")
OF_CUSTOMER = statement("campaigns_of_customer")
UPCOMING = statement("upcoming_of_customer")
COUNT_OF_CUSTOMER = statement("count_campaigns_of_customer")
PROGRESS = statement("progress_of_mailings")
FROZEN = statement("frozen_of_mailings")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_UPCOMING = 500
"""Mails to come of one customer: it is in few mailings at a time."""


_CONNECTION: Any = strawberry.LazyType("CampaignRecipientConnection", "service.graph.recipients")
RECIPIENT_CONNECTION = StrawberryOptional(_CONNECTION)
"""The GraphQL type of a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientPage:
    """A page of recipients' rows, each with its cursor; `counting` counts the whole list, `linking` links to it as a
    file."""

    rows: Sequence[tuple[str, Record]]
    page_info: PageInfo
    counting: Callable[[], Awaitable[Count]]
    linking: Linking


async def list_recipients(context: Context, query: RecipientQuery, first: int, after: str | None) -> RecipientPage:
    """A page of them. Raises BadInput."""
    window = read_cursor_window(first, after, read_place, query.start)
    walked = await walk(context.reading.fetch, query, window.before, rows=window.rows)
    if walked is None:
        raise BadInput("after", "is not a cursor of this list; take an `endCursor` or an edge's `cursor` as it is")
    rows = [(place.cursor, row) for place, row in walked.rows]
    return RecipientPage(
        rows=rows[:first],
        page_info=_page_info(rows, walked, first, continued=window.continued),
        counting=partial(_count, context, query),
        linking=linking(context, {"recipients": query.to_json()}),
    )


def _page_info(rows: Sequence[tuple[str, Record]], walked: Walked, first: int, *, continued: bool) -> PageInfo:
    """Of the rows that were read, one more than is shown; a page that stopped early ends where reading did."""
    more, end = len(rows) > first, rows[:first][-1][0] if rows else None
    if not more and walked.stopped is not None:
        more, end = True, walked.stopped.cursor
    start = rows[0][0] if rows else end
    return PageInfo(has_next_page=more, has_previous_page=continued, start_cursor=start, end_cursor=end)


async def _count(context: Context, query: RecipientQuery) -> Count:
    """By the counts that the ledger keeps, where the filter is one of them."""
    fetch, mailings = context.reading.fetch, list(query.mailing_ids)
    frozen = int((await fetch(FROZEN, ids=mailings))[0]["recipients"])
    if query.is_whole:
        return Count(value=frozen, precision=CountPrecision.EXACT)
    counters = counters_of(query)
    if counters is None:
        return await count(fetch, query)
    rows = await fetch(PROGRESS, ids=mailings)
    value = sum(int(row[name]) for row in rows for name in counters)
    if "queued" in counters:  # who is named, but not frozen yet, is not listed
        value -= sum(int(row["total"]) for row in rows) - frozen
    return Count(value=value, precision=CountPrecision.EXACT)


async def find_recipient(context: Context, mailing_id: int, customer_id: int, occurrence: str) -> Record | None:
    """One recipient's row by its key."""
    keys = {"mailing_ids": [mailing_id], "customer_ids": [customer_id], "occurrences": [occurrence]}
    rows = await context.reading.fetch(RECIPIENTS_BY_KEY, **keys)
    return rows[0] if rows else None


# Of one customer -------------------------------------------------------------------------------------------------


async def list_of_customer(
    context: Context, customer_id: int, upcoming: bool, first: int, after: str | None
) -> RecipientPage:
    """What campaigns sent a customer, left it out of, and have for it, the newest mailing first; or what is still to
    come, the next one first. Raises BadInput."""
    found = CustomerCampaigns(
        fetch=context.reading.fetch,
        dynamic_lists=context.loaders.list_pages.dynamic.load,
        customer_id=customer_id,
        upcoming=upcoming,
    )
    window = read_cursor_window(first, after, _read_key, found.start)
    rows = await found.rows(window.before, window.rows)
    keyed = [(_Key.of(row).cursor, row) for row in rows]
    said = {"customer": customer_id, "upcoming": upcoming}
    return RecipientPage(
        rows=keyed[:first],
        page_info=_page_info(keyed, Walked(rows=()), first, continued=window.continued),
        counting=found.count,
        linking=linking(context, said),
    )


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class _Key:
    """Where a row stands in one customer's list."""

    due: int = -1
    mailing_id: int = 0
    occurrence: str = ""

    @classmethod
    def of(cls, row: Record) -> _Key:
        due = -1 if row["due_at"] is None else (row["due_at"] - _EPOCH) // timedelta(microseconds=1)
        return cls(due=due, mailing_id=row["mailing_id"], occurrence=row["occurrence"])

    @property
    def cursor(self) -> str:
        return base64url.encode(orjson.dumps([self.due, self.mailing_id, self.occurrence]))


def _read_key(cursor: str) -> _Key | None:
    try:
        due, mailing, occurrence = orjson.loads(base64url.decode(cursor) or b"")
        return _Key(due=int(due), mailing_id=min(int(mailing), LARGEST_INTEGER), occurrence=str(occurrence))
    except (ValueError, TypeError):
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerCampaigns:
    """What campaigns sent a customer, left it out of, and have for it; or, `upcoming`, what they will still send it.

    `dynamic_lists` says in which dynamic lists it is now.
    """

    fetch: Fetcher
    dynamic_lists: Callable[[int], Awaitable[Sequence[int]]]
    customer_id: int
    upcoming: bool

    @property
    def start(self) -> _Key:
        """Where the list begins."""
        return _Key() if self.upcoming else _Key(mailing_id=LARGEST_INTEGER)

    async def rows(self, after: _Key, rows: int) -> list[Record]:
        """The next rows behind a key, `rows` at most."""
        if self.upcoming:
            return [row for row in await self._to_come(MAX_UPCOMING) if _Key.of(row) > after][:rows]
        key = {"mailing_id": after.mailing_id, "occurrence": after.occurrence}
        return await self.fetch(OF_CUSTOMER, customer_id=self.customer_id, **key, rows=rows)

    async def count(self) -> Count:
        """How many there are, counted up to a limit."""
        if self.upcoming:
            return Count.up_to(MAX_UPCOMING, len(await self._to_come(MAX_UPCOMING + 1)))
        [row] = await self.fetch(COUNT_OF_CUSTOMER, customer_id=self.customer_id, limit=MAX_COUNTED + 1)
        return Count.up_to(MAX_COUNTED, row["found"])

    async def _to_come(self, limit: int) -> list[Record]:
        within = list(await self.dynamic_lists(self.customer_id))
        return await self.fetch(UPCOMING, customer_id=self.customer_id, dynamic_lists=within, limit=limit)


# As files --------------------------------------------------------------------------------------------------------

EXPORTED_AT_ONCE = 500
"""Rows of a file that are in memory at a time."""


async def export_rows(
    fetch: Fetcher, dynamic_lists: Callable[[int], Awaitable[Sequence[int]]], said: Mapping[str, Any]
) -> AsyncIterator[list[Record]]:
    """The rows of a list that a link names, a batch at a time; `fetch` is asked for each, so that no connection waits
    for a slow client. `dynamic_lists` says in which dynamic lists a customer is now."""
    if "recipients" in said:
        query, place = RecipientQuery.from_json(said["recipients"]), None
        while True:
            walked = await walk(fetch, query, place, rows=EXPORTED_AT_ONCE)
            if walked is None:
                return
            yield [row for _, row in walked.rows]
            if walked.stopped is None and len(walked.rows) < EXPORTED_AT_ONCE:
                return
            place = walked.stopped or walked.rows[-1][0]
    found = CustomerCampaigns(
        fetch=fetch,
        dynamic_lists=dynamic_lists,
        customer_id=int(said["customer"]),
        upcoming=bool(said["upcoming"]),
    )
    key = found.start
    while rows := await found.rows(key, EXPORTED_AT_ONCE):
        yield rows
        key = _Key.of(rows[-1])
