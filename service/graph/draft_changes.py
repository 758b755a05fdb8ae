"""Mutations that change campaigns and their mailings: thin over the gateway's functions."""

from __future__ import annotations

from typing import Any, cast

import strawberry

from gateway.campaigns import drafts, mailings
from gateway.campaigns.drafts import CampaignChanges
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import EventRepeat
from gateway.templates import versions
from service.graph.campaign import Campaign, Mailing
from service.graph.campaigning import CampaignPayload, CreateCampaignPayload, written
from service.graph.context import Context, Info
from service.graph.intent import Input
from service.graph.loaders import existing_row
from service.graph.mailing_input import (
    CampaignRecipientInput,
    MailingInput,
    number_or_nothing,
    read_lists,
    read_mailing,
    read_object,
    read_recipients,
    row_or_nothing,
)
from service.graph.node import row_global_id
from service.graph.scalars import Json
from service.graph.sending import read_row_id
from service.graph.template import MailWarning
from service.graph.user_error import UserError


@strawberry.input(description="What changes of a campaign. Omitted fields stay as they are.")
class UpdateCampaignInput:
    """UNSET stands for an omitted field."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description="Its title.")
    priority: int | None = strawberry.field(default=strawberry.UNSET, description="1 to 7; 1 goes first.")
    sender_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="A Sender's id; null for DEFAULT_FROM."
    )
    merge_data: Json | None = strawberry.field(
        default=strawberry.UNSET, description="Replaces the values for all recipients."
    )
    recipients: list[CampaignRecipientInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Replaces the customers named one by one."
    )
    list_ids: list[strawberry.ID] | None = strawberry.field(default=strawberry.UNSET, description="Replaces the lists.")
    excluded_list_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Replaces the exclusions."
    )
    tracked: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether opens and clicks are tracked."
    )
    repeat: EventRepeat | None = strawberry.field(
        default=strawberry.UNSET, description="Only of event-based campaigns."
    )


@strawberry.type(description="What came of changing a campaign.")
class UpdateCampaignPayload(CampaignPayload):
    """Either the campaign or the errors."""


@strawberry.input(description="A campaign to copy.")
class CopyCampaignInput:
    """Makes a draft."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    title: str = strawberry.field(description="The draft's title.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.input(description="A draft to delete.")
class DeleteCampaignInput:
    """By its global id."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")


@strawberry.type(description="What came of deleting a draft.")
class DeleteCampaignPayload:
    """Either the id or the errors."""

    deleted_campaign_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.input(description="A campaign to put away or back.")
class ArchiveCampaignInput:
    """A repeat is harmless."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    archived: bool = strawberry.field(default=True, description="False brings it back.")


@strawberry.type(description="What came of archiving.")
class ArchiveCampaignPayload(CampaignPayload):
    """Either the campaign or the errors."""


