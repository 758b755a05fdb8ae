"""Mail parked until a limit or pause is over, released at once when a person lifts it."""

from __future__ import annotations

from datetime import datetime

from gateway.database import QUERIES, Connection

RELEASE_ROWS = 20_000
"""Parked rows freed in one statement: some tenths of a second of updates."""


async def release_parked(
    connection: Connection,
    *,
    domain: str | None = None,
    relay: str | None = None,
    rate_counted: bool = False,
    paused_until: datetime | None = None,
) -> None:
    """Make parked mail due now, batch after batch: a statement reads the whole outbox, which is rare, and stays short.
    `rate_counted`: also mail that has a permit under a limit, which is counted anew. `paused_until`: also mail tried
    before that waits for the end of this pause."""
    while (
        await QUERIES.release_parked(
            connection,
            domain=domain,
            relay=relay,
            rate_counted=rate_counted,
            paused_until=paused_until,
            limit=RELEASE_ROWS,
        )
        == RELEASE_ROWS
    ):
        pass
