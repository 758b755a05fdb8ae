"""Event-based campaigns: who is mailed for what happened, when, and how often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.campaigns import lifecycle
from gateway.campaigns.events import CampaignTrigger, make_triggered, trigger
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from tests.builders import NOON, insert, make_campaign, make_customer, make_sender_version, make_template_version
from tests.engine import Start, empty, start
from tests.eventually import eventually
from tests.integration.gateway.campaigns.interleaving import interleave
from tests.integration.gateway.campaigns.orders import publish, tally
from tests.smtp_server import SmtpServer

__all__ = ["start"]


async def waiting_campaign(connection: Any, **values: Any) -> UUID:
    """An event-based campaign under way that waits for events."""
    template = await connection.fetchval(
        "select id from template_version where template_id = $1", await publish(connection)
    )
    return await make_campaign(connection, kind="EVENT_BASED", template_version_id=template, **values)


def event(campaign_id: UUID, customer_id: int, **values: Any) -> CampaignTrigger:
    """A customer's system was installed."""
    usual: dict[str, Any] = {"event": "Installed", "data": {"first_name": "Ann"}, "idempotency_key": uuid4().hex}
    return CampaignTrigger(campaign_id=campaign_id, customer_id=customer_id, **(usual | values))


async def refused(connection: Any, given: CampaignTrigger, deployment: Deployment) -> list[RefusalCode]:
    """Why an event makes nothing."""
    with pytest.raises((Refusal, Refusals)) as raised:
        await trigger(connection, given, "Dana", deployment)
    error: Any = raised.value
    return [one.code for one in (error.refusals if isinstance(error, Refusals) else [error])]


