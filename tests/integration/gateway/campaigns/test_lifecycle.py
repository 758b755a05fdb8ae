"""A campaign from launch to end: exact pauses, cancels and ends, and retries meanwhile."""

from __future__ import annotations

import asyncio
import quopri
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.campaigns import drafts, expansion, freezing, lifecycle
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.message import MessageRef
from gateway.outbox.actions import assume_sent, retry
from gateway.settings import Settings, parse_relay
from gateway.templates import versions
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.builders import insert, mailing_of, make_campaign, make_customer, make_message, make_sender_version
from tests.engine import SHORT_WAIT, Start, empty, queue_mail, start, until
from tests.eventually import eventually
from tests.integration.gateway.campaigns.audiences import (
    add_mailing,
    fixed_list,
    freeze_all,
    make_draft,
    version_of,
)
from tests.integration.gateway.campaigns.orders import PAGE, order, publish, running, status_of, tally
from tests.smtp_server import Drop, Reply, SmtpServer

__all__ = ["start"]


async def test_a_campaign_reaches_everybody_and_finishes(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    made, customers = await running(connection, deployment, 25)
    start()

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished, "the end of the campaign")

    assert await tally(connection, made) == {"made": 25, "accepted": 25}
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", made) == 0
    received = {mail.recipients[0]: mail.content for mail in smtp_server.taken}
    assert len(received) == 25
    mail = await connection.fetchrow("select recipient, subject from message where customer_id = $1", customers[3])
    assert mail["subject"] == "News for N3"
    assert b"Hello N3" in quopri.decodestring(received[mail["recipient"]])
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in received[mail["recipient"]]


async def test_a_paused_campaign_sends_nothing_until_it_is_resumed(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    made, _ = await running(connection, deployment, 3)
    await expansion.make_messages(connection, deployment)
    await lifecycle.pause(connection, made, "Dana")
    start()
    other, _ = await running(connection, deployment, 1)

    async def other_is_done() -> bool:
        return await status_of(connection, other) == "FINISHED"

    await eventually(other_is_done)
    assert await tally(connection, made) == {"made": 3}
    await lifecycle.resume(connection, made, actor="Dana")
    await empty(connection)
    assert await tally(connection, made) == {"made": 3, "accepted": 3}


async def test_a_pause_says_how_many_are_on_the_wire_and_no_other_is_sent(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, settings: Settings
) -> None:
    # Given a campaign under way, with mails that the server has not answered
    answer = asyncio.Event()
    smtp_server.script(after_dot=lambda point: Reply(250, "2.0.0 taken", when=answer))
    made, _ = await running(connection, deployment, 60)
    start(settings.model_copy(update={"relay_url": (parse_relay(f"{smtp_server.url}&connections=7"),)}))
    await smtp_server.received(7)
    # When it is paused, then the answer is what is handed off
    on_the_wire = await lifecycle.pause(connection, made, "Dana")
    assert on_the_wire >= 7
    said = await connection.fetchrow(
        "select action, detail from campaign_event where campaign_id = $1 order by id desc limit 1", made
    )
    assert tuple(said) == ("pauseCampaign", {"onTheWire": on_the_wire})
    # And just these are sent
    answer.set()

    async def are_decided() -> bool:
        return not await connection.fetchval("select count(*) from outbox where handed_off_at is not null")

    await eventually(are_decided, "the answers")
    assert len(smtp_server.taken) == on_the_wire
    assert await tally(connection, made) == {"made": 60, "accepted": on_the_wire}


async def test_cancelling_takes_back_what_waits_and_makes_no_more(connection: Any, deployment: Deployment) -> None:
    made, _ = await running(connection, deployment, 6)
    await expansion.make_messages(connection, deployment, batch=4)
    await connection.execute(
        "update outbox set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 min',"
        " handed_off_at = now() where message_id = (select max(message_id::text)::uuid from outbox)"
    )

    assert await lifecycle.cancel(connection, made, "Dana") == 3

    assert await tally(connection, made) == {"made": 4, "cancelled": 3 + 2}
    assert await expansion.make_messages(connection, deployment) is None
    assert await connection.fetchval("select count(*) from event where kind = 'CANCELLED' and actor = 'Dana'") == 3
    # What was on its way comes back deferred: it is taken back, too, and then the lane goes.
    await connection.execute("update outbox set lease_owner = null, lease_until = null, handed_off_at = null")
    await lifecycle.finish(connection)
    assert await tally(connection, made) == {"made": 4, "cancelled": 4 + 2}
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", made) == 0


async def test_a_campaign_with_an_uncertain_recipient_is_not_finished(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=[Drop()])
    made, _ = await running(connection, deployment, 2)
    start(wait=lambda attempt, verdict: SHORT_WAIT)

    async def one_is_uncertain() -> bool:
        return await tally(connection, made) == {"made": 2, "accepted": 1, "uncertain": 1}

    await eventually(one_is_uncertain)
    assert await lifecycle.finish(connection) == []
    row = await connection.fetchrow("select customer_id, id from message where status = 'UNCERTAIN'")
    ref = MessageRef(customer_id=row["customer_id"], message_id=row["id"])

    await retry(connection, ref, "Dana", deployment)
    await empty(connection)
    assert await tally(connection, made) == {"made": 2, "accepted": 2}
    with pytest.raises(Refusal):
        await assume_sent(connection, ref, "Dana", deployment)

    async def finished() -> bool:
        return await status_of(connection, made) == "FINISHED"

    await eventually(finished)


async def test_a_repeated_creation_and_launch_change_nothing(connection: Any, deployment: Deployment) -> None:
    right = await order(connection, [await make_customer(connection)])
    made = await drafts.create(connection, right, deployment)
    assert await drafts.create(connection, right, deployment) == made
    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, replace(right, title="Other"), deployment)
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT

    await lifecycle.launch(connection, made, "launch-1", deployment, actor="Dana")
    await lifecycle.launch(connection, made, "launch-1", deployment, actor="Dana")
    with pytest.raises(Refusal) as again:
        await lifecycle.launch(connection, made, "launch-2", deployment, actor="Dana")
    assert again.value.code is RefusalCode.ILLEGAL_STATE


