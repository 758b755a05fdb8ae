"""A page follows a customer: subscriptions over both transports, fed by what the gateway's writers notify."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

import service.settings
from gateway.consent import opt_outs
from gateway.database import QUERIES
from gateway.deployment import Deployment
from gateway.mail.choice import OptOutKind, OptOutSource
from gateway.mail.message import MessageRef
from gateway.notify.changes import CHANNEL, ChangeKind, ChangeNotifier, notify_change
from gateway.outbox.outcomes import UNDELIVERED, HandOff, decide
from service.database import DatabasePools
from service.watch import MAX_PENDING, Change, Follower, Watch, read_change
from tests.builders import make_customer, make_message, make_outbox
from tests.engine import Start, deployment, eventually, queue_mail, start, until
from tests.serving import Serving, serve

__all__ = ["deployment", "start"]

FOLLOW = "subscription($id: ID!) { customerEmailsChanged(customerId: $id) { customerId messageId kind } }"


@pytest.fixture
async def watch(database_url: str, pools: DatabasePools) -> AsyncIterator[Watch]:
    made = Watch(database_url, pools, noticed_seconds=0)
    async with made.running():
        yield made


@asynccontextmanager
async def following(watch: Watch, customer_id: int) -> AsyncIterator[AsyncGenerator[Change, None]]:
    """Follows, from after the first RESYNCs: one for the new follower, one when listening has just begun."""
    async with aclosing(watch.follow(customer_id)) as changes:
        assert (await anext(changes)).kind is ChangeKind.RESYNC
        await _listens(watch)
        yield changes


async def _listens(watch: Watch) -> None:
    """Until nothing that is told from now on is heard as a RESYNC only."""
    async with asyncio.timeout(10):
        await watch.listening.wait()


async def hear(changes: AsyncGenerator[Change, None]) -> Change:
    """The next change that is news."""
    async with asyncio.timeout(5):
        while True:
            change = await anext(changes)
            if change.kind is not ChangeKind.RESYNC:
                return change


async def test_a_follower_hears_of_its_customer_only(pool: Any, watch: Watch) -> None:
    one, other = await make_customer(pool), await make_customer(pool)
    mine = MessageRef(customer_id=one, message_id=uuid4())
    async with following(watch, one) as changes, pool.acquire() as connection:
        await notify_change(connection, ChangeKind.HIT, [MessageRef(customer_id=other, message_id=uuid4())])
        await notify_change(connection, ChangeKind.MESSAGE, [mine])
        assert await hear(changes) == Change(customer_id=one, message_id=mine.message_id, kind=ChangeKind.MESSAGE)


async def test_only_watched_customers_are_notified(pool: Any, database_url: str, watch: Watch) -> None:
    one, other = await make_customer(pool), await make_customer(pool)
    heard: list[object] = []
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(CHANNEL, lambda *words: heard.append(words[-1]))
    refs = [MessageRef(customer_id=customer, message_id=uuid4()) for customer in (other, one)]
    async with following(watch, one) as changes, pool.acquire() as connection:
        await ChangeNotifier().notify_change(connection, ChangeKind.MESSAGE, refs)
        await hear(changes)

    async def one_heard() -> bool:
        await listener.execute("select 1")
        return bool(heard)

    await eventually(one_heard, "the notification")
    assert len(heard) == 1
    # and when nobody follows any more, nobody is
    assert await pool.fetchval("select count(*) from customer_watch") == 0
    await listener.close()


async def test_writers_who_remember_ask_once_a_second(pool: Any) -> None:
    customer = await make_customer(pool)
    now = 0.0
    watchers = ChangeNotifier(clock=lambda: now)
    ref = MessageRef(customer_id=customer, message_id=uuid4())
    async with pool.acquire() as connection:
        heard: list[object] = []
        await connection.add_listener(CHANNEL, lambda *words: heard.append(words[-1]))
        await watchers.notify_change(connection, ChangeKind.MESSAGE, [ref])
        await connection.execute(
            "insert into customer_watch values ($1, uuidv7(), now() + interval '1 minute')", customer
        )
        await watchers.notify_change(connection, ChangeKind.MESSAGE, [ref])
        assert heard == []
        now = 1.0
        await watchers.notify_change(connection, ChangeKind.MESSAGE, [ref])

        async def one_heard() -> bool:
            await connection.execute("select 1")
            return len(heard) == 1

        await eventually(one_heard)
        await connection.remove_listener(CHANNEL, next(iter(connection._listeners[CHANNEL])).cb)


async def test_held_mail_and_choices_are_news(pool: Any, watch: Watch) -> None:
    customer = await make_customer(pool)
    message = await make_message(pool, customer)
    await make_outbox(pool, customer, message)
    async with following(watch, customer) as changes, pool.acquire() as connection:
        key = (customer, message, 0)
        held = [UNDELIVERED[HandOff.SUPPRESSED]]
        assert await decide(connection, [key], held, owners=[None], actor="tests", shard=0) == 1
        assert await hear(changes) == Change(customer_id=customer, message_id=message, kind=ChangeKind.MESSAGE)
        await opt_outs.set_opt_out(
            connection, customer_id=customer, kind=OptOutKind.MARKETING, opted_out=True, actor="jo"
        )
        assert await hear(changes) == Change(customer_id=customer, message_id=None, kind=ChangeKind.OPT_OUT)


async def test_a_choice_made_at_an_address_is_news_to_everybody_who_has_it(
    pool: Any, deployment: Deployment, watch: Watch
) -> None:
    # Given two customers of one address, and a page that follows the second
    address = "ann@customer.example"
    one, other = [await make_customer(pool, addresses=[address]) for _ in range(2)]
    ref = MessageRef(customer_id=one, message_id=await make_message(pool, one, recipient=address))
    news = Change(customer_id=other, message_id=None, kind=ChangeKind.OPT_OUT)
    async with following(watch, other) as changes, pool.acquire() as connection:
        # When a mail to the first is unsubscribed from, its page hears of it
        await opt_outs.opt_out_by_link(connection, ref, kinds=None, source=OptOutSource.LINK, deployment=deployment)
        assert await hear(changes) == news
        # and when staff lift that again
        kind = OptOutKind.MARKETING
        await opt_outs.set_opt_out(connection, customer_id=one, kind=kind, opted_out=False, actor="jo")
        assert await hear(changes) == news


async def test_a_letter_and_its_delivery_are_news(
    pool: Any, deployment: Deployment, start: Start, watch: Watch
) -> None:
    customer = await make_customer(pool, addresses=["ann@customer.example"])
    async with following(watch, customer) as changes, pool.acquire() as connection:
        ref = await queue_mail(connection, deployment, customer_id=customer)
        news = Change(customer_id=customer, message_id=ref.message_id, kind=ChangeKind.MESSAGE)
        assert await hear(changes) == news
        start()
        await until(connection, ref, "ACCEPTED")
        assert await hear(changes) == news


async def test_a_lost_listener_listens_again_and_says_resync(pool: Any, watch: Watch) -> None:
    customer = await make_customer(pool)
    hit = MessageRef(customer_id=customer, message_id=uuid4())
    async with following(watch, customer) as changes, pool.acquire() as connection:
        # Given a follower of whom nothing waits any more
        await notify_change(connection, ChangeKind.HIT, [hit])
        await hear(changes)
        # When the connection is lost, then it is told to read everything, and hears of what comes after
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'service watch' and datname = current_database()"
        )
        async with asyncio.timeout(5):
            assert (await anext(changes)).kind is ChangeKind.RESYNC
        await notify_change(connection, ChangeKind.HIT, [hit])
        assert (await hear(changes)).kind is ChangeKind.HIT


async def test_a_slow_follower_gets_one_resync_for_all_it_missed() -> None:
    follower = Follower(7)
    for _ in range(MAX_PENDING + 1):
        follower.put(Change(customer_id=7, message_id=uuid4(), kind=ChangeKind.HIT))
    follower.put(Change(customer_id=7, message_id=None, kind=ChangeKind.OPT_OUT))
    assert [(await follower.get()).kind for _ in range(2)] == [ChangeKind.RESYNC, ChangeKind.OPT_OUT]


def test_what_is_no_change_is_passed_over() -> None:
    for text in ("", "nonsense", "{}", "[]", '{"customer": "x"}', '{"customer": 1, "message": 7, "kind": "HIT"}'):
        assert read_change(text) is None


async def test_watches_of_processes_that_are_gone_are_forgotten(connection: Any) -> None:
    from service.database import QUERIES as SERVICE_QUERIES

    await connection.execute("insert into customer_watch values (1, uuidv7(), now() - interval '2 minutes')")
    assert [row async for row in QUERIES.watched_customers(connection, limit=10)] == []
    await SERVICE_QUERIES.forget_watches(connection)
    assert await connection.fetchval("select count(*) from customer_watch") == 0


# Over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def serving(app: Starlette, service_settings: service.settings.Settings) -> AsyncIterator[Serving]:
    watch = app.state.resources.watch
    watch._noticed_seconds = 0
    # What is told before it listens is heard as a RESYNC only.
    await _listens(watch)
    # The application is running already: uvicorn must not start it twice.
    async with serve(app, service_settings) as made:
        yield made


async def test_a_page_follows_over_websocket(pool: Any, serving: Serving, token: str) -> None:
    customer = await make_customer(pool)
    message = uuid4()
    address = f"ws://{serving.host}:{serving.port}/graphql"
    async with asyncio.timeout(15), connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": FOLLOW, "variables": {"id": f"Customer_{customer}"}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        first = json.loads(await socket.recv())["payload"]["data"]["customerEmailsChanged"]
        assert first == {"customerId": f"Customer_{customer}", "messageId": None, "kind": "RESYNC"}
        async with pool.acquire() as connection:
            await notify_change(connection, ChangeKind.HIT, [MessageRef(customer_id=customer, message_id=message)])
        while (change := json.loads(await socket.recv())["payload"]["data"]["customerEmailsChanged"]) == first:
            continue
        assert change == {
            "customerId": f"Customer_{customer}",
            "messageId": f"Message_{customer}_{message.hex}",
            "kind": "HIT",
        }


async def test_a_page_follows_by_events_and_nobody_follows_an_unknown_customer(
    pool: Any, serving: Serving, token: str
) -> None:
    customer = await make_customer(pool)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with asyncio.timeout(15), httpx.AsyncClient(base_url=serving.url, headers=headers) as client:
        body = {"query": FOLLOW, "variables": {"id": f"Customer_{customer}"}}
        async with client.stream("POST", "/graphql", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:") and line != "data:":
                    assert json.loads(line[5:])["data"]["customerEmailsChanged"]["kind"] == "RESYNC"
                    break
        for unknown in ("Customer_999999", "Customer_x", "Message_1_2", ""):
            answer = await client.post("/graphql", json={"query": FOLLOW, "variables": {"id": unknown}})
            assert "customerId: there is no such customer" in answer.text
    await eventually(lambda: pool.fetchval("select count(*) = 0 from customer_watch"), "no watch left")
