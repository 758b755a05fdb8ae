"""A campaign's history: what was done to it, by whom and when, and what came of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection


async def record(
    connection: Connection, campaign_id: UUID, action: str, actor: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write down a change of a campaign, in the transaction that makes it.

    `action` is the mutation's name, as `launchCampaign`, or what came of itself, as `finished`. `detail` says what it
    was and what it became: of a change of fields `{"title": {"was": ..., "is": ...}}`; JSON, without addresses and
    merge data, which erasure would not find here.
    """
    await QUERIES.insert_campaign_event(
        connection, campaign_id=campaign_id, action=action, actor=actor, detail=dict(detail or {})
    )
