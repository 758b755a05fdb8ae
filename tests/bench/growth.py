"""What a ledger of a hundred times the size costs: a page of a customer, pages across customers, a search, a claim with
its record, the writing of hits.

Two ledgers of one run, on one durable PostgreSQL, measured in turn: 100,000 messages with 300,000 hits, and ten times
as much (a hundred times with FULL=1, where the disk has the room). Buffers are exact: every block that the backend
asked for, triggers and foreign keys included. Processor time is the backend's own.
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosql
import asyncpg

from gateway.database import WORKER_SETTINGS, open_pool
from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.tracking.classify import classify_due
from gateway.tracking.raw_hit import insert_hits
from service.database import PoolOptions, open_pools
from service.standalone.postgres import Postgres
from tests.bench.bare_insert import backend_seconds
from tests.bench.finding_pages import PAGE, Pages, deployment_of, filled, reading_context
from tests.bench.history import QUERY as HISTORY
from tests.bench.ledger_cost import send_all
from tests.bench.rows import SHORT, Row, Size, at_most
from tests.bench.rows import bench as benchmark
from tests.builders import make_campaign
from tests.hits import raw
from tests.servers import make_tables, migrated_postgres

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

SMALL, LARGE, ALL = 100_000, 1_000_000, 10_000_000
HITS_A_MESSAGE = 3
GOAL = 1.3
"""Times the cost in the small ledger."""
OCTETS_A_MESSAGE = 5_000
"""Of a message with its search row, attempt, recipient and hits, with room to spare."""
BUFFERS = "2GB"
"""The server's shared_buffers, for both ledgers: what a ledger of 40 GB has at least. With 128 MB the indexes of
30,000,000 hits are read anew for each batch."""
OCTETS_BESIDE = 6 * 2**30
"""Write-ahead log, and what the machine is left."""
ROUNDS = 6
"""The first warms: PostgreSQL plans a statement five times anew before it keeps a plan."""
CUSTOMERS = 20
"""Whose pages are read, in each round."""
MAILS = 1_000
"""That are claimed, handed off and recorded in each round."""
BATCHES, BATCH = 10, 100
"""Of hits, in each round; as the recorder writes them."""
READ_MAIL = 50_000
"""The newest messages, which readers open."""
SEARCHES = {"word": "name20", "number": "41005", "nothing": "nowhere"}
FILTERS: dict[str, dict[str, Any]] = {"all": {}, "refused": {"statuses": ["REFUSED"]}}

Asked = list[tuple[str, Sequence[Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one mail, hit or page: blocks asked for, those that the server did not have in its memory, and microseconds of
    the backend."""

    buffers: float
    read: float
    cpu: float


@dataclass(kw_only=True, slots=True)
class Ledger:
    """One of the two, with a connection of the gateway and one of the service's readers."""

    name: str
    messages: int
    writing: Any
    reading: Any
    observer: Any
    asked: dict[str, Asked]
    read_mail: Sequence[MessageRef]
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    prepared: dict[str, list[tuple[Any, Sequence[Any]]]] = field(default_factory=dict)

    async def cost(self, connection: Any, work: Callable[[], Awaitable[int]]) -> Cost:
        """Of one of what `work` says that it did, by this connection."""
        process = connection.get_server_pid()
        before = await self._buffers(connection, process)
        begun = backend_seconds(process)
        done = await work()
        cpu = backend_seconds(process) - begun
        after = await self._buffers(connection, process)
        asked, read = (after[name] - before[name] for name in ("asked", "read"))
        return Cost(buffers=asked / done, read=read / done, cpu=1e6 * cpu / done)

    async def _buffers(self, connection: Any, process: int) -> Any:
        await QUERIES.flush_statistics(connection)
        return await QUERIES.buffers_of(self.observer, process=process)


# ---- what is measured


