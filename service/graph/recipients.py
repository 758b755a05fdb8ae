"""Recipients of campaigns: one a customer and mailing, those left out among them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import orjson
import strawberry
from asyncpg import Record

from gateway.campaigns import counts
from gateway.campaigns.counts import CountPrecision
from gateway.mail import base64url
from gateway.mail.campaign import LeftOutReason
from gateway.mail.export_links import ExportFormat
from gateway.mail.message import Status
from gateway.mail.query_links import QueryLink, query_url
from service.database import statement
from service.errors import BadInput
from service.graph.campaign import Mailing
from service.graph.connection import Connection, Edge, PageInfo, read_cursor_window
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection
from service.graph.customer import Customer, Message
from service.graph.loaders import existing_row
from service.graph.node import LARGEST_INTEGER, Node, recipient_global_id
from service.graph.recipient_pages import (
    MAX_COUNTED,
    Fetcher,
    RecipientQuery,
    Walked,
    count,
    counters_of,
    read_place,
    walk,
)
from service.graph.row import FromRow

RECIPIENTS_BY_KEY = statement("recipients_by_key")
OF_CUSTOMER = statement("campaigns_of_customer")
UPCOMING = statement("upcoming_of_customer")
COUNT_OF_CUSTOMER = statement("count_campaigns_of_customer")
PROGRESS = statement("progress_of_mailings")
FROZEN = statement("frozen_of_mailings")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_UPCOMING = 500
"""Mails to come of one customer: it is in few mailings at a time."""


@strawberry.type(description="One customer and one mailing of a campaign.")
class CampaignRecipient(FromRow, Node):
    """Over a recipient's row (`queries/results.sql`)."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id: its mailing's number, its customer's, and an event's occurrence."""
        return recipient_global_id(self.row["mailing_id"], self.row["customer_id"], self.row["occurrence"])

    @strawberry.field(description="The customer.")
    async def customer(self, info: Info) -> Customer:
        """One statement for all customers of a page."""
        return Customer.of(await existing_row(info.context.loaders.customers, self.row["customer_id"]))

    @strawberry.field(description="The mailing.")
    async def mailing(self, info: Info) -> Mailing:
        """One statement for all mailings of a page."""
        return Mailing.of(await existing_row(info.context.loaders.mailings, self.row["mailing_id"]))

    address: str | None = strawberry.field(description="The address; null when there is none, or once erased.")
    status: Status | None = strawberry.field(
        description="Where the mail is in its life; QUEUED before it is made, null when left out."
    )
    left_out: LeftOutReason | None = strawberry.field(description="Why it was left out; null when it was not.")
    due_at: datetime | None = strawberry.field(description="When it is due; null when it does not wait.")

    @strawberry.field(description="The mail; null while none was made.")
    async def message(self, info: Info) -> Message | None:
        """One statement for all messages of a page."""
        if self.row["message_id"] is None:
            return None
        key = (self.row["customer_id"], self.row["message_id"])
        return Message.of(await existing_row(info.context.loaders.messages, key))


Linking = Callable[[ExportFormat], str | None]


@strawberry.type(description="One page of a list.")
class CampaignRecipientConnection(CountedConnection[CampaignRecipient]):
    """With a link to the whole list."""

    linking: strawberry.Private[Linking]

    @strawberry.field(
        description="Where the whole list can be fetched as a file: signed, for five minutes, dead when the token is "
        "revoked."
    )
    def export_url(
        self, format: Annotated[ExportFormat, strawberry.argument(description="As what.")] = ExportFormat.CSV
    ) -> str | None:
        """Good for every client that has it, while the caller's token lives."""
        return self.linking(format)


async def list_recipients(
    info: Info, query: RecipientQuery, first: int, after: str | None
) -> CampaignRecipientConnection:
    """A page of them. Raises BadInput."""
    context = info.context
    window = read_cursor_window(first, after, read_place, query.start)
    walked = await walk(context.reading.fetch, query, window.before, rows=window.rows)
    if walked is None:
        raise BadInput("after", "is not a cursor of this list; take an `endCursor` or an edge's `cursor` as it is")
    page = _page(walked, first, continued=window.continued)
    return _connection(page, partial(_count, context, query), partial(_link, context, {"recipients": query.to_json()}))


def _page(walked: Walked, first: int, *, continued: bool) -> Connection[CampaignRecipient]:
    """The rows that were read, without the one more; a page that stopped early ends where reading did."""
    edges = [Edge(cursor=place.cursor, node=CampaignRecipient.of(row)) for place, row in walked.rows[:first]]
    more, end = len(walked.rows) > first, edges[-1].cursor if edges else None
    if not more and walked.stopped is not None:
        more, end = True, walked.stopped.cursor
    info = PageInfo(
        has_next_page=more,
        has_previous_page=continued,
        start_cursor=edges[0].cursor if edges else end,
        end_cursor=end,
    )
    return Connection(edges=edges, nodes=[edge.node for edge in edges], page_info=info)


