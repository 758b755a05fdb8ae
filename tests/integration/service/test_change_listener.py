"""Subscriptions to a customer's changes over both transports, fed by the gateway's notifications."""

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
from service.change_listener import MAX_PENDING, Change, ChangeListener, Subscriber, parse_change
from service.database import DatabasePools
from tests.builders import make_customer, make_message, make_outbox
from tests.engine import Start, deployment, queue_mail, start, until
from tests.eventually import eventually
from tests.serving import Serving, serve

__all__ = ["deployment", "start"]

SUBSCRIBE = "subscription($id: ID!) { customerEmailsChanged(customerId: $id) { customerId messageId kind } }"


@pytest.fixture
async def listener(database_url: str, pools: DatabasePools) -> AsyncIterator[ChangeListener]:
    made = ChangeListener(database_url, pools, notice_seconds=0)
    async with made.running():
        yield made


@asynccontextmanager
async def subscribed(listener: ChangeListener, customer_id: int) -> AsyncIterator[AsyncGenerator[Change, None]]:
    """A subscription past its first RESYNCs: one for a new subscriber, one for a listener that has just connected."""
    async with aclosing(listener.subscribe(customer_id)) as changes:
        assert (await anext(changes)).kind is ChangeKind.RESYNC
        await _connected(listener)
        yield changes


async def _connected(listener: ChangeListener) -> None:
    """Wait until changes arrive as themselves: what is notified before the LISTEN arrives as a RESYNC."""
    async with asyncio.timeout(10):
        await listener.listening.wait()


async def next_change(changes: AsyncGenerator[Change, None]) -> Change:
    """The next change that is no RESYNC."""
    async with asyncio.timeout(5):
        while True:
            change = await anext(changes)
            if change.kind is not ChangeKind.RESYNC:
                return change


async def test_a_subscriber_gets_the_changes_of_its_customer_only(pool: Any, listener: ChangeListener) -> None:
    one, other = await make_customer(pool), await make_customer(pool)
    mine = MessageRef(customer_id=one, message_id=uuid4())
    async with subscribed(listener, one) as changes, pool.acquire() as connection:
        await notify_change(connection, ChangeKind.HIT, [MessageRef(customer_id=other, message_id=uuid4())])
        await notify_change(connection, ChangeKind.MESSAGE, [mine])
        expected = Change(customer_id=one, message_id=mine.message_id, kind=ChangeKind.MESSAGE)
        assert await next_change(changes) == expected


async def test_only_watched_customers_are_notified(pool: Any, database_url: str, listener: ChangeListener) -> None:
    one, other = await make_customer(pool), await make_customer(pool)
    payloads: list[object] = []
    own = await asyncpg.connect(database_url)
    await own.add_listener(CHANNEL, lambda *arguments: payloads.append(arguments[-1]))
    refs = [MessageRef(customer_id=customer, message_id=uuid4()) for customer in (other, one)]
    async with subscribed(listener, one) as changes, pool.acquire() as connection:
        await ChangeNotifier().notify_change(connection, ChangeKind.MESSAGE, refs)
        await next_change(changes)

    async def one_arrived() -> bool:
        await own.execute("select 1")
        return bool(payloads)

    await eventually(one_arrived, "the notification")
    assert len(payloads) == 1
    # and when the last subscriber has left, no customer is watched
    assert await pool.fetchval("select count(*) from customer_watch") == 0
    await own.close()


async def test_a_notifier_reads_the_watched_customers_once_a_second(pool: Any) -> None:
    customer = await make_customer(pool)
    now = 0.0
    notifier = ChangeNotifier(clock=lambda: now)
    ref = MessageRef(customer_id=customer, message_id=uuid4())
    async with pool.acquire() as connection:
        payloads: list[object] = []
        await connection.add_listener(CHANNEL, lambda *arguments: payloads.append(arguments[-1]))
        await notifier.notify_change(connection, ChangeKind.MESSAGE, [ref])
        await connection.execute(
            "insert into customer_watch values ($1, uuidv7(), now() + interval '1 minute')", customer
        )
        await notifier.notify_change(connection, ChangeKind.MESSAGE, [ref])
        assert payloads == []
        now = 1.0
        await notifier.notify_change(connection, ChangeKind.MESSAGE, [ref])

        async def one_arrived() -> bool:
            await connection.execute("select 1")
            return len(payloads) == 1

        await eventually(one_arrived)
        await connection.remove_listener(CHANNEL, next(iter(connection._listeners[CHANNEL])).cb)


async def test_held_mail_and_opt_outs_are_changes(pool: Any, listener: ChangeListener) -> None:
    customer = await make_customer(pool)
    message = await make_message(pool, customer)
    await make_outbox(pool, customer, message)
    async with subscribed(listener, customer) as changes, pool.acquire() as connection:
        key = (customer, message, 0)
        held = [UNDELIVERED[HandOff.SUPPRESSED]]
        assert await decide(connection, [key], held, owners=[None], actor="tests", shard=0) == 1
        assert await next_change(changes) == Change(customer_id=customer, message_id=message, kind=ChangeKind.MESSAGE)
        await opt_outs.set_opt_out(
            connection, customer_id=customer, kind=OptOutKind.MARKETING, opted_out=True, actor="jo"
        )
        assert await next_change(changes) == Change(customer_id=customer, message_id=None, kind=ChangeKind.OPT_OUT)


