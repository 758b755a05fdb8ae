"""What is counted for a while, and then forgotten: in batches, each a transaction of its own, so that nothing waits for
a backlog, however long nobody looked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from gateway.database import QUERIES, Connection

BATCH = 1000
"""Rows of one transaction: some hundredths of a second."""
MINUTES = 100
"""Of the gateway's history in one transaction: each has a row for every relay, lane and cause that was met."""
MAX_BATCHES = 20
"""Of one kind each time: more than comes meanwhile, so a backlog goes and nothing else waits for it."""


async def forget_counts(connection: Connection, *, batch: int = BATCH) -> int:
    """Delete counts for rates and limits, and runs of refusals, whose time is over; returns how many. Not to be called
    within a transaction."""
    kinds = (
        QUERIES.forget_throughput,
        QUERIES.forget_domain_throughput,
        QUERIES.forget_old_refusals,
        QUERIES.forget_relay_tally,
    )
    return sum([await _in_batches(partial(kind, connection), batch) for kind in kinds])


async def forget_history(connection: Connection, *, since: datetime, batch: int = BATCH, minutes: int = MINUTES) -> int:
    """Delete the gateway's minutes that nobody can ask for any more, and counts of answers that are written in minutes
    up to `since`; returns how many. Not to be called within a transaction."""
    return sum(
        [
            await _in_batches(partial(QUERIES.forget_minutes, connection), minutes),
            await _in_batches(partial(QUERIES.forget_counted_answers, connection, since=since), batch),
            await _in_batches(partial(QUERIES.forget_answer_tally, connection, since=since), batch),
        ]
    )


async def _in_batches(delete: Callable[..., Awaitable[int]], batch: int) -> int:
    deleted = 0
    for _ in range(MAX_BATCHES):
        gone = await delete(batch=batch)
        deleted += gone
        if gone < batch:
            break
    return deleted
