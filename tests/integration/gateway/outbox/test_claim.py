"""Claiming: what goes first, what waits and until when, what a lost worker leaves behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.database import QUERIES, WORKER_SETTINGS, open_pool
from gateway.outbox import recovery
from gateway.outbox.claim import LARGE_CONTENT, Claim, claim, extend, give_back, give_back_claim
from gateway.outbox.domain_limits import DestinationLimit, limit_destination
from gateway.outbox.outcomes import HandOff, hand_off
from gateway.outbox.recovery import Recovered, my_turn, recover
from tests.builders import insert, mailing_of, make_campaign, make_customer, make_message, make_outbox

WORKER = uuid4()
LEASE = timedelta(seconds=60)


async def take(
    connection: Any,
    *,
    scan_limit: int = 200,
    max_leased: int | None = None,
    lease: timedelta = LEASE,
    hand_off: bool = False,
    short_way: bool = True,
) -> Claim:
    return await claim(
        connection,
        worker=WORKER,
        lease=lease,
        scan_limit=scan_limit,
        max_leased=max_leased,
        hand_off=hand_off,
        short_way=short_way,
    )


BOTH_WAYS = pytest.mark.parametrize("short_way", [True, False])
"""The short way of claiming and the whole one."""


async def uncertain(connection: Any, campaign_id: UUID) -> int:
    """How many recipients of a campaign's mailing are counted as uncertain."""
    mailing = await mailing_of(connection, campaign_id)
    return int(await connection.fetchval("select uncertain from mailing_tally where mailing_id = $1", mailing))


async def queue_one(connection: Any, **values: Any) -> UUID:
    """A queued message of a customer of its own, due now; returns the message's id."""
    customer_id = await make_customer(connection)
    campaign_id = values.pop("campaign_id", None)
    lane = values.pop("lane", None)
    message_id = await make_message(connection, customer_id, campaign_id=campaign_id)
    if campaign_id is not None:
        values["lane_id"] = await connection.fetchval("select id from lane where campaign_id = $1", campaign_id)
    if lane is not None:
        values["lane_id"] = await connection.fetchval("select id from lane where name = $1", lane)
    await make_outbox(connection, customer_id, message_id, **values)
    return message_id


async def outbox_of(connection: Any, message_id: UUID) -> asyncpg.Record:
    row: asyncpg.Record | None = await connection.fetchrow("select * from outbox where message_id = $1", message_id)
    assert row is not None
    return row


@BOTH_WAYS
async def test_work_orders_go_before_other_mail_and_campaigns_by_their_priority(
    connection: Any, short_way: bool
) -> None:
    late_campaign = await queue_one(connection, campaign_id=await make_campaign(connection, priority=7))
    soon_campaign = await queue_one(connection, campaign_id=await make_campaign(connection, priority=1))
    individual = await queue_one(connection)
    work_order = await queue_one(connection, lane="work-order")

    found = [(await take(connection, scan_limit=1, short_way=short_way)).leased[0].message_id for _ in range(4)]

    assert found == [work_order, individual, soon_campaign, late_campaign]


@BOTH_WAYS
async def test_a_claim_gives_out_what_it_found_in_the_order_of_the_lanes(connection: Any, short_way: bool) -> None:
    campaign = await make_campaign(connection)
    late = [await queue_one(connection, campaign_id=campaign, address=f"a@z{n % 3}.example") for n in range(9)]
    soon = [await queue_one(connection, lane="work-order", address=f"a@z{n % 3}.example") for n in range(9)]

    found = await take(connection, hand_off=True, short_way=short_way)

    assert [row.message_id for row in found.leased] == [*soon, *late]


@BOTH_WAYS
async def test_a_retry_that_is_due_goes_before_the_backlog_of_its_lane(connection: Any, short_way: bool) -> None:
    await queue_one(connection, due_at=datetime.now(UTC) - timedelta(hours=1))
    retry = await queue_one(connection, scheduled=True, attempt=2, due_at=datetime.now(UTC) - timedelta(seconds=1))

    found = await take(connection, scan_limit=1, short_way=short_way)

    assert [row.message_id for row in found.leased] == [retry]


@BOTH_WAYS
async def test_a_paused_lane_gives_nothing(connection: Any, short_way: bool) -> None:
    campaign_id = await make_campaign(connection)
    await queue_one(connection, campaign_id=campaign_id)

    await connection.execute("update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1", campaign_id)
    assert not (await take(connection, short_way=short_way)).leased
    await connection.execute("update lane set paused_at = null, paused_why = null")
    assert len((await take(connection, short_way=short_way)).leased) == 1


