"""Queued mail that a choice or a suppression holds at once; the hand-off holds the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gateway.database import Connection
from gateway.outbox.outcomes import UNDELIVERED, HandOff, decide

MAX_HELD = 1000
"""Queued mail held at once by one choice: far more than one address ever has; the hand-off holds the rest."""


async def hold_queued(connection: Connection, keys: list[tuple[int, UUID, int]], why: HandOff, actor: str) -> None:
    if keys:
        await decide(connection, keys, [UNDELIVERED[why]] * len(keys), owners=[None] * len(keys), actor=actor, shard=0)


def row_key(row: Any) -> tuple[int, UUID, int]:
    return row["customer_id"], row["message_id"], row["recipient_no"]
