"""Failures around the service: each has its status, and the service recovers."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import gateway.settings
import service.settings
from service import server
from service.auth.tokens import create_token
from service.database import QUERIES
from service.standalone.postgres import Postgres
from tests.builders import make_customer
from tests.eventually import eventually
from tests.servers import migrated_postgres, stop
from tests.serving import Serving, serve

QUERY = {"query": "{ customers(first: 3) { nodes { id } } }"}
Start = Callable[..., AbstractAsyncContextManager[Serving]]


@pytest.fixture
def start(settings: gateway.settings.Settings, service_settings: service.settings.Settings) -> Start:
    """Returns a function that serves the application on a real socket, with changed settings."""

    @contextlib.asynccontextmanager
    async def start_service(**changes: Any) -> AsyncIterator[Serving]:
        from service.app import create_app

        changed = service_settings.model_copy(update=changes)
        gateway_settings = settings.model_copy(
            update={name: changes[name] for name in ("database_url",) if name in changes}
        )
        async with serve(create_app(changed, gateway_settings), changed) as serving:
            yield serving

    return start_service


@contextlib.asynccontextmanager
async def signed_in(serving: Serving, connection: Any, name: str = "fault") -> AsyncIterator[httpx.AsyncClient]:
    token = await create_token(connection, name)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
    async with httpx.AsyncClient(base_url=serving.url, headers=headers, timeout=20) as http:
        yield http


async def works(http: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        answer = await http.post("/graphql", json=QUERY)
        return answer.status_code == 200 and "errors" not in answer.json()
    return False


# The database -----------------------------------------------------------------------------------------------------


@pytest.fixture
def own_postgres(run_directory: Path) -> Iterator[Postgres]:
    """A PostgreSQL server of this test's own, to be restarted."""
    run = Path(tempfile.mkdtemp(prefix="own-", dir=run_directory))
    with migrated_postgres(run, "mail") as server:
        yield server


