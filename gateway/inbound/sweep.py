"""Mail that is nobody's is kept for a while, and no more of it than somebody may still look through."""

from __future__ import annotations

from datetime import timedelta

from gateway.database import QUERIES, Connection
from gateway.inbound.joining import delete_content

KEPT_FOR = timedelta(days=30)
"""Longer than anybody looks for a lost answer, and than a rule that reads it takes to be written."""
MAX_UNMATCHED = 100_000
"""Mails: more than anybody looks through."""
MAX_OCTETS = 10 * 1024**3
"""Of unmatched mail: 100,000 of 100 KiB each. A flood of foreign mail must not fill the disk."""
BATCH = 500
"""Mails deleted in one transaction: some tenths of a second."""
MAX_BATCHES = 20
"""Of one sweep: 10,000 mails every half minute are more than can come in."""


async def sweep(
    connection: Connection,
    *,
    kept_for: timedelta = KEPT_FOR,
    most: int = MAX_UNMATCHED,
    most_octets: int = MAX_OCTETS,
    batch: int = BATCH,
) -> int:
    """Delete the oldest mail that is nobody's, dismissed or not, with its bytes where nothing else refers to them;
    returns how many. Mail of customers stays, with its bytes."""
    deleted = 0
    for _ in range(MAX_BATCHES):
        async with connection.transaction():
            rows = QUERIES.delete_old_unmatched_mail(
                connection, older_than=kept_for, most=most, most_octets=most_octets, limit=batch
            )
            hashes = [row["content_sha256"] async for row in rows]
            if hashes:
                await delete_content(connection, sorted({one for one in hashes if one is not None}))
        deleted += len(hashes)
        if len(hashes) < batch:
            break
    return deleted
