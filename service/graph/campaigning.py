"""Mutations of senders, templates and campaigns: thin over the gateway's functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from gateway.campaigns import drafts, lifecycle
from gateway.campaigns.drafts import MAX_LISTS
from gateway.campaigns.mailings import MAX_MAILINGS
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.compose import sender_profiles
from gateway.compose.sender_profiles import AddressRules
from gateway.errors import RefusalCollector
from gateway.mail.campaign import CampaignKind, EventRepeat
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource
from service.database import Connection
from service.graph.campaign import Campaign
from service.graph.context import Context, Info
from service.graph.intent import Input
from service.graph.loaders import existing_row
from service.graph.mailing_input import (
    CampaignRecipientInput,
    MailingInput,
    read_lists,
    read_mailing,
    read_object,
    read_recipients,
    row_or_nothing,
)
from service.graph.scalars import Json
from service.graph.sender import Sender
from service.graph.sending import read_row_id
from service.graph.template import MailWarning, Template
from service.graph.user_error import UserError


@strawberry.input(description="A profile that mail is sent as.")
class CreateSenderInput:
    """Makes a sender and its first version."""

    name: str = strawberry.field(description="Its name among ours, each once.")
    from_name: str | None = strawberry.field(default=None, description="The display name of From.")
    from_address: str = strawberry.field(description="The address of From.")
    reply_to: str | None = strawberry.field(default=None, description="Where replies go; From when omitted.")
    signature: str | None = strawberry.field(default=None, description="Plain text under every letter.")
    postal_address: str | None = strawberry.field(default=None, description="Campaigns need one.")
    locale: str = strawberry.field(default="en", description="The language of its mail (BCP 47).")
    time_zone: str = strawberry.field(default="UTC", description="Its IANA time zone.")
    track_replies: bool = strawberry.field(
        default=False,
        description="Whether Reply-To is an address of ours (REPLY_DOMAIN), so that replies join the history.",
    )
    forward_replies_to: str | None = strawberry.field(
        default=None, description="A staff mailbox that replies are forwarded to."
    )


@strawberry.type(description="What came of creating a sender.")
class CreateSenderPayload:
    """Either the sender or the errors."""

    sender: Sender | None = strawberry.field(default=None, description="The sender; null when refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.input(description="What changes of a sender. Omitted fields stay as they are.")
class UpdateSenderInput:
    """UNSET stands for an omitted field."""

    sender_id: strawberry.ID = strawberry.field(description="A Sender's id.")
    from_name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The display name of From; null clears it."
    )
    from_address: str | None = strawberry.field(default=strawberry.UNSET, description="The address of From.")
    reply_to: str | None = strawberry.field(default=strawberry.UNSET, description="Where replies go; null for From.")
    signature: str | None = strawberry.field(
        default=strawberry.UNSET, description="Plain text under every letter; null clears it."
    )
    postal_address: str | None = strawberry.field(
        default=strawberry.UNSET, description="Campaigns need one; null clears it."
    )
    locale: str | None = strawberry.field(default=strawberry.UNSET, description="The language of its mail (BCP 47).")
    time_zone: str | None = strawberry.field(default=strawberry.UNSET, description="Its IANA time zone.")
    track_replies: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether replies come back through us."
    )
    forward_replies_to: str | None = strawberry.field(
        default=strawberry.UNSET, description="A staff mailbox; null for none."
    )


@strawberry.type(description="What came of changing a sender.")
class UpdateSenderPayload:
    """Either the sender or the errors."""

    sender: Sender | None = strawberry.field(default=None, description="The sender as it is now; null when refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.input(
    description='A campaign template. An existing name gets a new version. `{{ name }}` and `{{ name|default("x") }}` '
    "are merge fields: of the template's own, whose values come as mergeData; of each customer, customer.name (or "
    "customer_name) and customer.attributes.NAME, one of its values; supplied are unsubscribe_url and postal_address, "
    "in the body alone."
)
class CreateTemplateInput:
    """Exactly one of mjml and html."""

    name: str = strawberry.field(description="Its name.")
    subject: str = strawberry.field(description="The subject line; may hold {{ fields }}.")
    mjml: str | None = strawberry.field(default=None, description="The body in MJML; give this or html.")
    html: str | None = strawberry.field(default=None, description="The body in HTML; give this or mjml.")
    text: str | None = strawberry.field(default=None, description="The text part; derived from the body when omitted.")
    sample_data: Json | None = strawberry.field(
        default=None,
        description="An object of sample values for the fields, customer.name and customer.attributes.NAME among them: "
        "the preview shows these.",
    )
    locale: str = strawberry.field(default="en", description="Its language (BCP 47).")


@strawberry.type(description="What came of publishing a template.")
class CreateTemplatePayload:
    """Either the template or the errors."""

    template: Template | None = strawberry.field(default=None, description="The template; null when refused.")
    warnings: list[MailWarning] = strawberry.field(
        default_factory=list, description="What would stop a launch, or look wrong; empty when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.input(description="A campaign; nothing is sent before it is launched.")
class CreateCampaignInput:
    """Makes a draft."""

    title: str = strawberry.field(description="Its title, as our people know it.")
    kind: CampaignKind = strawberry.field(default=CampaignKind.MARKETING, description="Which opt-outs it honours.")
    priority: int = strawberry.field(default=4, description="1 to 7; 1 goes first.")
    template_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A Template's id: of its only mailing, whose newest version is used; give this or `mailings`.",
    )
    mailings: list[MailingInput] | None = strawberry.field(
        default=None, description=f"Its mailings, at most {MAX_MAILINGS}; may be added later."
    )
    sender_id: strawberry.ID | None = strawberry.field(
        default=None, description="A Sender's id; DEFAULT_FROM when omitted."
    )
    merge_data: Json | None = strawberry.field(
        default=None,
        description="An object of values for the templates' fields, for all recipients: texts, as they are to be "
        "mailed, and plain numbers.",
    )
    recipients: list[CampaignRecipientInput] | None = strawberry.field(
        default=None, description="Customers one by one, at most 10,000, each once; beside or instead of lists."
    )
    list_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"CustomerList ids whose members it is for, at most {MAX_LISTS}."
    )
    excluded_list_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"CustomerList ids whose members are left out, at most {MAX_LISTS}."
    )
    tracked: bool = strawberry.field(default=True, description="Whether opens and clicks are tracked.")
    repeat: EventRepeat | None = strawberry.field(
        default=None,
        description="How often one customer may be mailed by events, ONCE_A_DAY when omitted; only of event-based "
        "campaigns.",
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.input(description="Start a campaign.")
class LaunchCampaignInput:
    """A draft."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key again changes nothing."
    )