async def test_an_event_is_followed_by_its_mail_which_says_what_happened(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a campaign that waits, whose lane has gone since nothing waited in it
    campaign_id = await waiting_campaign(connection)
    customer = await make_customer(connection)
    assert await lifecycle.finish(connection) == []
    # When it is told of an event
    await trigger(connection, event(campaign_id, customer), "Dana", deployment)
    start()

    async def sent() -> bool:
        return await tally(connection, campaign_id) == {"made": 1, "accepted": 1}

    await eventually(sent, "the mail")
    # Then the customer has its mail, with the event's values, and its history says what happened and who told
    message = await connection.fetchrow("select id, subject, occurrence from message where customer_id = $1", customer)
    assert message["subject"] == "News for Ann"
    told = await connection.fetchrow("select kind::text, actor, data from event where message_id = $1", message["id"])
    assert tuple(told) == ("TRIGGERED", "Dana", {"event": "Installed"})
    # And the campaign goes on waiting
    await empty(connection)
    assert await lifecycle.finish(connection) == []
    assert await connection.fetchval("select audience_size($1)", campaign_id) == 1


async def test_a_campaign_that_only_leaves_lists_out_goes_on_waiting(connection: Any) -> None:
    campaign_id = await waiting_campaign(connection)
    staff = await insert(connection, "customer_list", name="Staff", kind="FIXED", actor="test")
    await insert(connection, "campaign_list", campaign_id=campaign_id, list_id=staff["id"], excluded=True)
    assert await lifecycle.finish(connection) == []


async def test_the_same_key_again_finds_the_first_event(connection: Any, deployment: Deployment) -> None:
    campaign_id = await waiting_campaign(connection)
    given = event(campaign_id, await make_customer(connection))

    first = await trigger(connection, given, "Dana", deployment)
    assert await trigger(connection, given, "Dana", deployment) == first

    assert await connection.fetchval("select count(*) from mailing_recipient") == 1
    other = event(campaign_id, await make_customer(connection), idempotency_key=given.idempotency_key)
    assert await refused(connection, other, deployment) == [RefusalCode.IDEMPOTENCY_CONFLICT]


@pytest.mark.parametrize(("repeat", "again"), [("ONCE_A_DAY", True), ("ONCE", False)])
async def test_a_customer_is_mailed_once_a_day_of_its_own_or_once_ever(
    connection: Any, deployment: Deployment, repeat: str, again: bool
) -> None:
    # Given a customer that an event was told of
    campaign_id = await waiting_campaign(connection, repeat=repeat)
    customer = await make_customer(connection, time_zone="Pacific/Kiritimati")
    first = await trigger(connection, event(campaign_id, customer), "Dana", deployment)
    if repeat == "ONCE_A_DAY":
        assert first.occurrence == (datetime.now(UTC) + timedelta(hours=14)).date().isoformat()
    # When it happens again on the same day
    assert await refused(connection, event(campaign_id, customer), deployment) == [RefusalCode.TOO_OFTEN]
    # Then another day comes, it depends on the campaign
    await connection.execute("update campaign_trigger set occurrence = '2020-01-01' where occurrence like '2%'")
    await connection.execute("update triggered_recipient set occurrence = '2020-01-01' where occurrence like '2%'")
    await connection.execute("update mailing_recipient set occurrence = '2020-01-01' where occurrence like '2%'")
    if again:
        await trigger(connection, event(campaign_id, customer), "Dana", deployment)
    else:
        assert await refused(connection, event(campaign_id, customer), deployment) == [RefusalCode.TOO_OFTEN]
    # And both mails are made, of one customer and one mailing
    assert await make_triggered(connection, deployment) == 1 + again
    assert await connection.fetchval("select count(*) from message") == 1 + again


async def test_who_has_a_time_zone_that_is_not_known_has_the_senders_day(
    connection: Any, deployment: Deployment
) -> None:
    # Given a customer with a zone that there is not, and senders with one that there is, and with another
    for zone, hours in (("Pacific/Kiritimati", 14), ("Mars/Olympus", 0)):
        sender = await make_sender_version(connection, time_zone=zone)
        campaign_id = await waiting_campaign(connection, sender_version_id=sender, repeat="ONCE_A_DAY")
        customer = await make_customer(connection, time_zone="Mars/Olympus")
        # When something happens to the customer, then it is the sender's day, or else that of UTC, as in a freezing
        made = await trigger(connection, event(campaign_id, customer), "Dana", deployment)
        assert made.occurrence == (datetime.now(UTC) + timedelta(hours=hours)).date().isoformat()


async def test_several_events_at_once_make_one_mail(pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
    async with pool.acquire() as connection:
        campaign_id, customer = await waiting_campaign(connection), await make_customer(connection)

    async def tell() -> str:
        async with pool.acquire() as own:
            try:
                return (await trigger(own, event(campaign_id, customer), "Dana", deployment)).occurrence
            except Refusal as refusal:
                return refusal.code

    told = await asyncio.gather(*(tell() for _ in range(4)))
    assert sorted(told)[1:] == [RefusalCode.TOO_OFTEN] * 3
    async with pool.acquire() as connection:
        assert await connection.fetchval("select sum(events) from mailing") == 1


@pytest.mark.parametrize("beside", ["trigger", "cancel"])
async def test_what_happens_while_messages_of_events_are_made_does_not_deadlock_with_that(
    pool: asyncpg.Pool[Any], deployment: Deployment, beside: str
) -> None:
    # Given a campaign that was told of an event
    for first in range(3, 8):
        async with pool.acquire() as connection:
            campaign_id, customer = await waiting_campaign(connection), await make_customer(connection)
            await trigger(connection, event(campaign_id, customer), "Dana", deployment)
            another = event(campaign_id, await make_customer(connection))

        async def make(own: Any) -> None:
            await make_triggered(own, deployment)

        async def meanwhile(own: Any, campaign_id: UUID = campaign_id, another: CampaignTrigger = another) -> None:
            if beside == "cancel":
                await lifecycle.cancel(own, campaign_id, "Dana")
            else:
                await trigger(own, another, "Dana", deployment)

        # When another comes, or it is cancelled, at any moment while a worker makes its message
        for turns in ([0] * first + [1] * 12, [1] * first + [0] * 12, [0, 1] * 12):
            await interleave(pool, [(make, None), (meanwhile, None)], turns, ignored=(Refusal,))
        # Then neither waits for what the other has
        async with pool.acquire() as connection:
            await connection.execute("select pg_stat_force_next_flush()")
            query = "select deadlocks from pg_stat_database where datname = current_database()"
            assert await connection.fetchval(query) == 0


async def test_mail_that_follows_later_is_made_shortly_before_it_is_due(
    connection: Any, deployment: Deployment
) -> None:
    # Given a campaign of two mailings: at once, and two days later, not before nine in the customer's morning
    campaign_id = await waiting_campaign(connection)
    template = await connection.fetchval("select template_version_id from mailing where campaign_id = $1", campaign_id)
    later = await insert(
        connection, "mailing", campaign_id=campaign_id, number=2, status="RUNNING", template_version_id=template,
        after_days=2, after_minutes=0, not_before=time(9), frozen_at=datetime.now(UTC),
    )  # fmt: skip
    customer = await make_customer(connection, time_zone="America/New_York")
    # When an event is told
    await trigger(connection, event(campaign_id, customer), "Dana", deployment)
    assert [await make_triggered(connection, deployment) for _ in range(2)] == [1, None]
    # Then the second mailing waits for its time
    due = await connection.fetchval("select due_at from triggered_recipient where mailing_id = $1", later["id"])
    assert timedelta(days=2) <= due - datetime.now(UTC) + timedelta(minutes=1) < timedelta(days=3)
    await connection.execute("update mailing_recipient set due_at = $2 where mailing_id = $1", later["id"], NOON)
    await connection.execute("update triggered_recipient set due_at = $1", NOON)
    assert await make_triggered(connection, deployment) == 1
    assert await tally(connection, campaign_id) == {"made": 2}


async def test_what_waits_is_cancelled_with_its_campaign(connection: Any, deployment: Deployment) -> None:
    campaign_id = await waiting_campaign(connection)
    for number in range(3):
        await trigger(connection, event(campaign_id, await make_customer(connection)), "Dana", deployment)
        if number == 0:
            await make_triggered(connection, deployment)

    assert await lifecycle.cancel(connection, campaign_id, "Kim") == 1

    assert await tally(connection, campaign_id) == {"made": 1, "cancelled": 3}
    assert await make_triggered(connection, deployment) is None


async def test_a_paused_campaign_takes_events_whose_mail_waits(connection: Any, deployment: Deployment) -> None:
    campaign_id = await waiting_campaign(connection, status="PAUSED")
    await trigger(connection, event(campaign_id, await make_customer(connection)), "Dana", deployment)
    assert await make_triggered(connection, deployment) is None
    await lifecycle.resume(connection, campaign_id, actor="Dana")
    assert await make_triggered(connection, deployment) == 1


async def test_an_event_that_makes_nothing_says_why(connection: Any, deployment: Deployment) -> None:
    campaign_id = await waiting_campaign(connection)
    chose, suppressed, erased, homeless = [await make_customer(connection) for _ in range(4)]
    shares = await make_customer(
        connection,
        addresses=[await connection.fetchval("select address from customer_address where customer_id = $1", chose)],
    )
    await insert(connection, "opt_out", customer_id=chose, kind="EVENT_BASED", source="STAFF", actor="t")
    key = await connection.fetchval("select address_key from customer_address where customer_id = $1", suppressed)
    await insert(connection, "suppression", address_key=key, reason="BAD_ADDRESS", actor="t")
    await connection.execute("update customer set erased_at = now() where id = $1", erased)
    await connection.execute("delete from customer_address where customer_id = $1", homeless)
    marketing, over = await make_campaign(connection), await waiting_campaign(connection)
    await lifecycle.cancel(connection, over, "Kim")
    fine = await make_customer(connection)
    for given, codes in [
        (event(campaign_id, chose), ["OPTED_OUT"]),
        (event(campaign_id, shares), ["OPTED_OUT"]),
        (event(campaign_id, suppressed), ["SUPPRESSED"]),
        (event(campaign_id, erased), ["ERASED"]),
        (event(campaign_id, homeless), ["ADDRESS_INVALID"]),
        (event(campaign_id, fine, address="another@customer.example"), ["ADDRESS_INVALID"]),
        (event(campaign_id, 10**6), ["NOT_FOUND"]),
        (event(uuid4(), fine), ["NOT_FOUND"]),
        (event(marketing, fine), ["ILLEGAL_STATE"]),
        (event(over, fine), ["ILLEGAL_STATE"]),
        (event(campaign_id, fine, data={}), ["MERGE_FIELD_MISSING"]),
        (event(campaign_id, fine, event=" ", data=[], idempotency_key=""), ["REQUIRED", "REQUIRED", "INVALID"]),
        (event(campaign_id, fine, event="x" * 256), ["TOO_LONG"]),
        (event(campaign_id, fine, address="\ud800@x.example"), ["INVALID"]),
        (event(campaign_id, fine, address="a\0@x.example"), ["INVALID"]),
        (event(campaign_id, fine, event="a\nb"), ["HEADER_INJECTION"]),
        (event(campaign_id, fine, event="Paid by 4111 1111 1111 1111"), ["CARD_NUMBER"]),
    ]:
        assert await refused(connection, given, deployment) == codes, given
    assert await connection.fetchval("select count(*) from campaign_trigger") == 0
    assert await connection.fetchval("select sum(events) from mailing") == 0


async def test_who_is_suppressed_before_the_mail_is_handed_off_is_held(
    connection: Any, deployment: Deployment, start: Start
) -> None:
    campaign_id = await waiting_campaign(connection)
    customer = await make_customer(connection)
    await trigger(connection, event(campaign_id, customer), "Dana", deployment)
    await make_triggered(connection, deployment)
    key = await connection.fetchval("select address_key from customer_address where customer_id = $1", customer)
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", scope="CAMPAIGNS", actor="t")
    start()
    await empty(connection)
    assert await tally(connection, campaign_id) == {"made": 1, "held": 1}


async def test_however_many_campaigns_wait_for_events_another_one_is_finished(connection: Any) -> None:
    # Given more campaigns that wait, and whose lanes have gone, than are looked at at once
    template, sender = await make_template_version(connection), await make_sender_version(connection)
    alike = {"template_version_id": template, "sender_version_id": sender}
    for _ in range(1001):
        await make_campaign(connection, kind="EVENT_BASED", **alike)
    over = await make_campaign(connection, **alike)
    # When campaigns are finished, again and again
    finished = [await lifecycle.finish(connection) for _ in range(2)]
    # Then the one that is over is among them
    assert finished == [[], [over]]


async def test_a_campaign_that_waits_for_events_goes_on_when_it_only_has_exclusions(
    connection: Any, deployment: Deployment
) -> None:
    campaign_id = await waiting_campaign(connection)
    made = await insert(connection, "customer_list", name="Never", kind="FIXED", actor="t")
    await insert(connection, "campaign_list", campaign_id=campaign_id, list_id=made["id"], excluded=True)
    assert [await lifecycle.finish(connection) for _ in range(2)] == [[], []]
    await trigger(connection, event(campaign_id, await make_customer(connection)), "Dana", deployment)
