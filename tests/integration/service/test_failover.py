"""A primary that dies, freezes or answers no more: nothing acknowledged is lost, and what was in doubt is settled."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

import gateway.settings
import service.settings
from gateway.database import (
    DURABLE,
    WORKER_SETTINGS,
    cluster_of,
    connect,
    following_primary,
    open_pool,
    primary_address,
)
from gateway.deployment import Deployment
from gateway.templates import versions
from service.standalone.credentials import make_token
from service.standalone.migrate import migrate
from tests.builders import make_customer
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.engine import Start, attempts_of, deployment, queue_mail, start, until
from tests.eventually import eventually
from tests.gateways import Gateways, gateways
from tests.replication import ReplicatedPair, client_of, freeze, kill, replicated_pair, run_on, thaw
from tests.smtp_server import Reply, SmtpServer

__all__ = ["deployment", "gateways", "start"]

SEND = """mutation($i: SendCardProcessingEmailInput!) { sendCardProcessingEmail(input: $i) {
    message { id } userErrors { code message } } }"""


@pytest.fixture(scope="module")
def pair(run_directory: Path) -> Iterator[ReplicatedPair]:
    """A primary and its standby."""
    with replicated_pair(run_directory) as made:
        yield made


async def send_until_acknowledged(http: httpx.AsyncClient, customer_id: int, key: str) -> str:
    """Sends a mail under this key, again while the service cannot; returns the message's id."""
    given = {
        "customerId": f"Customer_{customer_id}",
        "idempotencyKey": key,
        "kind": "CHARGE",
        "amount": {"amount": "12.50", "currency": "USD"},
    }
    async with asyncio.timeout(60):
        while True:
            answer = await http.post("/graphql", json={"query": SEND, "variables": {"i": given}}, timeout=30)
            if answer.status_code == 200 and "errors" not in answer.json():
                sent = answer.json()["data"]["sendCardProcessingEmail"]
                assert sent["userErrors"] == []
                return str(sent["message"]["id"])
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def test_a_primary_that_is_killed_takes_nothing_acknowledged_with_it_and_mail_goes_on_once(
    pair: ReplicatedPair,
    settings: gateway.settings.Settings,
    service_settings: service.settings.Settings,
    gateways: Gateways,
    smtp_server: SmtpServer,
) -> None:
    # Given a synchronous standby, a client that sends without pause, and a gateway that has sent some
    await pair.make_synchronous()
    connection = await connect(pair.url)
    customers = [await make_customer(connection, addresses=[f"a{n}@customer.example"]) for n in range(60)]
    await connection.close()
    smtp_server.script(after_dot=lambda point: Reply(250, "2.0.0 taken", delay=0.01))
    gateways.environment["DATABASE_URL"] = pair.url
    await gateways.start()
    acknowledged: dict[int, str] = {}

    async def send(http: httpx.AsyncClient) -> None:
        for customer_id in customers:
            acknowledged[customer_id] = await send_until_acknowledged(http, customer_id, f"failover-{customer_id}")

    async with client_of(pair.url, settings, service_settings) as http:
        sending = asyncio.create_task(send(http))
        await smtp_server.accepted(15)

        # When the primary is killed, and the standby promoted
        await kill(pair.primary)
        await pair.promote()

        # Then every mail is acknowledged
        await sending
        await eventually(lambda: _is_ready(http), "a service that is ready")

    # And is in the history and sent, once: none is lost, none uncertain
    async with following_primary(pair.url):
        connection = await connect(pair.url)

        async def decided() -> bool:
            return not await connection.fetchval("select count(*) from outbox")

        await eventually(decided, "a decision about every mail")
        rows = await connection.fetch("select customer_id, status::text from message")
        await connection.close()
    assert Counter(row["status"] for row in rows) == {"ACCEPTED": 60}
    assert sorted(row["customer_id"] for row in rows) == sorted(acknowledged) == sorted(customers)
    assert Counter(message.recipients for message in smtp_server.taken).most_common(1)[0][1] == 1
    assert len(smtp_server.taken) == 60


async def _is_ready(http: httpx.AsyncClient) -> bool:
    return (await http.get("/readyz")).status_code == 200


async def test_a_frozen_primary_holds_nobody_once_another_takes_the_writes_and_nobody_returns_to_it(
    pair: ReplicatedPair,
) -> None:
    # Given a primary that takes a statement and then freezes, in whose kernel connections are taken all the same
    pair.rebuild()
    async with following_primary(pair.url):
        pool = await open_pool(pair.url, size=2, name="test")
        timeline = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        before = await pool.fetchval(timeline)
        freeze(pair.primary)
        waiting = asyncio.create_task(pool.fetchval("select 1"))

        # When the standby is promoted
        await pair.promote()

        # Then what waited is told so, and the pool goes on at the new primary
        with pytest.raises(asyncpg.PostgresConnectionError):
            await asyncio.wait_for(waiting, 20)
        after = await asyncio.wait_for(pool.fetchval(timeline), 20)
        assert after > before

        # And the old one, which knows of nothing and would take writes, gets none
        thaw(pair.standby)
        await eventually(lambda: _answers(pair.standby.url()), "an answer of the old primary")
        assert {await pool.fetchval(timeline) for _ in range(3)} == {after}
        # Not even by a process that has just started, and finds the old one first
        cluster_of.cache_clear()
        fresh = await connect(pair.url)
        assert await fresh.fetchval(timeline) == after
        await fresh.close()
        pool.terminate()