async def test_a_draft_of_earlier_days_is_not_launched_without_what_it_must_show(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a draft without a footer, from when templates and campaigns were taken so
    customer = await make_customer(connection)
    with monkeypatch.context() as earlier:
        earlier.setattr("gateway.templates.publishing.refuse_without_unsubscribe", lambda parts, path: None)
        earlier.setattr("gateway.campaigns.mailings.versions.refuse_without_footer", lambda *_: None)
        earlier.setattr("gateway.campaigns.drafts.refuse_sender_without_address", lambda *_: None)
        template = await publish(connection, "<p>Hello {{ first_name }}</p>")
        right = await order(connection, [customer], template_id=template, sender_id=None)
        made = await drafts.create(connection, right, deployment)
    # When it is launched
    with pytest.raises(Refusals) as refused:
        await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # Then it stays a draft, and the refusals say what to add
    assert [(one.code, one.field) for one in refused.value.refusals] == [
        (RefusalCode.UNSUBSCRIBE_MISSING, ("campaignId",)),
        (RefusalCode.POSTAL_ADDRESS_MISSING, ("campaignId",)),
    ]
    assert await status_of(connection, made) == "DRAFT"


@pytest.mark.parametrize("field", ["postal_address", "unsubscribe_url"])
async def test_a_version_of_earlier_days_that_lacks_a_footer_is_completed_when_published_again(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    # Given a template whose text lacks a field, published when nothing was completed
    customer = await make_customer(connection)
    source = {"html": PAGE, "text": "{{ postal_address }} {{ unsubscribe_url }}".replace(f"{{{{ {field} }}}}", "bye")}
    with monkeypatch.context() as earlier:
        earlier.setattr("gateway.templates.merge_compiler._with_footer", lambda text, unsubscribe: text)
        earlier.setattr("gateway.templates.versions.PUBLISHING", 1)
        old = await publish(connection, **source)
    # When a campaign is made of it, then the refusal says how it is completed
    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, await order(connection, [customer], template_id=old), deployment)
    assert refused.value.field == ("templateId",)
    assert "publish the template again" in refused.value.message
    # And published again, the same source launches
    new = await publish(connection, **source)
    again = await drafts.create(connection, await order(connection, [customer], template_id=new), deployment)
    await lifecycle.launch(connection, again, uuid4().hex, deployment, actor="Dana")
    assert await status_of(connection, again) != "DRAFT"


async def test_individual_mail_overtakes_a_running_campaign(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, settings: Settings
) -> None:
    await versions.publish_builtins(connection)
    smtp_server.script(rcpt=lambda point: Reply(250, "Ok", delay=0.02))
    await running(connection, deployment, 300)
    slow = settings.model_copy(update={"relay_url": (parse_relay(f"{smtp_server.url}&connections=2"),)})
    start(slow)
    await smtp_server.accepted(5)

    ref = await queue_mail(connection, deployment)
    await until(connection, ref, "ACCEPTED")

    assert len(smtp_server.taken) < 150


@pytest.mark.parametrize("status", ["RUNNING", "FINISHED"])
async def test_a_recipient_retried_while_its_campaign_ends_keeps_its_lane(
    pool: asyncpg.Pool[Any], deployment: Deployment, status: str
) -> None:
    async with pool.acquire() as person, pool.acquire() as sweep:
        ended = {"finished_at": datetime.now(UTC)} if status == "FINISHED" else {}
        campaign_id = await make_campaign(person, status=status, **ended)
        customer_id = await make_customer(person)
        message_id = await make_message(person, customer_id, campaign_id=campaign_id, status="REFUSED")
        decision = person.transaction()
        await decision.start()
        await retry(person, MessageRef(customer_id=customer_id, message_id=message_id), "Dana", deployment)

        ending = asyncio.create_task(lifecycle.finish(sweep))

        async def waits_or_has_ended() -> bool:
            return ending.done() or bool(await person.fetchval("select count(*) from pg_locks where not granted"))

        await eventually(waits_or_has_ended, "the sweep")
        await decision.commit()
        await ending

        waiting = await person.fetchval("select count(*) from outbox o join lane l on l.id = o.lane_id")
        assert waiting == 1
        assert await status_of(person, campaign_id) == "RUNNING"


@pytest.mark.parametrize("status", ["RUNNING", "PAUSED"])
async def test_a_recipient_is_not_retried_whose_campaign_is_cancelled_meanwhile(
    pool: asyncpg.Pool[Any], make_context: Callable[..., Context], status: str
) -> None:
    async with pool.acquire() as person, pool.acquire() as canceller:
        campaign_id = await make_campaign(person, status=status)
        customer_id = await make_customer(person)
        message_id = await make_message(person, customer_id, campaign_id=campaign_id, status="REFUSED")
        decision = canceller.transaction()
        await decision.start()
        await lifecycle.cancel(canceller, campaign_id, "Kim")

        mutation = "mutation($id: ID!) { retryMessage(input: {messageId: $id}) { userErrors { code message } } }"
        message = message_global_id(customer_id, message_id)
        asked = asyncio.create_task(
            schema.execute(mutation, context_value=make_context(), variable_values={"id": message})
        )

        async def waits() -> bool:
            return bool(await person.fetchval("select count(*) from pg_locks where not granted"))

        await eventually(waits, "the retry, at the campaign's lock")
        await decision.commit()

        answer = await asked
        assert answer.data == {
            "retryMessage": {"userErrors": [{"code": "ILLEGAL_STATE", "message": "Its campaign was cancelled."}]}
        }
        assert await person.fetchval("select status::text from message where id = $1", message_id) == "REFUSED"
        assert await status_of(person, campaign_id) == "CANCELLED"
        assert await person.fetchval("select count(*) from outbox") == 0


@pytest.mark.parametrize(("status", "paused"), [("RUNNING", False), ("PAUSED", True)])
async def test_an_uncertain_mail_keeps_no_lane_and_gets_one_when_it_is_retried(
    connection: Any, deployment: Deployment, status: str, paused: bool
) -> None:
    campaign_id = await make_campaign(connection)
    customer_id = await make_customer(connection)
    message_id = await make_message(connection, customer_id, campaign_id=campaign_id, status="UNCERTAIN")
    await insert(
        connection, "mailing_tally", mailing_id=await mailing_of(connection, campaign_id), shard=0, uncertain=1
    )

    assert await lifecycle.finish(connection) == []

    assert await status_of(connection, campaign_id) == "RUNNING"
    assert await connection.fetchval("select count(*) from lane where campaign_id = $1", campaign_id) == 0
    if status == "PAUSED":
        await lifecycle.pause(connection, campaign_id, "Kim")
    await retry(connection, MessageRef(customer_id=customer_id, message_id=message_id), "Dana", deployment)
    waiting = await connection.fetchrow(
        "select l.paused_at is not null as paused, o.attempt from outbox o join lane l on l.id = o.lane_id"
        " where l.campaign_id = $1",
        campaign_id,
    )
    assert tuple(waiting) == (paused, 1)


async def test_a_campaign_whose_uncertain_mail_was_settled_finishes_without_a_lane(
    connection: Any, deployment: Deployment
) -> None:
    campaign_id = await make_campaign(connection)
    customer_id = await make_customer(connection)
    message_id = await make_message(connection, customer_id, campaign_id=campaign_id, status="UNCERTAIN")
    await insert(
        connection, "mailing_tally", mailing_id=await mailing_of(connection, campaign_id), shard=0, uncertain=1
    )
    await lifecycle.finish(connection)

    await assume_sent(connection, MessageRef(customer_id=customer_id, message_id=message_id), "Dana", deployment)

    assert await lifecycle.finish(connection) == [campaign_id]
    assert await status_of(connection, campaign_id) == "FINISHED"


# Launch ----------------------------------------------------------------------------------------------------------


async def test_everything_that_stops_a_launch_is_said_at_once(connection: Any, deployment: Deployment) -> None:
    # Given a draft for nobody, whose sender has no postal address, and mailings with times that cannot be
    sender = await make_sender_version(connection, postal_address=None)
    version = await version_of(connection)
    excluded = await fixed_list(connection, [await make_customer(connection)])
    made = await make_draft(connection, version, excluded=[excluded], sender_version_id=sender)
    now = datetime.now(UTC)
    await connection.execute("update mailing set send_at = $1", now - timedelta(minutes=2))
    local = (now - timedelta(hours=13)).replace(tzinfo=None)
    last = await add_mailing(connection, made, version, local_time=local)
    third = await add_mailing(connection, made, version, after_days=2, after_minutes=0)
    await add_mailing(connection, made, version, after_days=1, after_minutes=0, not_opened_mailing_id=third)
    # When it is launched
    with pytest.raises(Refusals) as refused:
        await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # Then each has its refusal, and nothing changed
    assert [(one.code, one.message.partition(":")[0]) for one in refused.value.refusals] == [
        (RefusalCode.AUDIENCE_EMPTY, "The campaign is for nobody"),
        (RefusalCode.SCHEDULE_INVALID, "Mailing 1"),
        (RefusalCode.SCHEDULE_INVALID, "Mailing 2"),
        (RefusalCode.SCHEDULE_INVALID, "Mailing 4 is for those who did not open mailing 3"),
        (
            RefusalCode.POSTAL_ADDRESS_MISSING,
            "The sender has no postal address, which campaign mail must show",
        ),
    ]
    assert await status_of(connection, made) == "DRAFT"
    assert await connection.fetchval("select status::text from mailing where id = $1", last) == "DRAFT"


async def test_of_two_launches_at_once_one_is_refused(
    pool: asyncpg.Pool[Any], connection: Any, deployment: Deployment
) -> None:
    customer = await make_customer(connection)
    made = await drafts.create(connection, await order(connection, [customer]), deployment)

    async def launch_it() -> RefusalCode | None:
        async with pool.acquire() as other:
            try:
                await lifecycle.launch(other, made, uuid4().hex, deployment, actor="Dana")
            except Refusal as refusal:
                return refusal.code
        return None

    results = await asyncio.gather(*(launch_it() for _ in range(4)))

    assert sorted(results, key=str) == [RefusalCode.ILLEGAL_STATE] * 3 + [None]


async def test_a_campaign_is_scheduled_until_its_first_mailing_begins(connection: Any, deployment: Deployment) -> None:
    # Given a draft of two mailings, the first to go in an hour
    customers = await fixed_list(connection, [await make_customer(connection)])
    version = await version_of(connection)
    made = await make_draft(connection, version, lists=[customers])
    later = datetime.now(UTC) + timedelta(hours=1)
    await connection.execute("update mailing set send_at = $1", later)
    await add_mailing(connection, made, version, after_days=0, after_minutes=90)
    # When it is launched
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # Then it waits, with the values that it has now
    assert await status_of(connection, made) == "SCHEDULED"
    rows = await connection.fetch(
        "select g.*, c.launched_at from mailing g join campaign c on c.id = g.campaign_id order by g.number"
    )
    assert [row["due_at"] for row in rows] == [later, rows[1]["launched_at"] + timedelta(minutes=90)]
    assert {row["merge_data"]["first_name"] for row in rows} == {"you"}
    assert await freezing.freeze(connection) is None
    # And it runs once the first is due
    await connection.execute("update mailing set due_at = now() where number = 1")
    await freeze_all(connection)
    assert await status_of(connection, made) == "RUNNING"
    assert [row["status"] for row in await connection.fetch("select status::text from mailing order by number")] == [
        "RUNNING",
        "SCHEDULED",
    ]


async def test_a_campaign_that_waits_for_events_runs_without_an_audience(
    connection: Any, deployment: Deployment
) -> None:
    made = await make_draft(connection, await version_of(connection), kind="EVENT_BASED", repeat="ONCE_A_DAY")

    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")

    assert await lifecycle.finish(connection) == []
    assert await status_of(connection, made) == "RUNNING"
    row = await connection.fetchrow("select status::text, due_at, recipients from mailing")
    assert dict(row) == {"status": "RUNNING", "due_at": None, "recipients": 0}


async def test_a_campaign_without_a_mailing_is_not_launched(connection: Any, deployment: Deployment) -> None:
    made = await make_draft(connection, await version_of(connection), customers=[await make_customer(connection)])
    await connection.execute("delete from mailing")

    with pytest.raises(Refusal) as refused:
        await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    assert refused.value.code is RefusalCode.REQUIRED