@strawberry.input(description="One campaign.")
class CampaignInput:
    """By its global id."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")


@strawberry.type(description="What came of a decision about a campaign.")
class CampaignPayload:
    """Either the campaign or the errors."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.type(description="What came of creating a campaign.")
class CreateCampaignPayload(CampaignPayload):
    """Either the draft or the errors."""

    warnings: list[MailWarning] = strawberry.field(
        default_factory=list, description="What would stop a launch, or look wrong; empty when refused."
    )


@strawberry.type(description="What came of launching a campaign.")
class LaunchCampaignPayload(CampaignPayload):
    """Either the campaign or the errors."""


Payload = TypeVar("Payload", bound=CampaignPayload)


async def create_sender(info: Info, input: Input[CreateSenderInput]) -> CreateSenderPayload:
    """A sender with its first version."""
    context = info.context
    async with context.pools.writing_connection() as connection, connection.transaction():
        version = await sender_profiles.create(connection, **vars(input), rules=_address_rules(context))
    row = await existing_row(context.reading_back().loaders.senders, version.sender_id)
    return CreateSenderPayload(sender=Sender.of(row))


async def update_sender(info: Info, input: Input[UpdateSenderInput]) -> UpdateSenderPayload:
    """A new version; mail on its way keeps its own."""
    context = info.context
    sender_id = read_row_id(input.sender_id, "Sender", ("senderId",))
    changes = {name: said for name, said in vars(input).items() if name != "sender_id" and said is not strawberry.UNSET}
    async with context.pools.writing_connection() as connection:
        await sender_profiles.update(connection, sender_id, changes, rules=_address_rules(context))
    row = await existing_row(context.reading_back().loaders.senders, sender_id)
    return UpdateSenderPayload(sender=Sender.of(row))


def _address_rules(context: Context) -> AddressRules:
    settings = context.deployment.settings
    return AddressRules(
        allow_reserved=settings.allow_reserved_domains,
        bounce_domain=settings.bounce_domain,
        reply_domain=settings.reply_domain,
    )


