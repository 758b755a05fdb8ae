"""What campaigns will still send a customer is what freezing their audiences would make of it now."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.campaigns import lists
from gateway.mail.campaign import LeftOutReason
from service.database import Statement
from service.graph.recipient_lists import CustomerCampaigns
from tests.builders import insert, make_customer, make_message
from tests.examples import examples
from tests.integration.gateway.campaigns.audience_model import PAGE, expected, populate
from tests.integration.gateway.campaigns.audiences import add_mailing, fixed_list, make_draft, version_of

LATER = datetime.now(UTC) + timedelta(days=1)
NOT_LOOKED_FOR = {LeftOutReason.DUPLICATE_ADDRESS, LeftOutReason.MERGE_FIELD_MISSING}
"""An address that another customer keeps is reached all the same; fields are compared when the audience is frozen."""


async def fetch(connection: Any, wanted: Statement, **values: Any) -> list[Any]:
    found: list[Any] = await connection.fetch(wanted.sql, *(values[name] for name in wanted.parameters))
    return found


async def dynamic_lists(connection: Any, customer_id: int) -> list[int]:
    return (await lists.dynamic_lists_of(connection, [customer_id]))[customer_id]


async def upcoming(connection: Any, customer_id: int) -> list[tuple[int, str]]:
    """Mailings to come of a customer, each with the address."""
    found = CustomerCampaigns(
        fetch=partial(fetch, connection),
        dynamic_lists=partial(dynamic_lists, connection),
        customer_id=customer_id,
        upcoming=True,
    )
    rows = await found.rows(found.start, 50)
    assert (await found.count()).value == len(rows)
    return [(row["mailing_id"], row["address"]) for row in rows]


async def schedule(connection: Any) -> None:
    await connection.execute("update campaign set status = 'RUNNING', launched_at = now()")
    await connection.execute("update mailing set status = 'SCHEDULED', due_at = $1, frozen_to = 0", LATER)


async def compare(connection: Any, seed: int, version: Any) -> int:
    everything = connection.transaction()
    await everything.start()
    try:
        # Given a scheduled mailing, with customers, lists and choices of any kind
        world = await populate(connection, random.Random(seed), version)
        await schedule(connection)
        # When each customer is asked for what is still to come
        found = {one.id: await upcoming(connection, one.id) for one in world.people}
        # Then it is there for those to whom it would go, with the address, and for nobody else
        says = expected(world)
        shown = {customer_id: of[0][1] for customer_id, of in found.items() if of}
        sure = {customer_id: said for customer_id, said in says.items() if said not in NOT_LOOKED_FOR}
        assert {one: address for one, address in shown.items() if one in sure} == {
            one: address for one, address in sure.items() if address not in set(LeftOutReason)
        }
        assert shown.keys() <= says.keys()
        return len(shown)
    finally:
        await everything.rollback()


async def test_what_is_to_come_is_what_freezing_would_make_of_it(connection: Any) -> None:
    loop, sizes = asyncio.get_running_loop(), []
    version = await version_of(connection, PAGE)

    @hypothesis_settings(max_examples=examples(12, proof=60))
    @given(st.integers(0, 2**32))
    def ask(seed: int) -> None:
        sizes.append(asyncio.run_coroutine_threadsafe(compare(connection, seed, version), loop).result(60))

    await asyncio.to_thread(ask)
    assert any(sizes)


async def test_a_reminder_is_not_to_come_for_whom_and_whose_address_has_opened(connection: Any) -> None:
    # Given a mailing that two customers got, one of whom opened it; another customer has the same address as that one
    opener = await make_customer(connection, addresses=["home@customer.example"])
    other = await make_customer(connection)
    housemate = await make_customer(connection, addresses=["home@customer.example"])
    version = await version_of(connection)
    made = await make_draft(connection, version, lists=[await fixed_list(connection, [opener, other, housemate])])
    first = await connection.fetchval("select id from mailing where campaign_id = $1", made)
    reminder = await add_mailing(connection, made, version, not_opened_mailing_id=first)
    await schedule(connection)
    await connection.execute("update mailing set status = 'RUNNING' where id = $1", first)
    for one in (opener, other):
        of = {"mailing_id": first, "customer_id": one, "due_at": LATER, "address": "home@customer.example"}
        key = await connection.fetchval("select address_key from customer_address where customer_id = $1", one)
        await insert(connection, "mailing_recipient", **of, address_key=key)
    await make_message(connection, opener, campaign_id=made, status="ACCEPTED", opened_at=LATER)
    await make_message(connection, other, campaign_id=made, status="ACCEPTED")
    # When they are asked for what is still to come
    found = {one: [mailing for mailing, _ in await upcoming(connection, one)] for one in (opener, other, housemate)}
    # Then the reminder is there for the one who did not open it
    assert found == {opener: [], other: [reminder], housemate: []}
