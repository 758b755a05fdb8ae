"""Mutations that decide about many recipients of a campaign at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import strawberry

from gateway.campaigns import decisions
from gateway.campaigns.decisions import CampaignRetry, CampaignSettlement
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import Status
from gateway.mail.verdict import Cause
from service.database import Connection
from service.graph.campaign import Campaign
from service.graph.context import Context, Info
from service.graph.intent import Input
from service.graph.loaders import existing_row
from service.graph.sending import read_number_id, read_row_id
from service.graph.user_error import UserError


@strawberry.input(description="Which failures of a campaign to try again.")
class RetryCampaignInput:
    """Those that are so when it is asked."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    statuses: list[Status] | None = strawberry.field(
        default=None, description="In these states: REFUSED, BOUNCED, EXPIRED or HELD; all when omitted."
    )
    causes: list[Cause] | None = strawberry.field(
        default=None,
        description="For these causes. When omitted, all but OPTED_OUT, SUPPRESSED, BAD_ADDRESS and BAD_DOMAIN, which "
        "a retry cannot mend; to present addresses, all but OPTED_OUT.",
    )
    mailing_id: strawberry.ID | None = strawberry.field(default=None, description="Only of this Mailing.")
    to_present_addresses: bool = strawberry.field(
        default=False, description="To the customers' present primary addresses."
    )
    expected_count: int | None = strawberry.field(
        default=None,
        description="How many that is by `recipients { totalCount }`, filtered by the same statuses and causes (also "
        "those that are taken when `causes` is omitted); refused with CONFLICT when it is another number. Null takes "
        "any.",
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.input(description="What becomes of a campaign's uncertain mail.")
class SettleCampaignInput:
    """That which is uncertain when it is asked."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    uncertain: UncertainDecision = strawberry.field(description="What was decided.")
    mailing_id: strawberry.ID | None = strawberry.field(default=None, description="Only of this Mailing.")
    expected_count: int | None = strawberry.field(default=None, description="As in retryCampaign.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.type(
    description="What came of a decision about many recipients; a job carries it out, each with its event. Who was "
    "decided about otherwise meanwhile, or must not be mailed, is left as it is."
)
class CampaignRecipientsPayload:
    """Either the campaign and the number, or the errors."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign as it is now; null when refused."
    )
    recipients: int = strawberry.field(default=0, description="For how many recipients.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def retry_campaign(info: Info, input: Input[RetryCampaignInput]) -> CampaignRecipientsPayload:
    """Its failures are queued again, in batches."""
    asked = CampaignRetry(
        campaign_id=read_row_id(input.campaign_id, "Campaign", ("campaignId",)),
        statuses=None if input.statuses is None else tuple(input.statuses),
        causes=None if input.causes is None else tuple(input.causes),
        mailing_id=_read_mailing(input.mailing_id),
        to_present_addresses=input.to_present_addresses,
        expected_count=input.expected_count,
        idempotency_key=input.idempotency_key,
    )
    return await _decide(
        info.context,
        asked.campaign_id,
        lambda connection: decisions.retry(connection, asked, info.context.actor),
    )


async def settle_campaign(info: Info, input: Input[SettleCampaignInput]) -> CampaignRecipientsPayload:
    """What is uncertain is queued again, or taken for sent, in batches."""
    asked = CampaignSettlement(
        campaign_id=read_row_id(input.campaign_id, "Campaign", ("campaignId",)),
        uncertain=input.uncertain,
        mailing_id=_read_mailing(input.mailing_id),
        expected_count=input.expected_count,
        idempotency_key=input.idempotency_key,
    )
    return await _decide(
        info.context,
        asked.campaign_id,
        lambda connection: decisions.settle(connection, asked, info.context.actor),
    )


async def _decide(
    context: Context, campaign_id: UUID, decide: Callable[[Connection], Awaitable[int]]
) -> CampaignRecipientsPayload:
    async with context.pools.writing_connection() as connection:
        recipients = await decide(connection)
    row = await existing_row(context.reading_back().loaders.campaigns, campaign_id)
    return CampaignRecipientsPayload(campaign=Campaign.of(row), recipients=recipients)


def _read_mailing(text: str | None) -> int | None:
    """Raises Refusal NOT_FOUND."""
    return None if text is None else read_number_id(text, "Mailing", ("mailingId",))
