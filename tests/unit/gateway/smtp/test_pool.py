"""One relay's connections: who gets a message, how many are opened, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.mail.response import Exchange
from gateway.settings import parse_relay
from gateway.smtp.connection import Delivery
from gateway.smtp.pool import Pool
from tests.unit.exchanges import broken

REFUSED = broken("CONNECT CONNECT")


class Connection:
    """A connection that only notes what it is asked."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.woken = 0
        self.stopped = False
        self.cancelled: list[Delivery] = []

    def wake(self) -> None:
        self.woken += 1

    def stop(self) -> None:
        self.stopped = True

    def cancel(self, delivery: Delivery) -> None:
        self.cancelled.append(delivery)


class Relay:
    """A pool whose connections are opened by `opens`, one at a time, in the order of the dials."""

    def __init__(self, *, connections: int = 2, **values: Any) -> None:
        self.dials: list[asyncio.Future[Any]] = []
        self.pool = Pool(
            parse_relay(f"smtp://mx.example?name=main&connections={connections}"), dial=self._dial, **values
        )

    async def _dial(self, _: Pool) -> Any:
        self.dials.append(asyncio.get_running_loop().create_future())
        return await self.dials[-1]

    def submit(self) -> Any:
        """Queues a message; its `result` is a future."""
        envelope: Any = None
        delivery = Delivery(envelope, asyncio.get_running_loop().create_future())
        self.pool.submit(delivery)
        return delivery

    async def opens(self) -> Any:
        """The next dial succeeds."""
        await asyncio.sleep(0)
        connection = Connection(self.pool.next_number())
        next(dial for dial in self.dials if not dial.done()).set_result(connection)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return connection

    async def fails(self) -> None:
        """The next dial fails."""
        await asyncio.sleep(0)
        next(dial for dial in self.dials if not dial.done()).set_result(REFUSED)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_returned_message_goes_to_a_connection_opened_afterwards_and_to_no_older_one() -> None:
    # Given two connections, of which one dies before it began its message
    relay = Relay(connections=3)
    first, second = relay.submit(), relay.submit()
    dying, older = await relay.opens(), await relay.opens()
    assert [relay.pool.next_delivery(one, pipelined=False) for one in (dying, older)] == [first, second]
    relay.pool.on_closed(dying, [first], None, broke=False)
    # Then the other, though it lives, does not get it, pipelined or not
    assert relay.pool.next_delivery(older, pipelined=False) is None
    assert relay.pool.next_delivery(older, pipelined=True) is None
    third = relay.submit()
    assert relay.pool.next_delivery(older, pipelined=False) is third
    # And one that is opened from now on does
    newer = await relay.opens()
    assert relay.pool.next_delivery(newer, pipelined=False) is first


async def test_returned_messages_keep_their_order_and_go_before_others() -> None:
    relay = Relay(connections=1)
    first, second, third = relay.submit(), relay.submit(), relay.submit()
    dying = await relay.opens()
    assert [relay.pool.next_delivery(dying, pipelined=False) for _ in range(2)] == [first, second]
    relay.pool.on_closed(dying, [first, second], None, broke=False)
    newer = await relay.opens()
    assert [relay.pool.next_delivery(newer, pipelined=False) for _ in range(4)] == [first, second, third, None]


async def test_a_message_that_nobody_waits_for_is_not_sent() -> None:
    relay = Relay(connections=1)
    gone, wanted = relay.submit(), relay.submit()
    connection = await relay.opens()
    gone.result.cancel()
    assert relay.pool.next_delivery(connection, pipelined=False) == wanted
    # Nor is one kept whose connection died meanwhile
    wanted.result.cancel()
    relay.pool.on_closed(connection, [wanted], None, broke=False)
    assert relay.pool.state.waiting == 0


async def test_no_more_connections_are_opened_than_the_relay_allows_or_messages_wait() -> None:
    relay = Relay(connections=2)
    relay.submit()
    await asyncio.sleep(0)
    assert relay.pool.state.connecting == 1
    relay.submit()
    relay.submit()
    await asyncio.sleep(0)
    assert (relay.pool.state.connecting, relay.pool.state.waiting, len(relay.dials)) == (2, 3, 2)


async def test_an_idle_connection_takes_the_next_message_and_none_is_opened() -> None:
    relay = Relay(connections=2)
    relay.submit()
    idle = await relay.opens()
    relay.pool.next_delivery(idle, pipelined=False)
    relay.pool.on_idle(idle)
    relay.submit()
    await asyncio.sleep(0)
    assert (idle.woken, len(relay.dials), relay.pool.state.idle) == (2, 1, 0)


async def test_a_message_is_pipelined_only_where_no_connection_is_being_opened_for_it() -> None:
    relay = Relay(connections=2)
    relay.submit()
    busy = await relay.opens()
    relay.pool.next_delivery(busy, pipelined=False)
    relay.pool.on_can_pipeline(busy)
    second = relay.submit()
    assert relay.pool.next_delivery(busy, pipelined=True) is None
    third = relay.submit()
    assert relay.pool.next_delivery(busy, pipelined=True) is second
    assert relay.pool.next_delivery(busy, pipelined=True) is None
    assert relay.pool.next_delivery(busy, pipelined=False) is third


