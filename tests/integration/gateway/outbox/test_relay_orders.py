"""What persons order of relays and destinations: their pauses hold in every worker, their limits outlive restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.database import QUERIES
from gateway.delivery.maintenance import ORDERS_SECONDS
from gateway.delivery.routing import RelayRouter
from gateway.deployment import Deployment
from gateway.errors import Refusal, Refusals
from gateway.outbox.claim import claim
from gateway.outbox.domain_limits import destinations, domain_depths, resume_destination
from gateway.outbox.relay_limits import (
    RelayStanding,
    destination_events,
    register_relays,
    relay_events,
    relay_states,
    resume_relay,
)
from gateway.outbox.relay_orders import LONGEST_PAUSE, RelayLimit, limit_relay, pause_destination, pause_relay
from gateway.settings import Settings, parse_relay
from tests.builders import insert, make_customer, make_message, make_outbox
from tests.engine import PATIENCE_SECONDS, Start, deployment, empty, queue_mail, start
from tests.eventually import eventually
from tests.smtp_server import Reply, SmtpServer

__all__ = ["deployment", "start"]

NO_PIPELINING = ["SIZE 36700160", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]


async def relay_of(connection: Any, name: str = "main") -> RelayStanding:
    return next(found for found in await relay_states(connection) if found.name == name)


def leased(connection: Any, count: int) -> Callable[[], Any]:
    """Whether just so many rows of the queue are leased."""

    async def check() -> bool:
        found = await connection.fetchval("select count(*) from outbox where lease_owner is not null")
        return bool(found == count)

    return check


def slow(settings: Settings, url: str) -> Settings:
    """Two connections to this server, and no sweep but the first: what is noticed later was looked for."""
    return settings.model_copy(update={"relay_url": (parse_relay(f"{url}&connections=2"),), "sweep_seconds": 60.0})


async def test_a_paused_relay_gets_nothing_more_from_any_worker_until_it_is_resumed(
    connection: Any, settings: Settings, deployment: Deployment, start: Start
) -> None:
    # Given two workers, each with two mails on their way to a slow relay and two behind them, and more in the queue
    async with SmtpServer(keywords=NO_PIPELINING) as server:
        refs = [await queue_mail(connection, deployment, f"{n}@d{n}.example") for n in range(12)]
        answer = asyncio.Event()
        server.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
        for _ in range(2):
            start(slow(settings, server.url))
        await server.received(4)
        await eventually(leased(connection, 8), "all that two workers may have in hand")
        # When a person pauses the relay
        await pause_relay(connection, "main", None, "They move.", "Kim")
        # Then what has not begun is back in the queue, what is on its way ends, and nothing more begins
        await eventually(leased(connection, 4), "the end of what has not begun")
        answer.set()
        await eventually(leased(connection, 0), "the end of what was on its way")
        assert len(server.messages) == 4
        assert await connection.fetchval("select count(*) from outbox") == len(refs) - 4
        wait = await connection.fetchrow("select waits_for, next_attempt_at from message_wait limit 1")
        assert tuple(wait) == ("The relay is paused: They move.", None)
        # and when it is resumed all go, once
        await resume_relay(connection, "main", "Kim")
        await empty(connection)
        assert len(server.taken) == len(refs)
        assert await connection.fetchval("select count(*) from attempt") == len(refs)


async def test_mail_for_a_paused_relay_goes_by_the_other(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a first relay that is slow, and a second
    async with SmtpServer(keywords=NO_PIPELINING) as first:
        urls = (parse_relay(f"{first.url.replace('main', 'first')}&connections=1"), parse_relay(smtp_server.url))
        answer = asyncio.Event()
        first.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
        refs = [await queue_mail(connection, deployment, f"{n}@d{n}.example") for n in range(6)]
        start(settings.model_copy(update={"relay_url": urls, "sweep_seconds": 60.0}))
        await first.received(1)
        # When a person pauses the first, then the second takes what waits, also what was in hand for the first
        await pause_relay(connection, "first", None, "They move.", "Kim")
        await smtp_server.accepted(len(refs) - 1)
        answer.set()
        await empty(connection)
        assert len(first.taken) == 1


async def test_a_paused_destination_gets_nothing_more_from_any_worker_while_others_do(
    connection: Any, settings: Settings, deployment: Deployment, start: Start
) -> None:
    # Given two workers with mail for one domain on its way to a slow relay, and behind it
    async with SmtpServer(keywords=NO_PIPELINING) as server:
        for number in range(12):
            await queue_mail(connection, deployment, f"{number}@paused.example")
        answer = asyncio.Event()
        server.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
        workers = [start(slow(settings, server.url)) for _ in range(2)]
        await server.received(4)
        await eventually(leased(connection, 8), "all that two workers may have in hand")
        # When a person pauses the domain, then what has not begun is called back
        await pause_destination(connection, "Paused.Example.", None, "Its owner asked us to wait.", "Kim")
        await eventually(leased(connection, 4), "the end of what has not begun")
        other = await queue_mail(connection, deployment, "ann@other.example")
        answer.set()
        # and other mail goes, as soon as the workers are told that there is some
        for worker in workers:
            worker.wake()
        await server.accepted(5)
        await eventually(leased(connection, 0), "the end of all that may go")
        assert {message.recipients[0] for message in server.taken[4:]} == {"ann@other.example"}
        waits = await connection.fetch("select distinct waits_for, next_attempt_at from message_wait")
        assert [tuple(row) for row in waits] == [("The destination is paused: Its owner asked us to wait.", None)]
        # until it is resumed
        await resume_destination(connection, "paused.example", "Kim")
        for worker in workers:
            worker.wake()
        await empty(connection)
        assert len(server.taken) == 13
        assert await connection.fetchval("select count(*) from attempt where message_id = $1", other.message_id) == 1


class Looks:
    """The looks of workers at what persons ordered. `wait` is over when one ends that began after the call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waiting: list[asyncio.Event] = []
        look = RelayRouter.follow_orders

        async def follow_orders(router: RelayRouter) -> bool:
            asked = list(self._waiting)
            try:
                return await look(router)
            finally:
                for event in asked:
                    event.set()

        monkeypatch.setattr(RelayRouter, "follow_orders", follow_orders)

    async def wait(self) -> None:
        """Until the next look is over."""
        event = asyncio.Event()
        self._waiting.append(event)
        await asyncio.wait_for(event.wait(), PATIENCE_SECONDS)


