"""Holds queued mail when a choice or a suppression forbids it; mail queued later is held at the hand-off."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

from gateway.database import Connection
from gateway.outbox.outcomes import UNDELIVERED, HandOff, decide

MAX_HELD = 1000
"""Queued mail held at once: far more than one address ever has; the hand-off holds the rest."""


async def hold_queued(connection: Connection, rows: AsyncIterable[Any], why: HandOff, actor: str) -> None:
    """Hold the mail of these outbox rows (customer, message, recipient), where it is not handed off."""
    keys = [(row["customer_id"], row["message_id"], row["recipient_no"]) async for row in rows]
    if keys:
        await decide(connection, keys, [UNDELIVERED[why]] * len(keys), owners=[None] * len(keys), actor=actor, shard=0)