async def test_a_database_that_restarts_under_load(
    start: Start, own_postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    # Given clients that query without pause
    url = own_postgres.url("mail")
    statuses: set[int] = set()
    stopping = False

    async def query_repeatedly(http: httpx.AsyncClient) -> None:
        while not stopping:
            answer = await http.post("/graphql", json=QUERY)
            assert answer.status_code == 200 or answer.headers["retry-after"]
            assert answer.status_code != 200 or "errors" not in answer.json()
            statuses.add(answer.status_code)

    connection = await asyncpg.connect(url)
    async with (
        start(database_url=url, pool_wait_seconds=1) as serving,
        signed_in(serving, connection) as http,
        httpx.AsyncClient(base_url=serving.url, timeout=20) as prober,
    ):
        await connection.close()
        loading = asyncio.gather(*(query_repeatedly(http) for _ in range(4)))
        await eventually(lambda: loading.done() or 200 in statuses)
        # When the database stops, and starts again
        await asyncio.to_thread(stop, own_postgres.process, signal.SIGINT)
        await eventually(lambda: loading.done() or 503 in statuses)
        unready = await prober.get("/readyz")
        assert (unready.status_code, unready.json()["database"]) == (503, "down")
        assert (await prober.get("/healthz")).status_code == 200
        await asyncio.to_thread(own_postgres.start)
        await asyncio.to_thread(own_postgres.wait_ready)
        # Then every request got data or 503 with Retry-After, and the service recovers by itself
        statuses.clear()
        await eventually(lambda: loading.done() or 200 in statuses)
        stopping = True
        await loading
        assert await works(http)
        assert (await eventually(lambda: _ready(prober)))["database"] == "ok"
    # And asyncpg wrote no traceback for each try to connect
    assert "connection floor" not in caplog.text


@pytest.mark.parametrize(
    ("address", "sent", "sees_parts"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("203.0.113.7", None, False),
        ("203.0.113.7", "wrong", False),
        ("203.0.113.7", "right", True),
    ],
)
async def test_everybody_hears_whether_it_is_ready_and_some_which_part_is_not(
    app: Starlette, token: str, address: str, sent: str | None, sees_parts: bool
) -> None:
    headers = {"Authorization": f"Bearer {token if sent == 'right' else sent}"} if sent else {}
    transport = httpx.ASGITransport(app, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as http:
        answer = await http.get("/readyz", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert ("database" in answer.json()) == sees_parts


async def _ready(http: httpx.AsyncClient) -> Any:
    answer = await http.get("/readyz")
    return answer.json() if answer.status_code == 200 else None


WRITE = {
    "query": """mutation { upsertCustomers(input: {customers: [{externalRef: "C-9", name: "Ann", addresses: []}]}) {
      userErrors { message } } }"""
}


async def test_a_database_that_is_frozen_costs_a_request_one_wait_and_not_a_second_for_its_rollback(
    start: Start, connection: Any
) -> None:
    async with start(statement_seconds=4) as serving, signed_in(serving, connection) as http:
        # Given a mutation that holds a connection, within a transaction
        async with connection.transaction():
            await connection.execute("lock table customer in access exclusive mode")
            asking = asyncio.create_task(http.post("/graphql", json=WRITE))
            await _waits(connection)
            rows = await connection.fetch("select pid from pg_stat_activity where datname = current_database()")
            try:
                # When every process of PostgreSQL that serves somebody freezes
                for row in rows:
                    os.kill(row["pid"], signal.SIGSTOP)
                started = asyncio.get_running_loop().time()
                answer = await asyncio.wait_for(asking, 60)
                waited = asyncio.get_running_loop().time() - started
            finally:
                for row in rows:
                    os.kill(row["pid"], signal.SIGCONT)
        # Then it is 503 after the limit of one statement: two would be 12 seconds
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert waited < 11
        assert await eventually(lambda: works(http))


@pytest.mark.parametrize("state", ["53100", "53200", "25006", "57P01", "57P05", "58030", "40001", "40P01"])
async def test_a_mutation_that_postgresql_could_not_write_is_503_and_may_be_retried(
    start: Start, connection: Any, state: str
) -> None:
    # Given a database that answers, and fails on writes: a full disk, no memory, a standby, a shutdown, a deadlock
    await connection.execute(
        "create function fail() returns trigger language plpgsql as"
        f" $$ begin raise exception using errcode = '{state}'; end $$;"
        " create trigger fail before insert on customer execute function fail()"
    )
    async with start() as serving, signed_in(serving, connection) as http:
        answer = await http.post("/graphql", json=WRITE)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "2"), answer.text
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await connection.execute("drop trigger fail on customer")
        answer = await http.post("/graphql", json=WRITE)
        assert answer.json()["data"]["upsertCustomers"]["userErrors"] == []


async def test_a_full_disk_and_a_database_that_takes_only_reads_show_in_readyz(
    start: Start, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.health._MEMORY", 0.0)
    database = await connection.fetchval("select current_database()")
    async with start() as serving, httpx.AsyncClient(base_url=serving.url, timeout=20) as http:
        assert (await eventually(lambda: _ready(http)))["database"] == "ok"
    # Given a disk that is full when the check writes to it
    await connection.execute(
        "create function public.repeat(text, integer) returns text language plpgsql as"
        " $$ begin raise exception using errcode = '53100'; end $$;"
        f" alter database {database} set search_path = public, pg_catalog"
    )
    async with start() as serving, httpx.AsyncClient(base_url=serving.url, timeout=20) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, "cannot write: its disk is full")
        assert answer.json()["migrations"] == "ok"
    await connection.execute(
        "drop function public.repeat(text, integer);"
        f" alter database {database} reset search_path;"
        f" alter database {database} set default_transaction_read_only = on"
    )
    async with start() as serving, httpx.AsyncClient(base_url=serving.url, timeout=20) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, "takes only reads")


async def test_the_check_of_writes_does_write_to_the_disk(connection: Any) -> None:
    async with connection.transaction():
        await QUERIES.small_sorts(connection)
        plan = await connection.fetch(f"explain (analyze) {QUERIES.write_check.sql}")
    assert any("Sort Method: external merge  Disk:" in row[0] for row in plan)


async def test_without_a_free_connection_it_is_503_within_the_wait_time(start: Start, pool: Any) -> None:
    async with (
        start(pool_size=1, pool_wait_seconds=0.3) as serving,
        signed_in(serving, pool) as http,
        _locked(pool, "customer"),
    ):
        first = asyncio.create_task(http.post("/graphql", json=QUERY))
        await _waits(pool)
        answer = await http.post("/graphql", json=QUERY)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        first.cancel()


async def test_a_statement_has_a_time_limit(start: Start, pool: Any) -> None:
    async with start(statement_seconds=0.3) as serving, signed_in(serving, pool) as http:
        async with _locked(pool, "customer"):
            answer = await http.post("/graphql", json={"query": '{ __typename customer(externalRef: "x") { id } }'})
        assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
        # The limit is so short here that a busy machine may need more than one try.
        assert await eventually(lambda: works(http))


@pytest.mark.parametrize("table", ["customer", "message"])
async def test_a_disconnected_client_has_its_statement_cancelled(start: Start, pool: Any, table: str) -> None:
    # Given a query of a customer and its lists, which waits for a lock on one of the tables
    await make_customer(pool, external_ref="C-1")
    lists = "{ sent { nodes { subject } } connectionNotes { nodes { title } } }"
    query = {"query": f'{{ customer(externalRef: "C-1") {{ name emails {lists} }} }}'}
    async with start(statement_seconds=60) as serving, signed_in(serving, pool) as http, _locked(pool, table):
        asking = asyncio.create_task(http.post("/graphql", json=query))
        await _waits(pool)
        # When the client disconnects
        asking.cancel()
        # Then no statement waits for the lock
        await eventually(lambda: _none_waits(pool), seconds=10)
        assert asking.cancelled()


@contextlib.asynccontextmanager
async def _locked(pool: Any, table: str) -> AsyncIterator[None]:
    async with pool.acquire() as holding, holding.transaction():
        await holding.execute(f"lock table {table} in access exclusive mode")
        yield


async def _waits(pool: Any) -> None:
    await eventually(lambda: pool.fetchval("select count(*) from pg_locks where not granted"))


async def _none_waits(pool: Any) -> bool:
    return int(await pool.fetchval("select count(*) from pg_locks where not granted")) == 0


# Valkey -----------------------------------------------------------------------------------------------------------


async def test_without_valkey_queries_work(start: Start, pool: Any) -> None:
    async with start(redis_url="redis://127.0.0.1:1/0") as serving, signed_in(serving, pool) as http:
        assert await works(http)
        named = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
        assert (await http.post("/graphql", json={"extensions": named})).status_code == 422
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["valkey"]) == (200, "degraded")