@pytest.mark.parametrize(("pause", "name"), [(pause_relay, "main"), (pause_destination, "paused.example")])
async def test_the_first_look_after_a_pause_lets_nothing_more_begin_and_looks_are_less_than_a_second_apart(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    pause: Any,
    name: str,
) -> None:
    assert ORDERS_SECONDS <= 0.5
    looks = Looks(monkeypatch)
    # Given a worker with mail on its way to a relay that is slow to answer, and behind it
    async with SmtpServer(keywords=NO_PIPELINING) as server:
        for number in range(8):
            await queue_mail(connection, deployment, f"{number}@paused.example")
        answer = asyncio.Event()
        server.script(after_dot=Reply(250, "2.0.0 taken", when=answer))
        start(slow(settings, server.url))
        await server.received(2)
        await eventually(leased(connection, 4), "all that the worker may have in hand")
        # When a person pauses it, and the worker has looked once
        await pause(connection, name, None, "They move.", "Kim")
        await looks.wait()
        # Then no transaction begins, though the relay takes on from this moment on whatever comes
        answer.set()
        await eventually(leased(connection, 0), "the end of what was on its way")
        assert [len(server.messages), len(server.taken)] == [2, 2]
        assert await connection.fetchval("select count(*) from attempt") == 2


# What a pause is ------------------------------------------------------------------------------------------------------


