"""Where a worker could say less than it knows, spend what nothing left by, or let one kind of mail stop another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.compose import sender_profiles
from gateway.database import WORKER_SETTINGS, open_pool
from gateway.delivery.build import MailBuilder, Source
from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.outbox import claim
from gateway.outbox.domain_limits import DestinationLimit, limit_destination
from gateway.outbox.relay_limits import register_relays, relay_states
from gateway.settings import Settings, parse_relay
from tests.engine import Start, attempts_of, deployment, empty, queue_mail, start, state_of, until
from tests.eventually import eventually
from tests.smtp_server import Point, Reply, Silence, SmtpServer

__all__ = ["deployment", "start"]

NOWHERE = "smtp://127.0.0.1:1?name=first"
"""Nothing listens there."""


async def make_large(connection: Any, *messages: UUID) -> None:
    """From now on the stored copies of these mails count as large."""
    await connection.execute(
        "update content set size = $1 where sha256 in (select content_sha256 from message where id = any($2))",
        claim.LARGE_CONTENT,
        list(messages),
    )


def cut_off(pool: Any, backend: int) -> None:
    """As a proxy does that drops the connection to this backend, of which neither side hears."""
    for holder in pool._holders:
        if holder._con is not None and holder._con.get_server_pid() == backend:
            holder._con._transport.abort()


async def leased(connection: Any) -> int:
    """Rows that somebody has."""
    return int(await connection.fetchval("select count(*) from outbox where lease_owner is not null"))


def by(settings: Settings, *relays: str) -> Settings:
    """The settings of a worker that sends by these."""
    return settings.model_copy(update={"relay_url": tuple(parse_relay(relay) for relay in relays)})


async def queue_many(connection: Any, settings: Settings, count: int) -> list[MessageRef]:
    """So many letters, to a customer each."""
    deployment = Deployment.open(settings)
    return [await queue_mail(connection, deployment) for _ in range(count)]


async def nothing_leased(connection: Any) -> None:
    """Wait until everything is given back or decided."""

    async def check() -> bool:
        return await leased(connection) == 0

    await eventually(check, "an outbox without leases")


# A stop ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def patient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a worker that waits a second for its senders, and has time for everything after: machines are busy."""
    monkeypatch.setattr("gateway.delivery.worker.JOURNAL_RESERVE", 0.9)
    return settings.model_copy(update={"drain_seconds": 10.0})


@pytest.mark.parametrize("stage", ["greeting", "mail", "rcpt"])
async def test_a_stop_gives_back_what_a_silent_server_has_not_got(
    connection: Any, patient: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer, stage: str
) -> None:
    # Given a server that falls silent before any content, and more mails handed off than it has connections
    stages: dict[str, Any] = {stage: Silence()}
    smtp_server.script(**stages)
    refs = [await queue_mail(connection, deployment) for _ in range(6)]
    worker = start(by(patient, f"{smtp_server.url}&connections=2"))

    async def handed_off() -> bool:
        return await leased(connection) == 4

    await eventually(handed_off, "two mails a connection")
    await smtp_server.connected(2)

    # When the worker is stopped
    worker.stop()

    # Then every mail is in the queue as if nothing had been, and the relay in no trouble
    await nothing_leased(connection)
    assert {(await state_of(connection, ref))["state"] for ref in refs} == {"QUEUED"}
    assert await connection.fetchval("select count(*) from event") == 0
    [relay] = await relay_states(connection)
    assert relay.pause_step == 0


