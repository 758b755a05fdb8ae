"""Upgrades: the code of before works with the newest schema, and replacing it loses no request and repeats no mail."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

import service.settings
from service.auth.tokens import create_token
from service.migrations import Patience, migrate
from service.standalone.postgres import Postgres
from tests.balancer import balanced
from tests.campaigning import launch, parse, run, upsert
from tests.e2e.test_opens_and_clicks import BROWSER, addresses, part
from tests.eventually import eventually
from tests.service_process import ROOT, environment, running
from tests.smtp_server import SmtpServer
from tests.version_before import commit_before_the_newest_migration, unpack

PATIENCE = Patience(lock=1, total=60)
CARD = {"kind": "CHARGE", "amount": {"amount": "12.50", "currency": "USD"}}
HISTORY = """query($id: ID!) { customer(id: $id) { emails { connectionNotes { nodes { title info { status } } }
  clicks(includeMachine: true) { nodes { url } } } } }"""
SEND = """mutation($input: SendCardProcessingEmailInput!) { sendCardProcessingEmail(input: $input) {
  message { id } userErrors { code message } } }"""
DRAIN_SECONDS = 60.0
PAUSE_SECONDS = 0.05
"""Of a client between two requests: the processes that start meanwhile need the machine, too."""


@pytest.fixture(scope="module")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the code from before the newest migration is."""
    return unpack(commit_before_the_newest_migration(), tmp_path_factory.mktemp("old"))


@pytest.fixture
def env(service_settings: service.settings.Settings, smtp_server: SmtpServer, tmp_path: Path) -> dict[str, str]:
    """What all processes are set by."""
    return environment(
        service_settings,
        RELAY_URL=f"{smtp_server.url}&connections=2",
        DRAIN_NOTICE_SECONDS="1",
        SWEEP_SECONDS="0.1",
        RECORDER_DIR=str(tmp_path / "recorders"),
    )


@asynccontextmanager
async def gateway_running(env: dict[str, str], code: Path = ROOT) -> AsyncIterator[asyncio.subprocess.Process]:
    """A gateway of its own process, with the packages of `code`; drained when the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", cwd=code, env=env, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        await drain(process)


async def drain(process: asyncio.subprocess.Process) -> int:
    """Ends a process as a supervisor does; returns its exit code."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DRAIN_SECONDS):
        return await process.wait()


