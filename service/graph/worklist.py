"""What waits for a person: lists of their own, each with its count and the action that settles it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import strawberry
from asyncpg import Record

from gateway.campaigns import counts, sender_check
from gateway.campaigns.counts import CountPrecision
from gateway.mail.dns_records import DnsRecordKind
from gateway.mail.message import EventKind, Status
from gateway.mail.response import Stage
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.outbox import domain_limits, lanes, relay_limits
from service.database import statement
from service.graph.bad_addresses import BadAddress, list_bad_addresses
from service.graph.campaign import Campaign
from service.graph.connection import After, First, Window, read_cursor_window, read_window
from service.graph.context import Context, Info
from service.graph.cost import Cost
from service.graph.counting import Count, CountableConnection, CountedConnection
from service.graph.customer import Message
from service.graph.exporting import linking
from service.graph.gateway_state import Destination, Lane, Relay
from service.graph.loaders import existing_rows
from service.graph.messages import MessageConnection
from service.graph.node import Node
from service.graph.row import FromRow, FromValue
from service.graph.scalars import Json
from service.graph.sender_check import SenderCheck
from service.graph.unmatched import UnmatchedMail, list_unmatched
from service.graph.waiting_list import MAX_COUNTED, Place, WaitingList, count, read_page
from service.shape.compile import Page
from service.shape.read import PageRequest
from service.shape.read import read_page as read_shaped

INCIDENTS = statement("uncertain_incidents")
CAMPAIGNS_PAGE = statement("troubled_campaigns_page")
SENDERS = statement("senders_not_ready")
PAUSED_LANES = statement("lanes_paused_by_gateway")
LAST_SETTLED = statement("last_settled")

WORKLIST_ID = "Worklist"
"""The one id: there is one list for all."""
MAX_INCIDENTS = 100
"""Incidents listed: who has settled these asks again."""
LARGEST_INCIDENT = 1_000
"""Messages of one incident, as many as a filter's `ids` may name. A relay's connections are fewer."""
MAX_SENDERS = 100
"""Senders listed: one mended domain takes all of its senders off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """Uncertain mail of one relay, stage, cause and minute, with what it is found by."""

    relay: str | None
    stage: Stage
    cause: Cause
    started_at: datetime
    messages: int = 0
    with_evidence: int = 0
    sources: list[tuple[SourceType, int]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rows: list[Record]) -> Incident:
        """Of its rows, one a source type."""
        first = rows[0]
        return cls(
            relay=first["relay"],
            stage=Stage(first["stage"]),
            cause=Cause(first["cause"]),
            started_at=min(row["started_at"] for row in rows),
            messages=sum(row["messages"] for row in rows),
            with_evidence=sum(row["with_evidence"] for row in rows),
            sources=[(SourceType(row["source_type"]), row["messages"]) for row in rows],
            ids=[one for row in rows for one in row["ids"]],
        )


@strawberry.type(description="How many messages of one source type.")
class SourceCount:
    """Of an incident."""

    source_type: SourceType = strawberry.field(description="The source type.")
    messages: int = strawberry.field(description="How many.")


@strawberry.type(description="Uncertain messages of one cause at one place and time: settled together.")
class UncertainIncident(FromValue[Incident]):
    """As it was grouped."""

    relay: str | None = strawberry.field(
        description="The relay; null where it went with the worker that had chosen it: that was lost."
    )
    stage: Stage = strawberry.field(description="Where in the transaction.")
    cause: Cause = strawberry.field(description="Why.")
    started_at: datetime = strawberry.field(description="When the first of them became uncertain.")
    messages: int = strawberry.field(description="How many: at most 1,000; what is more is another incident.")
    with_evidence: int = strawberry.field(description="How many a person opened or clicked.")

    @strawberry.field(description="How many by source type, the most first.")
    def sources(self) -> list[SourceCount]:
        """Four at most."""
        return [SourceCount(source_type=source, messages=number) for source, number in self.value.sources]

    @strawberry.field(
        description="The filter that finds just them while they are uncertain: a MessageFilter, for "
        "`previewMessageAction`."
    )
    def filter(self) -> Json:
        """By their ids: no other filter keeps apart what became uncertain in one minute."""
        return Json({"statuses": [Status.UNCERTAIN.value], "ids": self.value.ids})


@strawberry.type(description="What a person decided about a message.")
class Settled(FromRow):
    """Over a row of event."""

    settled_at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(name="by", description="Who: the name of a token or person.")
    kind: EventKind = strawberry.field(description="What was decided.")

    @strawberry.field(description="About which message; null when it is none any more.")
    async def message(self, info: Info) -> Message | None:
        """By its loader."""
        found = await info.context.loaders.messages.load((self.row["customer_id"], self.row["message_id"]))
        return Message.of(found) if found else None


