"""How an audience is frozen: who is mailed, who is left out and why, an address once, and what a kill leaves."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import asyncpg

from gateway.campaigns import drafts, expansion, freezing, lifecycle
from gateway.deployment import Deployment
from tests.builders import insert, mailing_of, make_customer
from tests.integration.gateway.campaigns.orders import launch, order, status_of, tally


async def left_out(connection: Any, campaign_id: UUID) -> dict[int, str]:
    """Why each customer is left out."""
    rows = await connection.fetch(
        "select customer_id, reason::text from mailing_left_out where mailing_id = $1 order by customer_id",
        await mailing_of(connection, campaign_id),
    )
    return {row["customer_id"]: row["reason"] for row in rows}


async def recipients(connection: Any, campaign_id: UUID) -> list[int]:
    """Who is mailed, in the order it is sent."""
    rows = await connection.fetch(
        "select customer_id from mailing_recipient where mailing_id = $1 order by due_at, customer_id",
        await mailing_of(connection, campaign_id),
    )
    return [row["customer_id"] for row in rows]


async def test_each_customer_that_is_left_out_has_its_reason(connection: Any, deployment: Deployment) -> None:
    # Given one customer for each reason, and one for none
    names = ["fine", "chose", "address", "holder", "suppressed", "homeless", "erased", "lacks"]
    customers = {name: await make_customer(connection, addresses=[f"{name}@customer.example"]) for name in names}
    shared = await make_customer(connection, addresses=["holder@customer.example"])
    made = await drafts.create(connection, await order(connection, list(customers.values())), deployment)
    keys = {
        row["address"].partition("@")[0]: row["address_key"]
        for row in await connection.fetch("select address, address_key from customer_address")
    }
    values = {"kind": "MARKETING", "source": "STAFF", "actor": "t"}
    await insert(connection, "opt_out", customer_id=customers["chose"], **values)
    await insert(connection, "opt_out", customer_id=shared, **values)
    await insert(connection, "address_opt_out", address_key=keys["address"], **values)
    await insert(connection, "suppression", address_key=keys["suppressed"], reason="COMPLAINT", actor="t")
    await connection.execute("delete from customer_address where customer_id = $1", customers["homeless"])
    await connection.execute("update customer set erased_at = now() where id = $1", customers["erased"])
    await connection.execute(
        "update campaign_customer set merge_data = '{}' where customer_id = $1", customers["lacks"]
    )
    # When the audience is frozen
    await launch(connection, made, deployment)
    # Then each has its reason: of `holder`, another customer with the address chose not to get this kind
    assert await left_out(connection, made) == {
        customers["chose"]: "OPTED_OUT",
        customers["address"]: "OPTED_OUT",
        customers["holder"]: "OPTED_OUT",
        customers["suppressed"]: "SUPPRESSED",
        customers["homeless"]: "NO_ADDRESS",
        customers["erased"]: "ERASED",
        customers["lacks"]: "MERGE_FIELD_MISSING",
    }
    assert await recipients(connection, made) == [customers["fine"]]
    assert await tally(connection, made) == {
        "left_out_opted_out": 3,
        "left_out_suppressed": 1,
        "left_out_no_address": 1,
        "left_out_erased": 1,
        "left_out_merge_field_missing": 1,
    }


async def test_an_address_is_mailed_once_for_the_customer_with_the_lowest_id(
    connection: Any, deployment: Deployment
) -> None:
    # Given three customers with one address, of whom the first cannot be mailed
    customers = [await make_customer(connection, addresses=["info@customer.example"]) for _ in range(3)]
    made = await drafts.create(connection, await order(connection, customers[::-1]), deployment)
    await connection.execute("update customer set erased_at = now() where id = $1", customers[0])
    # When the audience is frozen, whether in one batch or in several
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    while await freezing.freeze(connection, batch=1) is not None:
        pass
    # Then the next one keeps it
    assert await recipients(connection, made) == [customers[1]]
    assert await left_out(connection, made) == {customers[0]: "ERASED", customers[2]: "DUPLICATE_ADDRESS"}


async def test_freezing_goes_on_where_it_was_cut(
    pool: asyncpg.Pool[Any], connection: Any, deployment: Deployment
) -> None:
    # Given five customers, and a worker killed within its second batch
    customers = [await make_customer(connection) for _ in range(5)]
    made = await drafts.create(connection, await order(connection, customers), deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    assert await freezing.freeze(connection, batch=2) == 2
    async with pool.acquire() as killed:
        transaction = killed.transaction()
        await transaction.start()
        assert await freezing.freeze(killed, batch=2) == 2
        # Beside it nobody freezes the same, and nothing is made yet
        assert await freezing.freeze(connection, batch=2) is None
        await transaction.rollback()
    assert await expansion.make_messages(connection, deployment) is None
    # When another goes on
    assert [await freezing.freeze(connection, batch=2) for _ in range(3)] == [2, 1, None]
    # Then everybody is in it once
    assert await recipients(connection, made) == customers
    assert await expansion.make_messages(connection, deployment) == 5


async def test_a_campaign_of_which_everybody_is_left_out_finishes(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection)
    made = await drafts.create(connection, await order(connection, [customer]), deployment)
    await insert(connection, "opt_out", customer_id=customer, kind="MARKETING", source="STAFF", actor="t")
    await launch(connection, made, deployment)

    assert await lifecycle.finish(connection) == [made]
    assert await status_of(connection, made) == "FINISHED"