# Clients ----------------------------------------------------------------------------------------------------------


async def send_raw(serving: Serving, *pieces: bytes) -> bytes:
    """Returns the whole response to these bytes; the server must close the connection within ten seconds."""
    reader, writer = await asyncio.open_connection(serving.host, serving.port)
    try:
        for piece in pieces:
            writer.write(piece)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await reader.read(65_536)
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_malformed_requests_have_their_status_and_do_no_harm(start: Start, pool: Any) -> None:
    async with start(read_seconds=0.3) as serving, signed_in(serving, pool) as http:
        authorization = f"Authorization: {http.headers['authorization']}\r\n".encode()
        post = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + authorization
        cases = {
            b"413": post + b"Content-Length: 10485760\r\n\r\n" + b"x" * 100_000,
            b"408": post + b"Content-Length: 100\r\n\r\n{",
            b"415": post + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n" + b"x" * 10,
            b"400": b"NONSENSE\r\n\r\n",
            b"431": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Flood: 1\r\n" * 500 + b"\r\n",
            b"414": b"GET /graphql?query=" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        }
        for status, request in cases.items():
            answer = await send_raw(serving, request)
            assert answer.startswith(b"HTTP/1.1 " + status), (status, answer[:200])
        for request in (
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000,
            b"GET /healthz HTTP/1.1\r\n" + b"X-Endless: 1\r\n" * 10_000,
        ):
            assert (await send_raw(serving, request)).startswith(b"HTTP/1.1 431")
        assert await works(http)


