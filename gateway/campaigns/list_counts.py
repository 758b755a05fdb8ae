"""How many customers criteria find, and some of them, within bounds of time; the counts of dynamic lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from gateway.campaigns.counts import Count, CountPrecision
from gateway.campaigns.criteria import Criteria, read_criteria
from gateway.campaigns.criteria_sql import Filling, condition_of
from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode

MAX_COUNTED = 10_000
"""Customers counted one by one; beyond, a number as exact would tell nobody anything more."""
SAMPLE = 10
"""Customers shown of those that criteria find."""
COUNT_SECONDS = 5.0
"""For counting: a person waits for it."""
ESTIMATE_SECONDS = 3.0
"""For the estimate: 0.2 ms a customer. With criteria that cost more an audience would take hours to freeze."""
SAMPLED_BLOCKS = 500
"""Blocks of the table of customers that an estimate reads: 10,000 customers and more, so that of a part of 1 % it is
seldom a fifth off."""
RECOUNT_AFTER = timedelta(hours=1)
"""How old the count of a dynamic list becomes: one that is about to be used is previewed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """How many customers meet criteria, and the ids of at most `SAMPLE` of them."""

    count: Count
    sample: tuple[int, ...]


async def evaluate(
    connection: Connection,
    criteria: Criteria,
    search: Mapping[str, Any] | None = None,
    *,
    count_seconds: float = COUNT_SECONDS,
    estimate_seconds: float = ESTIMATE_SECONDS,
) -> Found:
    """Count those who meet criteria, exactly up to 10,000; beyond that, or where counting takes too long, estimate how
    many from a part of the customers. Not within a transaction: both steps have one of their own.

    `search`: only those whom it finds, by its patterns: `word`, `other_words`, `reference`, `address`, `in_a_labels`.
    Raises Refusal(TOO_COSTLY) where the estimate takes too long as well.
    """
    counted = await _run(connection, "found", criteria, search, count_seconds, most=MAX_COUNTED + 1)
    if counted is not None and counted["found"] <= MAX_COUNTED:
        return _found(counted["found"], CountPrecision.EXACT, counted)
    sampled = await _run(connection, "sampled", criteria, search, estimate_seconds, blocks=SAMPLED_BLOCKS)
    if counted is None and sampled is None:
        message = "Evaluating these criteria takes too long: use fewer rules over the mail history, or shorter spans."
        raise Refusal(RefusalCode.TOO_COSTLY, message, ("criteria",))
    if sampled is None:
        return _found(MAX_COUNTED, CountPrecision.AT_LEAST, counted)
    estimate = round(sampled["found"] / sampled["part"])
    if counted is None:
        return _found(estimate, CountPrecision.ESTIMATE, sampled)
    return _found(max(estimate, MAX_COUNTED), CountPrecision.ESTIMATE, counted)


def _found(value: int, precision: CountPrecision, row: Any) -> Found:
    return Found(count=Count(value=value, precision=precision), sample=tuple(row["sample"] or ()))


def condition_with(criteria: Criteria, search: Mapping[str, Any] | None, filling: Filling) -> str:
    """The condition under which a customer meets criteria and, if there is one, is found by a search."""
    condition = condition_of(criteria, filling)
    return condition if search is None else f"{condition} and {filling.fill('found_by_search', **search)}"


async def _run(
    connection: Connection,
    name: str,
    criteria: Criteria,
    search: Mapping[str, Any] | None,
    seconds: float,
    **values: int,
) -> Any:
    """Returns the row of a statement over criteria; None when it takes too long."""
    filling = Filling()
    parts = {"condition": condition_with(criteria, search, filling)}
    if name == "sampled":
        parts["part"] = filling.fill("part", blocks=values.pop("blocks"))
    statement = filling.fill(name, parts, sample=SAMPLE, **values)
    try:
        async with connection.transaction():
            await QUERIES.limit_evaluation(connection, milliseconds=round(seconds * 1000))
            return await connection.fetchrow(statement, *filling.parameters)
    except asyncpg.QueryCanceledError:
        return None


async def store(connection: Connection, list_id: int, written: Any, count: Count) -> None:
    """Write the count of a dynamic list whose criteria, as JSON, are still `written`."""
    await QUERIES.store_count(
        connection,
        list_id=list_id,
        criteria=written,
        member_count=count.value,
        precision=count.precision,
        again_after=RECOUNT_AFTER,
    )


async def recount(connection: Connection) -> bool:
    """Count the dynamic list whose count is due longest; returns whether one was. A list that takes too long keeps its
    count, and is tried again an hour later."""
    row = await QUERIES.list_to_count(connection, again_after=RECOUNT_AFTER)
    if row is None:
        return False
    try:
        found = await evaluate(connection, read_criteria(row["criteria"]))
    except Refusal:
        return True
    await store(connection, row["id"], row["criteria"], found.count)
    return True
