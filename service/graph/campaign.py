"""Campaigns and their progress."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.campaign import CampaignKind, CampaignStatus
from service.graph.node import Node, row_global_id
from service.graph.row import FromRow
from service.shape.field import column


@strawberry.type(description="How far a campaign is: its recipients by what became of them.")
class CampaignProgress(FromRow):
    """Over a row of campaign with the tallies of its mailings added up."""

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