async def test_nothing_but_its_end_or_a_person_ends_a_persons_pause(still: Any) -> None:
    await insert(still, "relay", name="main")
    now = await still.fetchval("select now()")
    later = now + timedelta(hours=2)
    await pause_relay(still, "main", later, "They move.", "Kim")
    await pause_destination(still, "x.example", later, "They move.", "Kim")
    for step in range(2):
        # The gateway's own pauses lie beside it, and mail that goes ends these alone
        await QUERIES.pause_relay(still, name="main", wait=timedelta(minutes=1), why="Busy.")
        await QUERIES.pause_destination(still, domain="x.example", wait=timedelta(minutes=1), why="Busy.")
        found, [domain] = await relay_of(still), await destinations(still)
        for one in (found, domain):
            assert (one.paused_until, one.paused_why, one.paused_by) == (later, "They move.", "Kim"), step
        assert (found.usable, found.pause_step) == (False, 1)
        await still.execute("update relay set paused_until = now()")
        await still.execute("update destination set paused_until = now()")
        await QUERIES.relay_works(still, name="main")
        assert [row["domain"] async for row in QUERIES.destination_works(still, domains=["x.example"])] == ["x.example"]
        assert not (await relay_of(still)).usable
    # A stop outlasts its end
    await QUERIES.stop_relay(still, name="main", why="535")
    await still.execute("update relay set person_paused_until = now()")
    await still.execute("update destination set person_paused_until = now()")
    found = await relay_of(still)
    assert (found.usable, found.paused_until, found.stopped_why) == (False, None, "535")
    assert await destinations(still) == ()
    assert await still.fetchval("select not is_restricted(d) from destination d")
    # and a person ends all of it
    await pause_relay(still, "main", None, "They move.", "Kim")
    await resume_relay(still, "main", "Kim")
    assert (await relay_of(still)).usable


async def test_pausing_again_changes_the_pause_and_keeps_both_on_record(still: Any) -> None:
    await insert(still, "relay", name="main")
    later = await still.fetchval("select now() + interval '1 hour'")
    await pause_relay(still, "main", later, " They move. ", "Kim")
    await pause_relay(still, "main", None, "Longer than they thought.", "Lee")
    found = await relay_of(still)
    assert (found.paused_until, found.paused_why, found.paused_by, found.waits_until) == (
        None, "Longer than they thought.", "Lee", None,
    )  # fmt: skip
    await resume_relay(still, "main", "Kim")
    kept = [(one.kind, one.response, one.until, one.actor) for one in await relay_events(still, "main")]
    assert kept == [
        ("RESUMED", "Resumed by Kim.", None, "Kim"),
        ("PAUSED", "Longer than they thought.", None, "Lee"),
        ("PAUSED", "They move.", later, "Kim"),
    ]
    # Of a domain the same, whatever the relay
    await pause_destination(still, "bücher.example", later, "Asked to.", "Kim")
    await resume_destination(still, "Bücher.Example", "Lee")
    events = await destination_events(still, "xn--bcher-kva.example", limit=5)
    assert [(one.kind, one.relay, one.actor) for one in events] == [("RESUMED", None, "Lee"), ("PAUSED", None, "Kim")]
    assert events[0].occurred_at.tzinfo is not None


async def test_a_pause_that_is_shortened_frees_what_waits_for_its_old_end(connection: Any) -> None:
    # Given mail parked for a domain that a person paused for a day
    now = await connection.fetchval("select now()")
    customer = await make_customer(connection)
    await pause_destination(connection, "x.example", now + timedelta(days=1), "Asked to.", "Kim")
    await make_outbox(connection, customer, await make_message(connection, customer), address="a@x.example")

    async def parked_until() -> Any:
        await claim(connection, worker=customer_worker, lease=timedelta(minutes=1))
        return await connection.fetchval("select due_at from outbox where lease_owner is null")

    customer_worker = await connection.fetchval("select gen_random_uuid()")
    assert await parked_until() == now + timedelta(days=1)
    # When the pause is to end sooner, then so does the wait; without an end it is looked at again
    await pause_destination(connection, "x.example", now + timedelta(hours=1), "Asked to.", "Kim")
    assert await parked_until() == now + timedelta(hours=1)
    [depth] = await domain_depths(connection)
    assert (depth.paused_until, depth.paused_why) == (now + timedelta(hours=1), "Asked to.")
    await connection.execute("update outbox set due_at = now()")
    await pause_destination(connection, "x.example", None, "Asked to.", "Kim")
    assert timedelta(minutes=9) < await parked_until() - now < timedelta(minutes=11)
    await resume_destination(connection, "x.example", "Kim")
    assert await parked_until() is None


