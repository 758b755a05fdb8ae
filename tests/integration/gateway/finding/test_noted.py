"""What is noted for the job beside changes of a message's row: words, and what counts in the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.finding import job
from gateway.finding.forgetting import forget_message, hold_job
from gateway.mail.message import MessageRef
from gateway.outbox.recovery import recover
from tests.builders import insert, make_campaign, make_customer, make_message
from tests.engine import deployment, queue_mail
from tests.finding import finding_amiss, keep_up
from tests.integration.gateway.finding.test_job import found, row_of
from tests.integration.gateway.inbound.returning import (
    Said,
    complaint,
    make_sent,
    path,
    receive,
    report,
    unsubscribe_header,
)
from tests.integration.gateway.outbox.test_outcomes import exchange, outcome, sent, write
from tests.statistics import statistics_amiss

__all__ = ["deployment"]


async def test_words_of_a_report_that_changes_nothing_find_its_mail(connection: Any, deployment: Deployment) -> None:
    # Given a mail that was accepted, and found
    mail = await make_sent(connection)
    await keep_up(connection, deployment)
    # When a report says that it is late
    said = Said(action="delayed", status="4.4.1", diagnostic="smtp; 451 4.4.1 Chestnut does not answer")
    await receive(connection, deployment, report(said), to=path(mail.ref))
    assert await mail.status() == "ACCEPTED"
    await keep_up(connection, deployment)
    # Then its words find the mail
    assert await found(connection, "chestnut") == {mail.ref.message_id}


async def test_words_of_a_late_answer_about_a_copy_find_its_mail(connection: Any, deployment: Deployment) -> None:
    # Given a copy that was given up as uncertain, and found as that
    row = await sent(connection)
    key = {"customer_id": row.customer_id, "message_id": row.message_id}
    await insert(connection, "copy", **key, recipient_no=1, role="CC", address="b@x.example")
    await connection.execute("update outbox set recipient_no = 1, lease_until = now() - interval '1 s'")
    await recover(connection, shard=0)
    await keep_up(connection, deployment)
    # When its answer comes late
    await write(connection, outcome(replace(row, recipient_no=1), exchange(text="2.0.0 Queued as acorn4711")))
    assert await connection.fetchval("select status::text from copy") == "ACCEPTED"
    await keep_up(connection, deployment)
    # Then it is found by that
    assert await found(connection, "acorn4711") == {row.message_id}


async def test_lost_campaign_mail_that_is_sent_once_more_has_a_row_and_what_only_waits_has_none(
    connection: Any, deployment: Deployment
) -> None:
    # Given campaign mail of a lost worker: one handed off that is to be sent once more, one not handed off; and one
    # that an event triggered
    campaign = await make_campaign(connection)
    again = await sent(connection, campaign_id=campaign, retry_once=True)
    untried, triggered = [await sent(connection, campaign_id=campaign) for _ in range(2)]
    await connection.execute("update outbox set handed_off_at = null where message_id <> $1", again.message_id)
    await connection.execute("update outbox set lease_until = now() - interval '1 s'")
    await insert(
        connection, "event", customer_id=triggered.customer_id, message_id=triggered.message_id, kind="TRIGGERED",
        actor="x",
    )  # fmt: skip
    await recover(connection, shard=0)
    # When the job looks, also at what nobody noted
    await keep_up(connection, deployment)
    assert await row_of(connection, again.ref) is not None
    await connection.execute(
        "insert into message_change (customer_ids, message_ids) select array_agg(customer_id), array_agg(id)"
        " from message"
    )
    await keep_up(connection, deployment)
    # Then only what was uncertain is there
    assert await row_of(connection, untried.ref) is None
    assert await finding_amiss(connection) == []


@pytest.mark.parametrize(("kind", "complained"), [("abuse", True), ("opt-out", False)])
@pytest.mark.parametrize("of_campaign", [True, False])
async def test_who_asks_for_no_more_does_not_complain(
    connection: Any, deployment: Deployment, kind: str, complained: bool, of_campaign: bool
) -> None:
    mail = await make_sent(connection, of_campaign=of_campaign)
    await receive(connection, deployment, complaint(kind=kind, returned=unsubscribe_header(mail.ref)))
    await connection.execute("update message set cause = cause")
    await keep_up(connection, deployment)
    assert (await row_of(connection, mail.ref))["complained"] is complained
    assert await finding_amiss(connection) == []
    assert await statistics_amiss(connection) == []


async def test_messages_that_take_too_long_are_taken_a_few_at_a_time(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given messages that together take longer than a statement may
    refs = [await queue_mail(connection, deployment) for _ in range(5)]

    async def take_long(_connection: Any, _deployment: Any, changed: Sequence[MessageRef]) -> None:
        if len(changed) > 2:
            raise TimeoutError

    monkeypatch.setattr(job, "PROJECTIONS", (*job.PROJECTIONS, take_long))
    # When the job looks, then it comes through, and none is put aside for that
    await keep_up(connection, deployment)
    assert await connection.fetchval("select count(*) from message_search") == len(refs)
    assert await connection.fetchval("select count(*) from search_parked") == 0


async def test_the_newest_mail_after_one_is_gone_is_one_that_can_be_found(
    connection: Any, deployment: Deployment
) -> None:
    # Given a customer with an accepted mail, a received one, and campaign mail that waits
    customer = await make_customer(connection)
    accepted = await make_message(connection, customer, status="ACCEPTED")
    received = await make_message(connection, customer, direction="RECEIVED")
    await make_message(connection, customer, campaign_id=await make_campaign(connection))
    await keep_up(connection, deployment)
    # When the received one is gone
    async with connection.transaction():
        await hold_job(connection)
        await connection.execute("delete from message where id = $1", received)
        await forget_message(connection, MessageRef(customer_id=customer, message_id=received))
    # Then the newest is the accepted one
    assert await connection.fetchval("select message_id from customer_latest") == accepted
    assert await finding_amiss(connection) == []
    assert await statistics_amiss(connection) == []
