"""Failed mail is taken off the worklist by a person, keeps its status, and comes back when that changes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg

from gateway.mail.message import MessageRef
from gateway.notify.changes import CHANNEL, ChangeKind, change_payload
from gateway.outbox.dismissals import dismiss_many
from tests.builders import NOON, insert, make_customer, make_message
from tests.eventually import eventually

WAITING = "select count(*) from message_trouble t where waits_for_person(t)"


async def failed(connection: Any, status: str, cause: str | None = None, **values: Any) -> MessageRef:
    customer = await make_customer(connection)
    message: UUID = await make_message(connection, customer, status=status, cause=cause, **values)
    return MessageRef(customer_id=customer, message_id=message)


async def test_failed_mail_is_dismissed_and_what_is_not_failed_stays(connection: Any) -> None:
    # Given mail in each state that waits, mail that an opt-out holds, and mail that was accepted
    waiting = [
        await failed(connection, status, cause)
        for status, cause in [
            ("REFUSED", "BAD_ADDRESS"), ("BOUNCED", "MAILBOX_FULL"), ("EXPIRED", "DEADLINE"), ("HELD", "SUPPRESSED"),
        ]
    ]  # fmt: skip
    uncertain = await failed(connection, "UNCERTAIN", "CONNECTION_LOST")
    others = [uncertain, await failed(connection, "HELD", "OPTED_OUT"), await failed(connection, "ACCEPTED")]
    statuses = await connection.fetch("select id, status from message order by id")
    # When a person dismisses all of it, in any order, and one twice
    assert await dismiss_many(connection, [*others, *reversed(waiting), waiting[0]], "Kim") == 4
    # Then only uncertain mail waits, no status has changed, and each has its event
    assert await connection.fetchval(WAITING) == 1
    assert await connection.fetch("select id, status from message order by id") == statuses
    events = await connection.fetch("select message_id, kind::text, actor, data from event order by message_id")
    assert [row["message_id"] for row in events] == sorted(ref.message_id for ref in waiting)
    assert {(row["kind"], row["actor"]) for row in events} == {("DISMISSED", "Kim")}
    assert events[0]["data"] == {"status": "REFUSED", "cause": "BAD_ADDRESS"}
    # And what is dismissed is not dismissed again
    assert await dismiss_many(connection, waiting, "Lee") == 0
    assert await connection.fetchval("select count(*) from event") == 4
    assert await dismiss_many(connection, [], "Kim") == 0


async def test_a_new_status_brings_it_back(connection: Any) -> None:
    # Given dismissed mail
    held, refused = await failed(connection, "HELD", "SUPPRESSED"), await failed(connection, "REFUSED", "POLICY")
    assert await dismiss_many(connection, [held, refused], "Kim") == 2
    # When its cause is read anew, then it stays dismissed
    await connection.execute("update message set cause = 'SPAM' where id = $1", refused.message_id)
    assert await connection.fetchval(WAITING) == 0
    # When it is tried again and refused again, or its status changes at once
    await connection.execute(
        "update message set status = 'QUEUED', decided_at = null where id = $1", refused.message_id
    )
    await connection.execute(
        "update message set status = 'REFUSED', decided_at = now() where id = $1", refused.message_id
    )
    await connection.execute("update message set status = 'EXPIRED' where id = $1", held.message_id)
    # Then it waits again
    assert await connection.fetchval(WAITING) == 2


async def test_open_pages_are_told_what_was_taken_off(connection: Any, pool: Any) -> None:
    # Given failed mail of a customer whose page is open
    ref = await failed(connection, "REFUSED", "POLICY")
    await connection.execute(
        "insert into customer_watch (customer_id, watcher, watched_until)"
        " values ($1, uuidv7(), now() + interval '1 hour')",
        ref.customer_id,
    )
    told: list[str] = []

    def hear(*heard: Any) -> None:
        told.append(heard[-1])

    async with pool.acquire() as page:
        await page.add_listener(CHANNEL, hear)
        # When it is dismissed
        await dismiss_many(connection, [ref], "Kim")
        # Then the page hears of that message
        await eventually(lambda: told, "the notification")
        await page.remove_listener(CHANNEL, hear)
    assert told == [change_payload(ref.customer_id, ref.message_id.hex, ChangeKind.MESSAGE)]


async def test_a_copy_that_failed_waits_for_nobody_and_is_not_dismissed(connection: Any) -> None:
    ref = await failed(connection, "ACCEPTED")
    await insert(
        connection, "copy", customer_id=ref.customer_id, message_id=ref.message_id, recipient_no=1, role="CC",
        status="REFUSED", decided_at=NOON, address="cc@x.example", cause="BAD_ADDRESS",
    )  # fmt: skip
    assert await dismiss_many(connection, [ref], "Kim") == 0


async def test_two_people_dismiss_the_same_mail_once(pool: asyncpg.Pool[Any]) -> None:
    # Given much failed mail that two people dismiss at once, in opposite orders
    async with pool.acquire() as connection:
        refs = [await failed(connection, "REFUSED", "POLICY") for _ in range(30)]

    async def dismiss(wanted: list[MessageRef], actor: str) -> int:
        async with pool.acquire() as connection:
            return await dismiss_many(connection, wanted, actor)

    done = await asyncio.gather(dismiss(refs, "Kim"), dismiss(refs[::-1], "Lee"))
    # Then neither waits for the other for ever, and each mail has one event
    assert sum(done) == 30
    assert await pool.fetchval("select count(*) from event") == 30