async def test_what_knows_one_host_is_given_the_primary(pair: ReplicatedPair) -> None:
    await asyncio.to_thread(migrate, pair.url)
    assert await primary_address(pair.url) == pair.primary.url().replace("%2F", "/")
    assert await make_token(pair.url, "of several hosts")


async def _answers(url: str) -> bool:
    with suppress(OSError, asyncpg.PostgresError):
        connection = await asyncpg.connect(url)
        await connection.close()
        return True
    return False


# Answers that are lost ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def through_proxy(database_url: str) -> AsyncIterator[tuple[CuttingProxy, str]]:
    """A proxy before this test's database, and its address there."""
    found = re.fullmatch(r"postgresql://postgres@/(\w+)\?host=(.+)", database_url)
    assert found
    async with cutting_proxy(Path(found[2])) as (proxy, port):
        yield proxy, f"postgresql://postgres@127.0.0.1:{port}/{found[1]}?sslmode=disable"


async def test_a_mutation_whose_commit_was_never_answered_is_repeated_by_its_key(
    database_url: str,
    connection: Any,
    settings: gateway.settings.Settings,
    service_settings: service.settings.Settings,
) -> None:
    customer_id = await make_customer(connection, addresses=["ann@customer.example"])
    async with through_proxy(database_url) as (proxy, url), client_of(url, settings, service_settings) as http:
        # Given a commit whose answer is lost
        proxy.marker, proxy.then = b"lost-key", b"COMMIT"
        # When the client repeats it
        sent = await send_until_acknowledged(http, customer_id, "lost-key")
        # Then there is one message
        assert proxy.lost == 1
        assert await connection.fetchval("select count(*) from message") == 1
        assert sent == await send_until_acknowledged(http, customer_id, "lost-key")


async def test_a_claim_and_an_outcome_whose_answers_were_lost_are_given_back_and_written_again(
    database_url: str, connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Reply(250, "2.0.0 taken as lost-outcome"))
    async with through_proxy(database_url) as (proxy, url):
        pool = await open_pool(url, size=16, name="gateway", settings=WORKER_SETTINGS)
        # Given a claim that is committed, and nobody hears so
        proxy.marker, proxy.then = b"from claimable_lane", b""
        ref = await queue_mail(connection, deployment)
        start(own_pool=pool)
        await eventually(lambda: proxy.lost == 1, "a lost claim")
        # And an outcome
        proxy.marker, proxy.then = b"lost-outcome", None
        await eventually(lambda: proxy.lost == 2, "a lost outcome")
        # Then the mail was sent once, and written down once
        await until(connection, ref, "ACCEPTED")
        assert len(smtp_server.taken) == 1
        assert len(await attempts_of(connection, ref)) == 1


async def test_a_repeat_is_not_acknowledged_before_its_first_is_safe_on_the_standby(
    pair: ReplicatedPair, settings: gateway.settings.Settings
) -> None:
    """PostgreSQL shows a commit whose wait for the standby was cut short as if it were safe."""
    deployment = Deployment.open(settings)
    pool = await open_pool(pair.url, size=3, name="test", settings=DURABLE)
    async with pool.acquire() as first, pool.acquire() as second, pool.acquire() as looking:
        await versions.publish_builtins(first)
        customer_id = await make_customer(first, addresses=["ann@customer.example"])
        queue = partial(queue_mail, deployment=deployment, customer_id=customer_id, idempotency_key="unsafe")
        # Given a standby that is away, and a commit whose wait for it is cut short
        await run_on(pair.primary, "alter system set synchronous_standby_names = 'away'", "select pg_reload_conf()")
        waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
        sending = asyncio.create_task(queue(first))
        await eventually(partial(looking.fetchval, waits), "a commit that waits")
        sending.cancel()
        await asyncio.wait([sending])
        kept = "select count(*) from idempotency_key where key = 'unsafe'"
        await eventually(partial(looking.fetchval, kept), "a commit that is not replicated")
        # When it is repeated, then that waits, too
        repeating = asyncio.create_task(queue(second))
        await eventually(partial(looking.fetchval, waits), "a repeat that waits")
        assert not repeating.done()
        # Until the standby is there
        await run_on(pair.primary, "alter system reset synchronous_standby_names", "select pg_reload_conf()")
        ref = await asyncio.wait_for(repeating, 20)
        assert await looking.fetchval("select id from message where customer_id = $1", customer_id) == ref.message_id
    pool.terminate()
