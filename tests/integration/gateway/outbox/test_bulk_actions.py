"""Bulk actions: done once, to what was shown and is as it was; whole after a kill, and beside everything else."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.deployment import Deployment
from gateway.mail.action_tokens import BulkMessageAction, ShownMessage
from gateway.mail.message import MessageRef, Status
from gateway.outbox import actions, bulk_actions
from gateway.outbox.bulk_actions import BulkOrder, BulkResult
from tests.builders import NOON, insert
from tests.engine import deployment
from tests.integration.gateway.outbox.many import act, amiss, events, mails, preview, statuses

__all__ = ["deployment"]

RETRY, ASSUME_SENT = BulkMessageAction.RETRY, BulkMessageAction.ASSUME_SENT
CANCEL, DISMISS = BulkMessageAction.CANCEL, BulkMessageAction.DISMISS
NOW = timedelta()


# Each action -----------------------------------------------------------------------------------------------------


async def test_failures_are_queued_again_in_batches_each_with_its_event(
    connection: Any, deployment: Deployment
) -> None:
    # Given mail that failed in every way, and mail that did not
    ends = ["REFUSED", "BOUNCED", "EXPIRED", "HELD", "UNCERTAIN", "ACCEPTED", "QUEUED"]
    refs = await mails(connection, ends)
    # When all of it is previewed for a retry, then the rules of single messages tell which allow it
    order = await preview(connection, deployment, refs, RETRY)
    assert [one.status for one in order.messages] == [Status(end) for end in ends[:5]]
    # When it is done
    result = await act(connection, deployment, order, batch=2)
    # Then exactly those are queued again, in the caller's name
    assert (result.done, result.skipped, result.finished) == (5, 0, True)
    assert await statuses(connection, refs) == [*["QUEUED"] * 5, "ACCEPTED", "QUEUED"]
    assert await events(connection) == {("RETRIED", "Dana"): 5}
    assert await amiss(connection) == []


async def test_uncertain_mail_is_taken_for_sent(connection: Any, deployment: Deployment) -> None:
    refs = await mails(connection, ["UNCERTAIN", "UNCERTAIN", "REFUSED"])
    result = await act(connection, deployment, await preview(connection, deployment, refs, ASSUME_SENT))
    assert (result.done, result.skipped) == (2, 0)
    assert await statuses(connection, refs) == ["ACCEPTED", "ACCEPTED", "REFUSED"]
    assert await events(connection) == {("ASSUMED_SENT", "Dana"): 2}
    assert await amiss(connection) == []


async def test_queued_and_held_mail_is_cancelled_but_none_that_is_being_sent(
    connection: Any, deployment: Deployment
) -> None:
    # Given mail that waits, of which one is handed off after the preview, and one before
    refs = await mails(connection, ["QUEUED", "HELD", "QUEUED", "QUEUED", "ACCEPTED"])
    await hand_off(connection, refs[3])
    order = await preview(connection, deployment, refs, CANCEL)
    assert [one.ref for one in order.messages] == refs[:3]
    await hand_off(connection, refs[2])
    # When it is cancelled
    result = await act(connection, deployment, order)
    # Then what a server may have stays
    assert (result.done, result.skipped) == (2, 1)
    assert await statuses(connection, refs) == ["CANCELLED", "CANCELLED", "QUEUED", "QUEUED", "ACCEPTED"]
    assert await events(connection) == {("CANCELLED", "Dana"): 2}
    assert await amiss(connection) == []


async def hand_off(connection: Any, ref: MessageRef) -> None:
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour',"
        " handed_off_at = now() where message_id = $1",
        ref.message_id,
    )


async def test_mail_goes_to_the_customers_present_addresses(connection: Any, deployment: Deployment) -> None:
    refs = await mails(connection, ["REFUSED", "REFUSED"])
    await connection.execute(
        "update customer_address set address = 'new@customer.example', address_key = $2 where customer_id = $1",
        refs[0].customer_id, deployment.key_of("new@customer.example"),
    )  # fmt: skip
    action = BulkMessageAction.RETRY_TO_PRESENT_ADDRESS
    order = await preview(connection, deployment, refs, action)
    assert [one.ref for one in order.messages] == refs[:1]
    assert (await act(connection, deployment, order)).done == 1
    assert await connection.fetchval("select address from outbox") == "new@customer.example"
    assert await events(connection) == {("READDRESSED", "Dana"): 1, ("RETRIED", "Dana"): 1}


async def test_failed_mail_is_taken_off_the_worklist_and_stays_what_it_is(
    connection: Any, deployment: Deployment
) -> None:
    ends = ["REFUSED", "BOUNCED", "EXPIRED", "HELD", "UNCERTAIN", "ACCEPTED"]
    refs = await mails(connection, ends)
    order = await preview(connection, deployment, refs, DISMISS)
    assert [one.ref for one in order.messages] == refs[:4]
    result = await act(connection, deployment, order, batch=3)
    assert (result.done, result.skipped) == (4, 0)
    assert await statuses(connection, refs) == ends
    assert await events(connection) == {("DISMISSED", "Dana"): 4}
    # Nothing is left to dismiss
    assert (await preview(connection, deployment, refs, DISMISS)).messages == []


# Only what was shown, as it was ----------------------------------------------------------------------------------


async def test_what_changed_since_it_was_shown_is_left_alone_though_it_allows_it_again(
    connection: Any, deployment: Deployment
) -> None:
    # Given uncertain mail that is shown
    refs = await mails(connection, ["UNCERTAIN"] * 5)
    await copy_of(connection, refs[3], "UNCERTAIN")
    order = await preview(connection, deployment, refs, RETRY)
    # When one is taken for sent, one retried and uncertain again, one decided anew, the copy of one, too
    await actions.assume_sent(connection, refs[0], "Kim", deployment)
    await actions.retry(connection, refs[1], "Kim", deployment)
    await connection.execute("delete from outbox where message_id = $1", refs[1].message_id)
    for ref in refs[1:3]:
        await connection.execute(
            "update message set status = 'UNCERTAIN', decided_at = clock_timestamp() where id = $1", ref.message_id
        )
    await connection.execute("update copy set decided_at = clock_timestamp()")
    # Then only the last is as it was shown
    result = await act(connection, deployment, order)
    assert (result.done, result.skipped) == (1, 4)
    assert await statuses(connection, refs) == ["ACCEPTED", *["UNCERTAIN"] * 3, "QUEUED"]


async def copy_of(connection: Any, ref: MessageRef, status: str) -> None:
    await insert(
        connection, "copy", customer_id=ref.customer_id, message_id=ref.message_id, recipient_no=1, role="CC",
        address="boss@customer.example", status=status, cause="UNKNOWN", decided_at=NOON,
    )  # fmt: skip


async def test_what_may_not_be_mailed_any_more_is_skipped_and_counted(connection: Any, deployment: Deployment) -> None:
    refs = await mails(connection, ["REFUSED", "REFUSED"])
    order = await preview(connection, deployment, refs, RETRY)
    key = deployment.key_of("c0@customer.example")
    await insert(connection, "suppression", address_key=key, reason="STAFF", actor="Kim")
    result = await act(connection, deployment, order)
    assert (result.done, result.skipped) == (1, 1)
    assert await statuses(connection, refs) == ["REFUSED", "QUEUED"]


async def test_what_matches_no_longer_counts_as_skipped(connection: Any, deployment: Deployment) -> None:
    refs = await mails(connection, ["REFUSED"] * 3)
    order = await preview(connection, deployment, refs, RETRY)
    fewer = BulkOrder(
        token_sha256=order.token_sha256, action=order.action, actor=order.actor, shown_at=order.shown_at,
        shown=order.shown, messages=order.messages[1:2],
    )  # fmt: skip
    result = await act(connection, deployment, fewer)
    assert (result.done, result.skipped) == (1, 2)
    # And nothing at all is a result, too
    none = BulkOrder(
        token_sha256=bytes(32), action=order.action, actor=order.actor, shown_at=order.shown_at, shown=2, messages=[]
    )
    assert (await act(connection, deployment, none)).skipped == 2
    assert await amiss(connection) == []


# Once ------------------------------------------------------------------------------------------------------------


async def test_a_repeat_returns_the_first_result_and_does_nothing(connection: Any, deployment: Deployment) -> None:
    refs = await mails(connection, ["REFUSED", "REFUSED"])
    order = await preview(connection, deployment, refs, RETRY)
    assert await bulk_actions.first_result(connection, order.token_sha256) is None
    first = await act(connection, deployment, order)
    assert await bulk_actions.first_result(connection, order.token_sha256) == first
    assert await act(connection, deployment, order) == first
    assert await events(connection) == {("RETRIED", "Dana"): 2}


async def test_two_at_the_same_time_get_the_same_result_and_it_is_done_once(
    pool: asyncpg.Pool[Any], deployment: Deployment
) -> None:
    async with pool.acquire() as connection:
        refs = await mails(connection, ["REFUSED"] * 9)
        order = await preview(connection, deployment, refs, RETRY)

    async def ask() -> BulkResult:
        async with pool.acquire() as own:
            return await act(own, deployment, order, batch=2)

    results = await asyncio.gather(*(ask() for _ in range(4)))
    assert {(one.done, one.skipped, one.finished) for one in results} == {(9, 0, True)}
    async with pool.acquire() as connection:
        assert await events(connection) == {("RETRIED", "Dana"): 9}
        assert await amiss(connection) == []


async def test_two_previews_of_the_same_mail_act_on_it_once(pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
    async with pool.acquire() as connection:
        refs = await mails(connection, ["UNCERTAIN"] * 9)
        orders = [await preview(connection, deployment, refs, one) for one in (RETRY, ASSUME_SENT, RETRY)]

    async def ask(order: BulkOrder) -> BulkResult:
        async with pool.acquire() as own:
            return await act(own, deployment, order, batch=2)

    results = await asyncio.gather(*(ask(order) for order in orders))
    assert sum(one.done for one in results) == 9
    assert {one.done + one.skipped for one in results} == {9}
    async with pool.acquire() as connection:
        assert sum((await events(connection)).values()) == 9
        assert await amiss(connection) == []


# Cut off ---------------------------------------------------------------------------------------------------------


async def test_a_worker_goes_on_where_a_request_was_cut_off(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a bulk action whose process dies in its second batch
    refs = await mails(connection, ["REFUSED"] * 5)
    order = await preview(connection, deployment, refs, RETRY)
    batches = iter([False, True])

    async def die_in_the_second(*values: Any, **named: Any) -> int:
        done = await actions.decide_many(*values, **named)
        if next(batches):
            raise asyncpg.ConnectionDoesNotExistError("killed")
        return done

    monkeypatch.setattr(bulk_actions, "decide_many", die_in_the_second)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await act(connection, deployment, order, batch=2)
    monkeypatch.undo()
    assert Counter(await statuses(connection, refs)) == {"QUEUED": 2, "REFUSED": 3}
    # Then a worker leaves it alone while somebody may be at it, and afterwards ends it
    assert await bulk_actions.carry_on(connection, deployment) is None
    await connection.execute("update bulk_action set carried_at = carried_at - interval '5 seconds'")
    assert [await bulk_actions.carry_on(connection, deployment, batch=2, left_alone=NOW) for _ in range(3)] == [
        2, 1, None,
    ]  # fmt: skip
    # And who asks again gets the whole result
    result = await act(connection, deployment, order)
    assert (result.done, result.skipped) == (5, 0)
    assert await events(connection) == {("RETRIED", "Dana"): 5}
    assert await amiss(connection) == []


async def test_one_that_cannot_be_carried_out_does_not_hold_up_the_next(
    connection: Any, deployment: Deployment
) -> None:
    # Given two that were cut off before their first batch, of which the first cannot be written
    refs = await mails(connection, ["REFUSED", "REFUSED"])
    for ref in refs:
        await bulk_actions.write_down(connection, await preview(connection, deployment, [ref], RETRY))
    await connection.execute(
        "create function refuse_it() returns trigger language plpgsql as"
        " $$ begin raise exception 'refused' using errcode = 'check_violation'; end $$"
    )
    await connection.execute(
        "create trigger refuse_it before update on message for each row"
        f" when (new.id = '{refs[0].message_id}' and new.status = 'QUEUED') execute function refuse_it()"
    )
    # When a worker carries them out, then the second is
    with pytest.raises(asyncpg.CheckViolationError):
        await bulk_actions.carry_on(connection, deployment, left_alone=NOW)
    assert await bulk_actions.carry_on(connection, deployment, left_alone=NOW) == 1
    assert await bulk_actions.carry_on(connection, deployment, left_alone=NOW) is None
    assert await statuses(connection, refs) == ["REFUSED", "QUEUED"]
    # And the first once it can be
    await connection.execute("drop trigger refuse_it on message")
    await connection.execute("update put_off set until = now()")
    assert await bulk_actions.carry_on(connection, deployment, left_alone=NOW) == 1
    assert await statuses(connection, refs) == ["QUEUED", "QUEUED"]
    assert await connection.fetch("select from put_off") == []
    assert await amiss(connection) == []


async def test_more_than_a_preview_shows_cannot_be_written_down(connection: Any) -> None:
    ref = MessageRef(customer_id=1, message_id=uuid4())
    shown = [ShownMessage(ref=ref, status=Status.HELD)] * 10_001
    order = BulkOrder(
        token_sha256=bytes(32), action=RETRY, actor="Dana", shown_at=NOON, shown=len(shown), messages=shown
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await bulk_actions.write_down(connection, order)
