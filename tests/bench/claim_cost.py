"""The cost of a claim of 200 rows: in deep queues of several kinds, compared with a short queue; by the short way,
compared with the whole way."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from gateway.database import WORKER_SETTINGS, open_pool
from gateway.outbox.claim import BATCH, LARGEST_BATCH, NextWay, claim
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import Row, Size, at_least, at_most, bench
from tests.builders import insert, make_campaign, make_customer

ROUNDS = 15
SHORT = 2_000
"""Rows of the queue that gives the ceiling."""
LEASE = timedelta(minutes=5)
SHORT_GOAL, MISS_GOAL = 0.6, 1.6
"""Of the whole way's processor time: the short way's, and that of both in turn where the short one leases nothing: once
in 17 claims at most."""
GOAL = 0.5
"""If a claim depended on the queue's depth it would be hundreds of times slower, not twice."""


async def fill(connection: Any, lane_id: int, count: int, *, domain: str = "free.example", age: int = 1) -> None:
    """Inserts due rows, `age` hours old, with minimal messages."""
    await connection.execute(
        "with made as ("
        "insert into message (customer_id, direction, status, decided_at, sender)"
        " select $5, 'RECEIVED', 'RECEIVED', now(), 'a@x.example' from generate_series(1, $3::bigint)"
        " returning customer_id, id)"
        "insert into outbox (customer_id, message_id, lane_id, due_at, address, address_key, domain, expires_at)"
        " select customer_id, id, $1, now() - $4 * interval '1 hour' + row_number() over () * interval '1 ms',"
        " 'a@' || $2::text, sha256('a'), $2, now() + interval '1 day' from made",
        lane_id,
        domain,
        count,
        age,
        await make_customer(connection),
    )


async def lane_of(connection: Any, campaign_id: Any) -> int:
    """Returns a campaign's lane."""
    found: int = await connection.fetchval("select id from lane where campaign_id = $1", campaign_id)
    return found


async def individual(connection: Any) -> int:
    """Returns the lane of individual mail."""
    found: int = await connection.fetchval("select id from lane where name = 'individual'")
    return found


async def short_queue(connection: Any, count: int) -> None:
    """The ceiling: a short queue in one lane."""
    await fill(connection, await individual(connection), SHORT)


async def all_due(connection: Any, count: int) -> None:
    """Everything is due, in one lane."""
    await fill(connection, await individual(connection), count)


async def paused_campaign(connection: Any, count: int) -> None:
    """A paused campaign in front of a running one."""
    paused = await make_campaign(connection, priority=1)
    await connection.execute("update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1", paused)
    await fill(connection, await lane_of(connection, paused), count)
    await fill(connection, await lane_of(connection, await make_campaign(connection, priority=7)), SHORT * 2)


async def paused_domain(connection: Any, count: int) -> None:
    """Three of ten rows, the first ones, are of a paused domain; parking them is part of the measured claims."""
    until = datetime.now(UTC) + timedelta(hours=1)
    await insert(connection, "destination", domain="slow.example", paused_until=until, paused_why="x")
    lane_id = await individual(connection)
    await fill(connection, lane_id, count * 3 // 10, domain="slow.example", age=2)
    await fill(connection, lane_id, count * 7 // 10)


async def fifty_campaigns(connection: Any, count: int) -> None:
    """Fifty campaigns of all priorities."""
    for number in range(50):
        campaign_id = await make_campaign(connection, priority=1 + number % 7)
        await fill(connection, await lane_of(connection, campaign_id), count // 50)


CASES: dict[str, Callable[[Any, int], Awaitable[None]]] = {
    "claim-all-due": all_due,
    "claim-paused-campaign": paused_campaign,
    "claim-paused-domain": paused_domain,
    "claim-50-campaigns": fifty_campaigns,
}


async def claim_rate(connection: Any, prepare: Callable[[Any, int], Awaitable[None]], count: int) -> float:
    """Returns rows a second that single claims lease or park; the median of `ROUNDS`."""
    await connection.execute("truncate outbox, destination, domain_connection_lease, message cascade")
    await connection.execute("delete from lane where campaign_id is not null")
    await prepare(connection, count)
    await connection.execute("vacuum analyze outbox, message")
    rates, scan_limit, way = [], BATCH, NextWay()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = await claim(
            connection, worker=uuid4(), lease=LEASE, scan_limit=scan_limit, hand_off=True, short_way=way.is_short
        )
        way.note(found)
        rows = len(found.leased) + found.parked
        rates.append(rows / (time.perf_counter() - begun))
        scan_limit = LARGEST_BATCH if not found.leased else BATCH
    return statistics.median(rates)


async def claim_cpu(connection: Any, *, short_way: bool) -> float:
    """Returns microseconds of the backend's processor time a row; the median of `ROUNDS`. The rows are given back."""
    spent = Path(f"/proc/{connection.get_server_pid()}/schedstat")
    costs = []
    for _ in range(ROUNDS):
        transaction = connection.transaction()
        await transaction.start()
        begun = int(spent.read_text().split()[0])
        found = await claim(connection, worker=uuid4(), lease=LEASE, hand_off=True, short_way=short_way)
        costs.append((int(spent.read_text().split()[0]) - begun) / 1000 / (len(found.leased) + found.parked))
        await transaction.rollback()
        await connection.execute("vacuum outbox")
    return statistics.median(costs)


@bench("claim-way")
async def ways(size: Size) -> list[Row]:
    """The short way beside the whole one, and the whole one alone beside both in turn where one row is limited."""
    with durable_postgres() as server:
        pool = await open_pool(server.url("mail"), size=1, name="bench", settings=WORKER_SETTINGS)
        async with pool, pool.acquire() as connection:
            campaign_id = await make_campaign(connection)
            await fill(connection, await lane_of(connection, campaign_id), SHORT)
            await connection.execute("vacuum analyze outbox, message")
            short, whole = await claim_cpu(connection, short_way=True), await claim_cpu(connection, short_way=False)
            await insert(connection, "destination", domain="few.example", connections=100)
            await connection.execute(
                "update outbox set domain = 'few.example' where due_at = (select min(due_at) from outbox)"
            )
            both, alone = await claim_cpu(connection, short_way=True), await claim_cpu(connection, short_way=False)
    note = "us of PostgreSQL a row, against the whole way"
    return [
        at_most("claim-way-short", short, unit="us", ceiling=whole, goal=SHORT_GOAL, note=note),
        at_most("claim-way-missed", both, unit="us", ceiling=alone, goal=MISS_GOAL, note=f"{note} alone"),
    ]


@bench("claim")
async def claims(size: Size) -> list[Row]:
    """Each case beside the short queue, on one durable PostgreSQL."""
    rows = []
    with durable_postgres() as server:
        # A commit's flush takes 4 or 8 ms at random, a claim 2: without the flush the claims are compared.
        settings = WORKER_SETTINGS | {"synchronous_commit": "off"}
        pool = await open_pool(server.url("mail"), size=1, name="bench", settings=settings)
        async with pool, pool.acquire() as connection:
            for name, prepare in CASES.items():
                ceiling = await claim_rate(connection, short_queue, SHORT)
                value = await claim_rate(connection, prepare, size.messages)
                note = f"{size.messages:,} rows, against a queue of {SHORT:,}"
                rows.append(at_least(name, value, unit="rows/s", ceiling=ceiling, goal=GOAL, note=note))
    return rows
