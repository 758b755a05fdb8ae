"""Limits, pauses and their ends; the claim's cost; why mail waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from gateway.database import QUERIES
from gateway.delivery.failing import DOMAIN_MAILS, RELAY_MAILS
from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.mail.message import MessageRef
from gateway.mail.verdict import Verdict
from gateway.outbox.claim import LARGE_CONTENT, claim
from gateway.outbox.domain_limits import (
    DestinationLimit,
    destinations,
    domain_depths,
    limit_destination,
    resume_destination,
)
from gateway.outbox.lanes import MAX_COUNTED_DOMAINS, lane_states, note_throughput, pause_lane, resume_lane
from gateway.outbox.relay_limits import RelayStanding, register_relays, relay_events, relay_states, resume_relay
from gateway.outbox.retention import forget_counts
from gateway.settings import Settings, parse_relay
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import insert, make_campaign, make_customer, make_message, make_outbox
from tests.engine import SHORT_WAIT, Start, attempts_of, deployment, queue_mail, refuse_login, start, until
from tests.eventually import eventually
from tests.smtp_server import Drop, Endless, Raw, Reply, SmtpServer

__all__ = ["deployment", "start"]


def short_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """A pause that a test can wait for, longer by the step."""
    return timedelta(milliseconds=300 * step)


def long_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """A pause that lasts for the whole test."""
    return timedelta(minutes=5 * step)


async def relay_of(connection: Any) -> RelayStanding:
    """The only relay, once the worker has written that there is one."""
    [relay] = await eventually(lambda: relay_states(connection), "the relay")
    found: RelayStanding = relay
    return found


async def wait_of(connection: Any, ref: MessageRef) -> Any:
    """What the history says that a mail waits for, and until when."""
    return await connection.fetchrow(
        "select waits_for, next_attempt_at from message_wait where customer_id = $1 and id = $2",
        ref.customer_id,
        ref.message_id,
    )


async def test_a_relay_that_refuses_connections_is_paused_with_its_words_and_burns_no_attempt(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(greeting=Reply(421, "4.3.2 Shutting down for maintenance"))
    ref = await queue_mail(connection, deployment)
    start(pause=short_pause)

    await eventually(lambda: is_paused(connection), "the relay's pause")
    smtp_server.forget_scripts()
    await until(connection, ref, "ACCEPTED")

    assert [attempt["number"] for attempt in await attempts_of(connection, ref)] == [1]
    event = (await relay_events(connection, "main"))[-1]
    assert (event.code, event.stage, event.domain) == (421, "GREETING", None)
    assert "4.3.2 Shutting down for maintenance" in (event.response or "")
    await eventually(lambda: works_again(connection), "the end of the trouble")


async def is_paused(connection: Any) -> bool:
    return (await relay_of(connection)).paused_why is not None


async def works_again(connection: Any) -> bool:
    return (await relay_of(connection)).pause_step == 0


@pytest.mark.parametrize("reply", [Reply(421, "4.7.0 Too many connections, slow down"), Raw(b"999 what\r\n")])
async def test_a_relay_that_fails_many_different_mails_is_paused_and_every_answer_is_kept(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, reply: Reply | Raw
) -> None:
    # Given a relay that answers every MAIL like this, and more mails than one mail's odd answers explain
    smtp_server.script(mail=reply)
    refs = [await queue_mail(connection, deployment, f"{n}@d{n}.example") for n in range(RELAY_MAILS)]
    start(pause=short_pause, wait=lambda attempt, verdict: timedelta(milliseconds=200))
    # When all have failed, then the relay is paused
    await eventually(lambda: is_paused(connection), "the relay's pause")
    smtp_server.forget_scripts()
    # and once it works again one mail goes first, then all, each with every answer that it got
    for ref in refs:
        await until(connection, ref, "ACCEPTED")
        first, *_, last = await attempts_of(connection, ref)
        assert (first["verdict"], first["stage"], last["verdict"]) == ("DEFERRED", "MAIL", "ACCEPTED")
        assert first["response"] == ("4.7.0 Too many connections, slow down" if first["code"] else "999 what")
    await eventually(lambda: works_again(connection), "the end of the trouble")


POISON: dict[str, dict[str, Any]] = {
    "no reply code": {"rcpt": Raw(b"999 what\r\n")},
    "a code below 200": {"rcpt": Raw(b"000 no\r\n")},
    "a code in two parts": {"rcpt": Raw(b"25 0 ok\r\n")},
    "a reply without end": {"rcpt": Endless()},
    "354 to RCPT": {"rcpt": Reply(354, "go ahead")},
    "421 to RCPT": {"rcpt": Reply(421, "4.7.0 not you", then=Drop(taken=False))},
    "a drop at RCPT": {"rcpt": Drop()},
}


@pytest.mark.parametrize("kind", POISON)
async def test_one_mail_that_breaks_its_connection_holds_up_no_other(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, kind: str
) -> None:
    # Given a recipient for whom the relay breaks off, and good mail behind it, to the same domain and to others
    smtp_server.script(rcpt={"bad@x.example": POISON[kind]["rcpt"]})
    bad = await queue_mail(connection, deployment, "bad@x.example")
    start(pause=long_pause, wait=lambda attempt, verdict: timedelta(milliseconds=100))
    # When the bad one has failed again and again
    await eventually(lambda: tried(connection, bad, 4), "four attempts")
    good = [await queue_mail(connection, deployment, f"{n}@{name}.example") for n in range(4) for name in ("x", "y")]
    # Then all the others go, neither relay nor destination is paused, and its own history has every answer
    for ref in good:
        await until(connection, ref, "ACCEPTED")
        assert [attempt["number"] for attempt in await attempts_of(connection, ref)] == [1]
    assert (await relay_of(connection)).pause_step == 0
    assert [found for found in await destinations(connection) if found.paused_until] == []
    assert {attempt["verdict"] for attempt in await attempts_of(connection, bad)} == {"DEFERRED"}


async def tried(connection: Any, ref: MessageRef, times: int) -> bool:
    return len(await attempts_of(connection, ref)) >= times


async def test_mail_that_was_on_its_way_ends_no_pause(connection: Any) -> None:
    await register_relays(connection, (parse_relay("smtp://127.0.0.1:1?name=main"),))
    await QUERIES.pause_relay(connection, name="main", wait=timedelta(minutes=5), why="It said 421.")

    await QUERIES.relay_works(connection, name="main")

    relay = await relay_of(connection)
    assert (relay.usable, relay.pause_step) == (False, 1)
    await connection.execute("update relay set paused_until = now()")
    await QUERIES.relay_works(connection, name="main")
    relay = await relay_of(connection)
    assert (relay.usable, relay.pause_step, relay.paused_why) == (True, 0, None)


async def test_a_refused_login_stops_the_relay_until_a_person_resumes_it(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    ref = await queue_mail(connection, deployment)
    start(refuse_login(smtp_server, settings))

    async def stopped() -> Any:
        waiting = await wait_of(connection, ref)
        return waiting if (waiting["waits_for"] or "").startswith("The relay is stopped: ") else None

    # The mail waits for a person, and no attempt of it was burnt
    assert (await eventually(stopped, "the stop"))["next_attempt_at"] is None
    assert (await relay_of(connection)).stopped_at is not None
    await until(connection, ref, "QUEUED")
    assert not await attempts_of(connection, ref)
    smtp_server.forget_scripts()
    smtp_server.logins = {"user": "wrong"}
    await resume_relay(connection, "main", "Dana")
    await until(connection, ref, "ACCEPTED")
    assert {event.kind for event in await relay_events(connection, "main")} >= {"STOPPED", "RESUMED"}


async def test_a_destination_that_drops_us_is_paused_and_others_go_on(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"{n}@slow.example" for n in range(DOMAIN_MAILS)]
    smtp_server.script(rcpt={name: Reply(421, "4.7.0 Too many connections from you") for name in names})
    *_, slow = [await queue_mail(connection, deployment, name) for name in names]
    start(pause=long_pause, wait=lambda attempt, verdict: SHORT_WAIT)

    async def paused() -> Any:
        return [found for found in await destinations(connection) if found.paused_until]

    [destination] = await eventually(paused, "the pause")
    assert destination.domain == "slow.example"

    async def logged() -> bool:
        return "a destination behind relay main: paused until" in caplog.text

    await eventually(logged, "the warning, written once the pause stands")
    assert "slow.example" not in caplog.text
    other = await queue_mail(connection, deployment, "b@fast.example")
    await until(connection, other, "ACCEPTED")

    attempts = await attempts_of(connection, slow)
    assert [attempt["response"] for attempt in attempts] == ["4.7.0 Too many connections from you"] * len(attempts)
    waiting = await wait_of(connection, slow)
    assert waiting["waits_for"].startswith("The destination is paused: ")
    assert waiting["next_attempt_at"] == destination.paused_until
    smtp_server.forget_scripts()
    await resume_destination(connection, "slow.example", "tests")
    await until(connection, slow, "ACCEPTED")


async def waiting_mails(connection: Any, count: int, **values: Any) -> list[Any]:
    """Messages whose only recipient waits for slow.example; returns their ids."""
    made = []
    for _ in range(count):
        customer_id = await make_customer(connection)
        message_id = await make_message(connection, customer_id)
        await make_outbox(connection, customer_id, message_id, address="a@slow.example", **values)
        made.append(message_id)
    return made


async def due_now(connection: Any) -> list[Any]:
    """Ids of what may be claimed."""
    rows = await connection.fetch("select message_id from outbox where due_at <= now() order by message_id")
    return [row["message_id"] for row in rows]


async def test_a_limit_that_is_raised_or_lifted_frees_the_mail_that_has_its_turn_far_off(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.outbox.parked.RELEASE_ROWS", 2)
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_minute=1, per_day=100))
    mails = await waiting_mails(connection, 5)
    put_off = await waiting_mails(
        connection, 1, attempt=2, scheduled=True, due_at=datetime.now(UTC) + timedelta(hours=1)
    )
    found = await claim(connection, worker=uuid4(), lease=timedelta(minutes=1))
    assert (len(found.leased), found.parked) == (1, 4)

    await limit_destination(connection, DestinationLimit(domain="slow.example", per_minute=6000, per_day=100))

    assert await due_now(connection) == mails
    [standing] = await destinations(connection)
    assert standing.sent_today == 1
    again = await claim(connection, worker=uuid4(), lease=timedelta(minutes=1))
    permits = await connection.fetchval("select max(due_at) - now() from outbox where message_id = any($1)", mails)
    assert (len(again.leased), again.parked, permits < timedelta(seconds=1)) == (1, 3, True)
    # What a server put off is not the limit's.
    assert put_off[0] not in await due_now(connection)


async def test_a_resumed_destination_frees_what_waits_for_it_and_no_permit_of_a_limit(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_minute=1))
    limited = await waiting_mails(connection, 2)
    await claim(connection, worker=uuid4(), lease=timedelta(minutes=1))
    await QUERIES.pause_destination(connection, domain="slow.example", wait=timedelta(hours=8), why="It was busy.")
    paused = await waiting_mails(connection, 2)
    assert (await claim(connection, worker=uuid4(), lease=timedelta(minutes=1))).parked == 2

    await resume_destination(connection, "slow.example", "tests")

    assert await due_now(connection) == [limited[0], *paused]


async def test_a_resumed_relay_frees_the_mail_that_may_leave_by_no_other(connection: Any) -> None:
    await register_relays(connection, (parse_relay("smtp://127.0.0.1:1?name=demo"),))
    await QUERIES.pause_relay(connection, name="demo", wait=timedelta(hours=8), why="It said 421.")
    bound = await waiting_mails(connection, 2, bound_relay="demo")
    assert (await claim(connection, worker=uuid4(), lease=timedelta(minutes=1), relays=["demo"])).parked == 2

    await resume_relay(connection, "demo", "Dana")

    assert await due_now(connection) == bound


async def test_mail_fails_over_to_the_next_relay_while_the_first_is_stopped(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    url = smtp_server.url.replace("name=main", "name=second")
    relays = (parse_relay("smtp://127.0.0.1:1?name=first"), parse_relay(url))
    await register_relays(connection, relays)
    await connection.execute("update relay set stopped_at = now(), stopped_why = 'x' where name = 'first'")
    ref = await queue_mail(connection, deployment)
    start(settings.model_copy(update={"relay_url": relays}))

    await until(connection, ref, "ACCEPTED")

    assert [attempt["relay"] for attempt in await attempts_of(connection, ref)] == ["second"]


async def test_a_relay_limited_to_so_many_a_day_sends_no_more_and_says_until_when(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    relays = (parse_relay(f"{smtp_server.url}&per_day=2"),)
    refs = [await queue_mail(connection, deployment) for _ in range(3)]
    start(settings.model_copy(update={"relay_url": relays}))
    await until(connection, refs[0], "ACCEPTED")
    await until(connection, refs[1], "ACCEPTED")

    async def used_up() -> bool:
        return (await relay_of(connection)).sent_today == 2

    await eventually(used_up)
    waiting = await wait_of(connection, refs[2])
    assert waiting["waits_for"] == "Its turn under the relay's limit"
    assert (waiting["next_attempt_at"].hour, waiting["next_attempt_at"] > datetime.now(UTC)) == (0, True)
    assert len(smtp_server.taken) == 2


async def test_a_relays_rate_gives_its_permits_one_by_one_and_survives_a_restart(connection: Any) -> None:
    await register_relays(connection, (parse_relay("smtp://127.0.0.1:1?name=slow&per_minute=60"),))
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 1
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 0
    await register_relays(connection, (parse_relay("smtp://127.0.0.1:1?name=slow&per_minute=60"),))
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 0
    await connection.execute("update relay set next_permit_at = now() - interval '1 hour'")
    # An idle hour does not become a burst: at most a second's worth, and the one that is due.
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 2
    await QUERIES.return_relay_permits(connection, name="slow", unused=1, taken_ago=timedelta())
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 1


async def test_permits_of_yesterday_that_come_back_after_midnight_do_not_lengthen_today(connection: Any) -> None:
    relays = (parse_relay("smtp://127.0.0.1:1?name=slow&per_day=10"),)
    await register_relays(connection, relays)
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 10

    await QUERIES.return_relay_permits(connection, name="slow", unused=4, taken_ago=timedelta(days=1))
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 0

    await QUERIES.return_relay_permits(connection, name="slow", unused=4, taken_ago=timedelta())
    assert await QUERIES.take_relay_permits(connection, name="slow", wanted=10) == 4


async def test_a_relays_warm_up_starts_small_grows_by_the_day_and_survives_a_restart(connection: Any) -> None:
    relays = (parse_relay("smtp://127.0.0.1:1?name=new&warm_up_start=2&warm_up_factor=3"),)
    await register_relays(connection, relays)
    assert await QUERIES.take_relay_permits(connection, name="new", wanted=10) == 2
    await register_relays(connection, relays)
    assert await QUERIES.take_relay_permits(connection, name="new", wanted=10) == 0
    assert (await relay_of(connection)).cap_today == 2

    await connection.execute("update relay set warm_up_from = warm_up_from - 1, day = day - 1")
    await register_relays(connection, relays)

    assert await QUERIES.take_relay_permits(connection, name="new", wanted=10) == 6


async def test_a_stopped_lane_is_shown_and_its_mail_says_why(connection: Any, deployment: Deployment) -> None:
    ref = await queue_mail(connection, deployment)
    await pause_lane(connection, "individual", "Dana")
    with pytest.raises(Refusal):
        await pause_lane(connection, "individual", "Dana")

    states = {lane.name: lane for lane in await lane_states(connection)}

    assert (states["individual"].paused_why, states["individual"].depth) == ("Paused by Dana.", 1)
    assert tuple(await wait_of(connection, ref)) == ("The lane is paused: Paused by Dana.", None)
    assert [(found.domain, found.depth) for found in await domain_depths(connection)] == [("customer.example", 1)]
    await resume_lane(connection, "individual")
    assert (await wait_of(connection, ref))["waits_for"] == "Its turn in the lane"


async def test_a_deferred_mail_says_when_it_is_tried_again(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=Reply(451, "4.7.1 Greylisted"))
    ref = await queue_mail(connection, deployment)
    start()

    message = await until(connection, ref, "DEFERRED")

    assert tuple(await wait_of(connection, ref)) == ("The next attempt", message["due_at"])


async def test_the_gateway_shows_the_depth_rate_pause_and_next_due_of_a_lane_and_a_domain(
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    make_context: Callable[..., Context],
) -> None:
    # Given a domain that takes mail, and one whose mail must wait
    until_then = datetime.now(UTC) + timedelta(hours=1)
    for number in range(6):
        await queue_mail(connection, deployment, f"a{number}@fast.example")
    await limit_destination(connection, DestinationLimit(domain="fast.example", per_day=6))
    await insert(connection, "destination", domain="slow.example", paused_until=until_then, paused_why="It was busy.")
    # When the gateway has sent what it may
    start()
    await smtp_server.accepted(6)
    await queue_mail(connection, deployment, "a@slow.example")
    await queue_mail(connection, deployment, "a7@fast.example")
    query = """{ gateway {
        lanes { name depth rate pausedWhy nextDueAt }
        domains { domain depth rate pausedUntil pausedWhy nextDueAt }
        destinations { domain rate sentToday capToday pausedWhy nextSlot }
        relays { sentToday } } }"""

    async def shown() -> Any:
        answer = await schema.execute(query, context_value=make_context())
        assert answer.errors is None, answer.errors
        gateway: dict[str, Any] = (answer.data or {})["gateway"]
        found: dict[str, Any] = {one["domain"]: one for one in gateway["domains"]}
        parked = all(datetime.fromisoformat(one["nextDueAt"]) > datetime.now(UTC) for one in found.values())
        # Lanes, domains, destinations and relays are read, as they are written, one after the other
        rates = [one["rate"] for one in gateway["lanes"] if one["name"] == "individual"]
        rates += [one["rate"] for one in gateway["destinations"] if one["domain"] == "fast.example"]
        rates += [found["fast.example"]["rate"]] if "fast.example" in found else []
        counted = min(rates) >= 6 / 120 and gateway["relays"][0]["sentToday"] >= 6
        return gateway if len(found) == 2 and parked and counted else None

    gateway = await eventually(shown, "the rates, and both mails parked")
    # Then both domains and the lane say how much waits, how fast it goes, why it waits and until when
    domains = {one["domain"]: one for one in gateway["domains"]}
    slow, fast = domains["slow.example"], domains["fast.example"]
    assert (slow["depth"], slow["rate"], slow["pausedWhy"]) == (1, 0, "It was busy.")
    assert slow["nextDueAt"] == slow["pausedUntil"]
    assert datetime.fromisoformat(slow["pausedUntil"]) == until_then
    assert (fast["depth"], fast["pausedWhy"], datetime.fromisoformat(fast["nextDueAt"]).hour) == (1, None, 0)
    # Six attempts within the last one to two minutes
    assert 6 / 120 <= fast["rate"] <= 6 / 60
    destination = {one["domain"]: one for one in gateway["destinations"]}["fast.example"]
    assert (destination["rate"], destination["sentToday"]) == (pytest.approx(fast["rate"], rel=0.2), 6)
    # The relay took six, though it has no limit for which they would have to be counted
    assert gateway["relays"] == [{"sentToday": 6}]
    lane = {one["name"]: one for one in gateway["lanes"]}["individual"]
    assert (lane["depth"], lane["nextDueAt"] is not None) == (2, True)
    assert 6 / 120 <= lane["rate"] <= 6 / 60


async def test_a_long_tail_of_domains_is_not_noted_but_the_busiest_are(connection: Any) -> None:
    domains = Counter({f"d{number}.example": 1 for number in range(MAX_COUNTED_DOMAINS)})
    domains["busy.example"] = 60

    for _ in range(2):
        await note_throughput(connection, worker=uuid4(), throughput={}, domains=domains)

    assert await connection.fetchval("select count(distinct domain) from domain_throughput") == MAX_COUNTED_DOMAINS
    assert 1 <= await connection.fetchval("select domain_rate('busy.example')") <= 2
    await connection.execute("update domain_throughput set minute = minute - interval '4 minutes'")
    assert await connection.fetchval("select domain_rate('busy.example')") == 0
    await forget_counts(connection)
    assert await connection.fetchval("select count(*) from domain_throughput") == 0


@pytest.mark.parametrize(
    "limit",
    [
        DestinationLimit(domain=""),
        DestinationLimit(domain="x@y.example"),
        DestinationLimit(domain="y.example", per_minute=0),
        DestinationLimit(domain="y.example", warm_up_start=1, warm_up_factor=0.5),
    ],
)
async def test_a_limit_that_makes_no_sense_is_refused(connection: Any, limit: DestinationLimit) -> None:
    with pytest.raises(Refusal):
        await limit_destination(connection, limit)
    assert await destinations(connection) == ()


# The claim's cost ------------------------------------------------------------------------------------------------

BACKLOG = 50_000


async def fill(connection: Any, lane_id: int, *, domain: str = "free.example", count: int = BACKLOG) -> None:
    """Rows that are due, older than any other; their messages are of the kind that says least."""
    await connection.execute(
        "with made as ("
        "insert into message (customer_id, direction, status, decided_at, sender)"
        " select $4, 'RECEIVED', 'RECEIVED', now(), 'a@x.example' from generate_series(1, $3::bigint)"
        " returning customer_id, id)"
        "insert into outbox (customer_id, message_id, lane_id, due_at, address, address_key, domain, expires_at)"
        " select customer_id, id, $1, now() - interval '1 hour' + row_number() over () * interval '1 ms',"
        " 'a@' || $2::text, sha256('a'), $2, now() + interval '1 day' from made",
        lane_id,
        domain,
        count,
        await make_customer(connection),
    )
    await connection.execute("analyze outbox, message")


async def lane_of(connection: Any, campaign_id: Any) -> int:
    found: int = await connection.fetchval("select id from lane where campaign_id = $1", campaign_id)
    return found


async def claim_cost(connection: Any, *, scan_limit: int = 200) -> tuple[int, int]:
    """Buffers that one claim touches, and the rows that it returns; nothing of it is kept."""
    statement = QUERIES.claim_due.sql
    arguments: dict[str, Any] = {"worker": uuid4(), "lease": timedelta(seconds=60), "owner": uuid4()}
    arguments |= {"scan_limit": scan_limit, "max_leased": scan_limit, "hand_off": True, "relays": ["main"]}
    arguments |= {"large": LARGE_CONTENT, "large_room": scan_limit}
    places = QUERIES.claim_due.__self__.driver_adapter.var_sorted["claim_due"]
    transaction = connection.transaction()
    await transaction.start()
    try:
        explained = await connection.fetchval(
            f"explain (analyze, buffers, format json) {statement}", *[arguments[place] for place in places]
        )
    finally:
        await transaction.rollback()
    plan = explained[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan["Actual Rows"]


BOUND = 25
"""Buffers a claimed row may cost: its index entries, its page, its update, and the locks on the way."""


async def test_the_claim_costs_its_batch_with_a_deep_backlog(connection: Any) -> None:
    await fill(connection, await connection.fetchval("select id from lane where name = 'individual'"))

    buffers, rows = await claim_cost(connection)

    assert rows == 200
    assert buffers < BOUND * 200


async def test_the_claim_costs_its_batch_behind_a_paused_campaign(connection: Any) -> None:
    paused = await make_campaign(connection, priority=1)
    await connection.execute("update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1", paused)
    await fill(connection, await lane_of(connection, paused))
    customer_id = await make_customer(connection)
    lane_id = await lane_of(connection, await make_campaign(connection, priority=7))
    for _ in range(3):
        await make_outbox(connection, customer_id, await make_message(connection, customer_id), lane_id=lane_id)

    buffers, rows = await claim_cost(connection)

    assert rows == 3
    assert buffers < 300


async def test_the_claim_costs_its_batch_behind_a_paused_domain(connection: Any) -> None:
    lane_id = await connection.fetchval("select id from lane where name = 'individual'")
    until_then = datetime.now(UTC) + timedelta(hours=1)
    await insert(connection, "destination", domain="slow.example", paused_until=until_then, paused_why="x")
    await fill(connection, lane_id, domain="slow.example")

    buffers, rows = await claim_cost(connection, scan_limit=1000)

    assert rows == 1000
    assert buffers < BOUND * 1000


async def test_the_claim_costs_its_batch_with_fifty_campaigns(connection: Any) -> None:
    for number in range(50):
        lane_id = await lane_of(connection, await make_campaign(connection, priority=1 + number % 7))
        await fill(connection, lane_id, count=BACKLOG // 50)

    buffers, rows = await claim_cost(connection)

    assert rows == 200
    assert buffers < BOUND * 200


async def test_rows_leased_by_others_do_not_make_the_claim_costly(connection: Any) -> None:
    await fill(connection, await connection.fetchval("select id from lane where name = 'individual'"))
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 min'"
        " where message_id in (select message_id from outbox order by message_id limit 2000)"
    )
    await connection.execute("vacuum analyze outbox")

    buffers, rows = await claim_cost(connection)

    assert rows == 200
    assert buffers < BOUND * 200 + 2000


async def test_a_connection_that_breaks_before_the_dot_is_an_attempt_of_its_mail_and_is_retried(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(data=[Drop()])
    ref: MessageRef = await queue_mail(connection, deployment)
    start(pause=short_pause, wait=lambda attempt, verdict: SHORT_WAIT)

    await until(connection, ref, "ACCEPTED")

    tries = [
        (attempt["number"], attempt["verdict"], attempt["stage"]) for attempt in await attempts_of(connection, ref)
    ]
    assert tries == [(1, "DEFERRED", "DATA"), (2, "ACCEPTED", "END_OF_DATA")]
    assert len(smtp_server.taken) == 1


async def test_a_relay_whose_login_fails_shows_even_while_another_takes_its_mail(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    async with SmtpServer(logins={"user": "right"}) as first:
        url = first.url.replace("smtp://", "smtp://user:wrong@").replace("name=main", "name=first")
        ref = await queue_mail(connection, deployment)
        start(settings.model_copy(update={"relay_url": (parse_relay(url), parse_relay(smtp_server.url))}))
        await until(connection, ref, "ACCEPTED")

        async def stopped() -> bool:
            return any(relay.name == "first" and relay.stopped_at for relay in await relay_states(connection))

        await eventually(stopped, "the first relay's stop")
    assert [attempt["relay"] for attempt in await attempts_of(connection, ref)] == ["main"]


async def test_a_capped_destination_never_sees_more_connections_at_a_time(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    await limit_destination(connection, DestinationLimit(domain="small.example", connections=2))
    busy = limit = 0

    def count(step: int) -> None:
        nonlocal busy, limit
        busy += step
        limit = max(limit, busy)

    smtp_server.script(rcpt=lambda point: count(1))
    smtp_server.on_message = lambda message: count(-1)
    for number in range(8):
        await queue_mail(connection, deployment, f"a{number}@small.example")
    start()

    await smtp_server.accepted(8)

    assert limit <= 2
