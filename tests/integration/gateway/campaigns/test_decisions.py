"""Decisions about many recipients: exactly those that were so when it was asked, each with its event, once."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.campaigns import decisions, lifecycle
from gateway.database import QUERIES
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import Status
from gateway.mail.verdict import Cause
from gateway.outbox import actions
from tests.builders import insert, mailing_of
from tests.integration.gateway.campaigns.deciding import (
    ASSUME_SENT,
    RETRY,
    amiss,
    become,
    carry_out,
    retry,
    second_mailing,
    sent,
    settle,
    statuses,
)
from tests.integration.gateway.campaigns.orders import status_of, tally


async def test_all_that_is_uncertain_is_taken_for_sent_by_one_call(connection: Any, deployment: Deployment) -> None:
    # Given a campaign with mail that is uncertain, and another
    made, refs = await sent(connection, deployment, ["UNCERTAIN", "ACCEPTED", "UNCERTAIN", "REFUSED", "UNCERTAIN"])
    other, others = await sent(connection, deployment, ["UNCERTAIN"])
    # When a person decides
    assert await settle(connection, made, ASSUME_SENT, expected_count=3) == 3
    # Then the answer comes before the first is touched
    assert Counter(await statuses(connection, refs))["UNCERTAIN"] == 3
    # And the job does it in batches, each message with its event
    assert await carry_out(connection, deployment, batch=2) == [2, 1]
    assert await statuses(connection, refs) == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "REFUSED", "ACCEPTED"]
    events = await connection.fetch("select kind::text, actor, data from event where kind = 'ASSUMED_SENT'")
    assert [(event["actor"], event["data"]["before"]) for event in events] == [("Dana", "UNCERTAIN")] * 3
    assert await tally(connection, made) == {"made": 5, "accepted": 4, "refused": 1}
    # And the campaign is over; the other one's mail is as it was
    assert await lifecycle.finish(connection) == [made]
    assert await statuses(connection, others) == ["UNCERTAIN"]
    assert await status_of(connection, other) == "RUNNING"
    assert await amiss(connection) == []


async def test_a_retry_is_of_what_it_can_mend_and_counts_what_must_not_be_mailed(
    connection: Any, deployment: Deployment
) -> None:
    # Given failures of many causes; one address is suppressed since
    ends: list[str | tuple[str, str]] = [
        ("REFUSED", "POLICY"), ("BOUNCED", "MAILBOX_FULL"), ("EXPIRED", "DEADLINE"), ("HELD", "OUR_CONFIGURATION"),
        ("REFUSED", "BAD_ADDRESS"), ("HELD", "OPTED_OUT"), "UNCERTAIN", ("REFUSED", "SPAM"),
    ]  # fmt: skip
    made, refs = await sent(connection, deployment, ends)
    address = await connection.fetchval("select recipient from message where id = $1", refs[7].message_id)
    await insert(connection, "suppression", address_key=deployment.key_of(address), reason="STAFF", actor="Dana")
    # When all failures are retried
    assert await retry(connection, made) == 5
    await carry_out(connection, deployment)
    # Then those that a retry can mend wait again, with a new attempt and deadline
    assert await statuses(connection, refs) == [*["QUEUED"] * 4, "REFUSED", "HELD", "UNCERTAIN", "REFUSED"]
    waiting = await connection.fetch(
        "select o.attempt, o.opt_out_kind::text, l.mailing_id from outbox o join lane l on l.id = o.lane_id"
        " where o.expires_at > now()"
    )
    assert {tuple(row) for row in waiting} == {(1, "MARKETING", await mailing_of(connection, made))}
    # And the history tells what was asked, and what came of it
    history = await connection.fetch("select action, actor, detail from campaign_event order by id")
    asked, done = history[-2:]
    assert (asked["action"], asked["actor"], asked["detail"]["recipients"]) == ("retryCampaign", "Dana", 5)
    assert asked["detail"]["statuses"] == ["BOUNCED", "EXPIRED", "HELD", "REFUSED"]
    assert (done["action"], done["actor"]) == ("carriedOut", "gateway")
    assert {name: done["detail"][name] for name in ("done", "skipped")} == {"done": 4, "skipped": 1}
    assert await amiss(connection) == []


async def test_states_causes_and_a_mailing_narrow_a_retry(connection: Any, deployment: Deployment) -> None:
    ends = [("REFUSED", "SPAM"), ("REFUSED", "POLICY"), ("BOUNCED", "SPAM"), ("REFUSED", "SPAM")]
    made, refs = await sent(connection, deployment, ends)
    second = await second_mailing(connection, made)
    await connection.execute("update message set mailing_id = $1 where id = $2", second, refs[3].message_id)
    await connection.execute(
        "update message_trouble set mailing_id = $1 where message_id = $2", second, refs[3].message_id
    )
    first = await mailing_of(connection, made)

    narrow: dict[str, Any] = {"statuses": (Status.REFUSED,), "causes": (Cause.SPAM,)}
    assert await retry(connection, made, **narrow, mailing_id=first) == 1
    await carry_out(connection, deployment)
    assert await statuses(connection, refs) == ["QUEUED", "REFUSED", "BOUNCED", "REFUSED"]
    assert await retry(connection, made, **narrow) == 1
    await carry_out(connection, deployment)
    assert await statuses(connection, refs) == ["QUEUED", "REFUSED", "BOUNCED", "QUEUED"]
    lanes = {row["mailing_id"] for row in await connection.fetch(
        "select l.mailing_id from outbox o join lane l on l.id = o.lane_id")}  # fmt: skip
    assert lanes == {first, second}


async def test_to_present_addresses_goes_where_the_customers_are_now(connection: Any, deployment: Deployment) -> None:
    # Given two bad addresses, of which one was replaced
    made, refs = await sent(connection, deployment, [("REFUSED", "BAD_ADDRESS"), ("REFUSED", "BAD_ADDRESS")])
    await connection.execute(
        "update customer_address set address = 'new@customer.example' where customer_id = $1", refs[0].customer_id
    )
    # When those are retried
    assert await retry(connection, made, to_present_addresses=True) == 2
    await carry_out(connection, deployment)
    # Then that one goes to the new address, with both events; the other would come back again
    assert await statuses(connection, refs) == ["QUEUED", "REFUSED"]
    assert await connection.fetchval("select address from outbox") == "new@customer.example"
    kinds = await connection.fetch("select kind::text from event order by id")
    assert [row["kind"] for row in kinds] == ["READDRESSED", "RETRIED"]
    assert await amiss(connection) == []


async def test_another_number_than_expected_is_refused_and_nothing_is_done(
    connection: Any, deployment: Deployment
) -> None:
    made, _ = await sent(connection, deployment, ["UNCERTAIN", "UNCERTAIN"])
    key = uuid4().hex

    with pytest.raises(Refusal) as refused:
        await settle(connection, made, RETRY, expected_count=41, idempotency_key=key)

    assert (refused.value.code, refused.value.field) == (RefusalCode.CONFLICT, ("expectedCount",))
    assert refused.value.message.startswith("It is 2 recipients now.")
    assert await carry_out(connection, deployment) == []
    assert await connection.fetchval("select count(*) from campaign_decision_message") == 0
    # The key is still free for the right number
    assert await settle(connection, made, RETRY, expected_count=2, idempotency_key=key) == 2


async def test_a_repeated_key_returns_the_first_result(connection: Any, deployment: Deployment) -> None:
    made, refs = await sent(connection, deployment, ["UNCERTAIN", "UNCERTAIN"])
    assert await settle(connection, made, RETRY, idempotency_key="mine") == 2
    await carry_out(connection, deployment)
    await become(connection, refs[0], "UNCERTAIN")

    assert await settle(connection, made, RETRY, idempotency_key="mine") == 2

    assert await carry_out(connection, deployment) == []
    assert await statuses(connection, refs) == ["UNCERTAIN", "QUEUED"]
    with pytest.raises(Refusal) as refused:
        await settle(connection, made, ASSUME_SENT, idempotency_key="mine")
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT


async def test_what_is_decided_otherwise_meanwhile_or_came_later_is_left_alone(
    connection: Any, deployment: Deployment
) -> None:
    # Given a decision about four
    made, refs = await sent(connection, deployment, ["UNCERTAIN", "UNCERTAIN", "UNCERTAIN", "UNCERTAIN", "QUEUED"])
    assert await settle(connection, made, RETRY) == 4
    # When, before it is carried out, one is assumed sent, one retried and uncertain anew, and another becomes so
    await actions.assume_sent(connection, refs[0], "Kim", deployment)
    await actions.retry(connection, refs[1], "Kim", deployment)
    await become(connection, refs[1], "UNCERTAIN")
    await become(connection, refs[4], "UNCERTAIN")
    await carry_out(connection, deployment)
    # Then it is about the other two
    assert await statuses(connection, refs) == ["ACCEPTED", "UNCERTAIN", "QUEUED", "QUEUED", "UNCERTAIN"]
    counts = await connection.fetchrow("select recipients, done, skipped from campaign_decision")
    assert tuple(counts) == (4, 2, 2)
    assert await amiss(connection) == []


async def test_a_finished_campaign_runs_again_and_a_paused_one_stays_paused(
    connection: Any, deployment: Deployment
) -> None:
    made, _ = await sent(connection, deployment, [("REFUSED", "SPAM"), "ACCEPTED"])
    assert await lifecycle.finish(connection) == [made]
    await retry(connection, made)
    await carry_out(connection, deployment)
    assert await status_of(connection, made) == "RUNNING"
    assert await lifecycle.finish(connection) == []

    paused, _ = await sent(connection, deployment, [("REFUSED", "SPAM"), "QUEUED"])
    await lifecycle.pause(connection, paused, "Kim")
    await retry(connection, paused)
    await carry_out(connection, deployment)
    assert await status_of(connection, paused) == "PAUSED"
    lanes = await connection.fetch(
        "select l.paused_at is not null from outbox o join lane l on l.id = o.lane_id where l.campaign_id = $1", paused
    )
    assert [row[0] for row in lanes] == [True, True]


async def test_of_a_cancelled_campaign_nothing_is_retried(connection: Any, deployment: Deployment) -> None:
    # Given a retry that was asked, then a cancel
    made, refs = await sent(connection, deployment, [("REFUSED", "SPAM"), "UNCERTAIN"])
    await retry(connection, made)
    await lifecycle.cancel(connection, made, "Kim")
    # When the job comes to it, then nothing goes out any more
    await carry_out(connection, deployment)
    assert await statuses(connection, refs) == ["REFUSED", "UNCERTAIN"]
    # And another is refused
    for ask in (retry(connection, made), settle(connection, made, RETRY)):
        with pytest.raises(Refusal) as refused:
            await ask
        assert refused.value.code is RefusalCode.ILLEGAL_STATE
    # But what is uncertain may be taken for sent
    assert await settle(connection, made, ASSUME_SENT) == 1
    await carry_out(connection, deployment)
    assert await statuses(connection, refs) == ["REFUSED", "ACCEPTED"]
    assert await amiss(connection) == []


async def test_bad_input_is_refused(connection: Any, deployment: Deployment) -> None:
    made, _ = await sent(connection, deployment, ["ACCEPTED"])
    other, _ = await sent(connection, deployment, ["ACCEPTED"])
    refusals = []
    for ask in (
        retry(connection, uuid4()),
        retry(connection, made, statuses=(Status.REFUSED, Status.UNCERTAIN)),
        retry(connection, made, mailing_id=await mailing_of(connection, other)),
        retry(connection, made, idempotency_key=""),
    ):
        with pytest.raises(Refusal) as refused:
            await ask
        refusals.append((refused.value.code, refused.value.field))
    assert refusals == [
        (RefusalCode.NOT_FOUND, ("campaignId",)),
        (RefusalCode.INVALID, ("statuses",)),
        (RefusalCode.NOT_FOUND, ("mailingId",)),
        (RefusalCode.REQUIRED, ("idempotencyKey",)),
    ]
    # Nobody is decided about: that is a result, too
    assert await retry(connection, made) == 0
    assert await carry_out(connection, deployment) == []


async def test_a_decision_about_too_many_is_refused(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = await sent(connection, deployment, ["UNCERTAIN"] * 3)
    monkeypatch.setattr(decisions, "MAX_RECIPIENTS", 2)
    with pytest.raises(Refusal) as refused:
        await settle(connection, made, RETRY)
    assert refused.value.code is RefusalCode.TOO_MANY
    assert await connection.fetchval("select count(*) from campaign_decision") == 0


async def test_a_worker_killed_in_a_batch_leaves_the_decision_to_the_next(
    pool: asyncpg.Pool[Any], connection: Any, deployment: Deployment
) -> None:
    # Given a decision of which one batch is carried out
    made, refs = await sent(connection, deployment, ["UNCERTAIN"] * 5)
    await settle(connection, made, ASSUME_SENT)
    await decisions.carry_out(connection, deployment, batch=2)
    # When the connection that carries out the next one breaks before its commit
    async with pool.acquire() as killed:
        transaction = killed.transaction()
        await transaction.start()
        assert await decisions.carry_out(killed, deployment, batch=2) == 2
        # and another worker, meanwhile, finds nothing of its own to do
        assert await decisions.carry_out(connection, deployment, batch=2) is None
        killed.terminate()
    # Then another goes on behind the first batch
    async with pool.acquire() as other:
        assert sum(await carry_out(other, deployment, batch=2)) == 3
    assert await statuses(connection, refs) == ["ACCEPTED"] * 5
    assert await amiss(connection) == []


async def test_the_statements_of_a_decision_use_its_indexes(connection: Any) -> None:
    await insert(
        connection, "campaign_decision_message", decision_id=1, customer_id=1, message_id=uuid4(), status="HELD"
    )
    await connection.execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan")
    for name, index in (
        ("take_messages_of_decision", "campaign_decision_message_pkey"),
        ("decision_to_carry_out", "campaign_decision_open"),
        ("lock_messages_as_they_were", "message_pkey"),
    ):
        sql = getattr(QUERIES, name).sql
        parameters = ", ".join(["null"] * len((await connection.prepare(sql)).get_parameters()))
        await connection.execute(f"prepare {name} as {sql}")
        plan = await connection.fetch(f"explain execute {name}{f'({parameters})' if parameters else ''}")
        assert index in str(plan)
        assert "Seq Scan" not in str(plan)
