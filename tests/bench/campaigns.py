"""Campaigns to a list: rows made beside a bare INSERT ... SELECT, progress beside a look-up by primary key, memory, and
individual mail that is put meanwhile.

The ledger is durable; a worker of its own process sends to our sink.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiosql
import asyncpg

from gateway.campaigns import drafts, expansion, freezing, lifecycle
from gateway.campaigns.drafts import CampaignOrder
from gateway.compose import sender_profiles
from gateway.database import WORKER_SETTINGS, Connection, open_pool, prepare_connection
from gateway.deployment import Deployment
from gateway.notify.wakeup import Wakeup
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.settings import read_settings
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.database import statement
from service.standalone.process_guard import spawn
from service.standalone.valkey import Valkey
from tests.bench.end_to_end import PAGE, durable_postgres, make_audience
from tests.bench.history import Load, make_token, service_environment, serving
from tests.bench.inbound import memory
from tests.bench.rows import SHORT, Row, Size, at_least, at_most
from tests.bench.rows import bench as benchmark
from tests.bench.sink import Sink, own_sink
from tests.bench.tracking import p99
from tests.bench.trees import gateway_environment
from tests.engine import CARD
from tests.launching import free_port
from tests.servers import stop

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

RECIPIENTS, ALL_RECIPIENTS = 100_000, 1_000_000
ROWS_GOAL, PROGRESS_GOAL, MEMORY_GOAL = 0.5, 3.0, 1.1
HAND_OFF_SECONDS = 1.0
"""The goal for individual mail that is put while a campaign runs."""
IDLE_MAILS, MAILS_A_SECOND = 100, 20
BARE_AT_ONCE = 100_000
"""Messages that one bare statement writes."""
RESULTS = """query Results($id: ID!) { campaign(id: $id) {
  progress { total made accepted refused waiting leftOutBy { reason } }
  timeline(bucket: MINUTE) { startsAt accepted }
  recipients(first: 100) { totalCount { value } edges { node { address } } pageInfo { endCursor } } } }"""
"""What a person's page asks the service for again and again while a campaign runs."""
LOOKS = 400
"""Pairs of looks at a campaign's progress and at a customer, in turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A ledger with its customers, a list of all of them, and what campaigns are made of."""

    pool: asyncpg.Pool[Any]
    deployment: Deployment
    list_id: int
    template_id: UUID
    sender_id: UUID
    customers: int

    async def draft(self, connection: Connection, title: str) -> UUID:
        """A campaign to the list, not launched."""
        order = CampaignOrder(
            title=title, actor="bench", template_id=self.template_id, sender_id=self.sender_id, recipients=None,
            list_ids=(self.list_id,), idempotency_key=uuid4().hex, merge_data={"first_name": "Ann"}, tracked=False,
        )  # fmt: skip
        return await drafts.create(connection, order, self.deployment)

    async def launch(self, connection: Connection, campaign_id: UUID) -> None:
        """As a person does."""
        await lifecycle.launch(connection, campaign_id, uuid4().hex, self.deployment, actor="bench")


@asynccontextmanager
async def ledger(url: str, customers: int) -> AsyncIterator[Bench]:
    """Customers in a list, a sender and a template, in a database that is migrated."""
    os.environ["DATABASE_URL"] = url
    deployment = Deployment.open(read_settings())
    # No pool: its statements end after a minute, and these make a million rows.
    connection = await asyncpg.connect(url)
    await prepare_connection(connection)
    await versions.publish_builtins(connection)
    await make_audience(connection, customers)
    list_id = await QUERIES.make_list(connection, name="everybody", members=customers)
    source = TemplateSource(name="Bench", subject="News for {{ first_name }}", html=PAGE,
                            sample_data={"first_name": "Ann"})  # fmt: skip
    template = await versions.publish(connection, compile_source(source), actor="test")
    profile = await sender_profiles.create(
        connection, name="Bench", from_address="news@fabrikam.com", postal_address="1 Main"
    )
    await connection.execute("vacuum analyze")
    await connection.close()
    async with await open_pool(url, size=2, name="bench", settings=WORKER_SETTINGS) as pool:
        yield Bench(
            pool=pool, deployment=deployment, list_id=int(list_id), template_id=template.template_id,
            sender_id=profile.sender_id, customers=customers,
        )  # fmt: skip


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server; its URL."""
    with tempfile.TemporaryDirectory(prefix="ceb-", dir="/tmp") as directory:
        server = Valkey(run=Path(directory), log=Path(directory, "valkey.log"), data=None)
        server.start()
        server.wait_ready()
        try:
            yield server.url(0)
        finally:
            stop(server.process, signal.SIGTERM)


async def seconds_of(work: Awaitable[object]) -> float:
    """How long something takes."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


