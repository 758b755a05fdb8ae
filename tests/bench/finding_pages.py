"""Pages of mail across customers: each usual filter and search at page 1 and page 400, beside one customer's page.

Buffers are those of the statements that a page runs, by EXPLAIN; times are of whole operations in one process, without
HTTP. A page of 50, as a table shows it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosql
import asyncpg
import orjson

from gateway.deployment import Deployment
from gateway.settings import read_settings
from service.database import DatabasePools, Statement, open_pools
from service.finding.query import MessageOrder
from service.finding.walk import keys
from service.graph.context import Context
from service.graph.message_filter import MessageFilter, query_of
from service.graph.node import customer_global_id, number_global_id, row_global_id
from service.graph.schema import schema
from service.graph.time_range import TimeRangeInput
from tests.bench.history import servers
from tests.bench.rows import FULL, Row, Size, at_most, bench
from tests.builders import SECRET_KEYS

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)
TIME_GOAL, BUFFER_GOAL = 3.0, 1.3
"""Times one customer's page; buffers of page 400 times those of page 1."""
FIRST, DEEP = 50, 400
RUNS = 41
WARM = 7
"""Runs that are not counted: asyncpg prepares, PostgreSQL plans."""
FIELDS = "id status subject occurredAt direction customer { id name } info { to colorHint }"
PAGE = f"""query($f: MessageFilter, $s: String, $after: String) {{ messages(filter: $f, search: $s, first: {FIRST},
    after: $after) {{ edges {{ cursor node {{ {FIELDS} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
NOTES = f"""query($id: ID!) {{ customer(id: $id) {{ emails {{ connectionNotes(first: {FIRST}) {{
    edges {{ cursor node {{ message {{ {FIELDS} }} }} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"""

Filter = tuple[dict[str, Any], str | None]


async def filled(url: str, messages: int, *, troubles: int = 0) -> asyncpg.Connection[Any]:
    """A ledger of so many, with so many troubles more than are usual; keys and triggers are left out meanwhile."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await connection.execute("set session_replication_role = replica")
    await QUERIES.fill_names(connection, customers=messages // 100)
    await QUERIES.fill_sender_names(connection)
    await QUERIES.fill_messages(connection, customers=messages // 100, messages=messages)
    if troubles:
        await QUERIES.fill_waiting(connection, troubles=troubles)
        await QUERIES.fill_unmatched(connection, mails=troubles)
    await QUERIES.fill_troubles(connection)
    if troubles:
        await QUERIES.fill_bad_addresses(connection)
    await QUERIES.fill_slices(connection)
    await QUERIES.fill_search(connection)
    await connection.execute("vacuum analyze")
    return connection


async def usual_filters(connection: Any) -> dict[str, Filter]:
    """Those of finding.md's tables."""
    mailings = await connection.fetch("select id, campaign_id from mailing order by id")
    middle = mailings[len(mailings) // 2]
    senders = [row["id"] for row in await connection.fetch("select id from sender order by name")]
    mailing = {"mailingIds": [number_global_id("Mailing", middle["id"])]}
    now = datetime.now(UTC)
    days = {"occurredAt": {"since": (now - timedelta(days=9)).isoformat(), "until": now.isoformat()}}
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "refused": {"statuses": ["REFUSED"]},
        "uncertain": {"statuses": ["UNCERTAIN"]},
        "cause": {"causes": ["BAD_ADDRESS"]},
        "needs a person": {"needsAttention": True},
        "opened": {"opened": True},
        "clicked": {"clicked": True},
        "tracked": {"tracked": True},
        "source": {"sourceTypes": ["E_SIGNATURE"]},
        "campaign": {"campaignIds": [row_global_id("Campaign", middle["campaign_id"])]},
        "mailing": mailing,
        "sender": {"senderIds": [row_global_id("Sender", senders[0])]},
        "rare sender": {"senderIds": [row_global_id("Sender", senders[1])]},
        "relay": {"relays": ["main"]},
        "rare relay": {"relays": ["spare"]},
        "domain": {"domains": ["domain-1.example"]},
        "rare domain": {"domains": ["domain-4000.example"]},
        "refused, days": {"statuses": ["REFUSED"], **days},
        "domain, days": {"domains": ["domain-1.example"], **days},
        "clicked, days": {"clicked": True, **days},
        "mailing and status": {**mailing, "statuses": ["REFUSED"]},
        "mailing and domain": {**mailing, "domains": ["domain-9.example"]},
        "domain and status": {"domains": ["domain-1.example"], "statuses": ["BOUNCED"]},
    }
    number = await connection.fetchval("select occurrence from message where mailing_id is null offset 5000 limit 1")
    searches = {"number": number, "queue id": f"q{int(number) * 7919:010x}", "name": "name20", "absent": "nowhere"}
    return {
        **{name: (one, None) for name, one in filters.items()},
        **{f"search {name}": ({}, one) for name, one in searches.items()},
    }


class Pages:
    """Runs pages, and tells what they cost."""

    def __init__(self, connection: Any, make_context: Callable[[], Context], deployment: Deployment) -> None:
        self._connection = connection
        self._make_context = make_context
        self._deployment = deployment

    async def page(self, query: str, **variables: Any) -> tuple[float, list[tuple[Statement, dict[str, Any]]]]:
        """Milliseconds, and the statements that it ran."""
        context, ran = self._make_context(), list[tuple[Statement, dict[str, Any]]]()
        fetch = context.reading.fetch

        async def noted(wanted: Statement, **values: Any) -> Any:
            ran.append((wanted, values))
            return await fetch(wanted, **values)

        context.reading.fetch = noted  # type: ignore[method-assign]  # of this one request
        began = time.perf_counter()
        result = await schema.execute(query, context_value=context, variable_values=variables)
        took = 1000 * (time.perf_counter() - began)
        if result.errors:
            raise RuntimeError(str(result.errors))
        return took, ran

    async def p50(self, query: str, **variables: Any) -> float:
        """Milliseconds, warm."""
        [took] = await self.p50_in_turn((query, variables))
        return took

    async def p50_in_turn(self, *asked: tuple[str, dict[str, Any]]) -> list[float]:
        """Of each, in turn: what else the machine does disturbs all alike."""
        took: list[list[float]] = [[] for _ in asked]
        for run in range(WARM + RUNS):
            for place, (query, variables) in enumerate(asked):
                milliseconds, _ = await self.page(query, **variables)
                if run >= WARM:
                    took[place].append(milliseconds)
        return [statistics.median(one) for one in took]

    async def buffers(self, query: str, **variables: Any) -> int:
        """Of all the statements of a page that read: what asks for the planner's estimate explains only."""
        total = 0
        for wanted, values in (await self.page(query, **variables))[1]:
            if wanted.sql.startswith("explain"):
                continue
            given = [values[name] for name in wanted.parameters]
            [row] = await self._connection.fetch(f"explain (analyze, buffers, format json) {wanted.sql}", *given)
            plan = (orjson.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"]
            total += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return total

    async def deep_cursor(self, filter_: dict[str, Any], search: str | None) -> str | None:
        """The cursor before page 400, or before the last full page."""
        query = query_of(_filter(filter_), search, self._deployment)
        reading, after, left = self._make_context().reading, None, (DEEP - 1) * FIRST
        found: list[UUID] = []
        while left > 0:
            walked = await keys(reading.fetch, query, after=after, rows=min(left, 5_000))
            found += [one.message_id for one in walked.refs]
            if walked.stopped is None and len(walked.refs) < min(left, 5_000):
                break
            left -= len(walked.refs)
            after = walked.stopped or found[-1]
        if left > 0:
            found = found[: max(0, len(found) - FIRST)]
        return found[-1].hex + query.mark(MessageOrder.NEWEST) if found else None


def _filter(given: dict[str, Any]) -> MessageFilter:
    """As Strawberry reads it."""
    names = {"needsAttention": "needs_attention", "sourceTypes": "source_types", "campaignIds": "campaign_ids"}
    names |= {"mailingIds": "mailing_ids", "senderIds": "sender_ids", "occurredAt": "occurred_at"}
    made = MessageFilter(**{names.get(name, name): value for name, value in given.items()})
    if made.occurred_at is not None:
        span: Any = given["occurredAt"]
        made.occurred_at = TimeRangeInput(
            since=datetime.fromisoformat(span["since"]), until=datetime.fromisoformat(span["until"])
        )
    return made


@bench("finding pages")
async def finding_pages(size: Size) -> list[Row]:
    """Two rows a filter."""
    messages = 10_000_000 if size is FULL else 1_000_000
    with servers() as (url, redis_url):
        connection = await filled(url, messages)
        for setting in ("enable_hashjoin", "enable_mergejoin", "jit"):
            await connection.execute(f"set {setting} = off")
        deployment = deployment_of(url, redis_url)
        pools = await open_pools(url)
        pages = Pages(connection, lambda: reading_context(pools, deployment), deployment)
        try:
            return await _rows(pages, connection)
        finally:
            await pools.close()
            await connection.close()


def deployment_of(url: str, redis_url: str) -> Deployment:
    """That sends nothing."""
    settings = read_settings(
        database_url=url,
        redis_url=redis_url,
        public_url="http://mail.example",
        default_from="hello@fabrikam.example",
        relay_url="smtp://127.0.0.1:9",
        secret_keys=SECRET_KEYS,
    )
    return Deployment.open(settings)


def reading_context(pools: DatabasePools, deployment: Deployment) -> Context:
    """Of a request that only reads."""
    nothing: Any = None
    return Context(
        pools=pools,
        deployment=deployment,
        wakeup=nothing,
        compiler=nothing,
        changes=nothing,
        campaign_changes=nothing,
        actor="bench",
    )


async def _rows(pages: Pages, connection: Any) -> list[Row]:
    customer = await connection.fetchval("select customer_id from message group by 1 order by count(*) desc limit 1")
    of_one = NOTES, {"id": customer_global_id(customer)}
    rows: list[Row] = []
    for name, (filter_, search) in (await usual_filters(connection)).items():
        asked = {"f": filter_ or None, "s": search}
        cursor = await pages.deep_cursor(filter_, search)
        of_customer, first, deep = await pages.p50_in_turn(of_one, (PAGE, asked), (PAGE, {**asked, "after": cursor}))
        at_first, at_deep = await pages.buffers(PAGE, **asked), await pages.buffers(PAGE, **asked, after=cursor)
        note = f"page 1 {first:.2f} ms, {at_first} buffers; page {DEEP} or the last {deep:.2f} ms, {at_deep} buffers"
        slower = max(first, deep)
        rows.append(at_most(f"pages: {name}", slower, unit="ms", ceiling=of_customer, goal=TIME_GOAL, note=note))
        rows.append(at_most(f"pages: {name}, buffers", at_deep, unit="pages", ceiling=at_first, goal=BUFFER_GOAL))
    return rows