async def test_many_campaigns_with_nothing_due_do_not_starve_those_behind_them(connection: Any) -> None:
    await connection.execute(
        "insert into lane (name, priority) select 'campaign-' || n, 101 from generate_series(1, 300) n"
    )
    await connection.execute(
        "insert into outbox (customer_id, message_id, lane_id, due_at, address, address_key, domain, expires_at)"
        " select 1, uuidv7(), id, now() + interval '1 hour', 'a@x.example', sha256('a'), 'x.example',"
        " now() + interval '1 day' from lane where priority = 101"
    )
    last = await queue_one(connection, campaign_id=await make_campaign(connection, priority=7))

    assert await QUERIES.seconds_to_next_due(connection) <= 0
    assert [row.message_id for row in (await take(connection)).leased] == [last]


@BOTH_WAYS
async def test_two_workers_never_hold_the_same_row(pool: asyncpg.Pool[Any], short_way: bool) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        for _ in range(6):
            await queue_one(one)

        async with one.transaction():
            mine = await take(one, scan_limit=4, short_way=short_way)
            theirs = await take(other, scan_limit=200, short_way=short_way)

        assert (len(mine.leased), len(theirs.leased)) == (4, 2)
        assert not {row.message_id for row in mine.leased} & {row.message_id for row in theirs.leased}


async def test_mail_of_a_paused_domain_is_parked_once_until_the_pause_ends(connection: Any) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    await insert(connection, "destination", domain="slow.example", paused_until=until, paused_why="busy", pause_step=1)
    waiting = await queue_one(connection, address="a@slow.example")
    free = await queue_one(connection, address="a@free.example")

    found = await take(connection)

    assert [row.message_id for row in found.leased] == [free]
    assert found.parked == 1
    row = await outbox_of(connection, waiting)
    assert (row["due_at"], row["scheduled"], row["lease_owner"]) == (until, True, None)
    assert (await take(connection)).parked == 0


async def test_a_domain_limited_to_so_many_a_minute_gives_each_mail_its_permit_once(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_minute=6))
    messages = [await queue_one(connection, address=f"a{number}@slow.example") for number in range(4)]

    found = await take(connection)

    assert [row.message_id for row in found.leased] == messages[:1]
    permits = [(await outbox_of(connection, message))["due_at"] for message in messages[1:]]
    assert [round((later - sooner).total_seconds()) for sooner, later in pairwise(permits)] == [
        10,
        10,
    ]
    assert all([(await outbox_of(connection, message))["rate_counted"] for message in messages])
    # When its permit comes a row goes, and is not counted again.
    await connection.execute("update outbox set due_at = now() where message_id = $1", messages[1])
    assert [row.message_id for row in (await take(connection)).leased] == [messages[1]]


async def test_mail_above_a_days_limit_waits_until_tomorrow(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_day=2))
    messages = [await queue_one(connection, address=f"a{number}@slow.example") for number in range(3)]

    found = await take(connection)

    assert [row.message_id for row in found.leased] == messages[:2]
    row = await outbox_of(connection, messages[2])
    assert (row["due_at"].hour, row["due_at"].minute, row["rate_counted"]) == (0, 0, False)
    assert row["due_at"] > datetime.now(UTC)


async def test_a_warm_up_starts_small_and_grows_by_the_day(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="new.example", warm_up_start=1, warm_up_factor=3))
    for number in range(5):
        await queue_one(connection, address=f"a{number}@new.example")

    first = await take(connection)
    await connection.execute("update destination set warm_up_from = current_date - 1, day = current_date - 1")
    await connection.execute("update outbox set due_at = now() where lease_owner is null")
    second = await take(connection)

    assert (len(first.leased), len(second.leased)) == (1, 3)


async def test_a_domain_with_a_limit_of_connections_gets_no_more_at_a_time(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="small.example", connections=2))
    for number in range(5):
        await queue_one(connection, address=f"a{number}@small.example")

    found = await take(connection)

    assert (len(found.leased), found.parked) == (2, 3)
    assert all(row.capped for row in found.leased)
    assert await connection.fetchval("select connections from domain_connection_lease where worker = $1", WORKER) == 2


async def test_connections_of_a_lease_that_ran_out_are_free(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="small.example", connections=2))
    await insert(
        connection,
        "domain_connection_lease",
        domain="small.example",
        worker=WORKER,
        connections=2,
        leased_until=datetime.now(UTC) - timedelta(seconds=1),
    )
    await queue_one(connection, address="a@small.example")

    found = await take(connection)

    assert len(found.leased) == 1
    assert await connection.fetchval("select connections from domain_connection_lease where worker = $1", WORKER) == 1


