"""`triggerCampaign`: tells an event-based campaign what happened to a customer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.campaigns import events
from gateway.campaigns.events import CampaignTrigger
from service.graph.context import Info
from service.graph.intent import Input
from service.graph.node import read_typed_id
from service.graph.recipient_lists import find_recipient
from service.graph.recipients import CampaignRecipient
from service.graph.scalars import Json
from service.graph.user_error import UserError

_NO_CAMPAIGN = UUID(int=0)
_NOBODY = 0
"""Ids of nothing, for what is no id of its type: the ledger says so, beside what else is wrong."""


@strawberry.input(description="Something that happened to a customer.")
class TriggerCampaignInput:
    """One event of one customer."""

    campaign_id: strawberry.ID = strawberry.field(description="An event-based Campaign's id, under way.")
    customer_id: strawberry.ID = strawberry.field(description="A Customer's id.")
    address: str | None = strawberry.field(
        default=None, description="One of the customer's addresses; the primary when omitted."
    )
    event: str = strawberry.field(description="What happened, for the history: 1 to 255 characters.")
    data: Json | None = strawberry.field(
        default=None, description="An object of values; they go before the campaign's."
    )
    idempotency_key: str = strawberry.field(
        description="The event's own key, 1 to 255 characters. The same key and content again returns the first result."
    )


@strawberry.type(description="What came of an event.")
class TriggerCampaignPayload:
    """Either the recipient or the errors."""

    recipient: CampaignRecipient | None = strawberry.field(
        default=None,
        description="What the campaign does for it: a message, or when it is due; of its first mailing where several "
        "follow. Null when refused.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="Why nothing will be sent: OPTED_OUT, SUPPRESSED, ERASED, TOO_OFTEN among others.",
    )


async def trigger_campaign(info: Info, input: Input[TriggerCampaignInput]) -> TriggerCampaignPayload:
    """Who gets which mailing for it, and when; workers make the messages."""
    context = info.context
    campaign = read_typed_id(input.campaign_id, "Campaign")
    customer = read_typed_id(input.customer_id, "Customer")
    given = CampaignTrigger(
        campaign_id=campaign.row_id if campaign and campaign.row_id else _NO_CAMPAIGN,
        customer_id=customer.customer_id if customer and customer.customer_id else _NOBODY,
        address=input.address,
        event=input.event,
        data=input.data,
        idempotency_key=input.idempotency_key,
    )
    async with context.pools.writing_connection() as connection:
        made = await events.trigger(connection, given, context.actor, context.deployment)
    await context.wakeup.notify()
    row = await find_recipient(context.reading_back(), made.mailing_id, made.customer_id, made.occurrence)
    return TriggerCampaignPayload(recipient=None if row is None else CampaignRecipient.of(row))