async def test_a_stop_keeps_what_is_known_of_mail_whose_answer_did_not_come(
    connection: Any, patient: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a server that is silent after the dot: it has two mails, and two wait for their turn
    smtp_server.script(after_dot=Silence())
    refs = [await queue_mail(connection, deployment) for _ in range(4)]
    worker = start(by(patient, f"{smtp_server.url}&connections=2"))
    await smtp_server.received(2)

    # When the worker is stopped
    worker.stop()

    # Then the two are uncertain, with an attempt that says at which stage; the others are in the queue
    await nothing_leased(connection)
    states = [(await state_of(connection, ref))["state"] for ref in refs]
    assert sorted(states) == ["QUEUED", "QUEUED", "UNCERTAIN", "UNCERTAIN"]
    for ref, state in zip(refs, states, strict=True):
        tries = [(attempt["verdict"], attempt["stage"]) for attempt in await attempts_of(connection, ref)]
        assert tries == ([("UNCERTAIN", "END_OF_DATA")] if state == "UNCERTAIN" else [])


async def test_a_stop_gives_back_large_mail_that_waits_for_room(
    connection: Any, patient: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given large mails, of which four are at a silent server and some wait for room
    smtp_server.script(after_dot=Silence())
    refs = [await queue_mail(connection, deployment, f"ann{number}@customer.example") for number in range(12)]
    await make_large(connection, *(ref.message_id for ref in refs))
    worker = start(by(patient, f"{smtp_server.url}&connections=10"))
    await smtp_server.received(4)

    # When the worker is stopped
    worker.stop()

    # Then only those four are uncertain
    await nothing_leased(connection)
    states = [(await state_of(connection, ref))["state"] for ref in refs]
    assert (states.count("UNCERTAIN"), states.count("QUEUED")) == (4, 8)


# Large mail ------------------------------------------------------------------------------------------------------


async def test_large_mail_that_waits_for_room_holds_up_nothing_else(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given more large mails than have room, on their way to a slow server
    answer = asyncio.Event()

    def slow_for_large(point: Point) -> Reply | None:
        return Reply(250, "2.0.0 Ok", when=answer) if point.recipients[0].startswith("large") else None

    smtp_server.script(after_dot=slow_for_large)
    large = [await queue_mail(connection, deployment, f"large{number}@customer.example") for number in range(30)]
    await make_large(connection, *(ref.message_id for ref in large))
    start(by(settings, f"{smtp_server.url}&connections=10"))
    await smtp_server.received(4)

    # When a small one comes behind them, in the same lane
    small = await queue_mail(connection, deployment, "small@customer.example")

    # Then it goes at once, and the large ones in their turn
    await until(connection, small, "ACCEPTED")
    assert await connection.fetchval("select count(*) from outbox where handed_off_at is not null") == 4
    answer.set()
    await empty(connection)


async def test_mail_that_could_not_be_loaded_for_want_of_memory_is_tried_again_later(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that has no memory for a mail
    async def no_memory(builder: MailBuilder, row: claim.Claimed) -> None:
        raise MemoryError

    monkeypatch.setattr(MailBuilder, "load", no_memory)
    ref = await queue_mail(connection, deployment)

    # When it claims the mail
    start()

    async def put_off() -> bool:
        return bool(await connection.fetchval("select due_at > now() + interval '30 s' from outbox"))

    # Then it is put off, and not held: its template is in order
    await eventually(put_off, "a later time")
    assert (await state_of(connection, ref))["state"] == "QUEUED"


@pytest.mark.parametrize(
    ("error", "state"), [(RuntimeError("can't start new thread"), "HELD"), (MemoryError(), "QUEUED")]
)
async def test_a_mail_that_could_not_be_signed_was_not_sent_and_is_not_uncertain(
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    state: str,
) -> None:
    # Given a worker that can start neither a signing process nor a thread
    async def cannot(builder: MailBuilder, drafts: Any) -> None:
        raise error

    monkeypatch.setattr(MailBuilder, "sign", cannot)
    ref = await queue_mail(connection, deployment)

    # When it has claimed a mail that is signed alone
    start()

    async def known() -> bool:
        decided = (await state_of(connection, ref))["state"] == "HELD"
        return decided or bool(await connection.fetchval("select due_at > now() + interval '30 s' from outbox"))

    # Then it is held, as mail that is signed with others is, or put off
    await eventually(known, "what became of it")
    assert (await state_of(connection, ref))["state"] == state
    assert not smtp_server.taken


@pytest.mark.parametrize("place", ["begin", "end"])
async def test_a_tracer_that_fails_keeps_no_mail_in_hand(
    connection: Any,
    pool: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    # Given mail that is sent together, and a tracer that fails on each
    refs = await queue_many(connection, settings, 5)
    profile = await connection.fetchval("select sender_version_id from message limit 1")
    sender = await sender_profiles.load(pool, profile)

    def source(builder: MailBuilder, row: claim.Claimed) -> Source:
        assert row.facts is not None
        return Source(facts=row.facts, sender=sender, stored=b"Subject: News\r\n\r\n")

    def fails(*_: object) -> None:
        raise RuntimeError("no tracer")

    monkeypatch.setattr(MailBuilder, "source", source)
    monkeypatch.setattr("gateway.delivery.pipeline.begin_span", fails if place == "begin" else lambda *_: fails)

    # When a worker has claimed it
    worker = start()

    async def none_in_hand() -> bool:
        waiting = await connection.fetchval("select count(*) from outbox where handed_off_at is null")
        recorded = await connection.fetchval("select count(*) from attempt")
        tried = not waiting and recorded == (len(refs) if place == "end" else 0)
        return bool(tried and not worker._claims.in_hand and not worker._claims.leased)

    # Then it has no mail in hand: it is recorded, or its lease ends and recovery decides
    await eventually(none_in_hand, "no mail in hand")


# Claims whose answer is lost -------------------------------------------------------------------------------------


async def test_a_claim_that_postgresql_commits_after_its_connection_broke_is_given_back(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    database_url: str,
) -> None:
    # Given a claim that waits in PostgreSQL, while a proxy on the way drops its connection
    await limit_destination(connection, DestinationLimit(domain="customer.example", per_day=1000))
    ref = await queue_mail(connection, deployment)
    pool = await open_pool(database_url, size=12, name="broken", settings=WORKER_SETTINGS)
    async with connection.transaction():
        await connection.execute("select from destination for update")
        start(own_pool=pool)

        async def waiting() -> int:
            return int(
                await connection.fetchval(
                    "select coalesce(max(pid), 0) from pg_stat_activity"
                    " where application_name = 'broken' and wait_event_type = 'Lock'"
                )
            )

        cut_off(pool, await eventually(waiting, "a claim that waits"))

    # When PostgreSQL goes on, commits it and finds nobody to tell
    # Then the mail is sent, once, long before that claim's lease would have ended, and nothing is uncertain
    await until(connection, ref, "ACCEPTED")
    assert await connection.fetchval("select count(*) from event") == 0
    assert len(smtp_server.taken) == 1


async def test_connections_that_a_lost_claim_held_are_free_again_under_load(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a destination that takes two connections, both in use
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 Ok", when=answer))
    await limit_destination(connection, DestinationLimit(domain="customer.example", connections=2))
    for _ in range(4):
        await queue_mail(connection, deployment)
    start(settings.model_copy(update={"lease_seconds": 3.0}))
    await smtp_server.received(2)

    # When one more is held by nobody, as after a claim whose answer was lost
    await connection.execute("update domain_connection_lease set connections = connections + 1")

    async def healed() -> bool:
        return bool(await connection.fetchval("select connections = 2 from domain_connection_lease"))

    # Then the worker, which knows what it has, puts it right while it works on
    await eventually(healed, "the true number")
    answer.set()
    await empty(connection)
    assert len(smtp_server.taken) == 4


# Relays ----------------------------------------------------------------------------------------------------------


async def test_permits_of_a_metered_relay_that_cannot_be_reached_are_not_spent(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a first relay with an allowance a day, which is down, and a second one
    own = by(settings, f"{NOWHERE}&per_day=1000", smtp_server.url)
    await queue_many(connection, own, 60)

    # When a worker has sent everything by the second
    start(own)
    await smtp_server.accepted(60)

    async def unspent() -> bool:
        return bool(await connection.fetchval("select day_count = 0 from relay where name = 'first'"))

    # Then the first one's allowance is whole
    await eventually(unspent, "a whole allowance")
    await empty(connection)
    assert len(smtp_server.taken) == 60


async def test_a_relay_that_takes_over_is_used_with_all_its_connections(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a first relay of one connection, which is down, and a second one of six
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 Ok", when=answer))
    own = by(settings, f"{NOWHERE}&connections=1", f"{smtp_server.url}&connections=6")
    await queue_many(connection, own, 8)

    # When a worker sends, and the second one is slow
    start(own)

    # Then it has a mail on each of its connections
    await smtp_server.received(6)
    assert len(smtp_server.open_connections) == 6
    answer.set()
    await empty(connection)


async def test_a_relay_that_takes_over_gets_no_more_mail_than_two_a_connection(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a wide relay that the ledger knows to be paused, and a slow one of two connections
    answer = asyncio.Event()
    smtp_server.script(after_dot=Reply(250, "2.0.0 Ok", when=answer))
    own = by(settings, f"{NOWHERE}&connections=20", f"{smtp_server.url}&connections=2")
    await register_relays(connection, own.relay_url)
    await connection.execute(
        "update relay set paused_until = now() + interval '1 hour', paused_why = 'x', pause_step = 1"
        " where name = 'first'"
    )
    await queue_many(connection, own, 12)

    # When a worker sends
    worker = start(own)
    await smtp_server.received(2)

    async def waits() -> bool:
        return worker.idle

    # Then no more is handed off than that one has room for
    await eventually(waits, "a worker that has enough")
    assert await connection.fetchval("select count(*) from outbox where handed_off_at is not null") == 4
    answer.set()
    await empty(connection)


async def test_a_relay_with_fewer_connections_than_the_next_one_never_waits_for_the_sweep(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a first relay of one connection and a second one of six, both well, and a sweep that comes seldom
    slow_sweep = settings.model_copy(update={"sweep_seconds": 600.0})
    own = by(
        slow_sweep, f"{smtp_server.url}&connections=1", f"{smtp_server.url.replace('main', 'second')}&connections=6"
    )
    await queue_many(connection, own, 20)

    # When a worker sends, then everything goes by the first, without another sweep
    start(own)
    await smtp_server.accepted(20)
    await empty(connection)
    assert len(smtp_server.connections) == 1


async def test_a_stop_leaves_a_metered_relay_the_permits_by_which_nothing_left(
    connection: Any, patient: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a metered relay that says nothing, with mail on its way to it
    smtp_server.script(mail=Silence())
    own = by(patient, f"{smtp_server.url}&per_day=1000&connections=2")
    await queue_many(connection, own, 6)
    worker = start(own)
    await smtp_server.command_received("MAIL", 2)

    # When the worker is stopped
    worker.stop()
    await nothing_leased(connection)

    async def unspent() -> bool:
        return bool(await connection.fetchval("select day_count = 0 from relay"))

    # Then the relay's day is whole
    await eventually(unspent, "a whole allowance")
    assert smtp_server.messages == []


async def test_mail_bound_to_a_relay_that_was_stopped_and_taken_away_is_held(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a relay that refused our login, and a firm that then took another one
    before = by(settings, smtp_server.url.replace("main", "old"))
    await register_relays(connection, before.relay_url)
    await connection.execute("update relay set stopped_at = now(), stopped_why = '535' where name = 'old'")
    ref = await queue_mail(connection, Deployment.open(before), bound_relay="old")

    # When a worker that does not have it claims the mail
    start()

    # Then the mail is held, and says why
    assert (await until(connection, ref, "HELD"))["cause"] == "WRONG_RELAY"


async def test_mail_bound_to_a_stopped_relay_holds_up_no_other(
    connection: Any, settings: Settings, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a relay that refused our login, mail that may leave by it alone, and other mail behind
    own = by(settings, f"{NOWHERE}&connections=1", f"{smtp_server.url}&connections=1")
    both = Deployment.open(own)
    start(own)
    await eventually(lambda: relay_states(connection), "the relays")
    await connection.execute("update relay set stopped_at = now(), stopped_why = '535' where name = 'first'")
    bound = [await queue_mail(connection, both, bound_relay="first") for _ in range(10)]
    other = [await queue_mail(connection, both) for _ in range(3)]

    # When the worker claims
    for ref in other:
        await until(connection, ref, "ACCEPTED")

    async def parked() -> bool:
        return bool(await connection.fetchval("select count(*) = 10 from outbox where scheduled and due_at > now()"))

    # Then the other mail is sent, and the bound mail waits until somebody resumes its relay
    await eventually(parked, "parked mail")
    assert {(await state_of(connection, ref))["state"] for ref in bound} == {"QUEUED"}


async def test_of_a_limited_domain_the_sooner_mail_gets_the_sooner_permit_though_a_claim_leaves_it(
    connection: Any, deployment: Deployment
) -> None:
    # Given a domain that takes one mail a minute, individual mail to it, and a campaign's
    await connection.execute(
        "insert into destination (domain, min_interval) values ('slow.example', interval '1 minute')"
    )
    first = await queue_mail(connection, deployment, "a@free.example")
    sooner = await queue_mail(connection, deployment, "b@slow.example")
    later = [await queue_mail(connection, deployment, f"c{number}@slow.example") for number in range(3)]
    await connection.execute(
        "with made as (insert into lane (name, priority) values ('campaign', 104) returning id)"
        " update outbox set lane_id = made.id from made where message_id = any($1)",
        [ref.message_id for ref in later],
    )

    # When a claim looks at all of it and takes one
    taken = [
        [row.message_id for row in found.leased]
        for found in [
            await claim.claim(connection, worker=uuid4(), lease=timedelta(minutes=1), scan_limit=40, max_leased=1)
            for _ in range(2)
        ]
    ]

    # Then the next one takes the individual mail, and the campaign's wait behind it: until midnight at most, when a
    # domain's day begins anew
    assert taken == [[first.message_id], [sooner.message_id]]
    permits = await connection.fetch(
        "select due_at, date_trunc('day', due_at - interval '1 us', 'UTC') + interval '1 day' as midnight,"
        " due_at > now() as waits from outbox where lease_owner is null order by due_at"
    )
    assert [row["waits"] for row in permits] == [True] * 3
    for before, after in pairwise(permits):
        assert after["due_at"] in (before["due_at"] + timedelta(minutes=1), before["midnight"])


async def test_an_answer_of_postgresql_that_says_no_leaves_nothing_to_look_for(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a claim that PostgreSQL refuses once, as the victim of a deadlock
    usual, asked = claim.claim, 0

    async def refused_once(*given: Any, **values: Any) -> claim.Claim:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return await usual(*given, **values)

    async def unasked(*given: Any) -> None:
        raise AssertionError("the whole outbox is read for nothing")

    monkeypatch.setattr("gateway.outbox.claim.claim", refused_once)
    monkeypatch.setattr("gateway.outbox.claim.give_back_claim", unasked)
    ref = await queue_mail(connection, deployment)

    # When the worker goes on, then it sends the mail and looks for nothing
    start()
    await until(connection, ref, "ACCEPTED")
    assert asked > 1