async def test_of_what_a_claim_scans_it_leases_no_more_than_its_limit_and_parks_what_must_wait(
    connection: Any,
) -> None:
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_minute=6))
    first, second, *others = [
        await queue_one(connection, address=address)
        for address in ("a@slow.example", "b@slow.example", "c@free.example", "d@free.example", "e@free.example")
    ]

    found = await take(connection, max_leased=2)

    assert [row.message_id for row in found.leased] == [first, others[0]]
    assert found.parked == 1
    assert (await outbox_of(connection, second))["scheduled"]
    left = [await outbox_of(connection, message) for message in others[1:]]
    assert [(row["lease_owner"], row["scheduled"]) for row in left] == [(None, False)] * 2
    assert [row.message_id for row in (await take(connection)).leased] == others[1:]


async def test_what_a_claim_does_not_lease_is_not_counted_against_a_limit(connection: Any) -> None:
    await limit_destination(connection, DestinationLimit(domain="slow.example", per_day=5, connections=5))
    for number in range(5):
        await queue_one(connection, address=f"a{number}@slow.example")

    found = await take(connection, max_leased=2)

    assert (len(found.leased), found.parked) == (2, 0)
    assert await connection.fetchval("select day_count from destination where domain = 'slow.example'") == 2
    assert await connection.fetchval("select connections from domain_connection_lease where worker = $1", WORKER) == 2


@BOTH_WAYS
async def test_a_claim_hands_off_what_nothing_speaks_against_and_leaves_the_rest_to_the_hand_off(
    connection: Any, short_way: bool
) -> None:
    campaign_id = await make_campaign(connection)
    messages = {
        "go": await queue_one(connection),
        "campaign": await queue_one(connection, campaign_id=campaign_id, opt_out_kind="MARKETING"),
        "expired": await queue_one(connection, expires_at=datetime.now(UTC) - timedelta(seconds=1)),
        "suppressed": await queue_one(connection, address="gone@customer.example"),
        "opted out": await queue_one(connection, campaign_id=campaign_id, opt_out_kind="MARKETING"),
        "opted out by address": await queue_one(
            connection, campaign_id=campaign_id, opt_out_kind="MARKETING", address="no@customer.example"
        ),
    }
    suppressed = await outbox_of(connection, messages["suppressed"])
    await insert(connection, "suppression", address_key=suppressed["address_key"], reason="COMPLAINT", actor="t")
    opted_out = await outbox_of(connection, messages["opted out"])
    await insert(
        connection, "opt_out", customer_id=opted_out["customer_id"], kind="MARKETING", source="STAFF", actor="t"
    )
    by_address = await outbox_of(connection, messages["opted out by address"])
    await insert(
        connection,
        "address_opt_out",
        address_key=by_address["address_key"],
        kind="MARKETING",
        source="STAFF",
        actor="t",
    )
    if not short_way:  # with either of these a claim goes the whole way
        messages |= {"bound": await queue_one(connection, bound_relay="demo"), "large": await queue_one(connection)}
        await insert(connection, "content", sha256=bytes(32), size=LARGE_CONTENT, encoding="identity", bytes=b"x")
        await connection.execute("update message set content_sha256 = $1 where id = $2", bytes(32), messages["large"])

    claimed = await take(connection, hand_off=True, short_way=short_way)

    found = {row.message_id: row for row in claimed.leased}
    handed = {name for name, message in messages.items() if found[message].handed_off}
    assert (claimed.short, handed) == (short_way, {"go", "campaign"})
    assert short_way or found[messages["large"]].large
    marked = await connection.fetch("select message_id from outbox where handed_off_at is not null")
    assert {row["message_id"] for row in marked} == {messages[name] for name in handed}


@BOTH_WAYS
async def test_a_claim_waits_for_no_pause_under_way_and_hands_off_nothing_of_it(
    pool: asyncpg.Pool[Any], short_way: bool
) -> None:
    async with pool.acquire() as worker, pool.acquire() as person:
        campaign_id = await make_campaign(person)
        await queue_one(person, campaign_id=campaign_id)
        pause = "update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1"
        async with person.transaction():
            await person.execute(pause, campaign_id)

            [row] = (await take(worker, hand_off=True, short_way=short_way)).leased

            assert not row.handed_off
        assert await hand_off(worker, [row]) == [HandOff.PAUSED]


