"""A campaign's history: what was done to it, by whom and when, and what came of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection


async def record(
    connection: Connection, campaign_id: UUID, action: str, actor: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write down a change of a campaign, in the transaction that makes it.

    `action` is the mutation's name, as `launchCampaign`, or what came of itself, as `finished`. `detail` says what it
    was and what it became, of a change of fields as `differences` says it; JSON without what is one customer's, which
    erasure would not find here.
    """
    await QUERIES.insert_campaign_event(
        connection, campaign_id=campaign_id, action=action, actor=actor, detail=dict(detail or {})
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what of a description changed, each with what it `was` and what it `is`; of objects only their entries
    that changed."""
    found: dict[str, Any] = {}
    for name in (*before, *(name for name in after if name not in before)):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            changed = [key for key in {**was, **now} if was.get(key) != now.get(key)]
            was, now = _only(was, changed), _only(now, changed)
        found[name] = {"was": was, "is": now}
    return found


def _only(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