# ---- rows


async def make_ours(connection: Connection, bench: Bench, campaign_id: UUID) -> float:
    """Freeze the audience and make all its messages, as a worker does; returns the seconds it took."""

    async def until_none(step: Callable[[], Awaitable[int | None]]) -> int:
        done = 0
        while (dealt_with := await step()) is not None:
            done += dealt_with
        return done

    async def make() -> int:
        return await until_none(lambda: expansion.make_messages(connection, bench.deployment))

    seconds = await seconds_of(until_none(lambda: freezing.freeze(connection)))
    made = -1
    while made != 0:
        begun = time.perf_counter()
        made = await make()
        seconds += time.perf_counter() - begun
        await connection.execute("truncate outbox")  # a worker has sent what was waiting
    return seconds


async def make_bare(connection: Connection, bench: Bench, campaign_id: UUID) -> float:
    """Write the same rows by bare statements; returns the seconds it took."""
    return await seconds_of(write_bare(connection, bench, campaign_id))


async def write_bare(connection: Connection, bench: Bench, campaign_id: UUID) -> None:
    """The recipients by one statement, their messages by one for each hundred thousand."""
    mailing = await connection.fetchval("select id from mailing where campaign_id = $1", campaign_id)
    lane = await connection.fetchval("select id from lane order by id limit 1")
    async with connection.transaction():
        await QUERIES.bare_recipients(connection, mailing_id=mailing, list_id=bench.list_id)
    after = 0
    while after is not None:
        # A statement of a million rows would take longer than the pool lets any take.
        async with connection.transaction():
            after = await QUERIES.bare_messages(
                connection, mailing_id=mailing, lane_id=lane, after=after, limit=BARE_AT_ONCE
            )


async def rows_made(connection: Connection, bench: Bench) -> list[Row]:
    """Ours between two bare ones, each into the same tables and from a checkpoint; and how long a launch takes."""
    rates, launching, made_before = {}, 0.0, 0
    for name, make in (("bare", make_bare), ("ours", make_ours), ("bare again", make_bare)):
        campaign_id = await bench.draft(connection, name)
        if name == "ours":
            launching = await seconds_of(bench.launch(connection, campaign_id))
            made_before = await connection.fetchval(
                "select count(*) from mailing_recipient r join mailing g on g.id = r.mailing_id"
                " where g.campaign_id = $1", campaign_id
            )  # fmt: skip
        await connection.execute("checkpoint")
        rates[name] = bench.customers / await make(connection, bench, campaign_id)
        await connection.execute("truncate outbox")
        await connection.execute("vacuum analyze")
    ceiling = max(rates["bare"], rates["bare again"])
    note = f"{bench.customers:,} recipients: frozen, made and queued; ceiling: two bare INSERT ... SELECT"
    answered = Row(name="campaigns-launch", value=launching * 1000, unit="ms", met=made_before == 0,
                   note=f"until launchCampaign's transaction has ended, with {made_before} rows made")  # fmt: skip
    return [
        at_least("campaigns-made", rates["ours"], unit="rows/s", ceiling=ceiling, goal=ROWS_GOAL, note=note),
        answered,
    ]


# ---- progress


async def progress_row(bench: Bench) -> Row:
    """What `campaign { progress }` reads, beside a customer by its id, in turn and over the same connection."""
    progress, customer = statement("progress_of_campaigns"), statement("customers_by_id")
    async with bench.pool.acquire() as connection:
        campaign = await connection.fetchval("select id from campaign where status <> 'DRAFT' order by id limit 1")
        key = await connection.fetchval("select max(id) from customer")
        looks: dict[str, list[float]] = {"progress": [], "customer": []}
        for _ in range(LOOKS):
            looks["progress"].append(await seconds_of(connection.fetch(progress.sql, [campaign])))
            looks["customer"].append(await seconds_of(connection.fetch(customer.sql, [key])))
    values = {name: statistics.median(times) * 1000 for name, times in looks.items()}
    note = f"median, of a campaign of {bench.customers:,}; ceiling: a customer by its primary key"
    return at_most("campaigns-progress", values["progress"], unit="ms", ceiling=values["customer"],
                   goal=PROGRESS_GOAL, note=note)  # fmt: skip


# ---- individual mail beside a campaign, and memory


