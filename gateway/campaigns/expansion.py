"""The audience becomes messages, batch by batch, as many as the queue takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.compose import headers, sender_profiles
from gateway.compose.campaign import render_subject
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.address import RESERVED_NAMES
from gateway.mail.keys import Purpose
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.notify.changes import ChangeKind, notify_customers
from gateway.outbox.outcomes import SUPPRESSED_ADVICE, WRONG_RELAY_ADVICE
from gateway.templates import versions

MAKE_BATCH = 5000
"""Recipients a batch: 26,000 messages a second were made so; batches of 500 reach 0.6 of that."""
LOOK_AHEAD = 25_000
"""Rows a campaign may have waiting: seconds of sending, so that queue time and send time stay close together, and a
cancel takes back little."""
NO_ADDRESS_ADVICE = "The customer has no address any more. Add one to the customer and retry."
RESERVED_ADVICE = "Nobody can have this address: its name is reserved. Correct the customer's and send it anew."


# Audience to messages --------------------------------------------------------------------------------------------


async def make_messages(
    connection: Connection, deployment: Deployment, *, batch: int = MAKE_BATCH, look_ahead: int = LOOK_AHEAD
) -> int | None:
    """Make the next batch of some running campaign that may have more mail waiting; one transaction, resumable.

    Answers how many audience rows it dealt with; None when there was nothing to make. Opted-out recipients are
    counted and get no message; suppressed ones get one that is HELD and says why.
    """
    async with connection.transaction():
        campaign = await QUERIES.campaign_to_make(connection, look_ahead=look_ahead)
        if campaign is None:
            return None
        rows = [
            row
            async for row in QUERIES.audience_batch(
                connection,
                campaign_id=campaign["id"],
                kind=campaign["kind"],
                after=campaign["expanded_to"],
                batch=batch,
            )
        ]
        made = [row for row in rows if not row["opted_out"]]
        if made:
            await _make(connection, campaign, made, deployment)
        await QUERIES.advance_campaign(
            connection,
            campaign_id=campaign["id"],
            expanded_to=min(campaign["expanded_to"] + batch, campaign["audience_size"]),
            opted_out=len(rows) - len(made),
        )
    return len(rows)


async def _make(connection: Connection, campaign: Any, rows: Sequence[Any], deployment: Deployment) -> None:
    version = await versions.load(connection, campaign["template_version_id"])
    profile = await sender_profiles.load(connection, campaign["sender_version_id"])
    shared = campaign["merge_data"]
    held = [_held(row, campaign["bound_relay"], deployment) for row in rows]
    await QUERIES.make_campaign_messages(
        connection,
        campaign_id=campaign["id"],
        kind=campaign["kind"],
        template_version_id=campaign["template_version_id"],
        sender_version_id=campaign["sender_version_id"],
        lane_id=campaign["lane_id"],
        sender=profile.mailbox,
        composer_version=headers.COMPOSER_VERSION,
        token_key_id=deployment.keyring.sign_key(Purpose.OPEN)[0],
        tracked=campaign["tracked"],
        bound_relay=campaign["bound_relay"],
        deadline=deployment.settings.campaign_deadline,
        retry_once=SourceType.CAMPAIGN in deployment.settings.retry_once,
        positions=[row["position"] for row in rows],
        customer_ids=[row["customer_id"] for row in rows],
        addresses=[row["address"] or "" for row in rows],
        address_keys=[row["address_key"] or deployment.key_of(row["address"] or "") for row in rows],
        domains=[(row["address"] or "").rpartition("@")[2].lower() for row in rows],
        subjects=[render_subject(version, {**shared, **row["merge_data"]}, customer_name=row["name"]) for row in rows],
        held_causes=[why[0] if why else None for why in held],
        held_advices=[why[1] if why else None for why in held],
    )
    await notify_customers(connection, ChangeKind.MESSAGE, [row["customer_id"] for row in rows])


def _held(row: Any, bound_relay: str | None, deployment: Deployment) -> tuple[Cause, str] | None:
    """Why a recipient's message is made but not sent, if it is not."""
    if row["address"] is None:
        return Cause.BAD_ADDRESS, NO_ADDRESS_ADVICE
    if bound_relay is not None and bound_relay not in deployment.relay_names:
        return Cause.WRONG_RELAY, WRONG_RELAY_ADVICE
    if not deployment.settings.allow_reserved_domains and row["address"].rpartition(".")[2].lower() in RESERVED_NAMES:
        return Cause.BAD_ADDRESS, RESERVED_ADVICE  # the draft is from when they were allowed
    return (Cause.SUPPRESSED, SUPPRESSED_ADVICE) if row["suppressed"] else None
