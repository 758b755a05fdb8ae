"""The job that keeps what is found across customers: whatever happens to a message, its row says it a moment later."""

from __future__ import annotations

from typing import Any

from gateway.deployment import Deployment
from gateway.finding import job, projection
from gateway.mail.message import MessageRef
from tests.builders import make_attempt, make_campaign, make_customer, make_message
from tests.engine import deployment, queue_mail
from tests.finding import finding_amiss, keep_up

__all__ = ["deployment"]


async def row_of(connection: Any, ref: MessageRef) -> Any:
    """The search row of a message; None when there is none."""
    return await connection.fetchrow("select * from message_search where id = $1", ref.message_id)


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
    # Then the two have rows, and the notes are gone
    assert await row_of(connection, waiting) is None
    row = await row_of(connection, letter)
    assert (row["status"], row["direction"], "'ann@customer.example'" in row["words"]) == ("QUEUED", "SENT", True)
    assert row["address_hash"] == projection.address_hash(deployment, "Ann@customer.example")
    assert (await row_of(connection, accepted))["status"] == "ACCEPTED"
    assert await connection.fetchval("select count(*) from message_change") == 0
    assert await finding_amiss(connection) == []
    # And an answer to what waited gives it one
    await connection.execute(
        "update message set status = 'REFUSED', decided_at = now(), cause = 'BAD_ADDRESS' where id = $1",
        waiting.message_id,
    )
    await keep_up(connection, deployment)
    assert (await row_of(connection, waiting))["cause"] == "BAD_ADDRESS"
    assert await finding_amiss(connection) == []


async def test_one_worker_at_a_time(connection: Any, pool: Any, deployment: Deployment) -> None:
    await queue_mail(connection, deployment)
    async with pool.acquire() as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", job.FINDING_LOCK)
        assert not await job.keep_up(connection, deployment)
        assert await connection.fetchval("select count(*) from message_search") == 0
    await keep_up(connection, deployment)
    assert await connection.fetchval("select count(*) from message_search") == 1
