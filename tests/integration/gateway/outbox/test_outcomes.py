"""What is written about a delivery: fenced, grouped, and kept when PostgreSQL is away."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.verdict import judge
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import UNDELIVERED, Finished, HandOff, decide_unsent, finished, hand_off, record
from gateway.outbox.recovery import recover
from gateway.verdict_rules import read_verdict_rules
from tests.builders import NOON, insert, mailing_of, make_campaign, make_customer, make_outbox
from tests.engine import deployment, start
from tests.integration.gateway.outbox.test_claim import queue_one, take

__all__ = ["deployment", "start"]


def exchange(code: int = 250, text: str = "2.0.0 Ok", stage: Stage = Stage.END_OF_DATA, **values: Any) -> Exchange:
    response = Response(code=code, enhanced=text.split(" ", 1)[0], text=text, stage=stage)
    usual: dict[str, Any] = {
        "replies": (response,),
        "response": response,
        "fault": None,
        "stage": stage,
        "dot_sent": stage is Stage.END_OF_DATA,
        "relay": "main",
        "host": "mx.example:25",
        "tls": "TLSv1.3",
        "started_at": NOON,
        "took_ms": 12,
    }
    return Exchange(**(usual | values))


def outcome(row: Claimed, found: Exchange | None = None, **values: Any) -> Finished:
    answer = found or exchange()
    verdict = judge(answer, read_verdict_rules())
    usual: dict[str, Any] = {"mail_sha256_hex": "00" * 32, "wait": timedelta(minutes=1), "ended": time.monotonic()}
    return finished(row, answer, verdict, **(usual | values))


async def sent(connection: Any, **values: Any) -> Claimed:
    """A message of its own, claimed and handed off."""
    await queue_one(connection, **values)
    [row] = (await take(connection)).leased
    await hand_off(connection, [row])
    return row


async def write(connection: Any, *outcomes: Finished) -> int:
    return (await record(connection, outcomes, now=time.monotonic(), shard=1, same_refusals=20)).written


async def test_a_group_of_outcomes_is_written_in_one_statement(connection: Any) -> None:
    campaign_id = await make_campaign(connection)
    rows = [await sent(connection, campaign_id=campaign_id) for _ in range(3)]

    written = await write(
        connection,
        outcome(rows[0]),
        outcome(rows[1], exchange(550, "5.1.1 Unknown", Stage.RCPT)),
        outcome(rows[2], exchange(451, "4.7.1 Greylisted", Stage.RCPT)),
    )

    assert written == 3
    assert await connection.fetchval("select count(*) from attempt") == 3
    tally = await connection.fetchrow(
        "select accepted, refused from mailing_tally where mailing_id = $1", await mailing_of(connection, campaign_id)
    )
    assert tuple(tally) == (1, 1)
    waiting = await connection.fetchrow("select attempt, scheduled, lease_owner, handed_off_at from outbox")
    assert tuple(waiting) == (2, True, None, None)
    deferred = await connection.fetchrow("select status::text from message where id = $1", rows[2].message_id)
    assert deferred["status"] == "QUEUED"


WRITTEN = {
    "attempt": "message_id, recipient_no",
    "message": "id",
    "copy": "message_id, recipient_no",
    "outbox": "message_id, recipient_no",
    "(select message_id, kind, actor, data from event) as event": "message_id, kind",
    "mailing_tally": "mailing_id, shard",
    "relay_tally": "relay, shard",
    "answer_tally": "relay, lane, cause, shard",
    "refusal_run": "of_relay, place",
    "message_trouble": "message_id",
}
"""What an outcome may change, and an order."""


async def ledger_after(connection: Any, *outcomes: Finished, now: float) -> tuple[int, dict[str, list[Any]]]:
    """How many outcomes were written, and what the ledger holds then; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    written = (await record(connection, outcomes, now=now, shard=1, same_refusals=20)).written
    found = {
        table: [tuple(row) for row in await connection.fetch(f"select * from {table} order by {order}")]  # noqa: S608 - constants above
        for table, order in WRITTEN.items()
    }
    await transaction.rollback()
    return written, found


