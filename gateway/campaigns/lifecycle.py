"""A campaign's life: launch, pause, resume, cancel, finish."""

from __future__ import annotations

from uuid import UUID

from gateway.campaigns import history
from gateway.campaigns.possible_actions import CampaignAction, lock_for
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import CampaignStatus
from gateway.outbox.idempotency import check_key, digest_of, first_result, remember_campaign
from gateway.outbox.outcomes import GATEWAY
from gateway.templates import versions

CANCELLED_ADVICE = "Its campaign was cancelled before it was sent."


async def launch(connection: Connection, campaign_id: UUID, key: str, deployment: Deployment, *, actor: str) -> None:
    """Start a draft; workers make its messages. Notify them after the commit. A known key changes nothing.

    Raises Refusal or Refusals: NOT_FOUND, ILLEGAL_STATE, IDEMPOTENCY_CONFLICT, and of drafts from when they were taken
    without: UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING.
    """
    check_key(key)
    digest = digest_of({"launch": str(campaign_id)})
    async with connection.transaction():
        first = await first_result(connection, key, digest)
        if first is not None:
            return
        row = await lock_for(connection, campaign_id, CampaignAction.LAUNCH)
        async for mailing in QUERIES.mailings_of_campaign(connection, campaign_id=campaign_id):
            version = await versions.load(connection, mailing["template_version_id"])
            refuse_without_footer(version, row["postal_address"], template=("campaignId",), sender=("campaignId",))
            await QUERIES.launch_mailing(connection, mailing_id=mailing["id"], due_at=mailing["send_at"])
        await QUERIES.launch_campaign(connection, campaign_id=campaign_id, status=CampaignStatus.RUNNING)
        await history.record(connection, campaign_id, "launchCampaign", actor)
        await remember_campaign(connection, key, digest, campaign_id)


def refuse_without_footer(
    version: versions.CompiledTemplate,
    postal_address: str | None,
    *,
    template: tuple[str, ...],
    sender: tuple[str, ...],
) -> None:
    """Campaign mail must show an unsubscribe link and the sender's postal address, in whichever part is read.

    `template` and `sender` are the paths of what lacks one. Publishing completes what it can; versions published before
    it did may lack more. Raises Refusal or Refusals: UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING.
    """
    found = RefusalCollector()
    with found.check():
        versions.refuse_without_footer(version, template)
    with found.check():
        refuse_sender_without_address(postal_address, sender)
    found.raise_any()


def refuse_sender_without_address(postal_address: str | None, path: tuple[str, ...]) -> None:
    """The same of the sender alone. Raises Refusal(POSTAL_ADDRESS_MISSING)."""
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
        await QUERIES.cancel_campaign(connection, campaign_id=campaign_id, why=f"Cancelled by {actor}.")
        await history.record(connection, campaign_id, "cancelCampaign", actor)
        return await _cancel_waiting(connection, campaign_id, actor)


async def _cancel_waiting(connection: Connection, campaign_id: UUID, actor: str) -> int:
    """Cancel what of a cancelled campaign is in the queue; returns how many messages."""
    return int(
        await QUERIES.cancel_campaign_rows(connection, campaign_id=campaign_id, actor=actor, advice=CANCELLED_ADVICE)
    )


async def finish(connection: Connection) -> list[UUID]:
    """Finish mailings of which no recipient is undecided, and campaigns with their last mailing; cancel what cancelled
    ones still have in the queue; delete empty lanes. Returns the finished campaigns."""
    async for row in QUERIES.cancelled_with_rows(connection):
        await _cancel_waiting(connection, row["id"], GATEWAY)
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
