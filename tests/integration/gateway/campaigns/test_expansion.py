"""What becomes of an audience: messages in batches, held ones with their reason, nobody twice."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg

from gateway.campaigns import drafts, expansion, lifecycle
from gateway.campaigns.drafts import CampaignRecipient
from gateway.deployment import Deployment
from gateway.mail.source import SourceType
from gateway.settings import Settings
from tests.builders import insert, make_customer
from tests.integration.gateway.campaigns.orders import order, running, tally


async def test_opted_out_recipients_are_counted_and_suppressed_ones_held(
    connection: Any, deployment: Deployment
) -> None:
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

    assert await expansion.make_messages(connection, deployment) == 5

    assert await connection.fetchval("select opted_out from campaign where id = $1", made) == 2
    assert await tally(connection, made) == {"made": 3, "held": 1}
    held = await connection.fetchrow("select status, cause, advice from message where status = 'HELD'")
    assert held["cause"] == "SUPPRESSED"
    assert held["advice"]
    assert await connection.fetchval("select count(*) from outbox where opt_out_kind = 'MARKETING'") == 2


async def test_an_address_in_another_spelling_is_the_customers_and_stays_suppressed(
    connection: Any, deployment: Deployment
) -> None:
    # Given a customer whose address must not be mailed
    customer = await make_customer(connection, addresses=["free@customer.example", "Jörg@xn--bcher-kva.de"])
    key = await connection.fetchval("select address_key from customer_address where position = 1")
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="t")
    # When a campaign names it as a person would write it
    recipient = CampaignRecipient(customer_id=customer, address="jörg@Bücher.de", merge_data={"first_name": "Jörg"})
    made = await drafts.create(connection, await order(connection, [], recipients=(recipient,)), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment)
    await expansion.make_messages(connection, deployment)
    # Then the mail is held
    message = await connection.fetchrow("select recipient, status, cause from message")
    assert tuple(message) == ("Jörg@xn--bcher-kva.de", "HELD", "SUPPRESSED")
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_a_reserved_address_of_a_draft_from_when_they_were_allowed_is_held(
    connection: Any, deployment: Deployment, settings: Settings
) -> None:
    # Given a campaign made while reserved names were allowed
    customers = [await make_customer(connection, addresses=[address]) for address in ("a@b.example", "a@fabrikam.com")]
    made = await drafts.create(connection, await order(connection, customers), deployment)
    # When it is launched and made where they are not
    strict = Deployment.open(settings.model_copy(update={"allow_reserved_domains": False}))
    await lifecycle.launch(connection, made, uuid4().hex, strict)
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