def _connection(
    page: Connection[CampaignRecipient], counting: Callable[[], Awaitable[counts.Count]], linking: Linking
) -> CampaignRecipientConnection:
    return CampaignRecipientConnection(
        edges=page.edges, nodes=page.nodes, page_info=page.page_info, counting=counting, linking=linking
    )


async def _count(context: Context, query: RecipientQuery) -> counts.Count:
    """By the counts that the ledger keeps, where the filter is one of them."""
    fetch, mailings = context.reading.fetch, list(query.mailing_ids)
    frozen = int((await fetch(FROZEN, ids=mailings))[0]["recipients"])
    if query.is_whole:
        return counts.Count(value=frozen, precision=CountPrecision.EXACT)
    counters = counters_of(query)
    if counters is None:
        return await count(fetch, query)
    rows = await fetch(PROGRESS, ids=mailings)
    value = sum(int(row[name]) for row in rows for name in counters)
    if "queued" in counters:  # who is named, but not frozen yet, is not listed
        value -= sum(int(row["total"]) for row in rows) - frozen
    return counts.Count(value=value, precision=CountPrecision.EXACT)


def _link(context: Context, query: Mapping[str, Any], format: ExportFormat) -> str | None:
    link = QueryLink(caller=context.actor, format=format, query=query)
    deployment = context.deployment
    return query_url(deployment.keyring, deployment.settings.public_url, link, now=context.clock())


async def find_recipient(context: Context, mailing_id: int, customer_id: int, occurrence: str) -> Record | None:
    """One recipient's row by its key."""
    keys = {"mailing_ids": [mailing_id], "customer_ids": [customer_id], "occurrences": [occurrence]}
    rows = await context.reading.fetch(RECIPIENTS_BY_KEY, **keys)
    return rows[0] if rows else None


# Of one customer -------------------------------------------------------------------------------------------------


async def list_of_customer(
    info: Info, customer_id: int, upcoming: bool, first: int, after: str | None
) -> CampaignRecipientConnection:
    """What campaigns sent a customer, left it out of, and have for it, the newest mailing first; or what is still to
    come, the next one first. Raises BadInput."""
    context = info.context
    start = _Key() if upcoming else _Key(mailing_id=LARGEST_INTEGER)
    window = read_cursor_window(first, after, _read_key, start)
    rows = await customer_rows(context.reading.fetch, customer_id, upcoming, window.before, window.rows)
    keys = [_Key.of(row) for row in rows]
    page = window.connect([CampaignRecipient.of(row) for row in rows], [key.cursor for key in keys])
    said = {"customer": customer_id, "upcoming": upcoming}
    return _connection(page, partial(_count_of_customer, context, customer_id, upcoming), partial(_link, context, said))


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


async def customer_rows(fetch: Fetcher, customer_id: int, upcoming: bool, after: Any, rows: int) -> list[Record]:
    """The next rows of one customer's list behind a key, `rows` at most."""
    if upcoming:
        found = await fetch(UPCOMING, customer_id=customer_id, limit=MAX_UPCOMING)
        return [row for row in found if _Key.of(row) > after][:rows]
    key = {"mailing_id": after.mailing_id, "occurrence": after.occurrence}
    return await fetch(OF_CUSTOMER, customer_id=customer_id, **key, rows=rows)


async def _count_of_customer(context: Context, customer_id: int, upcoming: bool) -> counts.Count:
    if upcoming:
        found = len(await context.reading.fetch(UPCOMING, customer_id=customer_id, limit=MAX_UPCOMING))
        return _stopped_at(found, MAX_UPCOMING)
    [row] = await context.reading.fetch(COUNT_OF_CUSTOMER, customer_id=customer_id, limit=MAX_COUNTED)
    return _stopped_at(int(row["found"]), MAX_COUNTED)


def _stopped_at(found: int, limit: int) -> counts.Count:
    precision = CountPrecision.EXACT if found < limit else CountPrecision.AT_LEAST
    return counts.Count(value=found, precision=precision)


# As files --------------------------------------------------------------------------------------------------------

EXPORTED_AT_ONCE = 500
"""Rows of a file that are in memory at a time."""


async def export_rows(fetch: Fetcher, said: Mapping[str, Any]) -> AsyncIterator[list[Record]]:
    """The rows of a list that a link names, a batch at a time; `fetch` is asked for each, so that no connection waits
    for a slow client."""
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
    customer, upcoming = int(said["customer"]), bool(said["upcoming"])
    key = _Key() if upcoming else _Key(mailing_id=LARGEST_INTEGER)
    while rows := await customer_rows(fetch, customer, upcoming, key, EXPORTED_AT_ONCE):
        yield rows
        key = _Key.of(rows[-1])
