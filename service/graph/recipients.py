"""The GraphQL types of a campaign's recipients: they lead to customers, campaigns and messages, which lead to them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.campaign import LeftOutReason
from gateway.mail.export_links import ExportFormat
from gateway.mail.message import Status
from service.graph.campaign import Mailing
from service.graph.connection import Edge, PageInfo
from service.graph.context import Info
from service.graph.cost import Cost
from service.graph.counting import Count
from service.graph.customer import Customer, Message
from service.graph.exporting import SENTENCE, FormatArgument
from service.graph.loaders import existing_row
from service.graph.node import Node, recipient_global_id
from service.graph.recipient_lists import RecipientPage
from service.graph.row import FromRow


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


@strawberry.type(description="One page of a list.")
class CampaignRecipientConnection:
    """Over a `RecipientPage`, which campaigns and customers read without knowing this type."""

    @strawberry.field(description="The rows with their cursors.")
    def edges(self, page: strawberry.Parent[RecipientPage]) -> list[Edge[CampaignRecipient]]:
        """Each with its key."""
        return [Edge(cursor=cursor, node=CampaignRecipient.of(row)) for cursor, row in page.rows]

    @strawberry.field(description="The rows.")
    def nodes(self, page: strawberry.Parent[RecipientPage]) -> list[CampaignRecipient]:
        """In order."""
        return [CampaignRecipient.of(row) for _, row in page.rows]

    page_info: PageInfo = strawberry.field(description="Where this page lies.")

    @strawberry.field(
        description="How many in all: by the counts that are kept where the filter is one of them, else counted up to "
        "10,000.",
        directives=[Cost(objects=20)],
    )
    async def total_count(self, page: strawberry.Parent[RecipientPage]) -> Count | None:
        """Statements of its own, when it is asked for."""
        return Count.of(await page.counting())

    @strawberry.field(description=SENTENCE)
    def export_url(
        self, page: strawberry.Parent[RecipientPage], format: FormatArgument = ExportFormat.CSV
    ) -> str | None:
        """As of other lists."""
        return page.linking(format)
