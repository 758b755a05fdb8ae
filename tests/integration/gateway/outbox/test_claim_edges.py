"""The outbox's statements at their edges: the very moment of a deadline, and one recipient among its neighbours.

Within one transaction, in which the database's clock stands still.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.database import QUERIES
from gateway.mail.schedule import RETRY_WAITS
from gateway.outbox import recovery
from gateway.outbox.claim import Claimed, RecipientKey, claim, columns, extend, give_back
from gateway.outbox.outcomes import UNDELIVERED, HandOff, decide, hand_off
from gateway.outbox.parked import release_parked
from tests.builders import insert, make_customer, make_message, make_outbox
from tests.integration.gateway.outbox.test_claim import BOTH_WAYS, queue_one, take

OWNER = uuid4()
SOON = "now() + interval '0.000001 s'"
LATER = "now() + interval '1 hour'"
PAST = "now() - interval '0.000001 s'"


async def assign(connection: Any, message_id: UUID, assigned: str, recipient_no: int = 0) -> None:
    """Changes a row of the outbox as SQL says."""
    statement = f"update outbox set {assigned} where message_id = $1 and recipient_no = $2"  # noqa: S608 - of this test
    await connection.execute(statement, message_id, recipient_no)


async def read(connection: Any, message_id: UUID, expression: str, recipient_no: int = 0) -> Any:
    statement = f"select {expression} from outbox where message_id = $1 and recipient_no = $2"  # noqa: S608 - the same
    return await connection.fetchval(statement, message_id, recipient_no)


@BOTH_WAYS
async def test_what_is_due_now_is_claimed_and_what_expires_now_is_not_handed_off(still: Any, short_way: bool) -> None:
    due, soon, ends_now, ends_soon = [await queue_one(still) for _ in range(4)]
    await assign(still, soon, f"due_at = {SOON}")
    await assign(still, ends_now, "expires_at = now()")
    await assign(still, ends_soon, f"expires_at = {SOON}")
    found = await take(still, hand_off=True, short_way=short_way)
    assert {row.message_id: row.handed_off for row in found.leased} == {due: True, ends_now: False, ends_soon: True}
    assert await read(still, soon, "lease_owner") is None


async def test_a_pause_that_ends_now_holds_nothing_any_more_and_a_stop_for_ten_minutes(still: Any) -> None:
    for domain, until, stopped in (
        ("over.example", "now()", "null"),
        ("paused.example", SOON, "null"),
        ("stopped.example", "null", "now()"),
    ):
        await still.execute(
            "insert into destination (domain, paused_until, paused_why, stopped_at, stopped_why)"  # noqa: S608 - the same
            f" values ($1, {until}, case when {until} is not null then 'x' end,"
            f" {stopped}, case when {stopped} is not null then 'x' end)",
            domain,
        )
    over, paused, stopped_one = [
        await queue_one(still, address=f"a@{name}.example") for name in ("over", "paused", "stopped")
    ]
    found = await take(still)
    assert ([row.message_id for row in found.leased], found.parked) == ([over], 2)
    assert await read(still, paused, f"due_at = {SOON}")
    assert await read(still, stopped_one, "due_at - now()") == timedelta(minutes=10)


async def test_a_pause_of_the_only_relay_holds_its_mail_until_it_ends_and_a_stop_for_a_minute(still: Any) -> None:
    bound = {}
    for name, until, stopped in (("over", "now()", "null"), ("paused", SOON, "null"), ("stopped", "null", "now()")):
        await still.execute(
            "insert into relay (name, paused_until, paused_why, stopped_at, stopped_why)"  # noqa: S608 - the same
            f" values ($1, {until}, case when {until} is not null then 'x' end,"
            f" {stopped}, case when {stopped} is not null then 'x' end)",
            name,
        )
        bound[name] = await queue_one(still, bound_relay=name)
    found = await claim(still, worker=OWNER, lease=timedelta(minutes=1), relays=list(bound))
    assert ([row.message_id for row in found.leased], found.parked) == ([bound["over"]], 2)
    assert await read(still, bound["paused"], f"due_at = {SOON}")
    assert await read(still, bound["stopped"], "due_at - now()") == timedelta(minutes=1)


async def test_a_destination_that_was_in_trouble_is_tried_with_one_connection(still: Any) -> None:
    await insert(still, "destination", domain="x.example", pause_step=1, connections=5)
    rows = [await queue_one(still, address=f"a{n}@x.example") for n in range(2)]
    await assign(still, rows[0], "attempt = 2")
    found = await take(still)
    # Mail that was not tried yet goes first: what was may be the cause
    assert ([row.message_id for row in found.leased], found.parked) == ([rows[1]], 1)
    assert await read(still, rows[0], "due_at - now()") == timedelta(seconds=2)


async def test_what_is_above_a_limit_of_connections_waits_for_its_turn(still: Any) -> None:
    await insert(still, "destination", domain="x.example", connections=2)
    rows = [await queue_one(still, address=f"a{n}@x.example") for n in range(6)]
    found = await take(still)
    assert (len(found.leased), found.parked) == (2, 4)
    waits = sorted([await read(still, row, "due_at - now()") for row in rows])
    assert waits[2:] == [timedelta(milliseconds=250)] * 2 + [timedelta(milliseconds=500)] * 2


async def test_a_rate_begins_now_or_with_its_next_permit_and_saves_none_up(still: Any) -> None:
    for place, first, leased in (("- interval '1 hour'", "0 s", 1), ("+ interval '4 s'", "4 s", 0)):
        domain = f"x{leased}.example"
        await still.execute(
            "insert into destination (domain, min_interval, next_permit_at)"  # noqa: S608 - the same
            f" values ($1, interval '10 s', now() {place})",
            domain,
        )
        for number in range(3):
            await queue_one(still, address=f"a{number}@{domain}")
        assert len((await take(still)).leased) == leased
        waits = "select due_at - now() - $1::text::interval as wait from outbox order by due_at"
        found = [row["wait"].total_seconds() for row in await still.fetch(waits, first)]
        assert found[leased:] == [0, 10, 20][leased:]
        await still.execute("delete from outbox")


SUPPRESSED = "insert into suppression (address_key, reason, actor, scope) values (sha256('k'), 'STAFF', 't', '{}')"
CUSTOMER_OPTED_OUT = (
    "insert into opt_out (customer_id, kind, source, actor) select customer_id, '{}', 'STAFF', 't' from outbox"
)
READER_OPTED_OUT = (
    "insert into address_opt_out (address_key, kind, source, actor) values (sha256('k'), '{}', 'STAFF', 't')"
)
DOMAIN_PAUSED = "insert into destination (domain, paused_until, paused_why) values ('x.example', {}, 'x')"
DOMAIN_STOPPED = "insert into destination (domain, stopped_at, stopped_why) values ('x.example', now(), 'x')"
KEY, MARKETING = "address_key = sha256('k')", "opt_out_kind = 'MARKETING'"


@pytest.mark.parametrize(
    ("assigned", "also", "answer"),
    [
        ("expires_at = now()", None, HandOff.EXPIRED),
        (f"expires_at = {SOON}", None, HandOff.GO),
        ("domain = 'x.example'", DOMAIN_PAUSED.format("now()"), HandOff.GO),
        ("domain = 'x.example'", DOMAIN_PAUSED.format(SOON), HandOff.PAUSED),
        ("domain = 'x.example'", DOMAIN_STOPPED, HandOff.PAUSED),
        ("attempt = 1", "update lane set paused_at = now(), paused_why = 'x'", HandOff.PAUSED),
        (KEY, SUPPRESSED.format("ALL_MAIL"), HandOff.SUPPRESSED),
        (KEY, SUPPRESSED.format("CAMPAIGNS"), HandOff.GO),
        (f"{KEY}, {MARKETING}", SUPPRESSED.format("CAMPAIGNS"), HandOff.SUPPRESSED),
        (MARKETING, CUSTOMER_OPTED_OUT.format("MARKETING"), HandOff.OPTED_OUT),
        (MARKETING, CUSTOMER_OPTED_OUT.format("EVENT_BASED"), HandOff.GO),
        ("opt_out_kind = null", CUSTOMER_OPTED_OUT.format("MARKETING"), HandOff.GO),
        (f"{KEY}, {MARKETING}", READER_OPTED_OUT.format("MARKETING"), HandOff.OPTED_OUT),
        (f"{KEY}, {MARKETING}", READER_OPTED_OUT.format("EVENT_BASED"), HandOff.GO),
        ("handed_off_at = now()", None, HandOff.LOST),
        ("lease_owner = gen_random_uuid()", None, HandOff.LOST),
        ("attempt = 2", None, HandOff.LOST),
        (f"lease_until = {PAST}", None, HandOff.LOST),
    ],
)
async def test_the_hand_off_says_of_each_row_why_it_may_not_go(
    still: Any, assigned: str, also: str | None, answer: HandOff
) -> None:
    message_id = await queue_one(still)
    [row] = (await take(still)).leased
    await assign(still, message_id, assigned)
    if also:
        await still.execute(also)
    assert await hand_off(still, [row]) == [answer]
    if answer is not HandOff.LOST:
        assert (await read(still, message_id, "handed_off_at") is not None) is (answer is HandOff.GO)


# One recipient among its neighbours ------------------------------------------------------------------------------


async def neighbours(connection: Any, assigned: str) -> tuple[RecipientKey, list[RecipientKey]]:
    """Two messages of one customer to a copy each, and one of another customer's, all leased by one worker; returns the
    first copy's key, and those of the others. `assigned` is set of all of them."""
    keys = []
    for customer in (first := await make_customer(connection), first, await make_customer(connection)):
        message = await make_message(connection, customer)
        await insert(
            connection, "copy", customer_id=customer, message_id=message, recipient_no=1, role="CC",
            address="boss@customer.example",
        )  # fmt: skip
        for number in (0, 1):
            await make_outbox(connection, customer, message, recipient_no=number, lease_owner=OWNER,
                              lease_until=await connection.fetchval(f"select {LATER}"))  # fmt: skip
            await assign(connection, message, assigned, number)
            keys.append((customer, message, number))
    return keys[1], [keys[0], *keys[2:]]


