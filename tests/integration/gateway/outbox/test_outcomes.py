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
from tests.builders import NOON, insert, make_campaign, make_customer, make_outbox
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


WRITTEN = {
    "attempt": "message_id, recipient_no",
    "message": "id",
    "copy": "message_id, recipient_no",
    "outbox": "message_id, recipient_no",
    "(select message_id, kind, actor, data from event) as event": "message_id, kind",
    "campaign_tally": "campaign_id, shard",
    "relay_tally": "relay, shard",
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
        "insert into message (customer_id, source_type, campaign_id, template_version_id, sender_version_id, sender,"
        " recipient, recipient_name, subject, merge_data, token_key_id, occurrence)"
        " select $2, 'CAMPAIGN', k.id, k.template_version_id, k.sender_version_id, 'Fabrikam <news@fabrikam.example>',"
        " 'c' || n || '@customer.example', 'Customer ' || n, 'News for Ann', '{\"first_name\": \"Ann\"}', 'k1', n::text"
        " from campaign k, generate_series(1, 2000) n where k.id = $1 returning customer_id, id, recipient)"
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