@pytest.mark.parametrize("bound", ["infinity", "now() + interval '1 hour'"])
async def test_mail_that_may_leave_by_no_other_waits_for_the_paused_relay(connection: Any, bound: str) -> None:
    await insert(connection, "relay", name="old")
    customer = await make_customer(connection)
    message = await make_message(connection, customer)
    await make_outbox(connection, customer, message, address="a@x.example", bound_relay="old")
    until = None if bound == "infinity" else await connection.fetchval(f"select {bound}")
    await pause_relay(connection, "old", until, "They move.", "Kim")
    worker = await connection.fetchval("select gen_random_uuid()")
    found = await claim(connection, worker=worker, lease=timedelta(minutes=1), relays=["old"])
    assert (found.leased, found.parked) == ((), 1)
    await resume_relay(connection, "old", "Kim")
    found = await claim(connection, worker=worker, lease=timedelta(minutes=1), relays=["old"])
    assert (len(found.leased), found.parked) == (1, 0)


# What is refused ------------------------------------------------------------------------------------------------------


async def refused(action: Any) -> list[tuple[str, str]]:
    """Codes and fields of all that is wrong."""
    try:
        await action
    except Refusal as one:
        return [(one.code.value, one.field[0])]
    except Refusals as several:
        return [(one.code.value, one.field[0]) for one in several.refusals]
    return []


async def test_all_that_is_wrong_with_a_pause_is_said_at_once_and_nothing_is_done(still: Any) -> None:
    await insert(still, "relay", name="main")
    now = await still.fetchval("select now()")
    past = datetime(2020, 1, 1, tzinfo=UTC)
    three = [("INVALID", "until"), ("REQUIRED", "why")]
    assert await refused(pause_relay(still, "nowhere", past, "  ", "Kim")) == [("NOT_FOUND", "name"), *three]
    assert await refused(pause_destination(still, "a@b.example", past, "", "Kim")) == [("INVALID", "domain"), *three]
    for until, wrong in ((now, True), (now + LONGEST_PAUSE, False), (now + LONGEST_PAUSE * 1.01, True)):
        found = await refused(pause_relay(still, "main", until, "x" * 500, "Kim"))
        assert found == ([("INVALID", "until")] if wrong else [])
    for why, code in (("x" * 501, "TOO_LONG"), ("a\0b", "INVALID"), ("card 4111 1111 1111 1111", "CARD_NUMBER")):
        assert await refused(pause_relay(still, "main", None, why, "Kim")) == [(code, "why")]
    for domain in ("", " ", "nodot", "a..example", "x" * 254, "-a.example", "a b.example"):
        assert await refused(pause_destination(still, domain, None, "x", "Kim")) == [("INVALID", "domain")]
    assert await still.fetchval("select count(*) from destination") == 0
    assert await still.fetchval("select count(*) from relay_event") == 1


async def test_all_that_is_wrong_with_a_limit_is_said_at_once_and_nothing_is_done(still: Any) -> None:
    await insert(still, "relay", name="main")
    wrong = RelayLimit(name="nowhere", per_minute=0, per_day=-1, warm_up_start=100_000_001, warm_up_factor=0.5)
    assert await refused(limit_relay(still, wrong, "Kim")) == [
        ("NOT_FOUND", "name"), ("INVALID", "perMinute"), ("INVALID", "perDay"), ("INVALID", "warmUpStart"),
        ("INVALID", "warmUpFactor"),
    ]  # fmt: skip
    for values, field in (
        ({"per_minute": 100_001}, "perMinute"),
        ({"warm_up_factor": 2.0}, "warmUpFactor"),
        ({"warm_up_factor": float("nan"), "warm_up_start": 1}, "warmUpFactor"),
        ({"warm_up_factor": 10.1, "warm_up_start": 1}, "warmUpFactor"),
        ({"as_configured": True, "per_day": 1}, "asConfigured"),
    ):
        limit: dict[str, Any] = {"name": "main"} | values
        assert await refused(limit_relay(still, RelayLimit(**limit), "Kim")) == [("INVALID", field)]
    assert await still.fetchval("select count(*) from relay_event") == 0


# Limits ---------------------------------------------------------------------------------------------------------------


