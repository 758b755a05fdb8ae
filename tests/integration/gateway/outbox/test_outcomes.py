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
from gateway.outbox.outcomes import Finished, finished, hand_off, record
from gateway.outbox.recovery import recover
from gateway.verdict_rules import read_verdict_rules
from tests.builders import NOON, insert, make_campaign
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
        "select accepted, refused from campaign_tally where campaign_id = $1", campaign_id
    )
    assert tuple(tally) == (1, 1)
    waiting = await connection.fetchrow("select attempt, scheduled, lease_owner, handed_off_at from outbox")
    assert tuple(waiting) == (2, True, None, None)
    deferred = await connection.fetchrow("select status::text from message where id = $1", rows[2].message_id)
    assert deferred["status"] == "QUEUED"


async def test_what_is_not_ours_any_more_is_not_written(connection: Any) -> None:
    row = await sent(connection)
    await connection.execute("update outbox set lease_owner = $1", uuid4())

    assert await write(connection, outcome(row)) == 0

    assert await connection.fetchval("select count(*) from attempt") == 0
    assert await connection.fetchval("select status::text from message") == "QUEUED"


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
    sums = await connection.fetchrow(
        "select sum(accepted) as accepted, sum(uncertain) as uncertain from campaign_tally"
    )
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