def source_of(given: CreateTemplateInput) -> TemplateSource:
    """What the gateway compiles."""
    return TemplateSource(
        name=given.name,
        subject=given.subject,
        mjml=given.mjml,
        html=given.html,
        text=given.text,
        sample_data=given.sample_data,
        locale=given.locale,
    )


async def create_template(info: Info, input: Input[CreateTemplateInput]) -> CreateTemplatePayload:
    """A new version of the template of this name."""
    context = info.context
    compiled = await context.compiler.compile(source_of(input))
    async with context.pools.writing_connection() as connection, connection.transaction():
        published = await versions.publish(connection, compiled, actor=context.actor)
    row = await existing_row(context.reading_back().loaders.templates, published.template_id)
    return CreateTemplatePayload(template=Template.of(row), warnings=MailWarning.of_all(published.warnings))


async def create_campaign(info: Info, input: Input[CreateCampaignInput]) -> CreateCampaignPayload:
    """A draft."""
    context = info.context
    found = RefusalCollector()
    order = _order(context, input, found)
    async with context.pools.writing_connection() as connection:
        campaign_id = await drafts.create(connection, order, context.deployment, misread=found.refusals)
        warnings = await versions.warnings_of_campaign(connection, campaign_id)
    payload = await written(context, campaign_id, CreateCampaignPayload)
    payload.warnings = MailWarning.of_all(warnings)
    return payload


def _order(context: Context, given: CreateCampaignInput, found: RefusalCollector) -> drafts.CampaignOrder:
    merge_data: dict[str, Any] = {}
    recipients: tuple[CampaignRecipient, ...] | None = None
    with found.check():
        merge_data = read_object(given.merge_data, ("mergeData",))
    with found.check():
        recipients = None if given.recipients is None else read_recipients(given.recipients, "recipients")
    return drafts.CampaignOrder(
        title=given.title,
        kind=given.kind,
        priority=given.priority,
        template_id=None if given.template_id is None else row_or_nothing(given.template_id, "Template"),
        mailings=None if given.mailings is None else tuple(read_mailing(one) for one in given.mailings),
        sender_id=None if given.sender_id is None else row_or_nothing(given.sender_id, "Sender"),
        merge_data=merge_data,
        recipients=recipients,
        list_ids=read_lists(given.list_ids),
        excluded_list_ids=read_lists(given.excluded_list_ids),
        tracked=given.tracked,
        repeat=given.repeat,
        idempotency_key=given.idempotency_key,
        actor=context.actor,
        bound_relay=context.bound_relay,
    )


async def launch_campaign(info: Info, input: Input[LaunchCampaignInput]) -> LaunchCampaignPayload:
    """A draft starts."""
    context = info.context
    launch = partial(lifecycle.launch, key=input.idempotency_key, deployment=context.deployment, actor=context.actor)
    return await _decide(context, input.campaign_id, launch, LaunchCampaignPayload)


async def pause_campaign(info: Info, input: Input[CampaignInput]) -> CampaignPayload:
    """Nothing more of it is handed off."""
    return await _decide(
        info.context, input.campaign_id, partial(lifecycle.pause, actor=info.context.actor), CampaignPayload
    )


async def resume_campaign(info: Info, input: Input[CampaignInput]) -> CampaignPayload:
    """It goes on where it stopped."""
    return await _decide(
        info.context, input.campaign_id, partial(lifecycle.resume, actor=info.context.actor), CampaignPayload
    )


async def cancel_campaign(info: Info, input: Input[CampaignInput]) -> CampaignPayload:
    """It ends for good."""
    return await _decide(
        info.context, input.campaign_id, partial(lifecycle.cancel, actor=info.context.actor), CampaignPayload
    )


async def _decide(
    context: Context, text: str, action: Callable[[Connection, UUID], Awaitable[object]], payload: type[Payload]
) -> Payload:
    campaign_id = read_row_id(text, "Campaign", ("campaignId",))
    async with context.pools.writing_connection() as connection:
        await action(connection, campaign_id)
    await context.wakeup.notify()
    return await written(context, campaign_id, payload)


async def written(context: Context, campaign_id: UUID, payload: type[Payload]) -> Payload:
    """The payload with the campaign as it is now."""
    row = await existing_row(context.reading_back().loaders.campaigns, campaign_id)
    return payload(campaign=Campaign.of(row))
