"""What becomes of a dead worker's mail, by what its flight recorder says of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.database import open_pool
from gateway.delivery import journal, settle
from gateway.delivery.flight_recorder import FlightRecorder, Slot
from gateway.delivery.recorder_file import Header, Recording, pack_header, read
from gateway.delivery.settle import CLAIM_SLACK, Settler
from gateway.deployment import Deployment
from gateway.mail.response import Exchange
from gateway.outbox.claim import Claimed, claim
from gateway.outbox.recovery import MAX_REQUEUED, recover
from gateway.settings import Settings
from tests.builders import insert
from tests.engine import Start, attempts_of, deployment, queue_mail, start, state_of, until
from tests.eventually import eventually
from tests.integration.gateway.outbox.test_claim import LEASE, WORKER, queue_one, take
from tests.integration.gateway.outbox.test_outcomes import sent
from tests.smtp_server import Reply, SmtpServer
from tests.unit.exchanges import answered, broken

__all__ = ["deployment", "start"]

WAIT = timedelta(minutes=5)
OK = answered("END_OF_DATA 250 2.0.0 queued as 4711")


class Worker:
    """A worker of which only the flight recorder matters."""

    def __init__(self, directory: Path) -> None:
        self.recorder = FlightRecorder.open(directory, deployment="test", worker=WORKER, slots=300)
        [self.path] = directory.glob("*.recorder")

    def note(self, row: Claimed, *, dot: bool = False, exchange: Exchange | None = None) -> Slot:
        """A mail and how far it came."""
        slot = self.recorder.lease(row, row.domain)
        assert slot is not None
        slot.mail_sha256_hex = "ab" * 32
        if dot:
            slot.mark_dot()
        if exchange is not None:
            slot.mark_answered(exchange)
        return slot

    def die(self) -> None:
        """The kernel lets go of its lock."""
        self.recorder.close(keep=True)


@pytest.fixture
def dying(tmp_path: Path) -> Worker:
    (tmp_path / "recorders").mkdir()
    return Worker(tmp_path / "recorders")


@pytest.fixture
def settler(pool: Any, tmp_path: Path) -> Settler:
    """Another worker's part of the same deployment."""
    return Settler(
        pool=pool,
        recorders=tmp_path / "recorders",
        journals=tmp_path / "journal",
        deployment="test",
        shard=1,
        same_refusals=20,
        wait=lambda attempt, verdict: WAIT,
        note_stop=lambda relay: None,
        clock=time.monotonic,
        wall=time.time,
    )


async def status_of(connection: Any, row: Claimed) -> str:
    return str((await state_of(connection, row.ref))["state"])


async def outbox_of(connection: Any, row: Claimed) -> Any:
    return await connection.fetchrow("select * from outbox where message_id = $1", row.message_id)


async def events_of(connection: Any, row: Claimed) -> list[str]:
    found = await connection.fetch("select kind::text from event where message_id = $1 order by id", row.message_id)
    return [event["kind"] for event in found]


# By what is noted ------------------------------------------------------------------------------------------------