async def put_mail(bench: Bench, wakeup: Wakeup, until: Callable[[], Awaitable[bool]]) -> list[float]:
    """Puts individual mail at a steady rate until then, as the service does; returns how long each took to its first
    attempt."""
    async with bench.pool.acquire() as connection:
        since: datetime = await connection.fetchval("select now()")
        customer = await connection.fetchval("select min(id) from customer")
        while not await until():
            request = SendRequest(customer_id=customer, letter=CARD, idempotency_key=uuid4().hex, actor="bench",
                                  sender_id=bench.sender_id)  # fmt: skip
            await enqueue(connection, request, bench.deployment)
            await wakeup.notify()
            await asyncio.sleep(1 / MAILS_A_SECOND)
        put = await connection.fetchval(
            "select count(*) from message where campaign_id is null and mail_date >= $1", since
        )
        times: list[float] = []
        while len(times) < put:
            await asyncio.sleep(0.1)
            times = [row["seconds"] async for row in QUERIES.seconds_to_hand_off(connection, since=since)]
    return times


def times(count: int) -> Callable[[], Awaitable[bool]]:
    """False so many times, then True."""
    left = iter(range(count))

    async def over() -> bool:
        return next(left, None) is None

    return over


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Memory in MiB when the sink had taken so many mails."""

    taken: int
    worker: float
    service: float


async def beside_a_campaign(bench: Bench, url: str, redis_url: str, sink: Sink) -> list[Row]:
    """A worker, first idle, then with a campaign to everybody; individual mail goes on at a steady rate."""
    environment = {**os.environ, **gateway_environment(sink), "DATABASE_URL": url, "REDIS_URL": redis_url}
    wakeup = Wakeup(redis_url)
    command = [sys.executable, "-m", "gateway"]
    with (
        tempfile.TemporaryFile() as log,
        spawn(command, stop_signal=signal.SIGKILL, environment=environment, output=log) as worker,
    ):
        # The first mail waits for the worker to start.
        await put_mail(bench, wakeup, times(1))
        idle = await put_mail(bench, wakeup, times(IDLE_MAILS))
        async with bench.pool.acquire() as connection:
            campaign_id = await bench.draft(connection, "all of it")
            await bench.launch(connection, campaign_id)
        sizes: list[Sizes] = []
        port, token = free_port(), await make_token(url)
        async with serving(["-m", "service"], service_environment(url, redis_url, port), port) as service:
            page = Load(port, token)
            await page.open()

            async def finished() -> bool:
                await page.run(1, lambda: page.query(RESULTS, id=f"Campaign_{campaign_id.hex}"))
                sizes.append(Sizes(taken=sink.taken(), worker=memory(worker.pid), service=memory(service.pid)))
                return bool(
                    await bench.pool.fetchval("select status = 'FINISHED' from campaign where id = $1", campaign_id)
                )

            busy = await put_mail(bench, wakeup, finished)
            page.close()
        worker.kill()
    await wakeup.close()
    tenth, end = next(size for size in sizes if size.taken >= bench.customers // 10), sizes[-1]
    note = f"beside a campaign to {bench.customers:,}; idle p99 {p99(idle) * 1000:.0f} ms; {len(busy)} mails"
    slow = p99(busy)
    return [
        Row(name="campaigns-individual", value=slow * 1000, unit="ms", ceiling=p99(idle) * 1000,
            goal=HAND_OFF_SECONDS * 1000, met=slow <= HAND_OFF_SECONDS, note=f"p99 from put to first attempt, {note}"),
        at_most("campaigns-memory", end.worker, unit="MiB", ceiling=tenth.worker, goal=MEMORY_GOAL,
                note="the worker's at the end; ceiling: after a tenth of the campaign"),
        at_most("campaigns-service-memory", end.service, unit="MiB", ceiling=tenth.service, goal=MEMORY_GOAL,
                note=f"the service's, asked for the results {len(sizes):,} times; ceiling: after a tenth"),
    ]  # fmt: skip


@benchmark("campaigns")
async def campaigns(size: Size) -> list[Row]:
    """100,000 recipients, 1,000,000 with FULL=1."""
    customers = ALL_RECIPIENTS if size.messages > SHORT.messages else RECIPIENTS
    with own_sink() as sink, durable_postgres() as server, valkey() as redis_url:
        url = server.url("mail")
        os.environ |= gateway_environment(sink)
        async with ledger(url, customers) as bench:
            async with bench.pool.acquire() as connection:
                rows: Sequence[Row] = await rows_made(connection, bench)
            return [*rows, await progress_row(bench), *await beside_a_campaign(bench, url, redis_url, sink)]
