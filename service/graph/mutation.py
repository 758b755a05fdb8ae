"""What can be done, one mutation an intent."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.outbox import domain_limits, lanes, relay_limits
from service.graph import campaigning, consent, gateway_state, reclassify, sending, upsert
from service.graph.campaigning import (
    CampaignInput,
    CampaignPayload,
    CreateCampaignInput,
    CreateCampaignPayload,
    CreateSenderInput,
    CreateSenderPayload,
    CreateTemplateInput,
    CreateTemplatePayload,
    LaunchCampaignInput,
    LaunchCampaignPayload,
)
from service.graph.consent import SetOptOutInput, SetOptOutPayload
from service.graph.context import Info
from service.graph.gateway_state import (
    DestinationInput,
    DestinationLimitInput,
    GatewayPayload,
    LaneInput,
    RelayInput,
)
from service.graph.reclassify import ReclassifyHitsInput, ReclassifyHitsPayload
from service.graph.sending import (
    MessageInput,
    MessagePayload,
    SendCardProcessingEmailInput,
    SendEmailPayload,
    SendESignatureEmailInput,
    SendWorkOrderEmailInput,
)
from service.graph.upsert import UpsertCustomersInput, UpsertCustomersPayload

INPUT = strawberry.argument(description="All that the intent needs.")


@strawberry.type(description="What can be done. Refusals are `userErrors`; a refused call has done nothing.")
class Mutation:
    """The entry points."""

    @strawberry.mutation(description="Insert or update customers by `externalRef`, all or none.")
    async def upsert_customers(
        self, info: Info, input: Annotated[UpsertCustomersInput, INPUT]
    ) -> UpsertCustomersPayload:
        """All or none."""
        return await upsert.upsert_customers(info.context, input)

    @strawberry.mutation(description="Create a profile to send mail as.")
    async def create_sender(self, info: Info, input: Annotated[CreateSenderInput, INPUT]) -> CreateSenderPayload:
        """Its first version."""
        return await campaigning.create_sender(info.context, input)

    @strawberry.mutation(description="Publish a template, or a new version of one.")
    async def create_template(self, info: Info, input: Annotated[CreateTemplateInput, INPUT]) -> CreateTemplatePayload:
        """Versions never change."""
        return await campaigning.create_template(info.context, input)

    @strawberry.mutation(description="Create a campaign; it waits for `launchCampaign`.")
    async def create_campaign(self, info: Info, input: Annotated[CreateCampaignInput, INPUT]) -> CreateCampaignPayload:
        """A draft."""
        return await campaigning.create_campaign(info.context, input)

    @strawberry.mutation(description="Start a campaign.")
    async def launch_campaign(self, info: Info, input: Annotated[LaunchCampaignInput, INPUT]) -> LaunchCampaignPayload:
        """Needs an unsubscribe link and a postal address."""
        return await campaigning.launch_campaign(info.context, input)

    @strawberry.mutation(description="Stop a running campaign: nothing more of it is handed off.")
    async def pause_campaign(self, info: Info, input: Annotated[CampaignInput, INPUT]) -> CampaignPayload:
        """Exact."""
        return await campaigning.pause_campaign(info.context, input)

    @strawberry.mutation(description="Let a paused campaign go on.")
    async def resume_campaign(self, info: Info, input: Annotated[CampaignInput, INPUT]) -> CampaignPayload:
        """Where it stopped."""
        return await campaigning.resume_campaign(info.context, input)

    @strawberry.mutation(description="End a campaign for good; its waiting mail is cancelled.")
    async def cancel_campaign(self, info: Info, input: Annotated[CampaignInput, INPUT]) -> CampaignPayload:
        """For good."""
        return await campaigning.cancel_campaign(info.context, input)

    @strawberry.mutation(description="Mail a customer about a work order, with an .ics attached.")
    async def send_work_order_email(
        self, info: Info, input: Annotated[SendWorkOrderEmailInput, INPUT]
    ) -> SendEmailPayload:
        """Before all other mail."""
        return await sending.send_email(info.context, input, lambda: sending.work_order_letter(input), input.tracked)

    @strawberry.mutation(description="Mail a customer a document to sign.")
    async def send_e_signature_email(
        self, info: Info, input: Annotated[SendESignatureEmailInput, INPUT]
    ) -> SendEmailPayload:
        """The portal's link stays as it is."""
        return await sending.send_email(info.context, input, lambda: sending.e_signature_letter(input), input.tracked)

    @strawberry.mutation(description="Mail a customer about a card payment.")
    async def send_card_processing_email(
        self, info: Info, input: Annotated[SendCardProcessingEmailInput, INPUT]
    ) -> SendEmailPayload:
        """Never tracked."""
        return await sending.send_email(info.context, input, lambda: sending.card_letter(input), False)

    @strawberry.mutation(description="Try a message again that was refused, expired, bounced, held or left uncertain.")
    async def retry_message(self, info: Info, input: Annotated[MessageInput, INPUT]) -> MessagePayload:
        """On record, with who and when."""
        return await sending.retry_message(info.context, input)

    @strawberry.mutation(description="Decide that an uncertain message was sent.")
    async def assume_sent(self, info: Info, input: Annotated[MessageInput, INPUT]) -> MessagePayload:
        """On record, with who and when."""
        return await sending.assume_sent(info.context, input)

    @strawberry.mutation(description="Call a message back that is not sent yet.")
    async def cancel_message(self, info: Info, input: Annotated[MessageInput, INPUT]) -> MessagePayload:
        """On record, with who and when."""
        return await sending.cancel_message(info.context, input)

    @strawberry.mutation(description="Stop a lane of individual mail: nothing more of it is handed off.")
    async def pause_lane(self, info: Info, input: Annotated[LaneInput, INPUT]) -> GatewayPayload:
        """Exact."""
        return await gateway_state.decide(
            info.context, lambda connection: lanes.pause_lane(connection, input.lane, info.context.actor)
        )

    @strawberry.mutation(description="Let a lane go on.")
    async def resume_lane(self, info: Info, input: Annotated[LaneInput, INPUT]) -> GatewayPayload:
        """Where it stopped."""
        return await gateway_state.decide(info.context, lambda connection: lanes.resume_lane(connection, input.lane))

    @strawberry.mutation(description="Say that a stopped or paused relay works again.")
    async def resume_relay(self, info: Info, input: Annotated[RelayInput, INPUT]) -> GatewayPayload:
        """On record, with who and when."""
        return await gateway_state.decide(
            info.context, lambda connection: relay_limits.resume_relay(connection, input.relay, info.context.actor)
        )

    @strawberry.mutation(description="Say that a paused domain takes mail again.")
    async def resume_destination(self, info: Info, input: Annotated[DestinationInput, INPUT]) -> GatewayPayload:
        """At once."""
        return await gateway_state.decide(
            info.context, lambda connection: domain_limits.resume_destination(connection, input.domain)
        )

    @strawberry.mutation(description="Set, change or lift a domain's limits.")
    async def set_destination_limit(self, info: Info, input: Annotated[DestinationLimitInput, INPUT]) -> GatewayPayload:
        """Replaces what was set."""
        return await gateway_state.decide(
            info.context, lambda connection: domain_limits.limit_destination(connection, gateway_state.limit_of(input))
        )

    @strawberry.mutation(description="Write down what a customer chose not to get, or that it may be sent again.")
    async def set_opt_out(self, info: Info, input: Annotated[SetOptOutInput, INPUT]) -> SetOptOutPayload:
        """On record, with who and when."""
        return await consent.set_opt_out(info.context, input)

    @strawberry.mutation(description="Judge opens and clicks of the past again, by the current rules.")
    async def reclassify_hits(self, info: Info, input: Annotated[ReclassifyHitsInput, INPUT]) -> ReclassifyHitsPayload:
        """Raw hits stay."""
        return await reclassify.reclassify_hits(info.context, input)