async def test_an_opt_out_of_an_address_is_a_change_of_every_customer_who_has_it(
    pool: Any, deployment: Deployment, listener: ChangeListener
) -> None:
    # Given two customers of one address, and a subscriber to the second
    address = "ann@customer.example"
    one, other = [await make_customer(pool, addresses=[address]) for _ in range(2)]
    ref = MessageRef(customer_id=one, message_id=await make_message(pool, one, recipient=address))
    expected = Change(customer_id=other, message_id=None, kind=ChangeKind.OPT_OUT)
    async with subscribed(listener, other) as changes, pool.acquire() as connection:
        # When a mail to the first is unsubscribed from, then it gets the change
        await opt_outs.opt_out_by_link(connection, ref, kinds=None, source=OptOutSource.LINK, deployment=deployment)
        assert await next_change(changes) == expected
        # and when staff lift the opt-out again
        kind = OptOutKind.MARKETING
        await opt_outs.set_opt_out(connection, customer_id=one, kind=kind, opted_out=False, actor="jo")
        assert await next_change(changes) == expected


async def test_a_queued_letter_and_its_delivery_are_changes(
    pool: Any, deployment: Deployment, start: Start, listener: ChangeListener
) -> None:
    customer = await make_customer(pool, addresses=["ann@customer.example"])
    async with subscribed(listener, customer) as changes, pool.acquire() as connection:
        ref = await queue_mail(connection, deployment, customer_id=customer)
        expected = Change(customer_id=customer, message_id=ref.message_id, kind=ChangeKind.MESSAGE)
        assert await next_change(changes) == expected
        start()
        await until(connection, ref, "ACCEPTED")
        assert await next_change(changes) == expected


async def test_a_lost_connection_is_made_again_and_resyncs(pool: Any, listener: ChangeListener) -> None:
    customer = await make_customer(pool)
    hit = MessageRef(customer_id=customer, message_id=uuid4())
    async with subscribed(listener, customer) as changes, pool.acquire() as connection:
        # Given a subscriber with an empty queue
        await notify_change(connection, ChangeKind.HIT, [hit])
        await next_change(changes)
        # When the connection is lost, then it gets a RESYNC, and the changes after it
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'service changes' and datname = current_database()"
        )
        async with asyncio.timeout(5):
            assert (await anext(changes)).kind is ChangeKind.RESYNC
        await notify_change(connection, ChangeKind.HIT, [hit])
        assert (await next_change(changes)).kind is ChangeKind.HIT


async def test_a_slow_subscriber_gets_one_resync_for_all_it_missed() -> None:
    subscriber = Subscriber(7)
    for _ in range(MAX_PENDING + 1):
        subscriber.put(Change(customer_id=7, message_id=uuid4(), kind=ChangeKind.HIT))
    subscriber.put(Change(customer_id=7, message_id=None, kind=ChangeKind.OPT_OUT))
    assert [(await subscriber.get()).kind for _ in range(2)] == [ChangeKind.RESYNC, ChangeKind.OPT_OUT]


def test_other_payloads_are_ignored() -> None:
    for text in ("", "nonsense", "{}", "[]", '{"customer": "x"}', '{"customer": 1, "message": 7, "kind": "HIT"}'):
        assert parse_change(text) is None


async def test_watches_of_processes_that_ended_are_deleted(connection: Any) -> None:
    from service.database import QUERIES as SERVICE_QUERIES

    await connection.execute("insert into customer_watch values (1, uuidv7(), now() - interval '2 minutes')")
    assert [row async for row in QUERIES.watched_customers(connection, limit=10)] == []
    await SERVICE_QUERIES.forget_watches(connection)
    assert await connection.fetchval("select count(*) from customer_watch") == 0


async def test_a_backlog_of_watches_goes_a_thousand_at_a_time(connection: Any) -> None:
    from service.database import QUERIES as SERVICE_QUERIES

    await connection.execute(
        "insert into customer_watch"
        " select n, uuidv7(), now() - interval '59 seconds' - (n > 1)::integer * interval '2 seconds'"
        " from generate_series(1, 2501) n"
    )
    left = []
    for _ in range(4):
        await SERVICE_QUERIES.forget_watches(connection)
        left.append(await connection.fetchval("select count(*) from customer_watch"))
    assert left == [1501, 501, 1, 1]


# Over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def serving(app: Starlette, service_settings: service.settings.Settings) -> AsyncIterator[Serving]:
    listener = app.state.resources.changes
    listener._notice_seconds = 0
    await _connected(listener)
    # The application is running already: uvicorn must not start it twice.
    async with serve(app, service_settings) as made:
        yield made


async def test_a_subscription_over_websocket(pool: Any, serving: Serving, token: str) -> None:
    customer = await make_customer(pool)
    message = uuid4()
    address = f"ws://{serving.host}:{serving.port}/graphql"
    async with asyncio.timeout(15), connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": SUBSCRIBE, "variables": {"id": f"Customer_{customer}"}}
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


async def test_a_subscription_by_server_sent_events_and_none_to_an_unknown_customer(
    pool: Any, serving: Serving, token: str
) -> None:
    customer = await make_customer(pool)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with asyncio.timeout(15), httpx.AsyncClient(base_url=serving.url, headers=headers) as client:
        body = {"query": SUBSCRIBE, "variables": {"id": f"Customer_{customer}"}}
        async with client.stream("POST", "/graphql", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:") and line != "data:":
                    assert json.loads(line[5:])["data"]["customerEmailsChanged"]["kind"] == "RESYNC"
                    break
        wrong = "customerId: is not the id of a Customer"
        for unknown, why in (
            ("Customer_999999", "customerId: there is no such customer"),
            *((text, wrong) for text in ("Customer_x", "Message_1_2", "")),
        ):
            answer = await client.post("/graphql", json={"query": SUBSCRIBE, "variables": {"id": unknown}})
            assert why in answer.text
    await eventually(lambda: pool.fetchval("select count(*) = 0 from customer_watch"), "no watch left")
