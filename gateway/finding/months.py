"""Figures by domain and month, of which a year is answered: days are added to their months when most of what becomes of
their mail is in them. What becomes of it later goes into both (`add_changes_to_domain_months`, a trigger)."""

from __future__ import annotations

from datetime import timedelta

from gateway.database import QUERIES, Connection
from gateway.finding.job import FINDING_LOCK

SETTLES = 1
"""Days after its end when a day is added: most opens and bounces have come by then, and need not be written twice."""
WIDTH = 20_000
"""Numbers of domains in one transaction: so many rows take some tenths of a second."""
PAUSE = timedelta(seconds=5)
"""Between two of these, of all workers: the search job waits meanwhile, and an upgrade may bring a year of days."""


async def add_day(connection: Connection, *, width: int = WIDTH, pause: timedelta = PAUSE) -> bool:
    """Add rows of the next day that is over to its month; returns whether it did. It waits for a worker that books
    figures: under lasting load the lock is hardly ever free."""
    if not await QUERIES.is_day_to_add(connection, settles=SETTLES, pause=pause):
        return False
    async with connection.transaction():
        await QUERIES.take_finding_lock(connection, lock=FINDING_LOCK)
        if not await QUERIES.is_day_to_add(connection, settles=SETTLES, pause=pause):
            return False  # another worker did meanwhile
        await QUERIES.add_day_to_month(connection, settles=SETTLES, width=width)
    return True