async def rows_of(connection: Any, keys: list[RecipientKey]) -> list[Any]:
    """The rows as they are, with the states of their messages and copies."""
    statement = (
        "select o::text, m.status as message, c.status as copy from message m left join outbox o on o.message_id = m.id"
        " and o.recipient_no = $2 join copy c on c.message_id = m.id where m.id = $1"
    )
    return [tuple(await connection.fetchrow(statement, message, number)) for _, message, number in keys]


def claimed(key: RecipientKey) -> Claimed:
    customer, message, number = key
    usual: dict[str, Any] = {"capped": False, "handed_off": False, "large": False, "facts": None}
    return Claimed(
        customer_id=customer, message_id=message, recipient_no=number, attempt=1, owner=OWNER, lane_id=1,
        address="a@x.example", domain="x.example", bound_relay=None, **usual,
    )  # fmt: skip


async def test_a_row_is_given_back_or_extended_alone(still: Any) -> None:
    one, others = await neighbours(still, "attempt = 1")
    before = await rows_of(still, others)
    await extend(still, [claimed(one)], lease=timedelta(hours=5))
    assert await read(still, one[1], "lease_until - now()", 1) == timedelta(hours=5)
    assert await rows_of(still, others) == before
    await give_back(still, [(claimed(one), None)])
    assert await read(still, one[1], "(lease_owner, scheduled, due_at = now())", 1) == (None, False, True)
    # Another claim's, or another try's, is left alone
    for changed in ("lease_owner = gen_random_uuid()", "attempt = 2"):
        await assign(still, others[0][1], changed)
        before = await rows_of(still, others)
        await give_back(still, [(claimed(others[0]), timedelta(minutes=1))])
        assert await rows_of(still, others) == before