@strawberry.type(description="What waits for a person. An error in one list leaves the others.")
class Worklist(Node):
    """Reads nothing yet: each list is read by itself."""

    @strawberry.field(description=f"Always {WORKLIST_ID}: there is one.")
    def id(self) -> strawberry.ID:
        """The same for all."""
        return strawberry.ID(WORKLIST_ID)

    @strawberry.field(description="All of them together; incidents are uncertain mail.", directives=[Cost(objects=100)])
    async def total(self, info: Info) -> Count | None:
        """One statement."""
        return Count.of(await count_all(info.context))

    @strawberry.field(
        description="Mail of which nobody knows whether the server took it, of campaigns, too, the longest waiting "
        "first: `assumeSent` or `retryMessage`."
    )
    async def uncertain(self, info: Info, first: First = 20, after: After = None) -> MessageConnection | None:
        """Raises BadInput."""
        return await _messages(info, WaitingList.UNCERTAIN, first, after)

    @strawberry.field(
        description=f"The same by incident, the oldest first: at most {MAX_INCIDENTS}, of the {MAX_COUNTED:,} messages "
        "that wait longest.",
        directives=[Cost(objects=500)],
    )
    async def incidents(self, info: Info) -> list[UncertainIncident] | None:
        """One statement."""
        return [UncertainIncident.of(one) for one in await read_incidents(info.context)]

    @strawberry.field(
        description="Held individual mail that a person can release, the longest waiting first: `liftSuppression`, "
        "`retryMessage`, `cancelMessage` or `dismissMessages`. Of a campaign it counts under it."
    )
    async def held(self, info: Info, first: First = 20, after: After = None) -> MessageConnection | None:
        """Raises BadInput."""
        return await _messages(info, WaitingList.HELD, first, after)

    @strawberry.field(
        description="Individual mail that failed and was not dealt with, the longest waiting first, but for what "
        "speaks of the address: `retryMessage` or `dismissMessages`. Of a campaign it counts under it."
    )
    async def failed(self, info: Info, first: First = 20, after: After = None) -> MessageConnection | None:
        """Raises BadInput."""
        return await _messages(info, WaitingList.FAILED, first, after)

    @strawberry.field(
        description="Addresses to correct, the newest failure first: `correctAddress`, or as they advise."
    )
    async def bad_addresses(
        self, info: Info, first: First = 20, after: After = None
    ) -> CountedConnection[BadAddress] | None:
        """Raises BadInput."""
        return await list_bad_addresses(info, None, None, first, after)

    @strawberry.field(description="Received mail to assign: `assignMail` or `dismissMail`.")
    async def unmatched_mail(
        self, info: Info, first: First = 20, after: After = None
    ) -> CountedConnection[UnmatchedMail] | None:
        """Raises BadInput."""
        return await list_unmatched(info, None, first, after)

    @strawberry.field(
        description="Campaigns with failures that a retry can mend, or that the gateway paused or had to put off, the "
        "newest first: `retryCampaign`, `resumeCampaign`, or `dismissMessages` of its failures."
    )
    async def campaigns(
        self, info: Info, first: First = 20, after: After = None
    ) -> CountableConnection[Campaign] | None:
        """Each once. Raises BadInput."""
        window, context = read_window(first, after), info.context
        rows = await context.reading.fetch(CAMPAIGNS_PAGE, before=window.before, rows=window.rows)
        keys = [row["id"] for row in rows]
        campaigns = await existing_rows(context.loaders.campaigns, keys[: window.first])
        page = window.connect([Campaign.of(row) for row in campaigns], [key.hex for key in keys])
        return CountableConnection.countable(page, partial(_count_campaigns, context))

    @strawberry.field(description="Relays that wait for `resumeRelay`.")
    async def stopped_relays(self, info: Info) -> list[Relay] | None:
        """By name."""
        async with info.context.pools.reading_connection() as connection:
            states = await relay_limits.relay_states(connection)
        return [Relay.of(one) for one in states if one.stopped_at is not None]

    @strawberry.field(description="Domains that wait for `resumeDestination`, by name: at most 500.")
    async def stopped_destinations(self, info: Info) -> list[Destination] | None:
        """By name."""
        async with info.context.pools.reading_connection() as connection:
            states = await domain_limits.destinations(connection, after=None)
        return [Destination.of(one) for one in states if one.stopped_at is not None]

    @strawberry.field(description="Lanes of individual mail that the gateway paused, for `resumeLane`.")
    async def paused_lanes(self, info: Info) -> list[Lane] | None:
        """Their depths are read where there are any."""
        names = {row["name"] for row in await info.context.reading.fetch(PAUSED_LANES)}
        if not names:
            return []
        async with info.context.pools.reading_connection() as connection:
            states = await lanes.lane_states(connection)
        return [Lane.of(one) for one in states if one.name in names]

    @strawberry.field(description="What a person decided last; null when nobody decided anything yet.")
    async def last_settled(self, info: Info) -> Settled | None:
        """One row of an index that holds people's decisions alone."""
        rows = await info.context.reading.fetch(LAST_SETTLED)
        return Settled.of(rows[0]) if rows else None

    @strawberry.field(
        description="Senders in use whose DNS is not ready, by the last check: daily, an hour after it was found so, "
        f"and soon after a change. By name, at most {MAX_SENDERS}; `checkSender` asks DNS now."
    )
    async def senders(self, info: Info) -> list[SenderCheck] | None:
        """As the background job found them."""
        rows = await info.context.reading.fetch(SENDERS, rows=MAX_SENDERS)
        return [SenderCheck.of(_check_of(row)) for row in rows]


