"""The job that reads received mail: in order, each once, and one bad mail at nobody's cost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway.database import QUERIES
from gateway.deployment import Deployment
from gateway.inbound import joining, read_job, read_process
from gateway.inbound.read_job import InboundReader, take
from gateway.inbound.read_process import ReadingFailed
from gateway.inbound.reading import Reading, StoredMail
from gateway.notify.changes import CHANNEL
from gateway.settings import Settings
from gateway.worker_process import background_jobs
from tests.eventually import eventually
from tests.integration.gateway.inbound.returning import (
    Said,
    make_sent,
    message_id,
    path,
    read_all,
    receive,
    report,
    take_in,
)

LARGE = b"X-Padding: " + b"x" * 900 + b"\r\n"


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


def numbered(number: int) -> bytes:
    return report(own_id=f"<{number}@mx.example>")


async def unread(connection: Any) -> int:
    found: int = await connection.fetchval("select count(*) from inbound_mail where read_at is null")
    return found


async def test_a_report_to_our_return_path_makes_the_mail_bounced(connection: Any, deployment: Deployment) -> None:
    # Given a mail that a server took
    sent = await make_sent(connection)
    # When a report comes to its return path
    row = await receive(connection, deployment, report(), to=path(sent.ref))
    # Then it came back, and the report stands in the history with its words
    assert await sent.status() == "BOUNCED"
    assert (row["kind"], row["matched_by"], row["unmatched"]) == ("BOUNCE", "TOKEN", None)
    assert (row["customer_id"], row["message_id"]) == (sent.ref.customer_id, sent.ref.message_id)
    assert await sent.events() == ["BOUNCED", "SUPPRESSED"]
    [found] = await sent.reports()
    assert "User unknown" in found["words"]
    assert (found["verified"], found["inbound_id"], found["cause"]) == (True, row["id"], "BAD_ADDRESS")


async def test_large_mail_is_read_apart_and_says_the_same(connection: Any, deployment: Deployment) -> None:
    # Given a report with so much of the returned mail that it is read in a process of its own
    sent = await make_sent(connection)
    raw = report(returned=(LARGE * 200).decode())
    await take_in(connection, raw, to=path(sent.ref))
    reader = InboundReader(deployment)
    # When small mail is read, it is left alone
    assert not await reader.read_small(connection)
    # Then another job reads it
    assert await reader.read_apart(connection)
    assert await sent.status() == "BOUNCED"


async def test_a_reply_with_a_large_file_becomes_a_message(connection: Any, deployment: Deployment) -> None:
    # Given a reply with a photo, and with a Message-ID, as nearly every mail has one
    sent = await make_sent(connection)
    photo = b"QUJD" * 19 + b"\r\n"
    raw = (
        b"From: ann@customer.example\r\nSubject: Re: Thursday\r\nMessage-ID: <a1@customer.example>\r\n"
        b'In-Reply-To: ' + message_id(sent.ref).encode() + b"\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSuits me.\r\n'
        b'--b\r\nContent-Type: image/jpeg; name="a.jpg"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + photo * 2000 + b"--b--\r\n"
    )  # fmt: skip
    # When it is read, in a process of its own
    row = await receive(connection, deployment, raw, sender="ann@customer.example")
    # Then it is in the customer's history
    assert (row["unmatched"], row["matched_by"], row["customer_id"]) == (None, "MESSAGE_ID", sent.ref.customer_id)
    assert await connection.fetchval("select length(fingerprint) from received_mail") == 32


async def test_a_crash_at_any_statement_loses_nothing_and_doubles_nothing(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a report, and a worker that dies as often as its work has statements, each time one later
    sent = await make_sent(connection, of_campaign=True, status="UNCERTAIN")
    await take_in(connection, report(), to=path(sent.ref))
    execute = vars(asyncpg.connection.Connection)["_execute"]
    left = 0

    async def dying(self: Any, *args: Any, **values: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise asyncpg.ConnectionDoesNotExistError("the server is gone")
        return await execute(self, *args, **values)

    crashes = 0
    while await unread(connection):
        left = crashes
        with monkeypatch.context() as patched:
            patched.setattr(asyncpg.connection.Connection, "_execute", dying)
            try:
                # When it dies (a new reader knows nothing of it) and another takes its place
                await InboundReader(deployment).read_small(connection)
            except asyncpg.ConnectionDoesNotExistError:
                crashes += 1
        await connection.execute("update inbound_mail set due_at = now(), tries = 0")
    # Then it is written once
    assert crashes >= 8
    assert (await sent.status(), await sent.tally()) == ("BOUNCED", {"bounced": 1})
    assert await sent.events() == ["BOUNCED", "SETTLED", "SUPPRESSED"]
    assert len(await sent.reports()) == 1


async def test_a_mail_whose_message_is_locked_waits_alone(
    connection: Any, pool: asyncpg.Pool[Any], deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two reports, and a person at a console who holds the message of the first
    first, second = await make_sent(connection), await make_sent(connection)
    for number, sent in enumerate((first, second)):
        await take_in(connection, numbered(number), to=path(sent.ref))
    monkeypatch.setattr(read_job, "LOCK_WAIT", timedelta(milliseconds=50))
    async with pool.acquire() as console, console.transaction():
        await console.execute("select from message where id = $1 for update", first.ref.message_id)
        # When they are read
        assert await InboundReader(deployment).read_small(connection)
    # Then the second is, and the first waits without a try counted
    assert (await first.status(), await second.status()) == ("ACCEPTED", "BOUNCED")
    assert await connection.fetchval("select tries from inbound_mail where read_at is null") == 0
    # And is read when its time comes
    await connection.execute("update inbound_mail set due_at = now()")
    assert await InboundReader(deployment).read_small(connection)
    assert await first.status() == "BOUNCED"


async def test_a_mail_with_a_value_that_cannot_be_sent_holds_up_no_other(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two reports, of which one makes a value that asyncpg refuses
    first, second = await make_sent(connection), await make_sent(connection)
    for number, sent in enumerate((first, second)):
        await take_in(connection, numbered(number), to=path(sent.ref))
    join = joining.join_mail

    async def join_badly(connection: Any, stored: StoredMail, *rest: Any) -> Any:
        if stored.envelope_recipient == path(first.ref):
            await connection.fetchval("select $1::smallint", 1 << 20)
        return await join(connection, stored, *rest)

    monkeypatch.setattr(read_job, "join_mail", join_badly)
    # When they are read
    assert await InboundReader(deployment).read_small(connection)
    # Then the other is read, and the try of this one counts
    assert (await first.status(), await second.status()) == ("ACCEPTED", "BOUNCED")
    assert await connection.fetchval("select tries from inbound_mail where read_at is null") == 1


async def test_what_was_taken_when_the_database_went_away_is_put_back(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given two mails that are taken
    first, second = await make_sent(connection), await make_sent(connection)
    for number, sent in enumerate((first, second)):
        await take_in(connection, numbered(number), to=path(sent.ref))
    reader = InboundReader(deployment)

    async def away(*_: Any, **__: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("the server is gone")

    with monkeypatch.context() as patched:
        patched.setattr(read_job, "join_mail", away)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await reader.read_small(connection)
    # When it is back, they are read at once, and no try of theirs is counted
    assert await reader.read_small(connection)
    assert (await first.status(), await second.status()) == ("BOUNCED", "BOUNCED")
    assert await connection.fetchval("select max(tries) from inbound_mail") == 1


async def test_a_bad_mail_is_given_up_and_holds_up_nobody(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a mail whose reading fails, and another behind it
    sent = await make_sent(connection)
    bad = await take_in(connection, report(own_id="<bad@mx.example>"), to="office@reply.example")
    await take_in(connection, report(), to=path(sent.ref))
    join, apart = joining.join_mail, read_process.read_apart

    async def failing(connection: Any, stored: StoredMail, *rest: Any) -> Any:
        if stored.id == bad:
            raise ValueError("as no reader should")
        return await join(connection, stored, *rest)

    async def dying(raw: bytes, options: Any) -> Reading:
        if b"<bad@mx.example>" in raw:
            raise ReadingFailed("it died")
        return await apart(raw, options)

    monkeypatch.setattr(read_job, "join_mail", failing)
    monkeypatch.setattr(read_job, "read_apart", dying)
    # When both are read
    reader = InboundReader(deployment)
    assert await reader.read_small(connection)
    # Then the other is there at once
    assert await sent.status() == "BOUNCED"
    # And the bad one is tried apart, until it is listed as unreadable
    for tries in (1, 2):
        row = await connection.fetchrow("select tries, read_at from inbound_mail where id = $1", bad)
        assert tuple(row) == (tries, None)
        await connection.execute("update inbound_mail set due_at = now() where read_at is null")
        assert await reader.read_apart(connection)
    row = await connection.fetchrow("select unmatched::text, kind::text from inbound_mail where id = $1", bad)
    assert tuple(row) == ("UNREADABLE", "BOUNCE")
    assert not await reader.read_apart(connection)


async def test_a_mail_whose_readers_died_is_given_up(connection: Any, deployment: Deployment) -> None:
    # Given a mail on which three processes died before they could say so
    await take_in(connection, report(), to="office@reply.example")
    await connection.execute("update inbound_mail set tries = 3")
    # When it is taken the fourth time
    assert await take(connection, apart=True, limit=1) == []
    # Then it is listed, and not read
    assert await connection.fetchval("select unmatched::text from inbound_mail") == "UNREADABLE"


async def test_workers_beside_each_other_read_each_mail_once(pool: Any, deployment: Deployment) -> None:
    # Given many reports about many mails, each of them twice
    async with pool.acquire() as connection:
        sent = [await make_sent(connection) for _ in range(20)]
        for number, one in enumerate(sent):
            await take_in(connection, numbered(number), to=path(one.ref))
            await take_in(connection, b"X-Other: 1\r\n" + numbered(number), to=path(one.ref))

        # When three workers read them
        async def work() -> None:
            async with pool.acquire() as own:
                await read_all(own, deployment)

        await asyncio.gather(*(work() for _ in range(3)))
        await eventually(lambda: _all_read(connection, deployment), "all mail to be read")
        # Then every report is in the history once
        assert await connection.fetchval("select count(*) from delivery_report") == 20
        assert await connection.fetchval("select count(*) from message where status = 'BOUNCED'") == 20


async def _all_read(connection: Any, deployment: Deployment) -> bool:
    """A deadlock's victim is put back for its worker's next turn; here that worker is gone."""
    await connection.execute("update inbound_mail set due_at = now() where read_at is null")
    await read_all(connection, deployment)
    return await unread(connection) == 0


async def test_a_mail_that_another_has_read_meanwhile_is_left_alone(connection: Any, deployment: Deployment) -> None:
    # Given a worker that took a mail and was cut off for longer than it may have it
    sent = await make_sent(connection)
    await take_in(connection, report(), to=path(sent.ref))
    [taken] = await take(connection, apart=False, limit=1)
    contents = await read_job.load_contents(connection, [taken.stored])
    reading = await read_job.read_stored(taken.stored, contents[taken.stored.content_sha256], deployment)
    # And another that has read it
    await connection.execute("update inbound_mail set due_at = now()")
    await read_all(connection, deployment)
    # When the first goes on, it writes nothing
    assert not await read_job.write(connection, taken.stored, reading, deployment)
    assert await sent.events() == ["BOUNCED", "SUPPRESSED"]


async def test_a_report_costs_few_statements(connection: Any, deployment: Deployment) -> None:
    """Not one for each recipient of a report."""
    sent = await make_sent(connection)
    counts = []
    for recipients in (1, 50):
        said = [Said(recipient=f"r{number}@elsewhere.example") for number in range(recipients)]
        await take_in(connection, report(*said, own_id=f"<{recipients}@mx.example>"), to=path(sent.ref))
        seen: list[str] = []
        with connection.query_logger(lambda record, seen=seen: seen.append(record.query)):
            await read_all(connection, deployment)
        counts.append(len(seen))
    assert len(await sent.reports()) == 51
    assert counts[1] <= counts[0] < 25


async def test_a_worker_reads_as_a_background_job(connection: Any, deployment: Deployment) -> None:
    jobs = {job.name: job for job in background_jobs(deployment)}
    sent = await make_sent(connection)
    await take_in(connection, report(), to=path(sent.ref))
    assert (await jobs["inbound reading"].run(connection)).more
    assert await sent.status() == "BOUNCED"
    for name in ("inbound reading", "inbound reading apart", "inbound sweep"):
        assert not (await jobs[name].run(connection)).more


async def test_where_nothing_waits_an_index_of_the_unread_says_so(connection: Any) -> None:
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare asked as {QUERIES.take_unread_mail.sql}")
        plan = str(await connection.fetch("explain execute asked(null, null, null, null)"))
    assert "inbound_mail_unread" in plan
    assert "Seq Scan" not in plan


async def test_open_pages_are_told(connection: Any, pool: Any, deployment: Deployment) -> None:
    # Given a mail whose customer's page is open
    sent = await make_sent(connection)
    await connection.execute(
        "insert into customer_watch values ($1, uuidv7(), now() + interval '1 hour')", sent.ref.customer_id
    )
    told: list[str] = []
    async with pool.acquire() as page:
        await page.add_listener(CHANNEL, lambda *arguments: told.append(arguments[-1]))
        # When a report comes
        await receive(connection, deployment, report(), to=path(sent.ref))
        # Then the page is told which message changed
        assert await eventually(lambda: [one for one in told if sent.ref.message_id.hex in one], "the page to be told")
        await page.reset()