@BOTH_WAYS
async def test_a_pause_waits_for_a_claim_under_way(pool: asyncpg.Pool[Any], short_way: bool) -> None:
    async with pool.acquire() as worker, pool.acquire() as person:
        campaign_id = await make_campaign(person)
        await queue_one(person, campaign_id=campaign_id)
        async with worker.transaction():
            [row] = (await take(worker, hand_off=True, short_way=short_way)).leased
            assert row.handed_off
            await person.execute("set lock_timeout = '50 ms'")

            with pytest.raises(asyncpg.LockNotAvailableError):
                await person.execute("update lane set paused_at = now(), paused_why = 'x'")
        await person.execute("update lane set paused_at = now(), paused_why = 'x'")


async def test_a_claim_whose_result_never_arrived_is_given_back_whole(connection: Any) -> None:
    messages = [await queue_one(connection) for _ in range(2)]
    owner = uuid4()
    unheard = await claim(connection, worker=WORKER, lease=LEASE, owner=owner, hand_off=True)
    assert all(row.handed_off for row in unheard.leased)

    await give_back_claim(connection, owner)

    again = await take(connection)
    assert [(row.message_id, row.handed_off) for row in again.leased] == [(message, False) for message in messages]


async def test_the_hand_off_lets_go_only_what_is_still_ours_and_may_go(connection: Any) -> None:
    campaign_id = await make_campaign(connection)
    messages = {
        "go": await queue_one(connection),
        "lost": await queue_one(connection),
        "expired": await queue_one(connection),
        "suppressed": await queue_one(connection, address="gone@customer.example"),
        "opted out": await queue_one(connection, campaign_id=campaign_id, opt_out_kind="MARKETING"),
        "paused": await queue_one(connection, address="a@paused.example"),
    }
    rows = {row.message_id: row for row in (await take(connection)).leased}
    await connection.execute("update outbox set lease_owner = $1 where message_id = $2", uuid4(), messages["lost"])
    await connection.execute(
        "update outbox set expires_at = now() - interval '1 second' where message_id = $1", messages["expired"]
    )
    suppressed = await outbox_of(connection, messages["suppressed"])
    await insert(connection, "suppression", address_key=suppressed["address_key"], reason="COMPLAINT", actor="t")
    opted_out = await outbox_of(connection, messages["opted out"])
    await insert(
        connection, "opt_out", customer_id=opted_out["customer_id"], kind="MARKETING", source="STAFF", actor="t"
    )
    until = datetime.now(UTC) + timedelta(minutes=5)
    await insert(connection, "destination", domain="paused.example", paused_until=until, paused_why="x")

    answers = await hand_off(connection, [rows[message] for message in messages.values()])

    assert dict(zip(messages, answers, strict=True)) == {
        "go": HandOff.GO,
        "lost": HandOff.LOST,
        "expired": HandOff.EXPIRED,
        "suppressed": HandOff.SUPPRESSED,
        "opted out": HandOff.OPTED_OUT,
        "paused": HandOff.PAUSED,
    }
    assert await connection.fetchval("select count(*) from outbox where handed_off_at is not null") == 1
    assert await hand_off(connection, [rows[messages["go"]]]) == [HandOff.LOST]


async def test_nothing_is_handed_off_after_a_lease_has_passed(connection: Any) -> None:
    await queue_one(connection)
    found = await take(connection, lease=timedelta(milliseconds=-1))

    await extend(connection, found.leased, lease=LEASE)

    assert await hand_off(connection, found.leased) == [HandOff.LOST]


async def test_a_pause_that_has_returned_is_exact(pool: asyncpg.Pool[Any]) -> None:
    async with pool.acquire() as worker, pool.acquire() as person:
        campaign_id = await make_campaign(person)
        await queue_one(person, campaign_id=campaign_id)
        found = await take(worker)
        await person.execute("update lane set paused_at = now(), paused_why = 'x' where campaign_id = $1", campaign_id)

        assert await hand_off(worker, found.leased) == [HandOff.PAUSED]
        await give_back(worker, [(row, None) for row in found.leased])

        assert await person.fetchval("select count(*) from outbox where lease_owner is null") == 1


async def test_what_a_lost_worker_had_not_handed_off_is_queued_again(connection: Any) -> None:
    message_id = await queue_one(connection)
    await take(connection, lease=timedelta(seconds=-1))

    assert await recover(connection, shard=0) == Recovered(unsent=1)

    assert (await outbox_of(connection, message_id))["lease_owner"] is None
    assert await connection.fetchval("select kind from event where message_id = $1", message_id) == "RESCUED"
    assert len((await take(connection)).leased) == 1


