"""What is written about a delivery: fenced, grouped, and kept when PostgreSQL is away."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.database import open_pool
from gateway.delivery import journal
from gateway.deployment import Deployment
from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.verdict import Cause, Outcome, judge
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import Finished, finished, hand_off, record
from gateway.outbox.recovery import recover
from gateway.settings import Settings
from gateway.verdict_rules import read_verdict_rules
from tests.builders import NOON, insert, make_campaign
from tests.engine import Start, attempts_of, claimed, deployment, queue_mail, start, state_of, until
from tests.eventually import eventually
from tests.integration.gateway.outbox.test_claim import queue_one, take
from tests.smtp_server import Reply, SmtpServer

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


def test_the_journal_gives_back_what_was_written_and_is_for_our_eyes_only(tmp_path: Path) -> None:
    row = claimed(recipient_no=2, attempt=3)
    kept = [outcome(row, ended=90.0), outcome(row, exchange(451, "4.7.1 später"), ended=95.5)]

    path = journal.write(tmp_path / "journal", kept, now=100.0, wall=5000.0, process=uuid4())

    assert journal.files(tmp_path / "journal") == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    # Twenty seconds later, another process's monotonic clock says something else.
    [first, second], unreadable = journal.read(path, now=20.0, wall=5020.0)
    assert unreadable == 0
    assert (first.ended, second.ended) == (-10.0, -4.5)
    assert (second.cause, second.verdict, second.response) == (Cause.POLICY, Outcome.DEFERRED, "4.7.1 später")
    assert first.owner == row.owner


async def test_workers_that_start_together_may_find_the_same_journal(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = journal.write(tmp_path, [outcome(await sent(connection))], now=0.0, wall=0.0, process=uuid4())
    # Another worker has replayed and removed it since this one looked.
    path.unlink()
    monkeypatch.setattr("gateway.delivery.journal.files", lambda directory: [path])
    ref = await queue_mail(connection, deployment)

    start(settings.model_copy(update={"journal_dir": str(tmp_path)}))

    assert (await until(connection, ref, "ACCEPTED"))["sent_at"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[: len(line) // 2],
        lambda line: b"\0\xff",
        lambda line: line.replace(b'"attempt":1', b'"attempt":9e9'),
    ],
    ids=["cut short", "garbage", "no such attempt"],
)
async def test_a_damaged_journal_is_kept_aside_and_said_so_and_what_can_be_read_is_replayed(
    connection: Any,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [await sent(connection) for _ in range(3)]
    path = journal.write(tmp_path, [outcome(row) for row in rows], now=0.0, wall=0.0, process=uuid4())
    first, second, third = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, damage(second), third]))
    kept = path.read_bytes()

    start(settings.model_copy(update={"journal_dir": str(tmp_path)}))

    async def replayed() -> bool:
        accepted = await connection.fetch("select id from message where status = 'ACCEPTED'")
        return {row["id"] for row in accepted} == {rows[0].message_id, rows[2].message_id}

    await eventually(replayed, "the readable outcomes")

    async def said() -> bool:
        return "1 of its outcomes could not be recorded; it is kept as" in caplog.text

    await eventually(said, "the alarm")
    [aside] = tmp_path.iterdir()
    assert (aside.suffix, aside.read_bytes()) == (".unreadable", kept)


def test_the_journal_is_on_the_disk_before_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, bool(journal.files(tmp_path))))

    monkeypatch.setattr("os.fsync", fsync)

    path = journal.write(tmp_path, [outcome(claimed())], now=0.0, wall=0.0, process=uuid4())

    # The file before it gets its name, then the directory that holds the name.
    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


async def test_what_cannot_be_written_is_journalled_at_the_end_and_replayed_at_the_start(
    connection: Any,
    database_url: str,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    tmp_path: Path,
) -> None:
    keeping = settings.model_copy(update={"journal_dir": str(tmp_path), "drain_seconds": 1.0})
    ref = await queue_mail(connection, deployment)
    first_pool = await open_pool(database_url, size=12, name="first")
    answer = asyncio.Event()
    smtp_server.script(after_dot=[Reply(250, "2.0.0 taken", when=answer)])
    worker = start(keeping, own_pool=first_pool)
    await smtp_server.command_received("DATA")
    # The server has the mail; before it answers, PostgreSQL goes away from this worker for good.
    first_pool.terminate()
    answer.set()
    await smtp_server.accepted(1)

    async def known() -> bool:
        return worker.outcomes.unwritten == 1

    await eventually(known, "the outcome in memory")
    worker.stop()

    async def journalled() -> bool:
        return bool(journal.files(tmp_path))

    await eventually(journalled, "the journal")
    assert (await state_of(connection, ref))["state"] == "HANDED_OFF"

    start(keeping)
    await until(connection, ref, "ACCEPTED")
    assert len(await attempts_of(connection, ref)) == 1

    async def removed() -> bool:
        return journal.files(tmp_path) == []

    await eventually(removed, "the end of the journal, which comes after the commit")
    assert len(smtp_server.taken) == 1
