"""The history query over HTTP: three lists compared with asyncpg + orjson, deep pages, memory, two workers."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosql
import asyncpg
import orjson
import psutil

from service.auth.tokens import create_token
from service.standalone.postgres import Postgres
from service.standalone.valkey import Valkey
from tests.bench.rows import FULL, Row, Size, at_least, at_most, bench
from tests.builders import SECRET_KEYS
from tests.launching import free_port
from tests.servers import make_tables

CONNECTIONS = 32
ROUNDS = 5
"""Ceiling and value are measured in turn, so that other load on the machine affects both."""
LARGE = 20_000
QUERY = """query History($id: ID!) { customer(id: $id) { id name emails {
  sent(first: 50) { edges { cursor node { campaignTitle subject sentAt openedAt colorHint message { id } } }
    pageInfo { hasNextPage endCursor } }
  clicks(first: 50) { edges { cursor node { clickedAt url campaignTitle subject } } pageInfo { hasNextPage endCursor } }
  connectionNotes(first: 50) { edges { cursor node { occurredAt direction connectionType title openedAt colorHint
    info { colorHint status } message { id } } } pageInfo { hasNextPage endCursor } }
} } }"""
DEEP = """query Deep($id: ID!, $after: String) { customer(id: $id) { emails {
  connectionNotes(first: 50, after: $after) {
    nodes { occurredAt title colorHint info { colorHint status } message { id } } } } } }"""


class HttpClient(asyncio.Protocol):
    """One keep-alive connection: sends raw requests, returns whole responses. A client with little overhead."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Collect until the response has its Content-Length."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = int(self._received[:head].lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(self._received) >= head + 4 + length and self._waiting is not None:
            response, self._received = bytes(self._received), bytearray()
            waiting, self._waiting = self._waiting, None
            waiting.set_result(response)

    async def request(self, request: bytes) -> bytes:
        """Returns the response's body. Raises RuntimeError unless its status is 200."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        response = await self._waiting
        if not response.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(response[:500].decode())
        return response.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """A PostgreSQL and a Valkey server; yields their URLs."""
    run = Path(tempfile.mkdtemp(prefix="ceb-", dir="/tmp"))
    started: list[Any] = []
    try:
        postgres = Postgres(data=run / "postgres", run=run, log=run / "postgres.log", durable=False)
        valkey = Valkey(run=run, log=run / "valkey.log", data=None)
        for server in (postgres, valkey):
            server.start()
            started.append(server)
            server.wait_ready()
        make_tables(postgres.url("mail"))
        yield postgres.url("mail"), valkey.url(0)
    finally:
        for server in reversed(started):
            server.process.send_signal(signal.SIGQUIT if server is started[0] else signal.SIGTERM)
            server.process.wait(20)
        shutil.rmtree(run, ignore_errors=True)


async def fill(url: str, size: Size) -> tuple[int, list[int], str]:
    """Fills the ledger; returns the large customer, the busy ones, and the cursor of the large one's page 400."""
    full = size is FULL
    customers, messages = (50_000, 1_000_000 - LARGE) if full else (5_000, 100_000 - LARGE)
    statements: Any = aiosql.from_path(Path(__file__).parent / "history.sql", "asyncpg", mandatory_parameters=False)
    connection = await asyncpg.connect(url)
    await statements.fill_customers(connection, customers=customers)
    await statements.fill_campaigns(connection)
    await statements.fill_messages(connection, customers=customers, messages=messages, large=LARGE)
    await statements.fill_attempts(connection)
    await statements.fill_hits(connection, hits_a_message=3)
    await connection.execute("vacuum analyze")
    busy = [
        row[0]
        for row in await connection.fetch(
            "select customer_id from message group by 1 having count(*) between 100 and 2000 order by 1 limit 5000"
        )
    ]
    large = await connection.fetchval("select customer_id from message group by 1 order by count(*) desc limit 1")
    cursor = await connection.fetchval(
        "select id from message where customer_id = $1 order by id desc offset $2 limit 1", large, 399 * 50 - 1
    )
    await connection.close()
    return large, busy, cursor.hex


@asynccontextmanager
async def serving(command: list[str], environment: dict[str, str], port: int) -> AsyncIterator[psutil.Process]:
    """A server process that accepts connections."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
            if process.returncode is not None:
                raise RuntimeError(f"{' '.join(command)} ended at once: run it by hand to see why")
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


class Load:
    """32 connections to one server."""

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._token = token
        self._connections: list[HttpClient] = []

    async def open(self) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, answers = await loop.create_connection(HttpClient, "127.0.0.1", self._port)
            self._connections.append(answers)

    def close(self) -> None:
        """Close the connection."""
        for connection in self._connections:
            connection.close()

    def query(self, query: str, **variables: Any) -> bytes:
        """Returns the request of a GraphQL query."""
        body = orjson.dumps({"query": query, "variables": variables})
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nAccept: application/graphql-response+json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def run(self, requests: int, request: Callable[[], bytes]) -> list[float]:
        """Sends `requests`; returns how long each took, in seconds."""
        times: list[float] = []
        numbers = iter(range(requests))

        async def work(connection: HttpClient) -> None:
            for _ in numbers:
                begun = time.perf_counter()
                await connection.request(request())
                times.append(time.perf_counter() - begun)

        await asyncio.gather(*(work(connection) for connection in self._connections))
        return times

    async def rate(self, requests: int, request: Callable[[], bytes]) -> float:
        """Sends `requests`; returns requests a second."""
        begun = time.perf_counter()
        await self.run(requests, request)
        return requests / (time.perf_counter() - begun)


def service_environment(database: str, redis: str, port: int) -> dict[str, str]:
    """Returns the environment of `python -m service`."""
    return {
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DEFAULT_FROM": "Fabrikam <hello@fabrikam.example>",
        "RELAY_URL": "smtp://127.0.0.1:9",
        "SECRET_KEYS": SECRET_KEYS,
        "DRAIN_NOTICE_SECONDS": "0",
        "PORT": str(port),
    }


@bench("history")
async def history(size: Size) -> list[Row]:
    """All rows of the history API, on one ledger."""
    with servers() as (database, redis):
        large, busy, cursor = await fill(database, size)
        token = await make_token(database)
        port, ceiling_port = free_port(), free_port()
        environment = service_environment(database, redis, port)
        rows: list[Row] = []
        async with serving(["-m", "service"], environment, port) as service:
            async with serving(["-m", "tests.bench.history_ceiling", str(ceiling_port)], environment, ceiling_port):
                rows.append(await three_lists(size, port, ceiling_port, token, busy))
            rows.append(await deep_page(size, port, token, large, cursor))
            rows.append(await memory(size, port, token, busy, service))
            one = await rate_with_processors(size, port, token, busy, service)
        port = free_port()
        async with serving(
            ["-m", "service", "--workers", "2"], service_environment(database, redis, port), port
        ) as two:
            rows.append(await two_workers(size, port, token, busy, two, one))
    return rows


async def make_token(database: str) -> str:
    """Returns a new API token."""
    connection = await asyncpg.connect(database)
    token = await create_token(connection, f"bench-{secrets.token_hex(4)}")
    await connection.close()
    return token


def requests_of(size: Size) -> int:
    """Returns the number of requests in a round."""
    return 5_000 if size is FULL else 2_000


def customers_of(busy: list[int]) -> Iterator[int]:
    """Yields busy customers endlessly, in a fixed random order."""
    order = random.Random(1)
    return iter(lambda: order.choice(busy), None)


async def three_lists(size: Size, port: int, ceiling_port: int, token: str, busy: list[int]) -> Row:
    """Pages of 50 in all three lists, 32 connections: the service and the hand-written endpoint in turn."""
    ours, ceiling = Load(port, token), Load(ceiling_port)
    await ours.open()
    await ceiling.open()
    mine, theirs = customers_of(busy), customers_of(busy)

    def service_request() -> bytes:
        return ours.query(QUERY, id=f"Customer_{next(mine)}")

    def ceiling_request() -> bytes:
        return f"GET /history/{next(theirs)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    data = orjson.loads(await ours._connections[0].request(ours.query(QUERY, id=f"Customer_{busy[0]}")))["data"]
    same = orjson.loads(
        await ceiling._connections[0].request(f"GET /history/{busy[0]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    )
    if data != same["data"]:
        raise RuntimeError("the ceiling returns other data")
    await ours.rate(500, service_request)
    await ceiling.rate(500, ceiling_request)
    pairs = [
        (await ours.rate(requests_of(size), service_request), await ceiling.rate(requests_of(size), ceiling_request))
        for _ in range(ROUNDS)
    ]
    ours.close()
    ceiling.close()
    ratios = statistics.median(mine_rate / their_rate for mine_rate, their_rate in pairs)
    top = statistics.median(rate for _, rate in pairs)
    return at_least(
        "history.three-lists",
        ratios * top,
        unit="requests/s",
        ceiling=top,
        goal=0.9,
        note="ceiling: asyncpg + orjson on Starlette, a statement a list (ours: one for all three);"
        f" median of {ROUNDS} rounds in turn; answers of {len(orjson.dumps(data)) // 1024} KiB",
    )


async def deep_page(size: Size, port: int, token: str, large: int, cursor: str) -> Row:
    """Page 400 of a customer with 20,000 messages compared with page 1, alternating request by request."""
    load = Load(port, token)
    await load.open()
    first, deep = load.query(DEEP, id=f"Customer_{large}"), load.query(DEEP, id=f"Customer_{large}", after=cursor)
    times: dict[bytes, list[float]] = {first: [], deep: []}
    connection = load._connections[0]
    for request in (first, deep) * 50:
        await connection.request(request)
    for _ in range(requests_of(size)):
        for request in (first, deep):
            begun = time.perf_counter()
            await connection.request(request)
            times[request].append(time.perf_counter() - begun)
    load.close()
    slow, usual = (statistics.quantiles(times[request], n=100)[98] * 1000 for request in (deep, first))
    note = "ceiling: page 1, request by request in turn; the ratio is to stay below the goal"
    return at_most("history.page-400", slow, unit="ms p99", ceiling=usual, goal=1.3, note=note)


async def memory(size: Size, port: int, token: str, busy: list[int], service: psutil.Process) -> Row:
    """The memory of the process after many requests, compared with that after warm-up."""
    load = Load(port, token)
    await load.open()
    customers = customers_of(busy)

    def request() -> bytes:
        return load.query(QUERY, id=f"Customer_{next(customers)}")

    many = 100_000 if size is FULL else 10_000
    await load.run(many // 10, request)
    warm = service.memory_info().rss / 2**20
    await load.run(many, request)
    after = service.memory_info().rss / 2**20
    load.close()
    note = f"after {many:,} requests; ceiling: when warm; the ratio is to stay below the goal"
    return at_most("history.memory", after, unit="MiB", ceiling=warm, goal=1.1, note=note)


async def rate_with_processors(
    size: Size, port: int, token: str, busy: list[int], service: psutil.Process
) -> tuple[float, float]:
    """Returns requests a second, and how many processors the service's processes kept busy."""
    load = Load(port, token)
    await load.open()
    customers = customers_of(busy)
    processes = [service, *service.children(recursive=True)]

    def used() -> float:
        return sum(one.cpu_times().user + one.cpu_times().system for one in processes)

    before, begun = used(), time.perf_counter()
    rate = await load.rate(requests_of(size), lambda: load.query(QUERY, id=f"Customer_{next(customers)}"))
    processors = (used() - before) / (time.perf_counter() - begun)
    load.close()
    return rate, processors


async def two_workers(
    size: Size, port: int, token: str, busy: list[int], service: psutil.Process, one: tuple[float, float]
) -> Row:
    """Two workers compared with one. There is a goal only where they, PostgreSQL and the clients have processors."""
    await rate_with_processors(size, port, token, busy, service)
    rate, processors = await rate_with_processors(size, port, token, busy, service)
    enough = (os.cpu_count() or 1) >= 4
    return Row(
        name="history.two-workers",
        value=rate,
        unit="requests/s",
        ceiling=one[0],
        ratio=rate / one[0],
        goal=1.4 if enough else None,
        met=rate / one[0] >= 1.4 if enough else None,
        note=f"ceiling: one worker; {processors:.2f} processors busy in two, {one[1]:.2f} in one",
    )
