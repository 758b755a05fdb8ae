"""How an audience is frozen: who is mailed, who is left out and why, an address once, and what a kill leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from gateway.campaigns import drafts, expansion, freezing, lifecycle
from gateway.campaigns.schedules import FREEZE_AHEAD
from gateway.deployment import Deployment
from tests.builders import insert, mailing_of, make_customer, make_message, make_sender_version
from tests.integration.gateway.campaigns.audiences import (
    DUE,
    add_mailing,
    dynamic_list,
    fixed_list,
    freeze_all,
    frozen,
    make_draft,
    version_of,
)
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


async def test_the_audience_is_lists_minus_lists_plus_customers_one_by_one(
    connection: Any, deployment: Deployment
) -> None:
    # Given members of lists of both kinds, of whom some are in excluded lists, one of these being named, too
    fixed, tagged, both, kept_out, _, named = [
        await make_customer(connection, tags=tags) for tags in ([], ["vip"], ["vip"], [], ["vip", "test"], [])
    ]
    lists = [await fixed_list(connection, [fixed, both, kept_out, named]), await dynamic_list(connection, "vip")]
    excluded = [await fixed_list(connection, [kept_out, named]), await dynamic_list(connection, "test")]
    made = await make_draft(connection, await version_of(connection), lists=lists, excluded=excluded, customers=[named])
    # When it is launched
    await launch(connection, made, deployment)
    # Then each is in it once, and nobody else is even left out
    assert await recipients(connection, made) == [fixed, tagged, both, named]
    assert await left_out(connection, made) == {}


async def test_a_batch_looks_at_no_more_customers_for_a_dynamic_list_than_it_has(
    connection: Any, deployment: Deployment
) -> None:
    # Given a list of which the fifth of five customers is a member, and another one in its range
    customers = [await make_customer(connection, tags=["vip"] if number == 4 else []) for number in range(5)]
    lists = [await dynamic_list(connection, "vip"), await dynamic_list(connection, "gold")]
    made = await make_draft(connection, await version_of(connection), lists=lists)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # When it is frozen in batches of four, two customers for each of the lists
    assert [await freezing.freeze(connection, batch=4) for _ in range(4)] == [0, 0, 1, None]
    # Then it is complete
    assert await recipients(connection, made) == customers[4:]


async def test_a_campaign_of_an_empty_list_finishes(connection: Any, deployment: Deployment) -> None:
    made = await make_draft(connection, await version_of(connection), lists=[await fixed_list(connection)])
    await launch(connection, made, deployment)

    assert await lifecycle.finish(connection) == [made]
    assert await status_of(connection, made) == "FINISHED"


async def test_a_reminder_leaves_out_whom_and_whose_address_is_known_to_have_opened(
    connection: Any, deployment: Deployment
) -> None:
    # Given a mailing that two customers got, one of whom opened it; another customer has the same address as that one
    opener = await make_customer(connection, addresses=["home@customer.example"])
    other = await make_customer(connection)
    housemate = await make_customer(connection, addresses=["home@customer.example"])
    members = await fixed_list(connection, [opener, other, housemate])
    version = await version_of(connection)
    made = await make_draft(connection, version, lists=[members])
    first = await mailing_of(connection, made)
    later = datetime.now(UTC) + timedelta(hours=1)
    reminder = await add_mailing(connection, made, version, not_opened_mailing_id=first, send_at=later)
    await launch(connection, made, deployment)
    assert await frozen(connection, first) | {housemate: ""} == {
        opener: "home@customer.example",
        other: await connection.fetchval("select address from customer_address where customer_id = $1", other),
        housemate: "",
    }
    for customer_id, opened_at in ((opener, DUE), (other, None)):
        await make_message(connection, customer_id, campaign_id=made, status="ACCEPTED", opened_at=opened_at)
    # When the reminder is due
    await connection.execute("update mailing set due_at = now() where id = $1", reminder)
    await freeze_all(connection)
    # Then only the other one is in it
    assert list(await frozen(connection, reminder)) == [other]


# Local times -----------------------------------------------------------------------------------------------------


async def test_each_customer_of_a_mailing_at_a_local_time_has_a_moment_of_its_own(
    connection: Any, deployment: Deployment
) -> None:
    # Given customers of zones without changes of clocks, and of none, and a time that is first due in half an hour
    zones = ["Pacific/Kiritimati", "Asia/Tokyo", "Nowhere/Land", None, "Etc/GMT+12"]
    customers = [await make_customer(connection, time_zone=zone) for zone in zones]
    sender = await make_sender_version(connection, postal_address="1 Main", time_zone="America/Lima")
    members = await fixed_list(connection, customers)
    made = await make_draft(connection, await version_of(connection), lists=[members], sender_version_id=sender)
    local = (datetime.now(UTC) + FREEZE_AHEAD + timedelta(hours=14, minutes=2)).replace(tzinfo=None, microsecond=0)
    await connection.execute("update mailing set local_time = $1", local)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # When that is still too long off, nothing is frozen
    assert await freezing.freeze(connection) is None
    assert await status_of(connection, made) == "SCHEDULED"
    # When the launch is taken to have been three minutes ago
    await connection.execute(
        "update mailing set local_time = local_time - interval '3 minutes', due_at = due_at - interval '3 minutes'"
    )
    await freeze_all(connection, batch=2)
    # Then everybody's mail is due at that time of its own zone, or of the sender's
    assert await status_of(connection, made) == "RUNNING"
    rows = await connection.fetch(
        "select r.customer_id, r.due_at at time zone coalesce(z.name, 'America/Lima') as shown"
        " from mailing_recipient r join customer c on c.id = r.customer_id"
        " left join pg_timezone_names z on z.name = c.time_zone order by r.due_at, r.customer_id"
    )
    assert {row["shown"] for row in rows} == {local - timedelta(minutes=3)}
    assert [row["customer_id"] for row in rows] == customers
    # And messages are made only of what is due soon
    await connection.execute("update mailing_recipient set due_at = now() where customer_id = $1", customers[0])
    assert await expansion.make_messages(connection, deployment) == 1
    assert await expansion.make_messages(connection, deployment) is None


# Pauses, cancels, series -----------------------------------------------------------------------------------------


async def test_a_paused_campaign_freezes_no_further_until_it_is_resumed(
    connection: Any, deployment: Deployment
) -> None:
    # Given a campaign that is paused before it begins, and resumed, and paused again within its freezing
    customers = [await make_customer(connection) for _ in range(4)]
    made = await make_draft(connection, await version_of(connection), lists=[await fixed_list(connection, customers)])
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await lifecycle.pause(connection, made, "Dana")
    assert await freezing.freeze(connection, batch=3) is None
    await lifecycle.resume(connection, made, actor="Dana")
    assert await freezing.freeze(connection, batch=3) == 3
    await lifecycle.pause(connection, made, "Dana")
    assert await freezing.freeze(connection, batch=3) is None
    assert await expansion.make_messages(connection, deployment) is None
    # When it goes on
    await lifecycle.resume(connection, made, actor="Dana")
    await freeze_all(connection, batch=3)
    # Then nobody is lost
    assert await recipients(connection, made) == customers
    assert await expansion.make_messages(connection, deployment) == 4


async def test_a_campaign_cancelled_within_its_freezing_adds_up(connection: Any, deployment: Deployment) -> None:
    customers = [await make_customer(connection) for _ in range(4)]
    await insert(connection, "opt_out", customer_id=customers[0], kind="MARKETING", source="STAFF", actor="t")
    made = await make_draft(connection, await version_of(connection), lists=[await fixed_list(connection, customers)])
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await freezing.freeze(connection, batch=3)

    await lifecycle.cancel(connection, made, "Dana")

    assert await freezing.freeze(connection, batch=3) is None
    assert await tally(connection, made) == {"cancelled": 2, "left_out_opted_out": 1}
    mailing = await connection.fetchrow("select status::text, recipients, left_out from mailing")
    assert dict(mailing) == {"status": "CANCELLED", "recipients": 2, "left_out": 1}


async def test_mailings_of_a_series_are_frozen_each_in_its_time_and_the_campaign_ends_with_the_last(
    connection: Any, deployment: Deployment
) -> None:
    # Given a series of two, the second a day after the launch
    customer, late = await make_customer(connection), await make_customer(connection)
    members = await fixed_list(connection, [customer])
    version = await version_of(connection)
    made = await make_draft(connection, version, lists=[members])
    first = await mailing_of(connection, made)
    second = await add_mailing(connection, made, version, after_days=1, after_minutes=0)
    await insert(connection, "opt_out", customer_id=customer, kind="MARKETING", source="STAFF", actor="t")
    await launch(connection, made, deployment)
    # When the first is over, then the campaign is not
    assert await lifecycle.finish(connection) == []
    assert [row["status"] for row in await connection.fetch("select status::text from mailing order by id")] == [
        "FINISHED",
        "SCHEDULED",
    ]
    assert await status_of(connection, made) == "RUNNING"
    # When the second's time comes, then it has the list as it is then, and ends the campaign
    await insert(connection, "list_member", list_id=members, customer_id=late, actor="test")
    await insert(connection, "opt_out", customer_id=late, kind="MARKETING", source="STAFF", actor="t")
    assert await connection.fetchval("select due_at - now() > interval '23 h' from mailing where id = $1", second)
    await connection.execute("update mailing set due_at = now() where id = $1", second)
    await freeze_all(connection)
    assert await lifecycle.finish(connection) == [made]
    assert (await frozen(connection, first), await frozen(connection, second)) == (
        {customer: "OPTED_OUT"},
        {customer: "OPTED_OUT", late: "OPTED_OUT"},
    )
