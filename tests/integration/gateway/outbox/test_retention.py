"""What is counted for a while is forgotten in batches, each a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.database import QUERIES
from gateway.outbox import retention
from gateway.outbox.retention import forget_counts, forget_history

COUNTS = {
    "lane_throughput": "select l.id, gen_random_uuid(), now() - age, 1 from lane l, {ages} where l.name = 'individual'",
    "domain_throughput": "select 'x.example', gen_random_uuid(), now() - age, 1 from {ages}",
    "relay_tally": "select 'main', now() - age, 0, 1 from {ages}",
    "refusal_run": "select true, 'main', age::text, '{{}}', '{{}}', now() - age from {ages}",
}
HISTORY = {
    "gateway_minute": "select now() - age from {ages}",
    "counted_answers": "select 'main', 'individual', null, now() - age, 1, 1, 1 from {ages}",
    "answer_tally": "select 'main', 'individual', null, now() - age, 1, 1, 1 from {ages}",
}
OLD = 5


async def make_old(connection: Any, tables: dict[str, str]) -> None:
    """Five rows of each whose time is over, and one that is still asked for."""
    ages = "(select n * interval '5 days' + interval '1 s' as age from generate_series(0, 5) n) of_age"
    for table, rows in tables.items():
        await connection.execute(f"insert into {table} {rows.format(ages=ages)}")


async def left(connection: Any, tables: dict[str, str]) -> set[int]:
    """How many rows there are of each."""
    return {await connection.fetchval(f"select count(*) from {table}") for table in tables}  # noqa: S608 - the same


async def forget_all_counts(connection: Any) -> int:
    return await forget_counts(connection, batch=2)


async def forget_all_history(connection: Any) -> int:
    since: datetime = await connection.fetchval("select now()")
    return await forget_history(connection, since=since, batch=2, minutes=2)


@pytest.mark.parametrize(("tables", "forget"), [(COUNTS, forget_all_counts), (HISTORY, forget_all_history)])
async def test_a_backlog_goes_batch_by_batch_and_what_is_new_stays(
    still: Any, tables: dict[str, str], forget: Callable[[Any], Awaitable[int]]
) -> None:
    # Given a backlog of several batches of each kind
    await make_old(still, tables)
    # When it is forgotten, then all of it goes, and nothing else
    assert await forget(still) == OLD * len(tables)
    assert await left(still, tables) == {1}
    assert await forget(still) == 0


@pytest.mark.parametrize(("tables", "forget"), [(COUNTS, forget_all_counts), (HISTORY, forget_all_history)])
async def test_one_time_takes_so_many_batches_and_the_next_goes_on(
    still: Any, tables: dict[str, str], forget: Callable[[Any], Awaitable[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_BATCHES", 1)
    await make_old(still, tables)
    gone = [await forget(still) for _ in range(4)]
    assert gone == [2 * len(tables), 2 * len(tables), len(tables), 0]


async def test_what_another_transaction_holds_is_left_for_the_next_time(
    connection: Any, pool: asyncpg.Pool[Any]
) -> None:
    # Given old counts, some of which another worker is deleting
    tables = {name: COUNTS[name] for name in ("domain_throughput",)}
    await make_old(connection, tables)
    async with pool.acquire() as other, other.transaction():
        await other.fetch("select from domain_throughput order by minute limit 2 for update")
        # When we forget, then we do not wait for it
        async with asyncio.timeout(60):
            assert await forget_counts(connection) == OLD - 2
    assert await forget_counts(connection) == 2


async def test_what_is_told_of_a_minute_goes_with_it(still: Any) -> None:
    await make_old(still, {"gateway_minute": HISTORY["gateway_minute"]})
    await still.execute(
        "insert into gateway_minute_answers select minute, 'main', null, null, 1, 0, 0 from gateway_minute"
    )
    await forget_all_history(still)
    assert await still.fetchval("select count(*) from gateway_minute_answers") == 1


async def test_connections_of_lost_workers_are_freed_ten_thousand_at_a_time(still: Any) -> None:
    # Given leases of a lost worker at very many domains, and those of one that lives
    await still.execute("insert into destination (domain) select n || '.example' from generate_series(1, 10500) n")
    await still.execute(
        "insert into domain_connection_lease (domain, worker, connections, leased_until)"
        " select d.domain, w.id, 1, now() + w.lasts from destination d,"
        " (values (uuidv7(), interval '-1 s'), (uuidv7(), interval '1 hour')) w (id, lasts)"
        " where w.lasts < interval '0' or d.domain = '1.example'"
    )
    left = []
    for _ in range(3):
        await QUERIES.drop_domain_connections(still, worker=uuid4())
        left.append(await still.fetchval("select count(*) from domain_connection_lease"))
    assert left == [501, 1, 1]
