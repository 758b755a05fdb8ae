"""A person takes a decision back while it is the last that happened; then the mail is what it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import MessageRef
from gateway.outbox.actions import assume_sent, retry
from gateway.outbox.dismissals import dismiss_many
from gateway.outbox.undoing import undo
from tests.builders import insert, mailing_of, make_attempt, make_campaign, make_customer, make_hit, make_message
from tests.engine import deployment

__all__ = ["deployment"]

THEN = datetime(2026, 11, 30, 14, 5, 30, tzinfo=UTC)
STATE = "select status::text, decided_at, sent_at, cause::text, advice from message where id = $1"


async def uncertain(connection: Any, **values: Any) -> MessageRef:
    """A mail whose relay broke the connection at 14:05, after the final dot."""
    customer = await make_customer(connection)
    usual = {"status": "UNCERTAIN", "cause": "CONNECTION_LOST", "advice": "Ask.", "decided_at": THEN}
    message = await make_message(connection, customer, **(usual | values))
    await make_attempt(
        connection, customer, message, verdict="UNCERTAIN", cause="CONNECTION_LOST", advice="Ask.", started_at=THEN
    )
    return MessageRef(customer_id=customer, message_id=message)


async def refused(taking_back: Awaitable[None]) -> RefusalCode:
    with pytest.raises(Refusal) as caught:
        await taking_back
    assert caught.value.field == ("messageId",)
    return caught.value.code


async def test_what_was_assumed_sent_is_uncertain_again(connection: Any, deployment: Deployment) -> None:
    # Given uncertain mail of a campaign, with an uncertain copy, that a person assumed sent
    campaign = await make_campaign(connection)
    ref = await uncertain(connection, campaign_id=campaign)
    await insert(
        connection, "copy", customer_id=ref.customer_id, message_id=ref.message_id, recipient_no=1, role="CC",
        status="UNCERTAIN", cause="CONNECTION_LOST", advice="Ask.", decided_at=THEN, address="cc@x.example",
    )  # fmt: skip
    before = await connection.fetchrow(STATE, ref.message_id)
    tally = "select sum(accepted), sum(uncertain) from mailing_tally where mailing_id = $1"
    await assume_sent(connection, ref, "Kim", deployment)
    counted = await connection.fetchrow(tally, await mailing_of(connection, campaign))
    # When Lee takes it back
    await undo(connection, ref, "Lee", deployment)
    # Then both are as they were, the counts, too, and the history has who did what
    assert await connection.fetchrow(STATE, ref.message_id) == before
    copy = await connection.fetchrow("select status::text, decided_at, sent_at, cause::text from copy")
    assert tuple(copy) == ("UNCERTAIN", THEN, None, "CONNECTION_LOST")
    accepted, unsure = await connection.fetchrow(tally, await mailing_of(connection, campaign))
    assert (accepted, unsure) == (counted[0] - 1, counted[1] + 1)
    assert await connection.fetchval("select min(since) from message_trouble") == THEN
    events = await connection.fetch("select kind::text, actor, recipient_no, data from event order by id")
    assert [(row["kind"], row["actor"]) for row in events] == [("ASSUMED_SENT", "Kim")] * 2 + [("UNDONE", "Lee")] * 2
    assert [row["recipient_no"] for row in events[2:]] == [0, 1]
    assert events[2]["data"] == {"decision": "ASSUMED_SENT"}
    # And it is taken back once
    assert await refused(undo(connection, ref, "Lee", deployment)) is RefusalCode.ILLEGAL_STATE


async def test_mail_of_a_lost_worker_is_uncertain_again_as_it_was(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection)
    message = await make_message(connection, customer, status="UNCERTAIN", cause="CONNECTION_LOST", decided_at=THEN)
    ref = MessageRef(customer_id=customer, message_id=message)
    await assume_sent(connection, ref, "Kim", deployment)
    await undo(connection, ref, "Kim", deployment)
    found = await connection.fetchrow(STATE, message)
    assert (found["status"], found["decided_at"], found["cause"]) == ("UNCERTAIN", THEN, "CONNECTION_LOST")
    assert found["advice"].startswith("The gateway stopped")


async def test_what_was_dismissed_is_on_the_worklist_again(connection: Any, deployment: Deployment) -> None:
    ref = await uncertain(connection, status="REFUSED")
    assert await dismiss_many(connection, [ref], "Kim") == 1
    await undo(connection, ref, "Lee", deployment)
    assert await connection.fetchval("select count(*) from message_trouble t where waits_for_person(t)") == 1
    kinds = await connection.fetchval("select array_agg(kind::text order by id) from event")
    assert kinds == ["DISMISSED", "UNDONE"]
    # And it can be dismissed once more, and that taken back
    assert await dismiss_many(connection, [ref], "Kim") == 1
    await undo(connection, ref, "Kim", deployment)


async def hit(connection: Any, ref: MessageRef) -> None:
    await make_hit(connection, ref.customer_id, ref.message_id, url="https://x.example/", verdict="MACHINE")


async def event(connection: Any, ref: MessageRef) -> None:
    await insert(
        connection, "event", customer_id=ref.customer_id, message_id=ref.message_id, kind="DELIVERED", actor="gateway"
    )


async def report(connection: Any, ref: MessageRef) -> None:
    await insert(
        connection, "delivery_report", id=await connection.fetchval("select uuidv7()"), customer_id=ref.customer_id,
        message_id=ref.message_id, recipient_no=0, action="DELAYED", verified=False, matched_by="MESSAGE_ID",
    )  # fmt: skip


async def attempt(connection: Any, ref: MessageRef) -> None:
    await make_attempt(
        connection, ref.customer_id, ref.message_id, number=2, started_at=datetime(2199, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize("happens", [hit, event, report, attempt])
async def test_a_decision_stands_once_something_else_happened(
    connection: Any, deployment: Deployment, happens: Callable[[Any, MessageRef], Awaitable[None]]
) -> None:
    ref = await uncertain(connection)
    await assume_sent(connection, ref, "Kim", deployment)
    await happens(connection, ref)
    assert await refused(undo(connection, ref, "Kim", deployment)) is RefusalCode.ILLEGAL_STATE
    assert await connection.fetchval("select status::text from message") == "ACCEPTED"


async def test_there_is_nothing_to_take_back_of_other_mail(connection: Any, deployment: Deployment) -> None:
    nobody = MessageRef(customer_id=999, message_id=(await uncertain(connection)).message_id)
    assert await refused(undo(connection, nobody, "Kim", deployment)) is RefusalCode.NOT_FOUND
    # Nor of what was retried: mail that was sent again cannot be taken back
    ref = await uncertain(connection)
    assert await refused(undo(connection, ref, "Kim", deployment)) is RefusalCode.ILLEGAL_STATE
    await retry(connection, ref, "Kim", deployment)
    assert await refused(undo(connection, ref, "Kim", deployment)) is RefusalCode.ILLEGAL_STATE


async def test_of_two_who_take_the_same_back_one_is_refused(pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
    async with pool.acquire() as connection:
        ref = await uncertain(connection)
        await assume_sent(connection, ref, "Kim", deployment)

    async def take_back(actor: str) -> None:
        async with pool.acquire() as connection:
            await undo(connection, ref, actor, deployment)

    done = await asyncio.gather(*(take_back(name) for name in ("Kim", "Lee", "Pat")), return_exceptions=True)
    assert done.count(None) == 1
    assert {one.code for one in done if isinstance(one, Refusal)} == {RefusalCode.ILLEGAL_STATE}
    assert await pool.fetchval("select count(*) from event where kind = 'UNDONE'") == 1