@strawberry.input(description="A mailing to add.")
class AddMailingInput:
    """To a draft, or to a campaign under way."""

    campaign_id: strawberry.ID = strawberry.field(description="A Campaign's id.")
    mailing: MailingInput = strawberry.field(description="The mailing; it becomes the last.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


@strawberry.input(description="A mailing as it shall be.")
class UpdateMailingInput:
    """Not a change of single fields."""

    mailing_id: strawberry.ID = strawberry.field(description="A Mailing's id.")
    mailing: MailingInput = strawberry.field(description="Replaces it whole; its number and id stay.")


@strawberry.type(description="What came of a decision about a mailing.")
class MailingPayload:
    """Either the mailing or the errors."""

    mailing: Mailing | None = strawberry.field(default=None, description="The mailing as it is now; null when refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


@strawberry.input(description="A mailing to take off.")
class RemoveMailingInput:
    """By its global id."""

    mailing_id: strawberry.ID = strawberry.field(description="A Mailing's id.")


@strawberry.type(description="What came of taking a mailing off.")
class RemoveMailingPayload:
    """Either the campaign or the errors."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="Its campaign as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def update_campaign(info: Info, input: Input[UpdateCampaignInput]) -> UpdateCampaignPayload:
    """A draft, or title and priority of another one."""
    context = info.context
    campaign_id = read_row_id(input.campaign_id, "Campaign", ("campaignId",))
    found = RefusalCollector()
    changes = _changes(input, found)
    async with context.pools.writing_connection() as connection:
        await drafts.update(
            connection, campaign_id, changes, context.deployment, actor=context.actor, misread=found.refusals
        )
    return await written(context, campaign_id, UpdateCampaignPayload)


def _changes(given: UpdateCampaignInput, found: RefusalCollector) -> CampaignChanges:
    """What is to change; what cannot be read is `found`, and left out."""
    said: dict[str, Any] = {name: value for name, value in vars(given).items() if value is not strawberry.UNSET}
    del said["campaign_id"]
    for name in ("title", "priority", "tracked", "repeat"):
        with found.check():
            if name in said and said[name] is None:
                del said[name]
                raise Refusal(RefusalCode.REQUIRED, "It cannot be empty: leave it out, and it stays.", (name,))
    with found.check():
        if "merge_data" in said:
            said["merge_data"] = read_object(said.pop("merge_data"), ("mergeData",))
    with found.check():
        if "recipients" in said:
            said["recipients"] = read_recipients(said.pop("recipients") or (), "recipients")
    for name in {"list_ids", "excluded_list_ids"} & said.keys():
        said[name] = read_lists(said[name])
    if said.get("sender_id") is not None:
        said["sender_id"] = row_or_nothing(said["sender_id"], "Sender")
    return cast(CampaignChanges, said)  # the input's fields have its names


async def copy_campaign(info: Info, input: Input[CopyCampaignInput]) -> CreateCampaignPayload:
    """A draft."""
    context = info.context
    async with context.pools.writing_connection() as connection:
        made = await drafts.copy(
            connection,
            row_or_nothing(input.campaign_id, "Campaign"),
            title=input.title,
            key=input.idempotency_key,
            actor=context.actor,
            deployment=context.deployment,
            bound_relay=context.bound_relay,
        )
        warnings = await versions.warnings_of_campaign(connection, made)
    payload = await written(context, made, CreateCampaignPayload)
    payload.warnings = MailWarning.of_all(warnings)
    return payload


async def delete_campaign(info: Info, input: Input[DeleteCampaignInput]) -> DeleteCampaignPayload:
    """With all that it has."""
    campaign_id = read_row_id(input.campaign_id, "Campaign", ("campaignId",))
    async with info.context.pools.writing_connection() as connection:
        await drafts.delete(connection, campaign_id)
    return DeleteCampaignPayload(deleted_campaign_id=row_global_id("Campaign", campaign_id))


async def archive_campaign(info: Info, input: Input[ArchiveCampaignInput]) -> ArchiveCampaignPayload:
    """It is kept."""
    context = info.context
    campaign_id = read_row_id(input.campaign_id, "Campaign", ("campaignId",))
    async with context.pools.writing_connection() as connection:
        await drafts.archive(connection, campaign_id, archived=input.archived, actor=context.actor)
    return await written(context, campaign_id, ArchiveCampaignPayload)


async def add_mailing(info: Info, input: Input[AddMailingInput]) -> MailingPayload:
    """It becomes the last."""
    context = info.context
    async with context.pools.writing_connection() as connection:
        made = await mailings.add(
            connection,
            row_or_nothing(input.campaign_id, "Campaign"),
            read_mailing(input.mailing),
            input.idempotency_key,
            context.actor,
        )
    return await _written_mailing(context, made)


async def update_mailing(info: Info, input: Input[UpdateMailingInput]) -> MailingPayload:
    """Whole."""
    context = info.context
    mailing_id = number_or_nothing(input.mailing_id, "Mailing", 0)
    async with context.pools.writing_connection() as connection:
        await mailings.update(connection, mailing_id, read_mailing(input.mailing), context.actor)
    return await _written_mailing(context, mailing_id)


async def remove_mailing(info: Info, input: Input[RemoveMailingInput]) -> RemoveMailingPayload:
    """Deleted, or called off."""
    context = info.context
    async with context.pools.writing_connection() as connection:
        campaign_id = await mailings.remove(
            connection, number_or_nothing(input.mailing_id, "Mailing", 0), context.actor
        )
    row = await existing_row(context.reading_back().loaders.campaigns, campaign_id)
    return RemoveMailingPayload(campaign=Campaign.of(row))


async def _written_mailing(context: Context, mailing_id: int) -> MailingPayload:
    await context.wakeup.notify()
    row = await existing_row(context.reading_back().loaders.mailings, mailing_id)
    return MailingPayload(mailing=Mailing.of(row))