async def read_pages(ledger: Ledger, name: str) -> Cost:
    """The statements of some pages, prepared once."""
    if name not in ledger.prepared:
        prepared = {sql: await ledger.reading.prepare(sql) for sql, _ in ledger.asked[name]}
        ledger.prepared[name] = [(prepared[sql], values) for sql, values in ledger.asked[name]]

    async def read() -> int:
        for wanted, values in ledger.prepared[name]:
            await wanted.fetch(*values)
        return CUSTOMERS

    return await ledger.cost(ledger.reading, read)


async def send(ledger: Ledger) -> Cost:
    """A campaign's groups: claimed and handed off by one statement, recorded by another."""
    campaign_id = await make_campaign(ledger.writing)
    await QUERIES.queue_messages(ledger.writing, campaign_id=campaign_id, mails=MAILS)
    for command in ("vacuum analyze outbox", "vacuum message_change", "checkpoint"):
        await ledger.observer.execute(command)

    async def work() -> int:
        await send_all(ledger.writing, mails=MAILS)
        return MAILS

    return await ledger.cost(ledger.writing, work)


async def write_hits(ledger: Ledger) -> Cost:
    """Batches of opens, as they come."""
    batches = [
        [
            raw(ref, kind=HitKind.OPEN, link=None, url=None, origin=uuid4().hex)
            for ref in ledger.chance.sample(ledger.read_mail, BATCH)
        ]
        for _ in range(BATCHES)
    ]

    async def work() -> int:
        for batch in batches:
            await insert_hits(ledger.writing, batch, at=time.time())
        return BATCHES * BATCH

    return await ledger.cost(ledger.writing, work)


async def classify_hits(ledger: Ledger) -> Cost:
    """What was written is classified, in its context, and its messages are opened."""
    later = datetime.now(UTC) + timedelta(minutes=5)

    async def work() -> int:
        done = 0
        while found := await classify_due(ledger.writing, later):
            done += found
        return done

    return await ledger.cost(ledger.writing, work)


MEASURED: dict[str, Callable[[Ledger], Awaitable[Cost]]] = {
    **{
        name: partial(read_pages, name=name)
        for name in ("history", *(f"page-{each}" for each in FILTERS), *(f"search-{each}" for each in SEARCHES))
    },
    "claim": send,
    "hits": write_hits,
    "hits-classified": classify_hits,
}


# ---- ledgers


async def fill(url: str, messages: int) -> None:
    """A ledger of so many, as the product leaves it: message, recipient, attempt, hits, search row of each."""
    connection = await filled(url, messages)
    await connection.execute("set synchronous_commit = off")
    await QUERIES.fill_addresses(connection)
    await QUERIES.fill_recipients(connection)
    await QUERIES.fill_attempts(connection)
    await QUERIES.fill_hits(connection, hits_a_message=HITS_A_MESSAGE)
    await QUERIES.fill_latest(connection)
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


async def statements(url: str, connection: Any) -> dict[str, Asked]:
    """The statements of each page that is measured, with their values."""
    deployment = deployment_of(url, "redis://127.0.0.1:1/0")
    pools = await open_pools(url, PoolOptions(size=1))
    pages = Pages(connection, lambda: reading_context(pools, deployment), deployment)

    async def asked(query: str, **variables: Any) -> Asked:
        _, ran = await pages.page(query, **variables)
        return [(wanted.sql, [values[name] for name in wanted.parameters]) for wanted, values in ran]

    customers = [row["customer_id"] async for row in QUERIES.busy_customers(connection, customers=CUSTOMERS)]
    if len(customers) < CUSTOMERS:
        raise RuntimeError(f"only {len(customers)} customers have a full page")
    found = {"history": [one for customer in customers for one in await asked(HISTORY, id=f"Customer_{customer}")]}
    for name, filter_ in FILTERS.items():
        found[f"page-{name}"] = CUSTOMERS * await asked(PAGE, f=filter_ or None, s=None)
    for name, words in SEARCHES.items():
        found[f"search-{name}"] = CUSTOMERS * await asked(PAGE, f=None, s=words)
    await pools.close()
    return found


