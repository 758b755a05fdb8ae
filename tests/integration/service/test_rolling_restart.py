"""Restarts lose no request: workers in turn under load, and the drain of one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import service.settings
from service.auth.tokens import create_token
from tests.builders import make_customer
from tests.eventually import eventually
from tests.service_process import Running, environment, running, until_ready
from tests.serving import serve, transport_settings

QUERY = {"query": "{ customers(first: 3) { nodes { id } } }"}
CLIENTS = 2


@pytest.fixture
def env(service_settings: service.settings.Settings) -> dict[str, str]:
    return environment(service_settings)


@dataclass(kw_only=True)
class Load:
    """Clients that query without pause on kept connections, and never retry."""

    url: str
    token: str
    finished: int = 0
    lost: list[str] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        await asyncio.gather(*(self._query_repeatedly() for _ in range(CLIENTS)))

    async def _query_repeatedly(self) -> None:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, timeout=20) as http:
            while not self.stopping:
                try:
                    answer = await http.post(f"{self.url}/graphql", json=QUERY)
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    continue
                if answer.status_code != 200 or "errors" in answer.json():
                    self.lost.append(f"{answer.status_code} {answer.text}")
                self.finished += 1

    async def wait_for(self, more: int) -> None:
        """Waits until this many more requests have finished."""
        wanted = self.finished + more
        await eventually(lambda: self.finished >= wanted, seconds=90)


def workers_of(started: Running) -> list[int]:
    return [child.pid for child in psutil.Process(started.process.pid).children()]


async def test_workers_restart_in_turn_under_load_and_lose_nothing(env: dict[str, str], pool: Any) -> None:
    token = await create_token(pool, "load")
    async with running("--workers", "2", env=env) as started:
        load = Load(url=started.url, token=token)
        loading = asyncio.create_task(load.run())
        before = workers_of(started)
        assert len(before) == 2
        await load.wait_for(100)
        # When all workers are restarted in turn
        started.process.send_signal(signal.SIGHUP)
        await eventually(
            lambda: len(workers_of(started)) == 2 and not set(before) & set(workers_of(started)), seconds=90
        )
        await load.wait_for(100)
        load.stopping = True
        await loading
        # Then every request was answered
        assert load.lost == []
        # and stands in the log, which is JSON throughout and holds no token
        assert [line for line in started.log if not line.startswith(b"{")] == []
        lines = [orjson.loads(line) for line in started.log]
        assert {"listening on", "request"} <= {line["message"].partition(" http")[0] for line in lines}
        [shape] = {tuple(sorted(line)) for line in lines if line["message"] == "request"}
        assert shape == ("at", "duration_ms", "level", "logger", "message", "method", "operation", "route", "status")
        assert token.encode() not in b"".join(started.log)
        after = workers_of(started)
        started.process.terminate()
        assert await started.process.wait() == 0
        assert not any(psutil.pid_exists(child) for child in after)


async def test_any_worker_shows_the_metrics_of_all(env: dict[str, str], pool: Any) -> None:
    headers = {"Authorization": f"Bearer {await create_token(pool, 'prometheus')}"}
    async with running("--workers", "2", env=env) as started, httpx.AsyncClient(headers=headers, timeout=20) as kept:

        async def scrape() -> list[Sample]:
            """By a connection of its own, which either worker takes; nothing where the one that took it died."""
            async with httpx.AsyncClient(headers=headers, timeout=20) as http:
                try:
                    text = (await http.get(f"{started.url}/metrics")).text
                except httpx.TransportError:
                    return []
            families = list(text_string_to_metric_families(text))
            assert len({family.name for family in families}) == len(families)
            return [sample for family in families for sample in family.samples]

        async def starts() -> dict[str, float] | None:
            """When the worker of each place started, once both show themselves."""
            samples = [one for one in await scrape() if one.name == "process_start_time_seconds"]
            return {one.labels["worker"]: one.value for one in samples} if len(samples) == 2 else None

        before = await eventually(starts, "the metrics of two workers")
        assert sorted(before) == ["0", "1"]
        # Given one that has answered ten queries
        for _ in range(10):
            assert (await kept.post(f"{started.url}/graphql", json=QUERY)).status_code == 200
        # When they are asked by new connections, then whichever answers shows those ten
        for _ in range(8):
            counted = [one.value for one in await scrape() if one.name == "graphql_operations_total"]
            assert sum(counted) == 10
        # And when one dies, its successor has its place, and begins anew
        os.kill(workers_of(started)[0], signal.SIGKILL)

        async def begun_anew() -> bool:
            after = await starts()
            return after is not None and [after[place] > before[place] for place in "01"].count(True) == 1

        await eventually(begun_anew, "the metrics of the successor")


async def test_a_worker_that_dies_is_replaced_and_none_outlives_its_parent(env: dict[str, str]) -> None:
    async with running("--workers", "2", env=env) as started:
        first, second = workers_of(started)
        os.kill(first, signal.SIGKILL)
        replaced = await eventually(
            lambda: [pid for pid in workers_of(started) if pid not in (first, second)], seconds=90
        )
        await until_ready(started)
        started.process.kill()
        await eventually(lambda: not any(psutil.pid_exists(child) for child in (second, *replaced)))
    assert started.process.returncode == -signal.SIGKILL


async def test_a_drain_finishes_the_requests_in_flight(env: dict[str, str], pool: Any) -> None:
    # Given a request that waits for a lock
    token = await create_token(pool, "slow")
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        running(env={**env, "DRAIN_NOTICE_SECONDS": "2"}) as started,
        httpx.AsyncClient(headers=headers, timeout=20) as http,
        httpx.AsyncClient(timeout=20) as prober,
    ):
        assert (await http.post(f"{started.url}/graphql", json=QUERY)).status_code == 200
        async with pool.acquire() as holding:
            lock = holding.transaction()
            await lock.start()
            await holding.execute("lock table customer in access exclusive mode")
            asking = asyncio.create_task(http.post(f"{started.url}/graphql", json=QUERY))
            await eventually(lambda: pool.fetchval("select count(*) from pg_locks where not granted"))
            assert (await prober.get(f"{started.url}/readyz")).status_code == 200
            # When the process gets SIGTERM
            started.process.terminate()
            # Then it gives notice first, while it still serves
            async with asyncio.timeout(5):
                while (answer := await prober.get(f"{started.url}/readyz")).status_code == 200:
                    pass
            assert (answer.status_code, answer.json()["status"]) == (503, "draining")
            assert answer.headers["connection"] == "close"
            assert not asking.done()
            await lock.rollback()
        # And the request in flight is finished before it exits
        assert (await asking).status_code == 200
        async with asyncio.timeout(6):
            assert await started.process.wait() == 0


async def test_a_stop_does_not_wait_for_idle_or_slow_connections(env: dict[str, str], pool: Any) -> None:
    # Given uploads, one paused and one slow, half a query, half a sign-in and a subscription
    token = await create_token(pool, "slow")
    customer = await make_customer(pool)
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 3000\r\n"
    follow = f'subscription {{ customerEmailsChanged(customerId: "Customer_{customer}") {{ kind }} }}'
    events = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with (
        running(env={**env, "DRAIN_SECONDS": "12", "DRAIN_NOTICE_SECONDS": "0"}) as started,
        httpx.AsyncClient(headers=events, timeout=20) as http,
        http.stream("POST", f"{started.url}/graphql", json={"query": follow}) as stream,
        contextlib.AsyncExitStack() as open_,
    ):
        beats = stream.aiter_raw()
        await anext(beats)
        paused = [
            await open_.enter_async_context(begin(started, f"POST {path} HTTP/1.1\r\n{head}\r\n" + "{"))
            for path in ("/attachments?name=paused", "/graphql", "/session")
        ]
        slow = begin(started, f"POST /attachments?name=slow HTTP/1.1\r\n{head}\r\n")
        sending = asyncio.create_task(keep_sending((await open_.enter_async_context(slow))[1]))
        # (the newest connection is accepted, so all of them are)
        assert (await http.get(f"{started.url}/healthz", headers={"Connection": "close"})).status_code == 200
        # When the process gets SIGTERM
        began = asyncio.get_running_loop().time()
        started.process.terminate()
        # Then the paused ones get 408, and the stream ends
        for reader, _ in paused:
            async with asyncio.timeout(12):
                assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        assert b"event: complete" in b"".join([part async for part in beats])
        # and the process ends in time and in order
        assert await started.process.wait() == 0
        assert asyncio.get_running_loop().time() - began < 12
        await sending
    assert b"Exception" not in b"".join(started.log)


async def test_a_body_that_begins_during_the_drain_has_the_same_limit() -> None:
    # Given a kept connection, and a drain longer than the limit on a body
    settings = transport_settings().model_copy(update={"drain_seconds": 15.0})
    app = Starlette(routes=[Route("/", measure, methods=["POST"])])
    app.state.draining = asyncio.Event()
    async with asyncio.timeout(12), serve(app, settings) as serving:
        reader, writer = await asyncio.open_connection(serving.host, serving.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        assert (await reader.readuntil(b"2 bytes")).startswith(b"HTTP/1.1 200 ")
        # When the process drains and another request begins on it that is never complete
        serving.server.should_exit = True
        await app.state.draining.wait()
        await eventually(lambda: not serving.server.servers[0].is_serving())
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\nab")
        # Then it gets 408, and the connection ends
        assert b"HTTP/1.1 408 " in await reader.read()
        writer.close()


async def measure(request: Request) -> Response:
    """Returns the length of the body."""
    return PlainTextResponse(f"{len(await request.body())} bytes")


@contextlib.asynccontextmanager
async def begin(started: Running, sent: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which this was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", started.port)
    writer.write(sent.encode())
    await writer.drain()
    yield reader, writer
    writer.close()


async def keep_sending(writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, until the connection is closed."""
    with contextlib.suppress(OSError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)