async def test_a_lease_that_ends_now_is_neither_extended_nor_settled(still: Any) -> None:
    one, others = await neighbours(still, "lease_until = now()")
    before = await rows_of(still, [one, *others])
    await extend(still, [claimed(one)], lease=timedelta(hours=5))
    wait = timedelta(minutes=1)
    assert [row async for row in QUERIES.passed(still, limit=10)] == []
    assert [row async for row in QUERIES.recover_unsent(still, **columns([one]))] == []
    await assign(still, one[1], "handed_off_at = now()", 1)
    lost = QUERIES.recover_handed_off(still, **columns([one]), shard=0, advice="x", wait=wait)
    assert [row async for row in lost] == []
    await assign(still, one[1], "handed_off_at = null", 1)
    assert await rows_of(still, [one, *others]) == before


async def test_what_passed_is_found_by_what_it_leaves(still: Any) -> None:
    unsent, uncertain, expired, waits, leased = [await queue_one(still) for _ in range(5)]
    for message in (unsent, uncertain, leased):
        await assign(still, message, f"lease_owner = gen_random_uuid(), lease_until = {PAST}")
    await assign(still, uncertain, "handed_off_at = now()")
    await assign(still, expired, "expires_at = now()")
    await assign(still, waits, f"expires_at = {SOON}")
    await assign(still, leased, f"lease_until = {SOON}, expires_at = {PAST}")
    found = {row["message_id"]: row["what"] async for row in QUERIES.passed(still, limit=10)}
    assert found == {unsent: "UNSENT", uncertain: "UNCERTAIN", expired: "EXPIRED"}