async def open_ledger(stack: AsyncExitStack, url: str, name: str, messages: int) -> Ledger:
    """A filled ledger with its connections, which end with `stack`."""
    observer = await asyncpg.connect(url)
    stack.push_async_callback(observer.close)
    asked = await statements(url, observer)
    pool = await stack.enter_async_context(await open_pool(url, size=1, name="bench", settings=WORKER_SETTINGS))
    pools = await open_pools(url, PoolOptions(size=1, statement_seconds=120))
    stack.push_async_callback(pools.close)
    return Ledger(
        name=name,
        messages=messages,
        writing=await stack.enter_async_context(pool.acquire()),
        reading=await stack.enter_async_context(pools.reading_connection()),
        observer=observer,
        asked=asked,
        read_mail=[
            MessageRef(customer_id=row["customer_id"], message_id=row["id"])
            async for row in QUERIES.newest_accepted(observer, messages=READ_MAIL)
        ],
    )


def room_for(wanted: int, directory: Path) -> tuple[int, str]:
    """How many messages the disk has room for, of the sizes that are measured, and what was left out. Raises
    RuntimeError where there is room for none of them."""
    free = shutil.disk_usage(directory).free - OCTETS_BESIDE
    for messages in sorted({wanted, min(wanted, LARGE)}, reverse=True):
        if free >= OCTETS_A_MESSAGE * messages:
            left_out = f"; {wanted:,} left out: the disk has room for {free // OCTETS_A_MESSAGE:,}"
            return messages, "" if messages == wanted else left_out
    wants = OCTETS_A_MESSAGE * LARGE / 2**30
    raise RuntimeError(
        f"{directory} has {max(0, free) / 2**30:.0f} GiB to spare, {LARGE:,} messages take {wants:.0f}: give it a"
        " larger disk"
    )


@benchmark("growth")
async def growth(size: Size) -> list[Row]:
    """100,000 messages beside 1,000,000 (10,000,000 with FULL=1)."""
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/tmp") as directory:
        messages, left_out = room_for(ALL if size.messages > SHORT.messages else LARGE, Path(directory))
        with migrated_postgres(Path(directory), "mail", durable=True, buffers=BUFFERS) as server:
            return await compare(server, small=SMALL, large=messages, note=left_out)


async def compare(server: Postgres, *, small: int, large: int, note: str = "") -> list[Row]:
    """Both ledgers filled, then everything in turn."""
    sizes = {"small": small, "mail": large}
    make_tables(server.url("small"))
    for name, messages in sizes.items():
        await fill(server.url(name), messages)
    async with AsyncExitStack() as stack:
        ledgers = [await open_ledger(stack, server.url(name), name, messages) for name, messages in sizes.items()]
        costs: dict[str, dict[str, list[Cost]]] = {name: {one: [] for one in sizes} for name in MEASURED}
        for _ in range(ROUNDS):
            for name, measure in MEASURED.items():
                for ledger in ledgers:
                    costs[name][ledger.name].append(await measure(ledger))
        taken = await QUERIES.sizes(ledgers[1].observer)
    note = f"{large:,} messages, {HITS_A_MESSAGE * large:,} hits ({taken}); ceiling: of {small:,}{note}"
    return [row for name, found in costs.items() for row in rows(name, found["small"], found["mail"], note)]


def rows(name: str, small: Sequence[Cost], large: Sequence[Cost], note: str) -> list[Row]:
    """What one of it costs, beside the small ledger. What else runs adds to processor time: the least of it counts; the
    first round warms."""
    buffers = [statistics.median(cost.buffers for cost in found[1:]) for found in (large, small)]
    cpu = [min(cost.cpu for cost in found[1:]) for found in (large, small)]
    read = [statistics.median(cost.read for cost in found[1:]) for found in (large, small)]
    of_disk = f"{read[0]:.1f} blocks read into the server's {BUFFERS}, of the small ledger {read[1]:.1f}"
    return [
        at_most(f"growth-{name}-buffers", buffers[0], unit="blocks", ceiling=buffers[1], goal=GOAL, note=note),
        at_most(f"growth-{name}-cpu", cpu[0], unit="us", ceiling=cpu[1], goal=GOAL, note=of_disk),
    ]
