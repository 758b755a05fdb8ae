"""Received mail that is nobody's as a list: a page of it, how much there is, all of it for a file.

It knows no GraphQL type: the query, the worklist and files have this list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from asyncpg import Record

from gateway.campaigns.counts import Count
from gateway.mail.inbound import UnmatchedReason
from service.database import statement
from service.finding.estimate import up_to_an_estimate
from service.finding.wanted import Fetcher
from service.graph.connection import BEFORE_EVERYTHING

PAGE = statement("unmatched_page")
COUNT = statement("count_unmatched")
ESTIMATED = statement("estimated_unmatched")

MAX_COUNTED = 10_000
"""Mail counted one by one: what came in years and nobody wanted is more than anybody looks through."""
EXPORTED_AT_ONCE = 500
"""Mails of a file that are in memory at a time."""


async def read_page(fetch: Fetcher, reason: UnmatchedReason | None, before: UUID, rows: int) -> list[Record]:
    """The next mails before an id, `rows` at most, newest first."""
    return await fetch(PAGE, before=before, rows=rows, reason=reason)


async def count(fetch: Fetcher, reason: UnmatchedReason | None) -> Count:
    """How much there is, one by one up to MAX_COUNTED, beyond that an ESTIMATE."""
    [row] = await fetch(COUNT, reason=reason, most=MAX_COUNTED)
    return await up_to_an_estimate(fetch, row["mails"], MAX_COUNTED, ESTIMATED, reason=reason)


async def export_rows(fetch: Fetcher, reason: UnmatchedReason | None) -> AsyncIterator[Sequence[Record]]:
    """All of it, a batch at a time."""
    before = BEFORE_EVERYTHING
    while rows := await read_page(fetch, reason, before, EXPORTED_AT_ONCE):
        yield rows
        before = rows[-1]["id"]