async def test_at_the_limit_a_connection_that_can_pipeline_is_woken_once() -> None:
    relay = Relay(connections=1)
    relay.submit()
    busy = await relay.opens()
    relay.pool.next_delivery(busy, pipelined=False)
    relay.pool.on_can_pipeline(busy)
    relay.submit()
    relay.submit()
    assert busy.woken == 2


async def test_a_failure_without_other_connections_is_every_messages_answer_and_trouble() -> None:
    trouble: list[Exchange] = []
    relay = Relay(connections=1, on_trouble=trouble.append)
    deliveries = [relay.submit(), relay.submit()]
    await relay.fails()
    assert [await one.result for one in deliveries] == [REFUSED, REFUSED]
    state = relay.pool.state
    assert (trouble, state.failures, state.last_failure, state.waiting) == ([REFUSED], 1, REFUSED, 0)
    assert relay.pool.backing_off
    # A connection that is opened ends all of that
    relay.submit()
    await relay.opens()
    state = relay.pool.state
    assert (state.failures, state.last_failure, relay.pool.backing_off) == (0, None, False)


async def test_a_failure_beside_a_living_connection_leaves_the_queue_to_it() -> None:
    trouble: list[Exchange] = []
    relay = Relay(connections=2, on_trouble=trouble.append)
    relay.submit()
    alive = await relay.opens()
    relay.pool.next_delivery(alive, pipelined=False)
    waiting = relay.submit()
    relay.pool.on_idle(alive)
    await relay.fails()
    assert (trouble, alive.woken, waiting.result.done()) == ([], 2, False)
    assert (relay.pool.state.idle, relay.pool.backing_off) == (0, False)
    assert relay.pool.next_delivery(alive, pipelined=False) is waiting
    # And none is opened until the backoff has passed
    relay.submit()
    await asyncio.sleep(0)
    assert relay.pool.state.connecting == 0


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1.0), (2, 2.0), (6, 32.0), (7, 60.0), (20, 60.0)])
async def test_the_backoff_doubles_up_to_a_minute(
    monkeypatch: pytest.MonkeyPatch, failures: int, seconds: float
) -> None:
    relay = Relay(connections=1)
    for _ in range(failures):
        relay.submit()
        await relay.fails()
    now = asyncio.get_running_loop().time()
    assert relay.pool._backoff_until - now == pytest.approx(seconds, abs=0.5)


async def test_a_closed_pool_answers_what_waits_and_what_comes_later_and_opens_nothing() -> None:
    relay = Relay(connections=2)
    relay.submit()
    connection = await relay.opens()
    sent = relay.pool.next_delivery(connection, pipelined=False)
    waiting = relay.submit()
    await asyncio.sleep(0)
    relay.pool.refuse(lambda _: REFUSED)
    relay.pool.close()
    later = relay.submit()
    assert (await waiting.result, await later.result, connection.stopped) == (REFUSED, REFUSED, True)
    assert sent is not None
    assert not sent.result.done()
    await asyncio.sleep(0)
    assert all(dial.done() for dial in relay.dials)
    relay.pool.on_closed(connection, [], None, broke=False)
    assert relay.pool.state.connecting == len(relay.dials) - 1


@pytest.mark.parametrize("place", ["waiting", "returned", "sending"])
async def test_a_cancelled_message_leaves_its_queue_or_its_connection(place: str) -> None:
    relay = Relay(connections=1)
    delivery = relay.submit()
    connection = await relay.opens()
    if place != "waiting":
        relay.pool.next_delivery(connection, pipelined=False)
    if place == "returned":
        relay.pool.on_closed(connection, [delivery], None, broke=False)
    if place == "sending":
        delivery.connection = connection
    relay.pool.cancel(delivery)
    assert relay.pool.state.waiting == 0
    assert connection.cancelled == ([delivery] if place == "sending" else [])


async def test_what_a_server_said_unasked_is_kept_until_a_connection_succeeds() -> None:
    relay = Relay(connections=2)
    relay.submit()
    connection = await relay.opens()
    relay.pool.on_idle(connection)
    relay.pool.on_closed(connection, [], "421 4.3.2 Shutting down", broke=False)
    assert (relay.pool.state.last_unsolicited, relay.pool.state.connected, relay.pool.state.idle) == (
        "421 4.3.2 Shutting down", 0, 0,
    )  # fmt: skip
    other = await relay.opens()
    assert relay.pool.state.last_unsolicited is None
    # One that ends without a word changes nothing of it
    relay.submit()
    another = await relay.opens()
    relay.pool.on_closed(another, [], "421 Bye", broke=False)
    relay.pool.on_closed(other, [], None, broke=False)
    assert relay.pool.state.last_unsolicited == "421 Bye"


