"""What becomes of an audience: messages in batches, held ones with their reason, nobody twice."""

from __future__ import annotations

from typing import Any

import asyncpg

from gateway.campaigns import drafts, expansion
from gateway.campaigns.drafts import CampaignRecipient
from gateway.deployment import Deployment
from gateway.mail.source import SourceType
from gateway.settings import Settings
from tests.builders import insert, make_customer
from tests.engine import Start, empty, start
from tests.integration.gateway.campaigns.orders import PAGE, launch, order, publish, running, tally
from tests.smtp_server import SmtpServer

__all__ = ["start"]


async def test_who_opted_out_or_is_suppressed_once_the_audience_is_frozen_is_held_at_the_hand_off(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a frozen audience, of which three must not be mailed any more
    made, customers = await running(connection, deployment, 5)
    await insert(connection, "opt_out", customer_id=customers[0], kind="MARKETING", source="STAFF", actor="t")
    await insert(connection, "opt_out", customer_id=customers[1], kind="EVENT_BASED", source="STAFF", actor="t")
    keys = await connection.fetch(
        "select address_key from customer_address where customer_id = any($1)", customers[2:4]
    )
    await insert(
        connection, "address_opt_out", address_key=keys[0]["address_key"], kind="MARKETING", source="LINK", actor="c"
    )
    await insert(connection, "suppression", address_key=keys[1]["address_key"], reason="COMPLAINT", actor="t")
    # When its messages are made and sent
    assert await expansion.make_messages(connection, deployment) == 5
    start()
    await empty(connection)
    # Then they are held, each with its cause
    assert await tally(connection, made) == {"made": 5, "held": 3, "accepted": 2}
    rows = await connection.fetch("select customer_id, cause from message where status = 'HELD' order by customer_id")
    assert [tuple(row) for row in rows] == [
        (customers[0], "OPTED_OUT"),
        (customers[2], "OPTED_OUT"),
        (customers[3], "SUPPRESSED"),
    ]
    assert len(smtp_server.taken) == 2


async def test_an_address_in_another_spelling_is_the_customers_and_stays_suppressed(
    connection: Any, deployment: Deployment
) -> None:
    # Given a customer whose address must not be mailed
    customer = await make_customer(connection, addresses=["free@customer.example", "Jörg@xn--bcher-kva.de"])
    key = await connection.fetchval("select address_key from customer_address where position = 1")
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="t")
    # When a campaign names it as a person would write it, and its audience is frozen
    recipient = CampaignRecipient(customer_id=customer, address="jörg@Bücher.de", merge_data={"first_name": "Jörg"})
    made = await drafts.create(connection, await order(connection, [], recipients=(recipient,)), deployment)
    await launch(connection, made, deployment)
    # Then the customer is left out
    assert (
        await connection.fetchval("select reason from mailing_left_out where customer_id = $1", customer)
        == "SUPPRESSED"
    )
    assert await expansion.make_messages(connection, deployment) is None


async def test_a_reserved_address_of_a_draft_from_when_they_were_allowed_is_held(
    connection: Any, deployment: Deployment, settings: Settings
) -> None:
    # Given a campaign made while reserved names were allowed
    customers = [await make_customer(connection, addresses=[address]) for address in ("a@b.example", "a@fabrikam.com")]
    made = await drafts.create(connection, await order(connection, customers), deployment)
    # When it is launched and made where they are not
    strict = Deployment.open(settings.model_copy(update={"allow_reserved_domains": False}))
    await launch(connection, made, strict)
    await expansion.make_messages(connection, strict)
    # Then only the other one's mail is queued
    rows = await connection.fetch("select recipient, status, cause from message order by recipient")
    assert [tuple(row) for row in rows] == [("a@b.example", "HELD", "BAD_ADDRESS"), ("a@fabrikam.com", "QUEUED", None)]
    assert await connection.fetchval("select count(*) from outbox") == 1


async def test_messages_are_made_in_batches_and_only_a_look_ahead(connection: Any, deployment: Deployment) -> None:
    made, _ = await running(connection, deployment, 10)

    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 4
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 4
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) is None
    await connection.execute("delete from outbox")
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) == 2
    assert await expansion.make_messages(connection, deployment, batch=4, look_ahead=6) is None
    assert await tally(connection, made) == {"made": 10}


async def test_two_workers_make_each_message_once(
    pool: asyncpg.Pool[Any], connection: Any, deployment: Deployment
) -> None:
    made, _ = await running(connection, deployment, 6)
    async with pool.acquire() as one, pool.acquire() as other, one.transaction():
        assert await expansion.make_messages(one, deployment, batch=3) == 3
        assert await expansion.make_messages(other, deployment, batch=3) is None
    assert await expansion.make_messages(connection, deployment, batch=3) == 3
    assert await tally(connection, made) == {"made": 6}


async def test_a_campaigns_mail_knows_whether_an_uncertain_try_is_followed_by_one_more(
    connection: Any, settings: Settings
) -> None:
    for chosen in ((SourceType.CAMPAIGN,), (SourceType.WORK_ORDER,)):
        deployment = Deployment.open(settings.model_copy(update={"retry_once": chosen}))
        await running(connection, deployment, 1)
        await expansion.make_messages(connection, deployment)

    rows = await connection.fetch("select retry_once from outbox order by message_id")
    assert [row["retry_once"] for row in rows] == [True, False]


async def test_a_customer_who_lost_a_value_that_the_mail_needs_is_held(connection: Any, deployment: Deployment) -> None:
    # Given an audience that was frozen while all had the value
    template = await publish(
        connection, PAGE + "{{ customer.attributes.city }}", subject="To {{ customer.attributes.b }}"
    )
    customers = [await make_customer(connection, attributes={"city": "Rom", "b": True}) for _ in range(2)]
    made = await drafts.create(connection, await order(connection, customers, template_id=template), deployment)
    await launch(connection, made, deployment)
    # When one loses it before the messages are made
    await connection.execute("update customer set attributes = '{}' where id = $1", customers[0])
    assert await expansion.make_messages(connection, deployment) == 2
    # Then its message says so, and the other's is queued
    rows = await connection.fetch("select status, cause, advice, subject from message order by customer_id")
    assert [(row["status"], row["cause"], row["subject"]) for row in rows] == [
        ("HELD", "OUR_CONFIGURATION", "To"), ("QUEUED", None, "To true")
    ]  # fmt: skip
    assert "lost a value" in rows[0]["advice"]
    assert await connection.fetchval("select count(*) from outbox") == 1