def _check_of(row: Record) -> sender_check.SenderCheck:
    records = [
        sender_check.DnsRecordCheck(**(record | {"kind": DnsRecordKind(record["kind"])})) for record in row["records"]
    ]
    return sender_check.SenderCheck(
        sender_id=row["sender_id"], ready=row["ready"], checked_at=row["checked_at"], records=tuple(records)
    )


WAITING = Page(statement=statement("waiting_messages"), key="m.id", usual=frozenset("mo"), cursor="k.cursor")
"""Messages of a list by waiting time, whose keys were read before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _WaitingRows:
    """The rows of a page whose keys were read before: all are shown."""

    window: Window
    cursors: Sequence[str]
    more: bool

    @property
    def first(self) -> int:
        return self.window.first

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """By the keys."""
        ends = (self.cursors[0], self.cursors[-1]) if self.cursors else (None, None)
        return {
            "__typename": "PageInfo", "hasNextPage": self.more, "hasPreviousPage": self.window.continued,
            "startCursor": ends[0], "endCursor": ends[1],
        }  # fmt: skip


async def _messages(info: Info, of: WaitingList, first: First, after: After) -> MessageConnection:
    """A page of a list by waiting time: its keys, then what is selected of these messages as one statement, or by
    loaders."""
    window, context = read_cursor_window(first, after, Place.read, Place()), info.context
    rows = await read_page(context.reading.fetch, of, window.before, window.rows)
    counting, link = partial(_count_of, context, of), linking(context, {"waiting": of})
    if context.shaping:
        shaped = await read_shaped(context.reading, info._raw_info, _request(window, rows))
        if shaped is not None:
            return MessageConnection.of_shaped(shaped, counting, link)
    keys = [(row["customer_id"], row["message_id"]) for row in rows[: window.first]]
    messages = await existing_rows(context.loaders.messages, keys)
    page = window.connect([Message.of(row) for row in messages], [Place.of(row).cursor for row in rows])
    return MessageConnection.of_page(page, counting, link)


def _request(window: Window, rows: Sequence[Record]) -> PageRequest[_WaitingRows]:
    shown = rows[: window.first]
    cursors = tuple(Place.of(row).cursor for row in shown)
    values = {
        "customer_ids": tuple(row["customer_id"] for row in shown),
        "ids": tuple(row["message_id"] for row in shown),
        "cursors": cursors,
        "rows": window.rows,
    }
    known = _WaitingRows(window=window, cursors=cursors, more=len(rows) > window.first)
    return PageRequest(page=WAITING, window=known, values=values)


async def read_incidents(context: Context) -> list[Incident]:
    """Uncertain mail by incident, the oldest first."""
    rows = await context.reading.fetch(INCIDENTS, most=MAX_COUNTED, largest=LARGEST_INCIDENT, incidents=MAX_INCIDENTS)
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row["incident"], []).append(row)
    return [Incident.of(of_one) for of_one in found.values()]


async def _count_of(context: Context, of: WaitingList) -> counts.Count:
    return await count(context.reading.fetch, await _counts(context), of)


async def _count_campaigns(context: Context) -> counts.Count:
    return counts.Count.up_to(MAX_COUNTED, (await _counts(context))["campaigns"])


async def _counts(context: Context) -> Record:
    """One statement a request, for all that tell a number."""
    return await context.loaders.worklist_counts.load(WORKLIST_ID)


async def count_all(context: Context) -> counts.Count:
    """All that waits; at least so much where one list is longer than is counted."""
    found = list((await _counts(context)).values())
    is_all = all(number <= MAX_COUNTED for number in found)
    precision = CountPrecision.EXACT if is_all else CountPrecision.AT_LEAST
    return counts.Count(value=sum(min(number, MAX_COUNTED) for number in found), precision=precision)