async def test_at_the_limit_a_returned_message_waits_for_its_connection_and_others_are_pipelined() -> None:
    # Given two connections at the limit, of which one dies and is replaced
    relay = Relay(connections=2)
    first, _ = relay.submit(), relay.submit()
    dying, older = await relay.opens(), await relay.opens()
    relay.pool.next_delivery(dying, pipelined=False)
    relay.pool.next_delivery(older, pipelined=False)
    relay.pool.on_closed(dying, [first], None, broke=False)
    # When one more comes than connections are being opened
    third = relay.submit()
    await asyncio.sleep(0)
    assert relay.pool.state.connecting == 1
    # Then the living one may take that
    assert relay.pool.next_delivery(older, pipelined=True) is third


async def test_a_connection_that_took_a_message_is_not_woken_for_another() -> None:
    relay = Relay(connections=1)
    relay.submit()
    busy = await relay.opens()
    relay.pool.next_delivery(busy, pipelined=False)
    relay.pool.on_can_pipeline(busy)
    relay.submit()
    relay.pool.next_delivery(busy, pipelined=True)
    relay.submit()
    assert busy.woken == 2
    # Nor is one that has ended
    relay.pool.on_can_pipeline(busy)
    relay.pool.on_closed(busy, [], None, broke=False)
    relay.submit()
    assert busy.woken == 2


@pytest.mark.parametrize(
    ("broke", "others", "idle", "limit", "replaced"),
    [
        (True, 1, False, 3, True),
        # It ended in peace; nothing else is open; another is free; the relay has as many as it may
        (False, 1, False, 3, False),
        (True, 0, False, 3, False),
        (True, 1, True, 3, False),
        (True, 2, False, 2, False),
    ],
)
async def test_what_broke_under_a_mail_is_replaced_at_once_while_the_others_are_busy(
    broke: bool, others: int, idle: bool, limit: int, replaced: bool
) -> None:
    relay = Relay(connections=max(limit, others + 1))
    for _ in range(others + 1):
        relay.submit()
    breaking, *rest = [await relay.opens() for _ in range(others + 1)]
    for connection in (breaking, *rest):
        relay.pool.next_delivery(connection, pipelined=False)
    if idle:
        relay.pool.on_idle(rest[0])
    relay.pool.relay = parse_relay(f"smtp://mx.example?name=main&connections={limit}")
    relay.pool.on_closed(breaking, [], None, broke=broke)
    assert relay.pool.state.connecting == replaced


async def test_open_connections_count_for_the_limit_with_those_being_opened() -> None:
    relay = Relay(connections=2)
    relay.submit()
    busy = await relay.opens()
    relay.pool.next_delivery(busy, pipelined=False)
    for _ in range(3):
        relay.submit()
    await asyncio.sleep(0)
    assert (relay.pool.state.connected, relay.pool.state.connecting) == (1, 1)


async def test_a_failure_while_another_connection_is_being_opened_leaves_the_queue_to_that_one() -> None:
    relay = Relay(connections=2)
    first, second = relay.submit(), relay.submit()
    await relay.fails()
    assert not first.result.done()
    connection = await relay.opens()
    assert [relay.pool.next_delivery(connection, pipelined=False) for _ in range(3)] == [first, second, None]
    # What dialled is kept no longer
    assert relay.pool._dials == set()


async def test_a_returned_message_gets_its_connection_in_spite_of_a_backoff_and_else_one_that_lives() -> None:
    # Given two connections that send, and one that failed
    relay = Relay(connections=3)
    first, second = relay.submit(), relay.submit()
    dying, alive = await relay.opens(), await relay.opens()
    relay.pool.next_delivery(dying, pipelined=False)
    relay.pool.next_delivery(alive, pipelined=False)
    third = relay.submit()
    await relay.fails()
    assert not relay.pool.backing_off
    # When one of them dies and returns its message, then others are opened at once
    relay.pool.on_closed(dying, [first], None, broke=False)
    assert relay.pool.state.connecting == 2
    # When one fails too, then the living one is woken, and takes it before the others
    relay.pool.on_can_pipeline(alive)
    woken = alive.woken
    await relay.fails()
    assert (alive.woken, relay.pool.state.waiting) == (woken + 1, 2)
    assert [relay.pool.next_delivery(alive, pipelined=False) for _ in range(3)] == [first, third, None]
    assert not second.result.done()


async def test_a_returned_message_is_answered_when_no_connection_can_be_opened_any_more() -> None:
    relay = Relay(connections=1)
    first = relay.submit()
    dying = await relay.opens()
    relay.pool.next_delivery(dying, pipelined=False)
    relay.pool.on_closed(dying, [first], None, broke=True)
    await relay.fails()
    assert (await first.result, relay.pool.state.waiting) == (REFUSED, 0)


async def test_a_new_relay_is_not_backing_off() -> None:
    assert not Relay().pool.backing_off