async def test_what_a_lost_worker_did_not_send_returns_alone(still: Any) -> None:
    one, others = await neighbours(still, f"lease_until = {PAST}")
    before = await rows_of(still, others)
    lost = QUERIES.recover_handed_off(still, **columns([one]), shard=0, advice="x", wait=timedelta(minutes=1))
    assert [row async for row in lost] == []
    assert len([row async for row in QUERIES.recover_unsent(still, **columns([one]))]) == 1
    assert await read(still, one[1], "lease_owner", 1) is None
    assert await rows_of(still, others) == before
    # What was handed off is not among that
    await assign(still, others[0][1], "handed_off_at = now()")
    assert [row async for row in QUERIES.recover_unsent(still, **columns([others[0]]))] == []


@pytest.mark.parametrize("number", [1, 0])
async def test_what_a_lost_worker_handed_off_is_uncertain_alone(still: Any, number: int) -> None:
    one, others = await neighbours(still, f"lease_until = {PAST}, handed_off_at = now()")
    if number == 0:
        one, others = others[0], [one, *others[1:]]
    beside = [key for key in others if key[1] != one[1]]
    before = await rows_of(still, beside)
    lost = QUERIES.recover_handed_off(still, **columns([one]), shard=0, advice="x", wait=timedelta(minutes=1))
    assert len([row async for row in lost]) == 1
    states = await still.fetchrow(
        "select m.status, c.status from message m join copy c on c.message_id = m.id where m.id = $1", one[1]
    )
    assert tuple(states) == (("QUEUED", "UNCERTAIN") if number else ("UNCERTAIN", "QUEUED"))
    assert await still.fetchval("select array_agg(recipient_no) from outbox where message_id = $1", one[1]) == [
        1 - number
    ]
    assert await rows_of(still, beside) == before


