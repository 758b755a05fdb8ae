"""How many rows there are beyond those that are counted one by one: what the planner believes."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.campaigns.counts import Count, CountPrecision
from service.database import Statement
from service.finding.wanted import Fetcher


async def up_to_an_estimate(fetch: Fetcher, found: int, most: int, estimated: Statement, **values: Any) -> Count:
    """Of rows counted to one more than `most`: EXACT up to that, else an ESTIMATE by `estimated`, which explains."""
    if found <= most:
        return Count(value=found, precision=CountPrecision.EXACT)
    believed = await believed_rows(fetch, estimated, **values)
    return Count(value=max(most, believed), precision=CountPrecision.ESTIMATE)


async def believed_rows(fetch: Fetcher, estimated: Statement, **values: Any) -> int:
    """The rows that the planner believes in, by a statement that explains."""
    [row] = await fetch(estimated, **values)
    told = orjson.loads(row[0]) if isinstance(row[0], str | bytes) else row[0]
    return int(told[0]["Plan"]["Plan Rows"])
