"""Samples of what mailings came to, minute by minute: what their timelines and their pace are read from.

Nothing of it is done where mail is sent: a job reads the counts of mailings that changed, some seconds later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.database import QUERIES, Connection

MAX_NOTED = 1000
"""Notes of changes taken at once: some tens of milliseconds of reading counts."""
MINUTES_KEPT = timedelta(days=7)
"""How long a timeline is told by the minute: while its campaign is watched, and through the week after."""
HOURS_KEPT = timedelta(days=90)
"""How long it is told by the hour; by the day from then on, for good: a row a day on which something happened."""
MAX_THINNED = 10_000
"""Samples deleted in one statement."""

_THINNED_WITHIN = timedelta(days=7)
"""How far behind these ages thinning looks: what a week without a worker left stays, and harms nothing."""
_SAMPLING_LOCK = 0x73616D70


async def sample(connection: Connection) -> None:
    """Write down what changed since the last time; one transaction. While another does so, do nothing."""
    async with connection.transaction():
        if not await QUERIES.try_sampling_lock(connection, lock=_SAMPLING_LOCK):
            return
        changed = [row["mailing_id"] async for row in QUERIES.changed_mailings(connection, limit=MAX_NOTED)]
        if changed:
            await QUERIES.sample_mailings(connection, mailing_ids=changed)


async def thin(connection: Connection, *, now: datetime | None = None) -> int:
    """Thin out old samples to hours, older ones to days; returns how many were deleted."""
    now = now or await QUERIES.database_time(connection)
    deleted = 0
    for unit, age in (("hour", MINUTES_KEPT), ("day", HOURS_KEPT)):
        until = now - age
        deleted += await QUERIES.thin_samples(
            connection, unit=unit, since=until - _THINNED_WITHIN, until=until, limit=MAX_THINNED
        )
    return deleted
