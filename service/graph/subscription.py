"""What can be followed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from gateway.notify.changes import ChangeKind
from service.errors import BadInput
from service.graph import imports
from service.graph.campaign import Campaign
from service.graph.context import Info
from service.graph.node import asked_id, customer_global_id, message_global_id


@strawberry.type(description="Something of a customer's mail history is new. It says where to look, not what is there.")
class CustomerEmailsChange:
    """Of `service.change_listener.Change`."""

    customer_id: strawberry.ID = strawberry.field(description="Whose history.")
    message_id: strawberry.ID | None = strawberry.field(
        description="Which message's part of it; null when it is no one message's."
    )
    kind: ChangeKind = strawberry.field(description="What kind of change.")


@strawberry.type(description="What can be followed.")
class Subscription:
    """The entry points."""

    @strawberry.subscription(
        description="Every change of a customer's mail history from now on. The first says RESYNC, within two seconds: "
        "what is read after that, and heard of from then on, is everything."
    )
    async def customer_emails_changed(
        self, info: Info, customer_id: Annotated[strawberry.ID, strawberry.argument(description="Whose history.")]
    ) -> AsyncGenerator[CustomerEmailsChange, None]:
        """Raises BadInput when there is no such customer."""
        number = asked_id(customer_id, "Customer", "customerId").customer_id
        if number is None or await info.context.loaders.customers.load(number) is None:
            raise BadInput("customerId", "there is no such customer")
        async with aclosing(info.context.changes.subscribe(number)) as changes:
            async for change in changes:
                yield CustomerEmailsChange(
                    customer_id=customer_global_id(number),
                    message_id=message_global_id(number, change.message_id) if change.message_id else None,
                    kind=change.kind,
                )

    @strawberry.subscription(
        description="An import as it goes on: at once, then at most once a second, and at its end."
    )
    async def import_changed(
        self,
        info: Info,
        import_id: Annotated[strawberry.ID, strawberry.argument(description="A CustomerImport's id.")],
    ) -> AsyncGenerator[imports.CustomerImport, None]:
        """Raises BadInput when there is no such import."""
        async with aclosing(imports.follow_import(info, import_id)) as changes:
            async for change in changes:
                yield change

    @strawberry.subscription(
        description="A campaign as it goes on: at once, then at most once a second while anything changes."
    )
    async def campaign_changed(
        self, info: Info, campaign_id: Annotated[strawberry.ID, strawberry.argument(description="A Campaign's id.")]
    ) -> AsyncGenerator[Campaign, None]:
        """Raises BadInput when there is no such campaign, or no more."""
        campaign = asked_id(campaign_id, "Campaign", "campaignId").row_id
        if campaign is None:
            raise BadInput("campaignId", "there is no such campaign")
        async with aclosing(info.context.campaign_changes.subscribe(campaign)) as changes:
            async for _ in changes:
                # Read anew each time, by the primary, as the change was found.
                row = await info.context.reading_back().loaders.campaigns.load(campaign)
                if row is None:
                    raise BadInput("campaignId", "there is no such campaign")
                yield Campaign.of(row)