async def test_what_a_worker_lost_of_which_it_is_known_is_settled_at_once_in_batches(
    still: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given six rows of a worker that is known to be gone, whose leases still last, and one of another try
    monkeypatch.setattr(recovery, "BATCH", 4)
    one, others = await neighbours(still, "attempt = 1")
    lost = [SimpleNamespace(key=key, attempt=1, owner=OWNER) for key in (one, *others)]
    stale = SimpleNamespace(key=one, attempt=2, owner=OWNER)
    # When nothing was sent of them, then they are due again
    assert await recovery.requeue_unsent(still, [*lost, stale]) == []
    assert await recovery.requeue_unsent(still, [stale]) == [stale]
    assert await still.fetchval("select count(*) from outbox where lease_owner is not null") == 0
    # When something may have been, then they are uncertain
    await still.execute(f"update outbox set lease_owner = $1, lease_until = {LATER}, handed_off_at = now()", OWNER)  # noqa: S608 - the same
    assert await recovery.recover_lost(still, [stale], shard=0) == 0
    await assign(still, one[1], f"retry_once = true, expires_at = {LATER}", 1)
    assert await recovery.recover_lost(still, lost, shard=0) == 6
    # But for what is tried once more, which waits as long as after any first try
    [row] = await still.fetch("select message_id, recipient_no, due_at - now() as wait from outbox")
    assert tuple(row) == (one[1], 1, RETRY_WAITS[0])


async def test_a_lost_mail_is_tried_once_more_where_there_is_time_for_it(still: Any) -> None:
    wait = timedelta(minutes=1)
    for ends, retried in (("now() + interval '1 min'", False), ("now() + interval '1 min 0.000001 s'", True)):
        message = await queue_one(still)
        lost = f"lease_owner = gen_random_uuid(), lease_until = {PAST}, handed_off_at = now(), retry_once = true"
        await assign(still, message, f"{lost}, expires_at = {ends}")
        key = (await read(still, message, "customer_id"), message, 0)
        async for _ in QUERIES.recover_handed_off(still, **columns([key]), shard=0, advice="x", wait=wait):
            pass
        status = await still.fetchval("select status from message where id = $1", message)
        assert status == ("QUEUED" if retried else "UNCERTAIN")
        if retried:
            state = "(attempt, due_at - now(), scheduled, retry_once, lease_owner)"
            assert await read(still, message, state) == (2, wait, True, False, None)
        kinds = await still.fetch("select kind from event where message_id = $1 order by kind", message)
        assert sorted(row["kind"] for row in kinds) == (["RETRIED_ONCE"] if retried else []) + ["UNCERTAIN"]


@pytest.mark.parametrize("number", [1, 0])
async def test_what_will_not_be_sent_is_decided_alone(still: Any, number: int) -> None:
    one, others = await neighbours(still, "attempt = 1")
    if number == 0:
        one, others = others[0], [one, *others[1:]]
    beside = [key for key in others if key[1] != one[1]]
    before = await rows_of(still, beside)
    why = UNDELIVERED[HandOff.SUPPRESSED]
    # Not by another owner, and not by a person once it is handed off
    assert await decide(still, [one], [why], owners=[uuid4()], actor="t", shard=0) == 0
    await assign(still, one[1], "handed_off_at = now()", number)
    assert await decide(still, [one], [why], owners=[None], actor="t", shard=0) == 0
    assert await decide(still, [one], [why], owners=[OWNER], actor="t", shard=0) == 1
    states = await still.fetchrow(
        "select m.status, c.status from message m join copy c on c.message_id = m.id where m.id = $1", one[1]
    )
    assert tuple(states) == (("QUEUED", "HELD") if number else ("HELD", "QUEUED"))
    assert await rows_of(still, beside) == before


async def test_a_scan_is_due_when_its_period_is_over_to_the_moment(still: Any) -> None:
    every = timedelta(seconds=5)
    for age, due in (("4.999999", False), ("5", True), ("0", False)):
        await still.execute(f"update outbox_scan set scanned_at = now() - interval '{age} s'")  # noqa: S608 - the same
        assert (await QUERIES.begin_scan(still, every=every) is not None) is due


async def test_what_is_parked_is_released_but_for_what_a_server_put_off(still: Any) -> None:
    # Given mail for a destination, scheduled for later in all ways that there are
    await still.execute(
        "insert into destination (domain, day, day_count) values ('x.example', utc_today(), 1), ('y.example', null, 5)"
    )
    end = await still.fetchval(f"select {LATER}")

    async def parked(assigned: str, domain: str = "x.example") -> UUID:
        message = await queue_one(still, address=f"a@{domain}")
        await assign(still, message, f"scheduled = true, due_at = {LATER}")
        await assign(still, message, assigned)
        return message

    first, put_off, of_pause, counted, counted_too, elsewhere, leased, unscheduled = [
        await parked("attempt = 1"),
        await parked("attempt = 2, due_at = now() + interval '2 hours'"),
        await parked("attempt = 2"),
        await parked("rate_counted = true"),
        await parked("rate_counted = true"),
        await parked("attempt = 1", "y.example"),
        await parked(f"lease_owner = gen_random_uuid(), lease_until = {LATER}"),
        await parked("scheduled = false"),
    ]
    every = {first, put_off, of_pause, counted, counted_too, elsewhere, leased, unscheduled}

    async def released() -> set[UUID]:
        return {message for message in every if await read(still, message, "due_at = now()")}

    # When a pause ends, then what waited for it is due, and what has a permit keeps it
    await release_parked(still, domain="x.example", paused_until=end)
    assert await released() == {first, of_pause}
    # When a limit is lifted, then that too, and no more permits come back than were taken
    await release_parked(still, domain="x.example", rate_counted=True)
    assert await released() == {first, of_pause, counted, counted_too}
    counts = await still.fetch("select day_count from destination order by domain")
    assert [row["day_count"] for row in counts] == [0, 5]
    assert not await read(still, counted, "rate_counted")