@asynccontextmanager
async def client_of(url: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as made:
        yield made


async def link_in_a_campaign_mail(client: httpx.AsyncClient, smtp_server: SmtpServer) -> tuple[str, str]:
    """Sends one; returns its customer and the path of a link in it."""
    [ann] = await upsert(client, "ann")
    await launch(client, "one", [ann])
    await smtp_server.accepted(1)
    [mail] = smtp_server.messages
    return ann, urlsplit(addresses(part(parse(mail.content), "html"), "/c/")[0]).path


async def test_the_code_of_before_works_with_the_newest_schema(
    env: dict[str, str], old_code: Path, smtp_server: SmtpServer, pool: Any
) -> None:
    # Given a service and a gateway of the version before, and a database that is migrated already
    token = await create_token(pool, "crm")
    async with (
        gateway_running(env, old_code),
        running(env=env, code=old_code) as old,
        client_of(old.url, token) as client,
    ):
        # When mail of both kinds is queued, it is sent
        ann, link = await link_in_a_campaign_mail(client, smtp_server)
        await run(client, "sendCardProcessingEmail", "message { id }", customerId=ann, idempotencyKey="card", **CARD)
        await smtp_server.accepted(2)
        # and when Ann follows a link
        followed = await client.get(link, headers=BROWSER)
        assert (followed.status_code, followed.headers["location"][:21]) == (302, "https://shop.example/")

        # Then the history tells all of it
        async def whole() -> bool:
            asked = await client.post("/graphql", json={"query": HISTORY, "variables": {"id": ann}})
            emails = asked.json()["data"]["customer"]["emails"]
            statuses = [row["info"]["status"] for row in emails["connectionNotes"]["nodes"]]
            return statuses == ["ACCEPTED"] * 2 and len(emails["clicks"]["nodes"]) == 1

        await eventually(whole, "two mails that were accepted, and a click")


@dataclass(kw_only=True)
class Load:
    """Clients on kept connections, one a kind of request, that never repeat one."""

    client: Callable[[], contextlib.AbstractAsyncContextManager[httpx.AsyncClient]]
    customer: str
    link: str
    finished: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    stopping: bool = False

    async def run(self) -> None:
        """Until `stopping`."""
        kinds = {"query": self._query, "mutation": self._send, "click": self._click}
        await asyncio.gather(*(self._repeat(kind, ask) for kind, ask in kinds.items()))

    async def _repeat(self, kind: str, ask: Callable[[httpx.AsyncClient, int], Awaitable[str | None]]) -> None:
        async with self.client() as client:
            for number in itertools.count():
                if self.stopping:
                    return
                try:
                    fault = await ask(client, number)
                except httpx.HTTPError as error:
                    fault = repr(error)
                if fault is not None:
                    self.failed.append(f"{kind} {number}: {fault}")
                self.finished[kind] += 1
                await asyncio.sleep(PAUSE_SECONDS)

    async def _query(self, client: httpx.AsyncClient, _: int) -> str | None:
        answer = await client.post("/graphql", json={"query": HISTORY, "variables": {"id": self.customer}})
        return None if answer.status_code == 200 and "errors" not in answer.json() else answer.text

    async def _send(self, client: httpx.AsyncClient, number: int) -> str | None:
        values = {"customerId": self.customer, "idempotencyKey": f"card {number}", **CARD}
        answer = await client.post("/graphql", json={"query": SEND, "variables": {"input": values}})
        if answer.status_code != 200 or "errors" in answer.json():
            return answer.text
        done = answer.json()["data"]["sendCardProcessingEmail"]
        if done["message"] is None:
            return str(done)
        self.queued.append(done["message"]["id"])
        return None

    async def _click(self, client: httpx.AsyncClient, _: int) -> str | None:
        answer = await client.get(self.link, headers=BROWSER)
        return None if answer.status_code == 302 else answer.text

    async def go_on(self, more: int = 15) -> None:
        """Waits until this many more requests of each kind have ended."""
        wanted = {kind: self.finished[kind] + more for kind in ("query", "mutation", "click")}
        await eventually(lambda: all(self.finished[kind] >= number for kind, number in wanted.items()), seconds=90)


@pytest.fixture
async def old_database_url(postgres: Postgres, old_code: Path) -> AsyncIterator[str]:
    """A database as the version before has it."""
    url = postgres.url("before_the_upgrade")
    await migrate(url, PATIENCE, say=lambda line: None, directory=old_code / "migrations")
    yield url
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute("drop database before_the_upgrade with (force)")
    await connection.close()


async def test_an_upgrade_fails_no_request_and_sends_nothing_twice(
    env: dict[str, str], old_database_url: str, old_code: Path, smtp_server: SmtpServer
) -> None:
    env["DATABASE_URL"] = old_database_url
    connection = await asyncpg.connect(old_database_url)
    token = await create_token(connection, "crm")
    async with contextlib.AsyncExitStack() as stack:
        # Given two services and a gateway of the version before, behind a balancer, under load
        old_gateway, *old = await together(
            stack, gateway_running(env, old_code), *(running(env=env, code=old_code) for _ in range(2))
        )
        balancer, url = await stack.enter_async_context(balanced(*(one.port for one in old)))
        await eventually(lambda: balancer.is_ready(len(old)))
        async with client_of(url, token) as client:
            customer, link = await link_in_a_campaign_mail(client, smtp_server)
        load = Load(client=lambda: client_of(url, token), customer=customer, link=link)
        loading = asyncio.create_task(load.run())
        await load.go_on()
        # When the database is migrated
        applied = await migrate(old_database_url, PATIENCE, say=lambda line: None)
        await load.go_on()
        # and the new version takes the old one's place, service by service, then the gateway
        new = await together(stack, *(running(env=env) for _ in old))
        for before, after in zip(old, new, strict=True):
            balancer.backends.add(after.port)
            await eventually(lambda: balancer.is_ready(len(old) + 1))
            assert await drain(before.process) == 0
            balancer.backends.remove(before.port)
            await load.go_on()
        await stack.enter_async_context(gateway_running(env))
        assert await drain(old_gateway) == 0
        await load.go_on()
        load.stopping = True
        await loading
        # Then no request has failed
        assert load.failed == []
        assert applied
        # and every mail is sent, once
        await eventually(lambda: all_accepted(connection), "an empty outbox")
        taken = Counter(str(parse(mail.content)["Message-ID"]) for mail in smtp_server.messages)
        assert (len(taken), set(taken.values())) == (len(load.queued) + 1, {1})
        statuses = await connection.fetch("select status::text, count(*) from message group by 1")
        assert [tuple(row) for row in statuses] == [("ACCEPTED", len(taken))]
    await connection.close()


async def together(stack: contextlib.AsyncExitStack, *started: contextlib.AbstractAsyncContextManager[Any]) -> Any:
    """Starts processes beside each other; returns them, in order."""
    async with asyncio.TaskGroup() as group:
        starting = [group.create_task(stack.enter_async_context(one)) for one in started]
    return [one.result() for one in starting]


async def all_accepted(connection: Any) -> bool:
    return not await connection.fetchval("select exists (select from outbox)")
