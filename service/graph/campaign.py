"""Campaigns, their mailings and their progress. Campaign and mailing lead to each other, so they are one module."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.campaign import CampaignKind, CampaignStatus, MailingStatus
from service.graph.context import Info
from service.graph.loaders import existing_row, existing_rows
from service.graph.node import Node, number_global_id, number_id_sql, row_global_id
from service.graph.row import FromRow
from service.shape.field import column, same_row

LOCAL_TIME = """to_char(g.local_time, 'YYYY-MM-DD"T"HH24:MI')"""
IS_SCHEDULED = "num_nonnulls(g.send_at, g.local_time, g.after_days) > 0"


@strawberry.type(description="How far a campaign is: its recipients by what became of them.")
class CampaignProgress(FromRow):
    """Over a row of campaign with the tallies of its mailings added up, or of one mailing."""

    made: int = strawberry.field(description="Recipients for whom a message was made.")
    accepted: int = strawberry.field(description="Taken by the server, without those that came back.")
    refused: int = strawberry.field(description="Refused for good.")
    uncertain: int = strawberry.field(description="Nobody knows whether the server took them.")
    bounced: int = strawberry.field(description="Accepted first, then they came back.")
    held: int = strawberry.field(description="Held back.")
    expired: int = strawberry.field(description="Past their deadline.")
    cancelled: int = strawberry.field(description="Called back.")
    left_out: int = strawberry.field(description="Not mailed at all.")
    opted_out: int = strawberry.field(description="Left out because they chose so; no message was made.")

    @strawberry.field(description="Not decided yet, made or not.")
    def waiting(self) -> int:
        """What is left of the audience."""
        decided = ("accepted", "refused", "bounced", "uncertain", "held", "expired", "cancelled", "left_out")
        return max(0, int(self.row["audience_size"]) - sum(int(self.row[name]) for name in decided))


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
    def progress(self) -> CampaignProgress:
        """The same row."""
        return CampaignProgress.of(self.row)

    @strawberry.field(description="Its mailings in order, at most 50.")
    async def mailings(self, info: Info) -> list[Mailing]:
        """Two statements a page of campaigns."""
        loaders = info.context.loaders
        ids = [row["id"] for row in await loaders.mailings_of.load(self.row["id"])]
        return [Mailing.of(row) for row in await existing_rows(loaders.mailings, ids)]


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

    @strawberry.field(description="The mailing whose readers it leaves out; null for none.")
    async def not_opened(self, info: Info) -> Mailing | None:
        """One statement for all mailings of a page."""
        wanted = self.row["not_opened_mailing_id"]
        return Mailing.of(await existing_row(info.context.loaders.mailings, wanted)) if wanted else None

    @strawberry.field(description="How far it is.")
    def progress(self) -> CampaignProgress:
        """The same row."""
        return CampaignProgress.of(self.row)