async def test_what_a_relay_accepts_alike_is_written_as_any_group_is(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail of two campaigns and individual mail with a copy, a second attempt, a lease lost to recovery, one lost
    # to another worker, and runs of refusals
    campaigns = [await make_campaign(connection) for _ in range(2)]
    for number in range(6):
        await queue_one(connection, campaign_id=campaigns[number % 2], address=f"a{number}@d{number % 3}.example")
    letter = await queue_one(connection, address="to@d0.example", attempt=2, scheduled=True)
    [customer_id] = await connection.fetchrow("select customer_id from message where id = $1", letter)
    await insert(connection, "copy", customer_id=customer_id, message_id=letter, recipient_no=1, role="CC",
                 address="cc@d1.example")  # fmt: skip
    await make_outbox(connection, customer_id, letter, recipient_no=1, address="cc@d1.example")
    for of_relay, place in ((True, "main"), (True, "other"), (False, "d1.example"), (False, "d9.example")):
        await insert(
            connection, "refusal_run", of_relay=of_relay, place=place, words="No.", address_keys=[], domains=[]
        )
    rows = (await take(connection, hand_off=True)).leased
    await connection.execute("update outbox set lease_until = now() - interval '1 s' where message_id = $1",
                             rows[-1].message_id)  # fmt: skip
    await recover(connection, shard=0)
    await connection.execute("update outbox set lease_owner = $1 where message_id = $2", uuid4(), rows[-2].message_id)
    now = time.monotonic()
    outcomes = [
        outcome(
            row, exchange(text=f"2.0.0 Ok: queued as {number}"), mail_sha256_hex=f"{number:064x}", ended=now - number
        )
        for number, row in enumerate(rows)
    ]

    # When they are written in the way of such groups and in the way of any group, at the same moment
    async with connection.transaction():
        alike = await ledger_after(connection, *outcomes, now=now)
        monkeypatch.setattr("gateway.outbox.outcomes._accepted_alike", lambda _: False)
        anyhow = await ledger_after(connection, *outcomes, now=now)

    # Then the ledger is the same, row by row
    assert alike == anyhow
    written, found = alike
    assert written == len(rows) - 2
    # And the lost one is evidence, and only what was written counts
    assert len(found["attempt"]) == len(rows) - 1
    assert [row[1] for row in found["refusal_run"]] == ["d9.example", "other"]


async def test_updates_of_messages_stay_within_their_page(connection: Any) -> None:
    """HOT: neighbours are made, claimed and decided together, and their pages have room for that."""
    campaign_id = await make_campaign(connection)
    await connection.execute(
        "with made as ("
        "insert into message (customer_id, source_type, campaign_id, mailing_id, template_version_id,"
        " sender_version_id, sender, recipient, recipient_name, subject, merge_data, token_key_id, occurrence)"
        " select $2, 'CAMPAIGN', k.id, g.id, g.template_version_id, k.sender_version_id, 'a@fabrikam.example',"
        " 'c' || n || '@customer.example', 'Customer ' || n, 'News for Ann', '{\"first_name\": \"Ann\"}', 'k1', n::text"
        " from campaign k join mailing g on g.campaign_id = k.id, generate_series(1, 2000) n where k.id = $1"
        " returning customer_id, id, recipient)"
        " insert into outbox (customer_id, message_id, lane_id, address, address_key, domain, expires_at)"
        " select made.customer_id, made.id, l.id, made.recipient, sha256('a'), 'customer.example',"
        " now() + interval '1 day' from made, lane l where l.campaign_id = $1",
        campaign_id,
        await make_customer(connection),
    )
    for _ in range(10):
        await write(connection, *[outcome(row) for row in (await take(connection, hand_off=True)).leased])

    await connection.execute("select pg_stat_force_next_flush()")
    updated, hot = await connection.fetchrow(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'message'"
    )
    assert updated == 2000
    assert hot >= 0.85 * updated


async def test_what_is_not_ours_any_more_is_not_written(connection: Any) -> None:
    row = await sent(connection)
    await connection.execute("update outbox set lease_owner = $1", uuid4())

    assert await write(connection, outcome(row)) == 0

    assert await connection.fetchval("select count(*) from attempt") == 0
    assert await connection.fetchval("select status::text from message") == "QUEUED"


async def test_what_will_not_be_sent_is_decided_each_with_its_own_reason(connection: Any) -> None:
    # Given three claimed mails, one of them another worker's since
    expired, suppressed, lost = [await sent(connection) for _ in range(3)]
    await connection.execute("update outbox set lease_owner = $1 where message_id = $2", uuid4(), lost.key[1])
    why = {HandOff.EXPIRED: expired, HandOff.SUPPRESSED: suppressed}
    # When they are not sent
    rows = [(row, UNDELIVERED[answer]) for answer, row in why.items()] + [(lost, UNDELIVERED[HandOff.EXPIRED])]
    assert await decide_unsent(connection, rows[::-1]) == 2
    # Then each says why, and what is not ours is still queued
    found = await connection.fetch("select id, status::text, cause::text from message order by id")
    assert {row["id"]: (row["status"], row["cause"]) for row in found} == {
        expired.key[1]: ("EXPIRED", "DEADLINE"),
        suppressed.key[1]: ("HELD", "SUPPRESSED"),
        lost.key[1]: ("QUEUED", None),
    }


async def test_the_same_outcome_twice_is_written_once(connection: Any) -> None:
    row = await sent(connection)

    assert await write(connection, outcome(row)) == 1
    assert await write(connection, outcome(row)) == 0

    assert await connection.fetchval("select count(*) from attempt") == 1


async def test_an_answer_after_the_rescue_is_evidence_that_settles_the_message(connection: Any) -> None:
    campaign_id = await make_campaign(connection)
    row = await sent(connection, campaign_id=campaign_id)
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")
    await recover(connection, shard=0)

    assert await write(connection, outcome(row)) == 0

    message = await connection.fetchrow("select status::text, sent_at from message")
    assert (message["status"], message["sent_at"] is not None) == ("ACCEPTED", True)
    kinds = await connection.fetch("select kind::text from event order by id")
    assert [kind["kind"] for kind in kinds] == ["UNCERTAIN", "SETTLED"]
    sums = await connection.fetchrow("select sum(accepted) as accepted, sum(uncertain) as uncertain from mailing_tally")
    assert (int(sums["accepted"]), int(sums["uncertain"])) == (1, 0)


@pytest.mark.parametrize(
    ("code", "words", "verdict"), [(550, "5.1.1 Unknown", "REFUSED"), (451, "4.3.0 Later", "DEFERRED")]
)
async def test_a_late_refusal_settles_too_and_so_does_a_late_not_now(
    connection: Any, code: int, words: str, verdict: str
) -> None:
    row = await sent(connection)
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")
    await recover(connection, shard=0)

    await write(connection, outcome(row, exchange(code, words, Stage.RCPT)))

    # Nothing waits any more that could be tried again: a person may have it tried, knowing that it did not arrive.
    assert await connection.fetchval("select status::text from message") == "REFUSED"
    attempt = await connection.fetchrow("select verdict::text, code, response from attempt")
    assert tuple(attempt) == (verdict, code, words)


async def test_a_late_answer_does_not_overrule_a_person(connection: Any) -> None:
    row = await sent(connection)
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")
    await recover(connection, shard=0)
    await connection.execute("update message set status = 'ACCEPTED', sent_at = now(), cause = null")

    await write(connection, outcome(row, exchange(550, "5.1.1 Unknown", Stage.RCPT)))

    assert await connection.fetchval("select status::text from message") == "ACCEPTED"
    assert await connection.fetchval("select count(*) from attempt") == 0


@pytest.mark.parametrize("kind", ["RETRIED", "RETRIED_ONCE"])
async def test_a_late_answer_says_nothing_of_the_try_after_it(connection: Any, kind: str) -> None:
    row = await sent(connection)
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")
    await recover(connection, shard=0)
    # It is tried again, and that try ends in silence, too.
    await insert(
        connection,
        "event",
        customer_id=row.customer_id,
        message_id=row.message_id,
        recipient_no=0,
        kind=kind,
        actor="Dana",
        data={"before": "UNCERTAIN", "attempt": 1},
    )

    await write(connection, outcome(row, exchange(550, "5.1.1 Unknown", Stage.RCPT)))

    assert await connection.fetchval("select status::text from message") == "UNCERTAIN"


async def test_times_are_the_databases_even_when_the_hosts_clock_is_an_hour_off(connection: Any) -> None:
    row = await sent(connection)

    await record(
        connection, [outcome(row, exchange(started_at=NOON), ended=100.0)], now=103.0, shard=0, same_refusals=20
    )

    times = await connection.fetchrow(
        "select now() - a.started_at as started, now() - m.sent_at as sent from attempt a, message m"
    )
    assert timedelta(seconds=3) <= times["sent"] < timedelta(seconds=5)
    assert times["started"] - times["sent"] == timedelta(milliseconds=12)


async def test_words_that_postgresql_cannot_hold_are_kept_as_well_as_they_can_be(connection: Any) -> None:
    row = await sent(connection)

    await write(connection, outcome(row, exchange(250, "2.0.0 a\0b\udcff")))

    assert await connection.fetchval("select response from attempt") == "2.0.0 a\N{REPLACEMENT CHARACTER}b?"


async def test_a_reply_before_a_silence_is_no_answer(connection: Any) -> None:
    row = await sent(connection)
    go_ahead = Response(code=354, enhanced=None, text="Go ahead", stage=Stage.DATA)
    fault = Fault(kind=FaultKind.TIMEOUT, stage=Stage.END_OF_DATA, text="no answer in 600 s")
    silent = exchange(response=go_ahead, fault=fault, dot_sent=True)

    await write(connection, outcome(row, silent))

    attempt = await connection.fetchrow("select verdict::text, stage::text, code, response from attempt")
    assert tuple(attempt) == ("UNCERTAIN", "END_OF_DATA", None, None)
