"""The job that keeps what is found across customers: whatever happens to a message, its row says it a moment later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.deployment import Deployment
from gateway.finding import job, projection, slices
from gateway.mail.letter import CardLetter, CardMailKind
from gateway.mail.message import MessageRef
from gateway.mail.response import Stage
from gateway.mail.search_words import query_words
from gateway.outbox.engagement import Choice, note_choice
from tests.builders import insert, make_attempt, make_campaign, make_customer, make_hit, make_message
from tests.engine import CARD, deployment, queue_mail
from tests.finding import finding_amiss, keep_up
from tests.integration.gateway.outbox.test_outcomes import exchange, outcome, sent, write

__all__ = ["deployment"]


async def row_of(connection: Any, ref: MessageRef) -> Any:
    """The search row of a message; None when there is none."""
    return await connection.fetchrow("select * from message_search where id = $1", ref.message_id)


async def found(connection: Any, search: str) -> set[UUID]:
    """The messages that a search for words finds."""
    query = query_words(search)
    assert query is not None
    rows = await connection.fetch(
        "select id from message_search where words @@ $1::text::tsquery and words @@ $2::text::tsquery",
        query.lexemes,
        query.recheck or query.lexemes,
    )
    return {row["id"] for row in rows}


async def message(connection: Any, **values: Any) -> MessageRef:
    """A message of a new customer."""
    customer = await make_customer(connection)
    return MessageRef(customer_id=customer, message_id=await make_message(connection, customer, **values))


async def test_what_is_made_is_found_and_waiting_campaign_mail_is_not(connection: Any, deployment: Deployment) -> None:
    # Given a letter that waits, campaign mail that waits, and campaign mail that was accepted
    letter = await queue_mail(connection, deployment, "ann@customer.example")
    campaign = await make_campaign(connection)
    waiting = await message(connection, campaign_id=campaign)
    accepted = await message(connection, campaign_id=campaign, status="ACCEPTED")
    await make_attempt(connection, accepted.customer_id, accepted.message_id)
    # When the job looks
    assert await keep_up(connection, deployment) == 1
    # Then the two have rows, one with words, and the notes are gone
    assert await row_of(connection, waiting) is None
    row = await row_of(connection, letter)
    assert (row["status"], row["direction"]) == ("QUEUED", "SENT")
    assert row["address_hash"] == projection.address_hash(deployment, "Ann@customer.example")
    assert await found(connection, "ann@customer.example") == {letter.message_id}
    assert (await row_of(connection, accepted))["words"] is None
    assert await connection.fetchval("select count(*) from message_change") == 0
    assert await finding_amiss(connection) == []


async def test_outcomes_of_attempts_are_found(connection: Any, deployment: Deployment) -> None:
    # Given campaign mail that is refused, deferred and accepted
    campaign = await make_campaign(connection)
    refused, deferred, accepted = [await sent(connection, campaign_id=campaign) for _ in range(3)]
    await write(
        connection,
        outcome(refused, exchange(550, "5.1.1 Mailbox walnut unknown", Stage.RCPT)),
        outcome(deferred, exchange(451, "4.7.1 Greylisted", Stage.RCPT)),
        outcome(accepted),
    )
    # When the job looks
    await keep_up(connection, deployment)
    # Then the server's words find the refusal, and what is deferred is told by its number of deferrals
    assert await found(connection, "walnut 5.1.1") == {refused.message_id}
    rows = {row["id"]: row for row in await connection.fetch("select * from message_search")}
    assert rows[refused.message_id]["cause"] == "BAD_ADDRESS"
    assert (rows[deferred.message_id]["status"], rows[deferred.message_id]["deferrals"]) == ("QUEUED", 1)
    assert rows[accepted.message_id]["status"] == "ACCEPTED"
    assert await finding_amiss(connection) == []


async def test_what_all_alike_accepted_is_noted_once(connection: Any, deployment: Deployment) -> None:
    accepted = [await sent(connection) for _ in range(3)]
    await connection.execute("delete from message_change")
    await write(connection, *[outcome(row, exchange(text="2.0.0 Ok: queued as 4Zx0kJ1m")) for row in accepted])
    noted = await connection.fetch("select cardinality(message_ids) from message_change")
    assert [row[0] for row in noted] == [3]
    await keep_up(connection, deployment)
    assert await found(connection, "4zx0kj1M") == {row.message_id for row in accepted}


async def test_what_people_do_later_is_found(connection: Any, deployment: Deployment) -> None:
    # Given mail of a campaign and a letter, both accepted and found
    campaign = await make_campaign(connection)
    mails = [await message(connection, campaign_id=campaign, status="ACCEPTED", tracked=True)]
    mails += [await message(connection, status="ACCEPTED", tracked=True)]
    await keep_up(connection, deployment)
    # When each is opened and clicked in, complained of, and comes back
    for ref in mails:
        await make_hit(connection, ref.customer_id, ref.message_id)
        await make_hit(connection, ref.customer_id, ref.message_id, url="https://shop.example/", link=1)
        await connection.execute("update message set opened_at = now() where id = $1", ref.message_id)
        await connection.execute(
            "insert into message_engagement (mailing_id, customer_id, message_id, opened, clicked)"
            " select mailing_id, customer_id, id, true, true from message where id = $1 and mailing_id is not null",
            ref.message_id,
        )
        await note_choice(connection, ref, Choice.COMPLAINED)
        await insert(
            connection, "event", customer_id=ref.customer_id, message_id=ref.message_id, kind="COMPLAINED", actor="x"
        )
        await connection.execute(
            "update message set status = 'BOUNCED', bounced_at = now() where id = $1", ref.message_id
        )
        await insert(
            connection, "delivery_report", customer_id=ref.customer_id, id=uuid4(), message_id=ref.message_id,
            recipient_no=0, action="FAILED", verified=True, matched_by="TOKEN", words="Quota of hazelnut exceeded",
        )  # fmt: skip
    await keep_up(connection, deployment)
    # Then their rows say so
    for ref in mails:
        row = await row_of(connection, ref)
        assert (row["opened"], row["clicked"], row["complained"], row["status"]) == (True, True, True, "BOUNCED")
    assert await found(connection, "hazel") == {ref.message_id for ref in mails}
    assert await finding_amiss(connection) == []


async def test_received_mail_is_found_by_who_wrote_it_and_a_reference_by_its_parts(
    connection: Any, deployment: Deployment
) -> None:
    reply = await message(connection, direction="RECEIVED", sender=None, recipient=None, subject="Re: Besuch")
    await insert(
        connection, "received_mail", customer_id=reply.customer_id, message_id=reply.message_id, author="CUSTOMER",
        from_address="mia@bücher.example".replace("ü", "ue"), from_name="Mia Müller", body="", automatic=False,
    )  # fmt: skip
    letter = CardLetter(kind=CardMailKind.CHARGE, amount=CARD.amount, invoice_number="INV-1005/07")
    invoice = await queue_mail(connection, deployment, "ann@customer.example", letter=letter)
    await keep_up(connection, deployment)
    assert await found(connection, "MULLER besuch") == {reply.message_id}
    assert await found(connection, "mia@buecher.example") == {reply.message_id}
    for search in ("INV-1005/07", "inv100507", "1005", "07 inv", "1005/07"):
        assert await found(connection, search) == {invoice.message_id}, search
    assert await finding_amiss(connection) == []


async def test_a_message_sent_to_another_address_is_found_by_that(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection, addresses=["old@customer.example"])
    ref = MessageRef(customer_id=customer, message_id=await make_message(connection, customer, status="REFUSED"))
    await keep_up(connection, deployment)
    await connection.execute(
        "update message set recipient = 'new@other.example', status = 'QUEUED', decided_at = null where id = $1",
        ref.message_id,
    )
    await keep_up(connection, deployment)
    row = await row_of(connection, ref)
    assert row["address_hash"] == projection.address_hash(deployment, "new@other.example")
    assert (await found(connection, "new@other.example"), await found(connection, "old")) == ({ref.message_id}, set())
    assert await finding_amiss(connection) == []


async def test_only_one_worker_at_a_time_writes(connection: Any, pool: Any, deployment: Deployment) -> None:
    await queue_mail(connection, deployment)
    async with pool.acquire() as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", job._FINDING_LOCK)
        assert not await job.keep_up(connection, deployment)
        assert await connection.fetchval("select count(*) from message_search") == 0
    await keep_up(connection, deployment)
    assert await connection.fetchval("select count(*) from message_search") == 1


async def test_several_workers_and_writers_at_once_miss_nothing(pool: Any, deployment: Deployment) -> None:
    # Given writers that commit in another order than they note, and two workers
    done = asyncio.Event()

    async def make(number: int) -> None:
        async with pool.acquire() as connection:
            for _ in range(4):
                async with connection.transaction():
                    await message(connection, status="ACCEPTED", recipient=f"a{number}@customer.example")
                    await asyncio.sleep(0)

    async def work() -> None:
        async with pool.acquire() as connection:
            while not done.is_set():
                await job.keep_up(connection, deployment)

    working = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.gather(*[make(number) for number in range(5)])
    done.set()
    await asyncio.gather(*working)
    # Then all of it is found
    async with pool.acquire() as connection:
        await keep_up(connection, deployment)
        assert await connection.fetchval("select count(*) from message_search") == 20
        assert await finding_amiss(connection) == []


async def test_a_kill_between_leaves_the_notes(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker whose connection ends while it writes
    await queue_mail(connection, deployment)

    async def end(*_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(job, "PROJECTIONS", (*job.PROJECTIONS, end))
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await job.keep_up(connection, deployment)
    # Then nothing is written, nothing is parked, and the next one finds the notes
    assert await connection.fetchval("select count(*) from message_search") == 0
    assert await connection.fetchval("select count(*) from search_parked") == 0
    await keep_up(connection, deployment)
    assert await connection.fetchval("select count(*) from message_search") == 1


async def test_a_message_that_cannot_be_written_holds_up_no_other(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Given ten messages, of which two make a projection raise
    refs = [await queue_mail(connection, deployment) for _ in range(10)]
    broken = {refs[3], refs[8]}

    async def fail(_connection: Any, _deployment: Any, changed: Sequence[MessageRef]) -> None:
        if broken & set(changed):
            raise ValueError("ann@customer.example is odd")

    monkeypatch.setattr(job, "PROJECTIONS", (*job.PROJECTIONS, fail))
    # When the job looks
    await keep_up(connection, deployment)
    # Then the others are found, these two wait, and the log tells their ids and nothing else
    assert await connection.fetchval("select count(*) from message_search") == 8
    assert await connection.fetchval("select array_agg(failures) from search_parked") == [1, 1]
    assert str(refs[3].message_id) in caplog.text
    assert "customer.example" not in caplog.text
    # And one that is mended is found at its next try, while the other waits longer
    broken.remove(refs[3])
    await connection.execute("update search_parked set until = now()")
    await keep_up(connection, deployment)
    assert await row_of(connection, refs[3]) is not None
    [parked] = await connection.fetch("select message_id, failures, until - now() as wait from search_parked")
    assert (parked["message_id"], parked["failures"]) == (refs[8].message_id, 2)
    assert parked["wait"] > job.FIRST_WAIT


async def test_mail_from_before_comes_in_by_batches(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail that nobody noted, internal mail, and new mail that is noted
    refs = [await message(connection, status="ACCEPTED") for _ in range(7)]
    await message(connection, internal=True, source_type=None, template_version_id=None)
    await connection.execute("delete from message_change")
    await connection.execute("insert into search_backfill values (0, '00000000-0000-0000-0000-000000000000')")
    new = await queue_mail(connection, deployment)
    monkeypatch.setattr(job, "BATCH", 3)
    monkeypatch.setattr(slices, "FULL", 2)
    # When the job looks, then what is new comes first
    assert await job.keep_up(connection, deployment)
    assert [row["id"] for row in await connection.fetch("select id from message_search")] == [new.message_id]
    # And the rest batch by batch, in slices of their own, until the backfill is over
    assert await keep_up(connection, deployment) > 2
    assert await connection.fetchval("select count(*) from message_search") == len(refs) + 1
    assert await connection.fetchval("select count(*) from search_backfill") == 0
    assert (
        await connection.fetchval("select max(n) from (select count(*) as n from message_search group by slice) s") < 4
    )
    assert await finding_amiss(connection) == []


async def test_slices_are_closed_when_full_and_late_mail_goes_where_its_id_falls(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "FULL", 2)
    # Given one message that is noted late, and others behind it
    late = await message(connection, status="ACCEPTED")
    await connection.execute("delete from message_change")
    for _ in range(5):
        await message(connection, status="ACCEPTED")
        await keep_up(connection, deployment)
    # And one from the future
    future = await connection.fetchval("select uuidv7(interval '1 hour')")
    await message(connection, status="ACCEPTED", id=future)
    await keep_up(connection, deployment)
    # When the late one changes
    await connection.execute("update message set opened_at = now() where id = $1", late.message_id)
    await make_hit(connection, late.customer_id, late.message_id)
    await keep_up(connection, deployment)
    # Then slices follow one another, and it is in the first
    first = await connection.fetchval("select no from search_slice order by first_id limit 1")
    assert (await row_of(connection, late))["slice"] == first
    assert await connection.fetchval("select count(*) from search_slice") > 2
    assert await finding_amiss(connection) == []


async def test_any_sequence_of_changes_comes_to_what_the_ledger_says(connection: Any, deployment: Deployment) -> None:
    # Given mail of a campaign and letters, and changes of all kinds in a random order, the job in between
    chance = random.Random(14)
    campaign = await make_campaign(connection)
    refs = [
        await message(
            connection, campaign_id=campaign if number % 2 else None, recipient=f"c{number}@d{number % 3}.example"
        )
        for number in range(12)
    ]
    statements = (
        "update message set status = 'ACCEPTED', decided_at = now(), sent_at = now(), cause = null where id = $1",
        "update message set status = 'REFUSED', decided_at = now(), cause = 'MAILBOX_FULL' where id = $1",
        "update message set status = 'UNCERTAIN', decided_at = now(), cause = 'TIMEOUT' where id = $1",
        "update message set status = 'BOUNCED', decided_at = now(), sent_at = now(), bounced_at = now(),"
        " cause = 'BAD_ADDRESS' where id = $1",
        "update message set status = 'CANCELLED', decided_at = now(), cause = 'BY_PERSON' where id = $1",
        "update message set recipient = 'x@y.example' where id = $1",
    )
    for _ in range(60):
        await connection.execute(chance.choice(statements), chance.choice(refs).message_id)
        if not chance.randrange(8):
            await keep_up(connection, deployment)
    await keep_up(connection, deployment)
    # Then what is kept is what a plain reading of the ledger gives
    assert await finding_amiss(connection) == []
