"""A campaign's life: launch, pause, resume, cancel, finish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.campaigns import history, schedules
from gateway.campaigns.possible_actions import CampaignAction, lock_for
from gateway.campaigns.schedules import LaunchedMailing
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import CampaignKind, CampaignStatus
from gateway.outbox.idempotency import check_key, digest_of, first_result, remember_campaign
from gateway.outbox.outcomes import GATEWAY
from gateway.templates import versions

CANCELLED_ADVICE = "Its campaign was cancelled before it was sent."


async def launch(connection: Connection, campaign_id: UUID, key: str, deployment: Deployment, *, actor: str) -> None:
    """Start a draft: each of its mailings goes when it is due, and whom it goes to is found then, so that this answers
    at once. Notify workers after the commit. A known key changes nothing.

    Raises Refusal or Refusals: NOT_FOUND, ILLEGAL_STATE, IDEMPOTENCY_CONFLICT, AUDIENCE_EMPTY for marketing that is for
    nobody, SCHEDULE_INVALID for a mailing whose time is past, and of drafts from when they were taken without:
    UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING.
    """
    check_key(key)
    digest = digest_of({"launch": str(campaign_id)})
    async with connection.transaction():
        first = await first_result(connection, key, digest)
        if first is not None:
            return
        row = await lock_for(connection, campaign_id, CampaignAction.LAUNCH)
        due = await _check_launch(connection, campaign_id, row)
        for mailing_id, due_at in due.items():
            await QUERIES.launch_mailing(connection, mailing_id=mailing_id, due_at=due_at)
            if due_at is None:
                await QUERIES.end_freezing(connection, mailing_id=mailing_id, priority=row["priority"])
        waits = all(due_at is not None and due_at > row["now"] for due_at in due.values())
        status = CampaignStatus.SCHEDULED if waits else CampaignStatus.RUNNING
        await QUERIES.launch_campaign(connection, campaign_id=campaign_id, status=status)
        await history.record(connection, campaign_id, "launchCampaign", actor)
        await remember_campaign(connection, key, digest, campaign_id)


async def _check_launch(connection: Connection, campaign_id: UUID, row: Any) -> dict[int, datetime | None]:
    """Returns when the first mail of each mailing is due, None where events say so. Raises Refusal or Refusals."""
    path = ("campaignId",)
    rows = [mailing async for mailing in QUERIES.mailings_of_campaign(connection, campaign_id=campaign_id)]
    waits_for_events = row["kind"] == CampaignKind.EVENT_BASED and not row["has_audience"]
    due: dict[int, datetime | None] = dict.fromkeys(mailing["id"] for mailing in rows)
    found = RefusalCollector()
    with found.check():
        if not rows:
            raise Refusal(RefusalCode.REQUIRED, "A campaign has at least one mailing.", path)
    with found.check():
        if not row["has_audience"] and not waits_for_events:
            message = "The campaign is for nobody: give it lists, or customers one by one."
            raise Refusal(RefusalCode.AUDIENCE_EMPTY, message, path)
    with found.check():
        if not waits_for_events:
            due.update(schedules.first_dues([LaunchedMailing.from_row(one) for one in rows], row["now"], path))
    for version_id in dict.fromkeys(mailing["template_version_id"] for mailing in rows):
        version = await versions.load(connection, version_id)
        with found.check():
            versions.refuse_without_footer(version, path)
    with found.check():
        refuse_sender_without_address(row["postal_address"], path)
    found.raise_any()
    return due


def refuse_sender_without_address(postal_address: str | None, path: tuple[str, ...]) -> None:
    """Campaign mail must show the sender's postal address. Raises Refusal(POSTAL_ADDRESS_MISSING)."""
    if not postal_address:
        message = "The sender has no postal address, which campaign mail must show: make a sender with one."
        raise Refusal(RefusalCode.POSTAL_ADDRESS_MISSING, message, path)


async def pause(connection: Connection, campaign_id: UUID, actor: str) -> int:
    """Pause a campaign under way: when this returns, nothing more of it is handed off. Returns how many of its mails
    are on the wire, handed off just before: those are still decided. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await lock_for(connection, campaign_id, CampaignAction.PAUSE)
        await QUERIES.pause_campaign(connection, campaign_id=campaign_id, why=f"Paused by {actor}.")
        # A statement of its own: it sees every hand-off that the lanes' locks were waited for.
        on_the_wire = int(await QUERIES.on_the_wire(connection, campaign_id=campaign_id))
        await history.record(connection, campaign_id, "pauseCampaign", actor, {"onTheWire": on_the_wire})
    return on_the_wire


async def resume(connection: Connection, campaign_id: UUID, *, actor: str) -> None:
    """Resume a paused campaign. Notify workers after the commit. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await lock_for(connection, campaign_id, CampaignAction.RESUME)
        await QUERIES.resume_campaign(connection, campaign_id=campaign_id)
        await history.record(connection, campaign_id, "resumeCampaign", actor)


async def cancel(connection: Connection, campaign_id: UUID, actor: str) -> int:
    """End a campaign for good: its waiting mail is CANCELLED, the rest of its audience gets none. Returns how many
    messages were cancelled. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await lock_for(connection, campaign_id, CampaignAction.CANCEL)
        rows = QUERIES.cancel_campaign(connection, campaign_id=campaign_id, why=f"Cancelled by {actor}.")
        unmade = {row["mailing_id"]: row["unmade"] async for row in rows}
        await history.record(connection, campaign_id, "cancelCampaign", actor)
        return await _cancel_waiting(connection, campaign_id, actor, unmade)


async def _cancel_waiting(connection: Connection, campaign_id: UUID, actor: str, unmade: Mapping[int, int]) -> int:
    """Cancel what of a cancelled campaign is in the queue; returns how many messages. `unmade`: recipients of each
    mailing who have none."""
    return int(
        await QUERIES.cancel_campaign_rows(
            connection,
            campaign_id=campaign_id,
            actor=actor,
            advice=CANCELLED_ADVICE,
            mailing_ids=list(unmade),
            unmade=list(unmade.values()),
        )
    )


async def finish(connection: Connection) -> list[UUID]:
    """Finish mailings of which no recipient is undecided, and campaigns with their last mailing; cancel what cancelled
    ones still have in the queue; delete empty lanes. Returns the finished campaigns."""
    async for row in QUERIES.cancelled_with_rows(connection):
        await _cancel_waiting(connection, row["id"], GATEWAY, {})
    async with connection.transaction():
        # Locked first: the statements after it see what was queued until then, and nothing is queued meanwhile.
        settled = [row async for row in QUERIES.lock_settled_mailings(connection)]
        if not settled:
            return []
        mailings = [row["id"] for row in settled]
        over = [row["campaign_id"] async for row in QUERIES.finish_mailings(connection, mailing_ids=mailings)]
        await QUERIES.drop_empty_lanes(connection, mailing_ids=mailings)
        finished = [row["id"] async for row in QUERIES.finish_campaigns(connection, campaign_ids=over)]
        for campaign_id in finished:
            await history.record(connection, campaign_id, "finished", GATEWAY)
        return finished