async def test_a_persons_limits_outlive_a_restart_and_null_lifts_one(still: Any) -> None:
    def limits(found: RelayStanding) -> tuple[Any, ...]:
        return found.per_minute, found.per_day, found.cap_today, found.limited_by

    # Given limits of RELAY_URL
    configured = [parse_relay("smtp://a.example?name=main&per_minute=30&per_day=900")]
    await register_relays(still, configured)
    assert limits(await relay_of(still)) == (30.0, 900, 900, None)
    # When a person sets others, then these hold, whatever starts again
    await limit_relay(still, RelayLimit(name="main", per_minute=60, warm_up_start=50), "Kim")
    for _ in range(2):
        found = await relay_of(still)
        assert limits(found) == (60.0, None, 50, "Kim")
        assert (found.warm_up_factor, found.limited_at) == (2.0, await still.fetchval("select now()"))
        await register_relays(still, [parse_relay("smtp://a.example?name=main&per_minute=10&per_day=100")])
    # The same warm-up goes on where other limits change; another starts today
    await still.execute("update relay set warm_up_from = warm_up_from - 2")
    await limit_relay(still, RelayLimit(name="main", per_day=500, warm_up_start=50, warm_up_factor=2), "Lee")
    assert limits(await relay_of(still)) == (None, 500, 200, "Lee")
    await limit_relay(still, RelayLimit(name="main", per_day=500, warm_up_start=50, warm_up_factor=1.5), "Lee")
    assert limits(await relay_of(still)) == (None, 500, 50, "Lee")
    # Lifted, none of RELAY_URL comes back, until a person says so
    await limit_relay(still, RelayLimit(name="main"), "Lee")
    await register_relays(still, configured)
    found = await relay_of(still)
    assert (limits(found), found.metered) == ((None, None, None, "Lee"), False)
    await limit_relay(still, RelayLimit(name="main", as_configured=True), "Kim")
    assert limits(await relay_of(still)) == (30.0, 900, 900, None)
    assert [one.response for one in await relay_events(still, "main")] == [
        "As RELAY_URL says.",
        "None.",
        "500 a day, a warm-up from 50 a day, by 1.5.",
        "500 a day, a warm-up from 50 a day, by 2.",
        "60 a minute, a warm-up from 50 a day, by 2.",
    ]


async def test_a_days_limit_counts_what_the_relay_took_before_it_was_set(still: Any) -> None:
    # Given what it took without a limit, today and yesterday
    await insert(still, "relay", name="main", next_permit_at=await still.fetchval("select now() + interval '1 hour'"))
    for hours, accepted in (("0 hours", 30), ("-1 second", 500)):
        await still.execute(
            "insert into relay_tally select 'main', utc_tomorrow() - interval '1 day' + $1::text::interval, 0, $2",
            hours, accepted,
        )  # fmt: skip
    # When it is limited, then it may take what is left of the day, at once
    await limit_relay(still, RelayLimit(name="main", per_day=100), "Kim")
    found = await relay_of(still)
    assert (found.sent_today, found.next_permit_at) == (30, None)
    assert await QUERIES.take_relay_permits(still, name="main", wanted=200) == 70


async def test_a_limit_holds_in_a_worker_that_runs(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a worker without limits, which sweeps once a minute
    await queue_mail(connection, deployment)
    start(settings.model_copy(update={"sweep_seconds": 60.0}))
    await empty(connection)
    # When a person limits its relay to two a day, of which one is gone, and mail comes once it has looked
    before = await connection.fetchval("select count(*) from attempt")
    await pause_relay(connection, "main", None, "Until the limit is known.", "Kim")
    await limit_relay(connection, RelayLimit(name="main", per_day=2), "Kim")
    for number in range(3):
        await queue_mail(connection, deployment, f"{number}@d{number}.example")
    await resume_relay(connection, "main", "Kim")
    # Then one more goes
    await smtp_server.accepted(2)
    await eventually(leased(connection, 0), "the end of what may go")
    assert before == 1
    assert await connection.fetchval("select count(*) from outbox") == 2
    waits = await connection.fetchval("select distinct waits_for from message_wait")
    assert waits == "Its turn under the relay's limit"
