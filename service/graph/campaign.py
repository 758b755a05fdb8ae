"""Campaigns, their mailings and their progress. Campaign and mailing lead to each other, so they are one module."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types.base import StrawberryList

from gateway.campaigns.possible_actions import CampaignAction, actions_of
from gateway.mail.campaign import CampaignKind, CampaignStatus, EventRepeat, MailingStatus
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_window
from service.graph.context import Info
from service.graph.cost import Cost
from service.graph.loaders import existing_row, existing_rows
from service.graph.node import Node, asked_id, number_global_id, number_id_sql, row_global_id
from service.graph.recipient_filter import FilterArgument, read_query
from service.graph.recipient_lists import RECIPIENT_CONNECTION, RecipientPage, list_recipients
from service.graph.results import (
    BucketArgument,
    CampaignLink,
    CampaignMoment,
    CampaignProgress,
    TimeBucket,
    WithinArgument,
    read_links,
    read_timeline,
)
from service.graph.row import FromRow
from service.graph.scalars import Json
from service.graph.search_patterns import SearchArgument
from service.graph.sender import Sender, sender_of
from service.graph.template import TemplateVersion
from service.shape.field import column, first_of, same_row

_CUSTOMER_LIST: Any = strawberry.LazyType("CustomerList", "service.graph.customer")
"""Lists lead to customers, and customers to campaigns."""
CUSTOMER_LISTS = StrawberryList(_CUSTOMER_LIST)
OneMailingArgument = Annotated[strawberry.ID | None, strawberry.argument(description="Only of this Mailing.")]
LOCAL_TIME = """to_char(g.local_time, 'YYYY-MM-DD"T"HH24:MI')"""
IS_SCHEDULED = "num_nonnulls(g.send_at, g.local_time, g.after_days) > 0"
NOT_OPENED = (
    "(select n.* from mailing n where n.id = g.not_opened_mailing_id) g"
    " join template_version v on v.id = g.template_version_id"
)
"""Another mailing, as g, with its version as v: in the condition g is still the one that leaves out its readers."""


@strawberry.type(description="A mail to many customers.")
class Campaign(FromRow, Node):
    """Over a row of campaign."""

    @strawberry.field(
        description="The id, unique over all types.", metadata=column("'Campaign_' || encode(uuid_send(c.id), 'hex')")
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("Campaign", self.row["id"])

    title: str = strawberry.field(description="Its title, as our people know it.", metadata=column("c.title"))
    kind: CampaignKind = strawberry.field(description="What starts it.", metadata=column("c.kind"))
    status: CampaignStatus = strawberry.field(description="Where it is in its life.", metadata=column("c.status"))
    priority: int = strawberry.field(description="1 before 7.", metadata=column("c.priority"))
    audience_size: int = strawberry.field(
        description="How many customers it was made for.", metadata=column("audience_size(c.id)")
    )
    created_at: datetime = strawberry.field(description="When it was created.", metadata=column("c.created_at"))
    launched_at: datetime | None = strawberry.field(
        description="When it was launched; null before.", metadata=column("c.launched_at")
    )
    finished_at: datetime | None = strawberry.field(
        description="When its last recipient was decided, or it was called off.", metadata=column("c.finished_at")
    )

    @strawberry.field(description="How far it is.")
    async def progress(self, info: Info) -> CampaignProgress:
        """One statement for all campaigns of a page."""
        return CampaignProgress.of(await existing_row(info.context.loaders.progress, self.row["id"]))

    @strawberry.field(
        description="Whom it is for, one a customer and mailing: reached, waiting or left out. A page is short where a "
        "filter that no index serves read its share; the next one goes on.",
        graphql_type=RECIPIENT_CONNECTION,
    )
    async def recipients(
        self,
        info: Info,
        filter: FilterArgument = None,
        search: SearchArgument = None,
        first: First = 50,
        after: After = None,
    ) -> RecipientPage | None:
        """Raises BadInput."""
        query = read_query(await self._mailing_ids(info), filter, search)
        return await list_recipients(info.context, query, first, after)

    @strawberry.field(description="Its most clicked links, at most 100.", directives=[Cost(objects=50)])
    async def links(
        self,
        info: Info,
        mailing_id: OneMailingArgument = None,
    ) -> list[CampaignLink] | None:
        """Raises BadInput."""
        return await read_links(info.context, await self._mailing_ids(info, mailing_id))

    @strawberry.field(
        description="What happened when, at most 500 buckets that hold something, oldest first. Minutes are told for a "
        "week, hours for 90 days, days for good.",
        directives=[Cost(objects=200)],
    )
    async def timeline(
        self,
        info: Info,
        bucket: BucketArgument = TimeBucket.HOUR,
        within: WithinArgument = None,
        mailing_id: OneMailingArgument = None,
    ) -> list[CampaignMoment] | None:
        """One statement. Raises BadInput."""
        return await read_timeline(info.context, await self._mailing_ids(info, mailing_id), bucket, within)

    async def _mailing_ids(self, info: Info, only: str | None = None) -> list[int]:
        mailings = [row["id"] for row in await info.context.loaders.mailings_of.load(self.row["id"])]
        if only is None:
            return mailings
        number = asked_id(only, "Mailing", "mailingId").number
        if number is None or number not in mailings:
            raise BadInput("mailingId", "this campaign has no such mailing")
        return [number]

    tracked: bool = strawberry.field(description="Whether opens and clicks are tracked.", metadata=column("c.tracked"))
    repeat: EventRepeat | None = strawberry.field(
        description="How often an event may mail a customer; null for marketing.", metadata=column("c.repeat")
    )
    paused_at: datetime | None = strawberry.field(
        description="Since when nothing of it leaves; null unless it is paused.", metadata=column("c.paused_at")
    )
    paused_why: str | None = strawberry.field(
        description="Why: a person's words, or those of the server that refused too many in a row.",
        metadata=column("c.paused_why"),
    )
    archived_at: datetime | None = strawberry.field(
        description="When it was archived; null while it is not.", metadata=column("c.archived_at")
    )

    @strawberry.field(description="What can be done about it now.")
    def actions(self) -> list[CampaignAction]:
        """The same row."""
        return actions_of(CampaignStatus(self.row["status"]))

    @strawberry.field(
        description="The profile it is sent as; the one named default stands for DEFAULT_FROM.",
        metadata=first_of(sender_of("c.sender_version_id")),
    )
    async def sender(self, info: Info) -> Sender:
        """One statement a page of campaigns."""
        return Sender.of(await existing_row(info.context.loaders.senders, self.row["sender_id"]))

    @strawberry.field(description="Whose members it is for.", graphql_type=CUSTOMER_LISTS)
    async def lists(self, info: Info) -> list[Node]:
        """Two statements a page of campaigns."""
        return await self._lists(info, excluded=False)

    @strawberry.field(description="Whose members are left out.", graphql_type=CUSTOMER_LISTS)
    async def excluded_lists(self, info: Info) -> list[Node]:
        """By the same statements."""
        return await self._lists(info, excluded=True)

    async def _lists(self, info: Info, *, excluded: bool) -> list[Node]:
        loaders = info.context.loaders
        ids = [row["id"] for row in await loaders.lists_of.load(self.row["id"]) if row["excluded"] is excluded]
        made = _CUSTOMER_LIST.resolve_type()
        return [made.of(row) for row in await existing_rows(loaders.lists, ids)]

    @strawberry.field(description="Its changes, newest first: what, when and by whom.")
    async def history(self, info: Info, first: First = 50, after: After = None) -> Connection[CampaignEvent] | None:
        """One statement a page of campaigns. Raises BadInput."""
        window = read_window(first, after)
        rows = await info.context.loaders.history(window).load(self.row["id"])
        return window.connect([CampaignEvent.of(row) for row in rows], [row["id"].hex for row in rows])

    @strawberry.field(description="Its mailings in order, at most 50.")
    async def mailings(self, info: Info) -> list[Mailing]:
        """Two statements a page of campaigns."""
        loaders = info.context.loaders
        ids = [row["id"] for row in await loaders.mailings_of.load(self.row["id"])]
        return [Mailing.of(row) for row in await existing_rows(loaders.mailings, ids)]


@strawberry.type(description="A change of a campaign.")
class CampaignEvent(FromRow):
    """Over a row of campaign_event."""

    action: str = strawberry.field(
        description="The mutation that did it, or what came of itself: launchCampaign, finished, paused."
    )
    occurred_at: datetime = strawberry.field(description="When.")
    by: str = strawberry.field(description="Who: gateway, or the name of a token or person.")
    detail: Json | None = strawberry.field(
        description="What it was and what it became; its shape depends on the action."
    )


@strawberry.type(description="When a mailing goes: one of the first three.")
class Schedule(FromRow):
    """Over a row of mailing."""

    send_at: datetime | None = strawberry.field(description="At this moment.", metadata=column("g.send_at"))
    at_local_time: str | None = strawberry.field(
        description="At this local time of each customer's.", metadata=column(LOCAL_TIME)
    )
    after_days: int | None = strawberry.field(
        description="So many days after the launch or event, with the next two.", metadata=column("g.after_days")
    )
    after_minutes: int | None = strawberry.field(
        description="Minutes beside the days.", metadata=column("g.after_minutes")
    )
    local_time: str | None = strawberry.field(
        description="Not before this time of the customer's day.", metadata=column("to_char(g.not_before, 'HH24:MI')")
    )


@strawberry.type(description="One letter of a campaign: a template version, a subject, a time.")
class Mailing(FromRow, Node):
    """Over a row of mailing."""

    @strawberry.field(description="The id, unique over all types.", metadata=column(number_id_sql("Mailing", "g")))
    def id(self) -> strawberry.ID:
        """Global id."""
        return number_global_id("Mailing", self.row["id"])

    @strawberry.field(description="Its campaign.", metadata=same_row())
    async def campaign(self, info: Info) -> Campaign:
        """One statement for all campaigns of a page."""
        return Campaign.of(await existing_row(info.context.loaders.campaigns, self.row["campaign_id"]))

    number: int = strawberry.field(description="1 is the first.", metadata=column("g.number"))
    status: MailingStatus = strawberry.field(
        description="Where it is; a pause is the campaign's.", metadata=column("g.status")
    )

    @strawberry.field(description="Its template in the pinned version.")
    async def template(self, info: Info) -> TemplateVersion:
        """One statement for all mailings of a page."""
        wanted = self.row["template_version_id"]
        return TemplateVersion.of(await existing_row(info.context.loaders.template_versions, wanted))

    subject: str = strawberry.field(
        description="Its subject line, with its fields.", metadata=column("coalesce(g.subject, v.subject)")
    )

    @strawberry.field(
        description="When it goes, as was asked; null for at once.", metadata=same_row(when=f"({IS_SCHEDULED})")
    )
    def schedule(self) -> Schedule | None:
        """The same row."""
        return Schedule.of(self.row) if self.row["is_scheduled"] else None

    due_at: datetime | None = strawberry.field(
        description="When its first mail is due; null before the launch, and of event-based campaigns.",
        metadata=column("g.due_at"),
    )
    frozen_at: datetime | None = strawberry.field(
        description="When its audience was frozen; null before, and of event-based campaigns.",
        metadata=column("g.frozen_at"),
    )

    @strawberry.field(
        description="The mailing whose readers it leaves out; null for none.",
        metadata=first_of(NOT_OPENED),
    )
    async def not_opened(self, info: Info) -> Mailing | None:
        """One statement for all mailings of a page."""
        wanted = self.row["not_opened_mailing_id"]
        return Mailing.of(await existing_row(info.context.loaders.mailings, wanted)) if wanted else None

    @strawberry.field(description="How far it is.")
    async def progress(self, info: Info) -> CampaignProgress:
        """One statement for all mailings of a page."""
        return CampaignProgress.of(await existing_row(info.context.loaders.mailing_progress, self.row["id"]))