async def test_what_a_lost_worker_had_handed_off_is_uncertain_and_never_sent_by_guess(connection: Any) -> None:
    campaign_id = await make_campaign(connection)
    message_id = await queue_one(connection, campaign_id=campaign_id)
    found = await take(connection)
    await hand_off(connection, found.leased)
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")

    assert await recover(connection, shard=3) == Recovered(uncertain=1)

    message = await connection.fetchrow("select * from message where id = $1", message_id)
    assert (message["status"], message["cause"]) == ("UNCERTAIN", "CONNECTION_LOST")
    assert await connection.fetchval("select count(*) from outbox") == 0
    assert not (await take(connection)).leased
    event = await connection.fetchrow("select kind, data from event where message_id = $1", message_id)
    assert (event["kind"], event["data"]["attempt"]) == ("UNCERTAIN", 1)
    assert await uncertain(connection, campaign_id) == 1


async def test_what_a_lost_worker_had_handed_off_is_tried_once_more_where_a_deployment_chose_that(
    connection: Any,
) -> None:
    campaign_id = await make_campaign(connection)
    await queue_one(connection, campaign_id=campaign_id, retry_once=True)
    for _ in range(2):
        await hand_off(connection, (await take(connection)).leased)
        await connection.execute("update outbox set lease_until = now() - interval '1 second'")

        assert await recover(connection, shard=0, wait=timedelta(0)) == Recovered(uncertain=1)

    assert await connection.fetchval("select status::text from message") == "UNCERTAIN"
    assert await connection.fetchval("select count(*) from outbox") == 0
    events = await connection.fetch("select kind::text, data ->> 'attempt' from event order by id")
    assert [tuple(event) for event in events] == [("UNCERTAIN", "1"), ("RETRIED_ONCE", "1"), ("UNCERTAIN", "2")]
    assert await uncertain(connection, campaign_id) == 1


async def test_of_several_workers_one_looks_through_the_outbox_a_period(pool: asyncpg.Pool[Any]) -> None:
    async with pool.acquire() as one, pool.acquire() as other:
        period = timedelta(seconds=30)
        turns = await asyncio.gather(my_turn(one, every=period), my_turn(other, every=period))
        assert sorted(turns) == [False, True]
        assert not await my_turn(one, every=period)

        await one.execute("update outbox_scan set scanned_at = scanned_at - interval '30 seconds'")

        assert await my_turn(other, every=period)


async def test_what_is_more_than_a_pass_finds_is_settled_by_the_next(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "PASS_ROWS", 2)
    monkeypatch.setattr(recovery, "BATCH", 1)
    for number in range(5):
        await queue_one(connection, address=f"a{number}@x.example")
    await take(connection, lease=timedelta(seconds=-1))

    assert await recover(connection, shard=0) == Recovered(unsent=5)

    assert await connection.fetchval("select count(*) from outbox where lease_owner is not null") == 0


async def test_what_passed_is_found_in_one_pass_over_a_deep_outbox_and_settled_by_key(database_url: str) -> None:
    # With a worker's settings, under which a table is read as a whole only where that is asked for.
    opened = await open_pool(database_url, size=1, name="test", settings=WORKER_SETTINGS)
    async with opened, opened.acquire() as connection:
        lost, unsure, overdue = [await queue_one(connection, address=f"a{n}@x.example") for n in range(3)]
        await connection.execute(
            "insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at, due_at)"
            " select n, uuidv7(), 1, 'a@x.example', sha256('a'), 'x.example', now() + interval '1 day',"
            " now() + interval '1 hour' from generate_series(1, 20000) n"
        )
        leased = "update outbox set lease_owner = gen_random_uuid(), lease_until = now() - interval '1 s'"
        await connection.execute(f"{leased} where message_id = $1", lost)
        await connection.execute(f"{leased}, handed_off_at = now() where message_id = $1", unsure)
        await connection.execute("update outbox set expires_at = now() where message_id = $1", overdue)
        await connection.execute("vacuum analyze outbox")
        async with connection.transaction():
            await QUERIES.may_read_all(connection)
            plan = await connection.fetchval(f"explain (analyze, buffers, format json) {QUERIES.passed.sql}", 10_000)
        pages = await connection.fetchval("select relpages from pg_class where relname = 'outbox'")
        read = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
        assert read <= pages + 10

        assert await recover(connection, shard=0) == Recovered(unsent=1, uncertain=1, expired=1)

        states = await connection.fetch("select id, status::text from message_state")
        assert {row["id"]: row["status"] for row in states} == {lost: "QUEUED", unsure: "UNCERTAIN", overdue: "EXPIRED"}
        assert await recover(connection, shard=0) == Recovered()