async def test_a_slow_head_is_408(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    async with start() as serving:
        assert (await send_raw(serving, b"GET /healthz HTTP/1.1\r\nHost:")).startswith(b"HTTP/1.1 408")
        assert (await send_raw(serving)).startswith(b"HTTP/1.1 408")
        # A kept-alive connection may be idle between requests.
        async with httpx.AsyncClient(base_url=serving.url) as http:
            for _ in range(2):
                assert (await http.get("/healthz")).status_code == 200
                await asyncio.sleep(0.3)


async def test_a_client_that_does_not_read_is_disconnected(
    service_settings: service.settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "WRITE_SECONDS", 0.2)
    app = Starlette(routes=[Route("/", lambda _: Response(b"x" * 50_000_000))])
    app.state.draining = asyncio.Event()
    async with serve(app, service_settings) as serving:
        reader, writer = await asyncio.open_connection(serving.host, serving.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readexactly(12) == b"HTTP/1.1 200"
        await eventually(lambda: not serving.server.server_state.connections, seconds=10)
        writer.transport.abort()


async def test_only_a_trusted_proxy_sets_the_client_address(service_settings: service.settings.Settings) -> None:
    app = Starlette(routes=[Route("/", lambda request: Response(request.client.host))])
    app.state.draining = asyncio.Event()
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    for proxies, seen in {("127.0.0.0/8",): "192.0.2.7", ("10.0.0.0/8",): "127.0.0.1"}.items():
        changed = service_settings.model_copy(update={"trusted_proxies": proxies})
        async with serve(app, changed) as serving, httpx.AsyncClient(base_url=serving.url) as http:
            assert (await http.get("/", headers=forwarded)).text == seen


async def test_large_bodies_and_compression_bombs(start: Start, pool: Any) -> None:
    async with start() as serving, signed_in(serving, pool) as http:
        large = json.dumps({"query": "{ __typename }", "variables": {"a": "x" * 10_485_760}}).encode()

        async def chunks() -> AsyncIterator[bytes]:
            for begin in range(0, len(large), 65_536):
                yield large[begin : begin + 65_536]

        headers = {"Content-Type": "application/json"}
        assert (await http.post("/graphql", content=large, headers=headers)).status_code == 413
        assert (await http.post("/graphql", content=chunks(), headers=headers)).status_code == 413
        bomb = gzip.compress(b" " * 50_000_000)
        packed = {**headers, "Content-Encoding": "gzip"}
        assert (await http.post("/graphql", content=bomb, headers=packed)).status_code == 415
        assert await works(http)


async def test_strings_that_cannot_be_stored_are_refused(client: httpx.AsyncClient) -> None:
    upsert = "mutation M($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { userErrors { message } } }"
    cases: list[tuple[str, dict[str, Any]]] = [
        ('{ customers(search: "a\\u0000bc") { nodes { id } } }', {}),
        ("query Q($s: String) { customers(search: $s) { nodes { id } } }", {"s": "a\0bc"}),
        (upsert, {"input": {"customers": [{"externalRef": "a\0b"}]}}),
        ('{ customer(id: "Customer_99999999999999999999") { id } }', {}),
        ("{ customers(first: 101) { nodes { id } } }", {}),
        ("{ customers(first: 0) { nodes { id } } }", {}),
        ("{ customers(first: -1) { nodes { id } } }", {}),
        ("{ customers(first: 99999999999) { nodes { id } } }", {}),
        ('{ customers(after: "broken") { nodes { id } } }', {}),
    ]
    for query, variables in cases:
        answer = await client.post("/graphql", json={"query": query, "variables": variables})
        assert answer.status_code in (200, 400), answer.text
        assert "INTERNAL" not in answer.text, (query, answer.text)
        assert "errors" in answer.json() or answer.json()["data"] == {"customer": None}


@pytest.mark.parametrize("address", ["/graphql", "/static/page.css"])
@pytest.mark.parametrize(
    ("lines", "coding"),
    [
        (["gzip"], "gzip"),
        (["br, GZIP;q=0.5"], "gzip"),
        (["br", "x-gzip"], "gzip"),
        (["gzip;q=0"], None),
        (["br, gzip; q=0.000, *"], None),
        (["bgzipx"], None),
        (["gzip;q=much"], None),
        ([""], None),
    ],
)
async def test_responses_are_compressed_only_for_clients_that_accept_it(
    client: httpx.AsyncClient, address: str, lines: list[str], coding: str | None
) -> None:
    del client.headers["Accept-Encoding"]
    query = {"query": "{ __schema { types { name description } } }"} if address == "/graphql" else None
    request = client.build_request("GET", address, params=query, headers=[("Accept-Encoding", line) for line in lines])
    answer = await client.send(request)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == coding
    vary = answer.headers["vary"].split(", ")
    assert "Accept-Encoding" in vary
    assert len(vary) == len(set(vary))


async def test_only_large_responses_are_compressed(client: httpx.AsyncClient) -> None:
    large = await client.post("/graphql", json={"query": "{ __schema { types { name description } } }"})
    small = await client.post("/graphql", json={"query": "{ __typename }"})
    assert large.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in small.headers
    plain = await client.post(
        "/graphql", json={"query": "{ __schema { types { name } } }"}, headers={"Accept-Encoding": "identity"}
    )
    assert "content-encoding" not in plain.headers
    # in any case Vary says that the response depends on Accept-Encoding
    for answer in (large, small, plain):
        assert "Accept-Encoding" in answer.headers["vary"]
