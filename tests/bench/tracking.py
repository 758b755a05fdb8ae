"""Opens and clicks on one service process: 500 a second, and the maximum; every hit must be in the ledger."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from typing import Any

import asyncpg

from gateway.database import open_pool
from gateway.mail.message import MessageRef
from gateway.mail.tracking import click_url, open_url
from tests.bench.history import servers, service_environment, serving
from tests.bench.rows import Row, Size, bench
from tests.builders import KEYRING, make_customer, make_message, make_sender_version, make_template_version
from tests.eventually import eventually
from tests.launching import free_port

RATE = 500
GOAL_SECONDS = 0.020
CONNECTIONS = 64
"""More than are in flight at that rate, so that no arrival waits for a connection."""
MESSAGES = 500
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


class Fetches(asyncio.Protocol):
    """One keep-alive connection: sends raw requests, waits for whole responses."""

    def __init__(self) -> None:
        self._received = b""
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Collect until the response has its Content-Length."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._waiting is None:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) >= length:
            waiting, self._waiting = self._waiting, None
            if head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 302")):
                waiting.set_result(None)
            else:
                waiting.set_exception(RuntimeError(head[:200].decode()))

    async def request(self, request: bytes) -> None:
        """Wait for the response. Raises RuntimeError unless its status is 200 or 302."""
        self._received = b""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._waiting

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def connect(port: int) -> list[Fetches]:
    """Opens the connections to one server."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Fetches, "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]


async def arrivals(port: int, requests: Iterator[bytes], seconds: float) -> list[float]:
    """Sends RATE requests a second, whether earlier ones have finished or not; returns their times in seconds."""
    connections = await connect(port)
    free: asyncio.Queue[Fetches] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    times: list[float] = []

    async def arrive(due: float) -> None:
        connection = await free.get()
        await connection.request(next(requests))
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    begun = time.perf_counter()
    running = []
    for number in range(int(RATE * seconds)):
        due = begun + number / RATE
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        running.append(asyncio.create_task(arrive(due)))
    await asyncio.gather(*running)
    for connection in connections:
        connection.close()
    return times


async def peak(port: int, requests: Iterator[bytes], count: int) -> float:
    """Returns requests a second when every connection is always busy."""
    connections = await connect(port)
    numbers = iter(range(count))

    async def work(connection: Fetches) -> None:
        for _ in numbers:
            await connection.request(next(requests))

    begun = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in connections))
    rate = count / (time.perf_counter() - begun)
    for connection in connections:
        connection.close()
    return rate


async def fill(pool: asyncpg.Pool[Any]) -> list[MessageRef]:
    """Inserts messages; there are many, since a flood of hits on one is counted, not stored."""
    versions = {
        "template_version_id": await make_template_version(pool),
        "sender_version_id": await make_sender_version(pool),
    }
    customers = [await make_customer(pool) for _ in range(MESSAGES)]
    return [
        MessageRef(customer_id=one, message_id=await make_message(pool, one, status="ACCEPTED", **versions))
        for one in customers
    ]


def requests_for(refs: list[MessageRef], public_url: str) -> Iterator[bytes]:
    """Yields a pixel and a link of each message, cyclically."""
    urls = [open_url(KEYRING, public_url, ref) for ref in refs]
    urls += [click_url(KEYRING, public_url, ref, 1, "https://shop.example/offers?id=7") for ref in refs]
    asked = [
        f"GET {url.removeprefix(public_url)} HTTP/1.1\r\nHost: bench\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
        for url in urls
    ]
    return itertools.cycle(asked)


async def stored(pool: asyncpg.Pool[Any], count: int) -> None:
    """Wait until the ledger has `count` hits. Raises AssertionError when some are missing."""
    await eventually(lambda: pool.fetchval("select count(*) >= $1 from hit", count), f"{count} hits")


def p99(times: list[float]) -> float:
    """Returns the 99th percentile, in seconds."""
    return statistics.quantiles(times, n=100)[98]


@bench("hits")
async def hits(size: Size) -> list[Row]:
    """500 hits a second on one process, each measured from when it was due; and the maximum rate."""
    seconds = min(size.seconds / 4, 60.0)
    with servers() as (database, redis):
        port, bare_port = free_port(), free_port()
        environment = service_environment(database, redis, port)
        pool = await open_pool(database, size=2, name="bench")
        requests = requests_for(await fill(pool), environment["PUBLIC_URL"])
        async with serving(["-m", "service"], environment, port) as service:
            await arrivals(port, requests, 1.0)
            before = sum(service.cpu_times()[:2])
            times = await arrivals(port, requests, seconds)
            cpu = (sum(service.cpu_times()[:2]) - before) / len(times)
            fastest = await peak(port, requests, 10 * RATE)
            await stored(pool, RATE + int(RATE * seconds) + 10 * RATE)
            pool.terminate()
        async with serving(["-m", "tests.bench.redirect_ceiling"], {"PORT": str(bare_port)}, bare_port):
            bare_times = await arrivals(bare_port, requests, seconds / 2)
            bare_fastest = await peak(bare_port, requests, 10 * RATE)
    slow = p99(times)
    return [
        Row(
            name="hits-p99",
            value=slow * 1000,
            unit="ms",
            ceiling=p99(bare_times) * 1000,
            goal=GOAL_SECONDS * 1000,
            met=slow < GOAL_SECONDS,
            note=f"at {RATE} hits/s for {seconds:.0f} s, all stored, {cpu * 1e6:.0f} us CPU each; goal: below; "
            "ceiling: a bare redirect",
        ),
        Row(
            name="hits-peak",
            value=fastest,
            unit="hits/s",
            ceiling=bare_fastest,
            ratio=fastest / bare_fastest,
            note="all stored; ceiling: a bare redirect",
        ),
    ]