async def test_a_mail_whose_dot_was_not_sent_is_in_the_queue_again_as_if_nothing_had_been(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    # Given two mails of a worker, one handed off, one not yet
    handed_off = await sent(connection)
    await queue_one(connection)
    [waiting] = (await take(connection)).leased
    for row in (handed_off, waiting):
        dying.note(row)
    # While it lives, they are its own
    await settler.settle()
    assert (await outbox_of(connection, handed_off))["lease_owner"] == handed_off.owner

    # When it dies
    dying.die()
    await settler.settle()

    # Then both are due, with the same attempt to come
    for row in (handed_off, waiting):
        assert await status_of(connection, row) == "QUEUED"
        found = await outbox_of(connection, row)
        assert (found["lease_owner"], found["handed_off_at"], found["attempt"]) == (None, None, 1)
        assert await events_of(connection, row) == ["RESCUED"]
    assert len((await take(connection)).leased) == 2
    assert not dying.path.exists()


async def test_a_mail_that_may_be_what_ends_its_workers_is_not_tried_for_ever(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    row = await sent(connection)
    for times in range(1, MAX_REQUEUED + 1):
        dying.note(row)
        dying.die()
        await settler.settle()
        assert await events_of(connection, row) == ["RESCUED"] * times
        [row] = (await take(connection, hand_off=True)).leased
        dying = Worker(dying.path.parent)
    dying.note(row)
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == "UNCERTAIN"


async def test_a_mail_whose_dot_may_have_been_sent_is_uncertain_at_once(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    row = await sent(connection)
    dying.note(row, dot=True)
    dying.die()

    await settler.settle()

    message = await state_of(connection, row.ref)
    assert (message["state"], message["cause"]) == ("UNCERTAIN", "CONNECTION_LOST")
    assert await events_of(connection, row) == ["UNCERTAIN"]
    assert await outbox_of(connection, row) is None


async def test_where_the_deployment_chose_so_it_is_sent_once_more(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    row = await sent(connection, retry_once=True)
    dying.note(row, dot=True)
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == "DEFERRED"
    assert await events_of(connection, row) == ["UNCERTAIN", "RETRIED_ONCE"]
    found = await outbox_of(connection, row)
    assert (found["attempt"], found["lease_owner"], found["retry_once"]) == (2, None, False)


@pytest.mark.parametrize(
    ("exchange", "status", "words"),
    [
        (OK, "ACCEPTED", "2.0.0 queued as 4711"),
        (answered("END_OF_DATA 550 5.7.1 Spam"), "REFUSED", "5.7.1 Spam"),
        (answered("RCPT 550 5.1.1 No such user"), "REFUSED", "5.1.1 No such user"),
        (answered("END_OF_DATA 421 4.7.0 Try later"), "DEFERRED", "4.7.0 Try later"),
        (answered("RCPT 451 4.7.1 Greylisted"), "DEFERRED", "4.7.1 Greylisted"),
        (broken("END_OF_DATA TIMEOUT", dot_sent=True), "UNCERTAIN", None),
        (broken("RCPT DROPPED"), "DEFERRED", None),
    ],
    ids=["accepted", "refused", "refused early", "closing", "greylisted", "silent after the dot", "dropped before it"],
)
async def test_an_answer_that_was_not_recorded_is_with_the_servers_words(
    connection: Any, dying: Worker, settler: Settler, exchange: Exchange, status: str, words: str | None
) -> None:
    row = await sent(connection)
    dying.note(row, dot=exchange.dot_sent, exchange=exchange)
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == status
    [attempt] = await attempts_of(connection, row.ref)
    assert (attempt["number"], attempt["response"], attempt["relay"], attempt["host"], attempt["took_ms"]) == (
        1,
        words,
        "main",
        "mx.customer.example",
        12,
    )
    message = await state_of(connection, row.ref)
    assert message["mail_sha256"] == (None if status == "DEFERRED" else bytes.fromhex("ab" * 32))
    assert not dying.path.exists()


@pytest.mark.parametrize("line", ["DATA CANCELLED", "MAIL NO_RELAY"])
async def test_a_transaction_that_our_stop_ended_before_the_dot_is_none(
    connection: Any, dying: Worker, settler: Settler, line: str
) -> None:
    row = await sent(connection)
    dying.note(row, exchange=broken(line))
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == "QUEUED"
    assert await attempts_of(connection, row.ref) == []


async def test_a_copy_is_settled_like_the_mail_itself(connection: Any, dying: Worker, settler: Settler) -> None:
    rows = [await sent(connection) for _ in range(3)]
    for row in rows:
        values = {"customer_id": row.customer_id, "message_id": row.message_id, "recipient_no": 1}
        await insert(connection, "copy", **values, role="CC", address="b@x.example")
        await connection.execute("update outbox set recipient_no = 1 where message_id = $1", row.message_id)
    unsent, dotted, done = (replace(row, recipient_no=1) for row in rows)
    dying.note(unsent)
    dying.note(dotted, dot=True)
    dying.note(done, dot=True, exchange=OK)
    dying.die()

    await settler.settle()

    statuses = {row["message_id"]: row["status"] for row in await connection.fetch("select * from copy")}
    assert statuses == {unsent.message_id: "QUEUED", dotted.message_id: "UNCERTAIN", done.message_id: "ACCEPTED"}
    assert (await outbox_of(connection, unsent))["lease_owner"] is None


async def test_what_is_not_noted_waits_for_its_lease(connection: Any, dying: Worker, settler: Settler) -> None:
    row = await sent(connection)
    dying.note(await sent(connection), dot=True)
    given_up = await sent(connection)
    dying.note(given_up).give_up()
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == "HANDED_OFF"
    assert await status_of(connection, given_up) == "HANDED_OFF"


async def test_after_its_lease_only_an_answer_helps(connection: Any, dying: Worker, settler: Settler) -> None:
    """Recovery was first: what it made uncertain may have been sent, as far as anybody knew."""
    unsent, done = [await sent(connection) for _ in range(2)]
    dying.note(unsent)
    dying.note(done, dot=True, exchange=OK)
    dying.die()
    await connection.execute("update outbox set lease_until = now() - interval '1 second'")
    await recover(connection, shard=1)

    await settler.settle()

    assert await status_of(connection, unsent) == "UNCERTAIN"
    assert await status_of(connection, done) == "ACCEPTED"
    assert await events_of(connection, done) == ["UNCERTAIN", "SETTLED"]


async def test_settling_again_changes_nothing(connection: Any, dying: Worker, settler: Settler) -> None:
    """The worker that settled may have died before it removed the file; others have the mail by then."""
    unsent, dotted, done, later = [await sent(connection) for _ in range(4)]
    dying.note(unsent)
    dying.note(dotted, dot=True)
    dying.note(done, dot=True, exchange=OK)
    dying.note(later, dot=True, exchange=answered("END_OF_DATA 451 4.7.1 later"))
    dying.die()
    kept = dying.path.read_bytes()
    await settler.settle()
    [again] = (await take(connection, hand_off=True)).leased
    assert again.message_id == unsent.message_id
    before = await connection.fetch("select * from message_state"), await connection.fetch("select * from attempt")

    dying.path.write_bytes(kept)
    await settler.settle()

    after = await connection.fetch("select * from message_state"), await connection.fetch("select * from attempt")
    assert after == before
    assert (await outbox_of(connection, unsent))["lease_owner"] == again.owner


async def test_the_connections_of_a_limited_destination_are_free_again(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    await insert(connection, "destination", domain="x.example")
    for worker in (WORKER, uuid4()):
        await connection.execute(
            "insert into domain_connection_lease (domain, worker, connections, leased_until)"
            " values ('x.example', $1, 3, now() + interval '1 minute')",
            worker,
        )
    dying.die()

    await settler.settle()

    held = await connection.fetch("select worker from domain_connection_lease")
    assert [row["worker"] for row in held] != [WORKER]
    assert len(held) == 1


# Claims under way ------------------------------------------------------------------------------------------------


async def test_a_claim_whose_answer_the_worker_did_not_hear_is_given_back_also_when_it_commits_later(
    connection: Any, dying: Worker, settler: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, now = uuid4(), time.monotonic()
    settler.clock = lambda: now
    dotted = await sent(connection)
    dying.note(dotted, dot=True)
    message_id = await queue_one(connection)
    dying.recorder.begin_claim(owner, ends=now + 60.0)
    dying.die()
    # Given that PostgreSQL has not done it yet when another worker settles
    await settler.settle()
    assert await status_of(connection, dotted) == "UNCERTAIN"
    found = read(dying.path.read_bytes())
    assert found is not None
    assert (found.dot, len(found.claims)) == ((), 1)  # of its mails no other worker needs to know

    # When it does
    [row] = (await claim(connection, worker=WORKER, lease=LEASE, owner=owner, hand_off=True)).leased
    assert await status_of(connection, row) == "HANDED_OFF"
    await settler.settle()

    # Then the mail is in the queue, and the file stays until no such lease can be alive
    assert row.message_id == message_id
    assert await status_of(connection, row) == "QUEUED"
    assert dying.path.exists()
    now += 60.0 + CLAIM_SLACK
    await settler.settle()
    assert not dying.path.exists()


# What is not believed --------------------------------------------------------------------------------------------


def of_another_boot(dying: Worker, host: str | None = None) -> None:
    """Its machine was started anew since, or is another."""
    header = dying.recorder._header
    other = Header(
        worker=header.worker,
        boot_id=uuid4(),
        host=host or header.host,
        slots=header.slots,
        monotonic=header.monotonic,
        wall=header.wall,
    )
    dying.recorder.buffer[: len(pack_header(other))] = pack_header(other)


@pytest.mark.parametrize("host", [None, "another"])
async def test_of_another_boot_or_host_only_answers_are_believed(
    connection: Any, dying: Worker, settler: Settler, host: str | None
) -> None:
    unsent, dotted, done, claiming = [await sent(connection) for _ in range(4)]
    dying.note(unsent)
    dying.note(dotted, dot=True)
    dying.note(done, dot=True, exchange=OK)
    dying.recorder.begin_claim(claiming.owner, ends=0.0)
    of_another_boot(dying, host)
    dying.die()

    await settler.settle()

    assert await status_of(connection, done) == "ACCEPTED"
    age = await connection.fetchval(
        "select extract(epoch from now() - sent_at) from message where id = $1", done.message_id
    )
    assert 0 <= age < 60
    assert [await status_of(connection, row) for row in (unsent, dotted, claiming)] == ["HANDED_OFF"] * 3
    # Another host's file is that host's
    assert dying.path.exists() is (host is not None)
    await settler.settle()
    assert len(await attempts_of(connection, done.ref)) == 1


async def test_a_damaged_slot_is_left_to_its_lease_and_blocks_no_other(
    connection: Any, dying: Worker, settler: Settler, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, torn, unsent = [await sent(connection) for _ in range(3)]
    at = dying.recorder.layout.slot_at
    dying.note(damaged)
    dying.note(torn, dot=True, exchange=OK)
    dying.note(unsent)
    dying.recorder.buffer[at(0) + 20] ^= 1
    dying.recorder.buffer[at(1) + 100] ^= 1
    dying.die()

    await settler.settle()

    assert await status_of(connection, unsent) == "QUEUED"
    assert [await status_of(connection, row) for row in (damaged, torn)] == ["HANDED_OFF"] * 2
    assert "2 entries could not be settled, their leases decide" in caplog.text
    assert not dying.path.exists()


async def test_a_file_that_is_no_recorder_is_said_and_hides_no_other(
    connection: Any, dying: Worker, settler: Settler, caplog: pytest.LogCaptureFixture
) -> None:
    garbage = dying.path.with_name(f"test-{UUID(int=0)}.recorder")
    garbage.write_bytes(b"garbage")
    row = await sent(connection)
    dying.note(row)
    dying.die()

    await settler.settle()

    assert await status_of(connection, row) == "QUEUED"
    assert f"{garbage.name} is no flight recorder of this version" in caplog.text
    assert not garbage.exists()


async def test_an_outcome_that_postgresql_refuses_waits_for_its_lease_and_the_others_are_written(
    connection: Any, dying: Worker, settler: Settler
) -> None:
    rows = [await sent(connection) for _ in range(3)]
    for row, took_ms in zip(rows, (12, 2**40, 12), strict=True):
        dying.note(row, dot=True, exchange=replace(OK, took_ms=took_ms))
    dying.die()

    await settler.settle()

    assert [await status_of(connection, row) for row in rows] == ["ACCEPTED", "HANDED_OFF", "ACCEPTED"]
    assert not dying.path.exists()


async def test_a_directory_that_cannot_be_read_hides_no_recorder_and_is_said_once(
    connection: Any, dying: Worker, settler: Settler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a mail that a dead worker had not sent, and journals in a directory that may not be searched
    row = await sent(connection)
    dying.note(row)
    dying.die()

    def refused(directory: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(directory))

    monkeypatch.setattr(journal, "files", refused)

    # When the sweep settles twice
    await settler.settle()
    await settler.settle()

    # Then the mail is in the queue again, and the log says once what failed
    assert await status_of(connection, row) == "QUEUED"
    assert caplog.text.count("retrying: PermissionError") == 1


async def test_another_databases_recorders_are_left_alone(dying: Worker, settler: Settler) -> None:
    dying.die()
    settler.deployment = "other"
    await settler.settle()
    assert dying.path.exists()


async def test_while_postgresql_is_away_the_file_waits_and_it_is_said_once(
    connection: Any, database_url: str, dying: Worker, settler: Settler, caplog: pytest.LogCaptureFixture
) -> None:
    row = await sent(connection)
    dying.note(row, dot=True, exchange=OK)
    dying.die()
    gone = await open_pool(database_url, size=1, name="gone")
    gone.terminate()
    back, settler.pool = settler.pool, gone

    await settler.settle()
    await settler.settle()

    assert caplog.text.count("settling a flight recorder failed, retrying") == 1
    assert dying.path.exists()
    settler.pool = back
    await settler.settle()
    assert await status_of(connection, row) == "ACCEPTED"


# The journal -----------------------------------------------------------------------------------------------------


def journalled(dying: Worker, settler: Settler) -> Path:
    """The worker ended with mail left, and its machine was started anew."""
    assert settler.journals is not None
    of_another_boot(dying, "another")
    sealed = dying.recorder.seal(now=dying.recorder.clock(), wall=time.time())
    dying.recorder.close()
    return journal.write(settler.journals, sealed, worker=WORKER)


async def test_a_journal_is_believed_whole_after_any_restart(connection: Any, dying: Worker, settler: Settler) -> None:
    unsent, dotted, done, claiming = [await sent(connection) for _ in range(4)]
    dying.note(unsent)
    dying.note(dotted, dot=True)
    dying.note(done, dot=True, exchange=OK)
    dying.recorder.begin_claim(claiming.owner, ends=dying.recorder.clock() - CLAIM_SLACK)
    path = journalled(dying, settler)

    await settler.settle()

    rows = (unsent, dotted, done, claiming)
    assert [await status_of(connection, row) for row in rows] == ["QUEUED", "UNCERTAIN", "ACCEPTED", "QUEUED"]
    assert not path.exists()


@pytest.mark.parametrize(
    ("damage", "believed"),
    [
        (lambda data: data[:-1], True),
        (lambda data: data.replace(b"4711", b"4712"), False),
        (lambda data: b"\0\xff" * 40, False),
    ],
    ids=["cut short", "other words", "garbage"],
)
async def test_a_damaged_journal_is_kept_aside_and_said_so(
    connection: Any,
    dying: Worker,
    settler: Settler,
    damage: Callable[[bytes], bytes],
    believed: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    done, unsent = await sent(connection), await sent(connection)
    dying.note(done, dot=True, exchange=OK)
    dying.note(unsent)
    path = journalled(dying, settler)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    await settler.settle()
    await settler.settle()

    # Its seal is broken: only an answer with its own checksum counts
    assert await status_of(connection, done) == ("ACCEPTED" if believed else "HANDED_OFF")
    assert await status_of(connection, unsent) == "HANDED_OFF"
    [aside] = path.parent.iterdir()
    assert (aside.suffix, aside.read_bytes()) == (".unreadable", damaged)
    assert "entries could not be settled; it is kept as" in caplog.text


@pytest.mark.parametrize("kept_in", ["journal", "recorder"])
async def test_what_cannot_be_written_at_the_end_is_settled_by_the_next_start(
    connection: Any,
    database_url: str,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    tmp_path: Path,
    kept_in: str,
) -> None:
    own: dict[str, Any] = {"drain_seconds": 1.0, "lease_seconds": 2.0, "recorder_dir": str(tmp_path / "own")}
    if kept_in == "journal":
        own["journal_dir"] = str(tmp_path / "journal")
    keeping = settings.model_copy(update=own)
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
    await eventually(lambda: worker.outcomes.unwritten == 1, "the outcome in memory")
    worker.stop()

    if kept_in == "journal":
        await eventually(lambda: journal.files(tmp_path / "journal"), "the journal")
        assert (await state_of(connection, ref))["state"] == "HANDED_OFF"

    start(keeping)
    await until(connection, ref, "ACCEPTED")
    [attempt] = await attempts_of(connection, ref)
    assert attempt["response"] == "2.0.0 taken"

    def removed() -> bool:
        return journal.files(tmp_path / "journal") == [] and len(journal.files(tmp_path / "own")) == 1

    await eventually(removed, "the end of the file, which comes after the commit")
    assert len(smtp_server.taken) == 1


async def test_without_a_recorder_a_drain_says_what_will_be_uncertain(
    connection: Any,
    database_url: str,
    settings: Settings,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "taken").touch()
    without = settings.model_copy(update={"drain_seconds": 1.0, "recorder_dir": str(tmp_path / "taken")})
    await queue_mail(connection, deployment)
    own_pool = await open_pool(database_url, size=12, name="first")
    answer = asyncio.Event()
    smtp_server.script(after_dot=[Reply(250, "2.0.0 taken", when=answer)])
    worker = start(without, own_pool=own_pool)
    await smtp_server.command_received("DATA")
    own_pool.terminate()
    answer.set()
    await eventually(lambda: worker.outcomes.unwritten == 1, "the outcome in memory")

    worker.stop()

    said = "mails and claims could not be written and will show UNCERTAIN: set JOURNAL_DIR"
    await eventually(lambda: said in caplog.text, "the alarm")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


# A worker's own notes --------------------------------------------------------------------------------------------


async def test_a_worker_notes_every_mail_and_forgets_it_when_it_is_recorded(
    connection: Any, settings: Settings, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    answer = asyncio.Event()
    smtp_server.script(after_dot=[Reply(250, "2.0.0 taken", when=answer)])
    ref = await queue_mail(connection, deployment)
    worker = start(settings)
    await smtp_server.received(1)

    def noted() -> Recording:
        found = read(bytes(worker._recorder.buffer))
        assert found is not None
        return found

    assert [key.message_id for key in noted().dot] == [ref.message_id]

    answer.set()
    await until(connection, ref, "ACCEPTED")
    await eventually(lambda: not noted().dot and not noted().answered, "an empty recorder")


def test_the_group_and_the_largest_file_have_room_for_all_that_a_worker_has() -> None:
    recorder = FlightRecorder.open(None, deployment="test", worker=uuid4(), slots=40_464)
    assert recorder.layout.size < settle.LARGEST_FILE
