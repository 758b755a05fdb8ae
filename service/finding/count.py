"""How many messages a query finds: one by one up to a number, beyond that what the planner believes."""

from __future__ import annotations

from gateway.campaigns.counts import Count, CountPrecision
from service.database import statement
from service.finding.estimate import up_to_an_estimate
from service.finding.query import MessageQuery
from service.finding.walk import walk
from service.finding.wanted import Fetcher, Wanted, resolve, stored_statuses

MAX_COUNTED = 10_000
"""Messages counted one by one: what is more tells nobody anything."""
MAX_WALKS = 5
"""Each reads some 30,000 rows where a filter hardly finds any: a tenth of a second."""

ESTIMATED = statement("estimated_search_rows")


async def count(fetch: Fetcher, query: MessageQuery) -> Count:
    """EXACT up to 10,000, then an ESTIMATE; AT_LEAST where what is rare was not read to its end. Raises BadInput."""
    wanted = await resolve(fetch, query)
    found, after = 0, None
    for _ in range(MAX_WALKS):
        walked = await walk(fetch, wanted, after=after, rows=MAX_COUNTED + 1 - found)
        found += len(walked.refs)
        if found > MAX_COUNTED:
            return await _beyond(fetch, wanted)
        if walked.stopped is None:
            return Count(value=found, precision=CountPrecision.EXACT)
        after = walked.stopped
    return Count(value=found, precision=CountPrecision.AT_LEAST)


async def _beyond(fetch: Fetcher, wanted: Wanted) -> Count:
    """Of more than MAX_COUNTED; of customers' own mail no statistics tell."""
    query = wanted.query
    if query.ids is not None or query.customer_ids is not None:
        return Count(value=MAX_COUNTED, precision=CountPrecision.AT_LEAST)
    statuses = stored_statuses(query)
    stored = None if statuses is None else sorted(statuses)
    return await up_to_an_estimate(
        fetch, MAX_COUNTED + 1, MAX_COUNTED, ESTIMATED, **wanted.values, low=wanted.low, high=wanted.high, stored=stored
    )
