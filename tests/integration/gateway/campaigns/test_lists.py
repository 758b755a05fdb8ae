"""Who is in a list, for the statements of others; lists that grow by mail, and lists that campaigns need."""

from __future__ import annotations

import asyncio
import itertools
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from gateway.campaigns import drafts, lifecycle, lists
from gateway.campaigns.criteria import Json
from gateway.campaigns.lists import ListChanges, NewList
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.letter import CardLetter, CardMailKind, Letter, Money, Window, WorkOrderKind, WorkOrderLetter
from gateway.outbox.enqueue import SendRequest, enqueue
from gateway.templates.versions import publish_builtins
from tests.builders import insert, make_customer
from tests.eventually import eventually
from tests.importing import carry_out, run, start
from tests.integration.gateway.campaigns.orders import order

WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
VIPS: Json = {"allOf": [{"anyOf": [{"tag": {"isOneOf": ["vip"]}}]}]}
NUMBERS = itertools.count(1)
"""For names: sixteen digits of a random one may be a card's."""


async def make_fixed(connection: Any, *members: int, **values: Any) -> int:
    made = await lists.create(connection, NewList(**({"name": f"List {next(NUMBERS)}"} | values)), "test")
    await lists.add(connection, made, members, "test")
    return made


async def make_dynamic(connection: Any, criteria: Json) -> int:
    return await lists.create(connection, NewList(name=f"List {next(NUMBERS)}", criteria=criteria), "test")


async def named(connection: Any, list_id: int, campaign_id: Any, **values: Any) -> None:
    await insert(connection, "campaign_list", campaign_id=campaign_id, list_id=list_id, **values)


async def in_list(connection: Any, list_id: int) -> list[tuple[int, str]]:
    rows = await connection.fetch(
        "select customer_id, actor from list_member where list_id = $1 order by customer_id", list_id
    )
    return [tuple(row) for row in rows]


# For the statements of others ------------------------------------------------------------------------------------


async def test_members_of_both_kinds_are_read_by_ranges_of_customers(connection: Any) -> None:
    # Given six customers, the odd ones VIPs, and a list of each kind
    customers = [await make_customer(connection, tags=["vip"] if number % 2 else []) for number in range(6)]
    fixed = await make_fixed(connection, *customers[:4])
    dynamic = await make_dynamic(connection, VIPS)
    # When they are read by ranges, then each member is in one of them
    for made, expected in ((fixed, customers[:4]), (dynamic, customers[1::2])):
        middle = customers[2]
        first = await lists.members_between(connection, made, after=0, up_to=middle)
        rest = await lists.members_between(connection, made, after=middle, up_to=customers[-1])
        assert first + rest == expected
        assert first == [customer for customer in expected if customer <= middle]


async def test_an_audience_is_lists_without_lists(connection: Any) -> None:
    # Given customers in two lists, one of each kind, and two whose members are left out
    customers = [await make_customer(connection, tags=["vip"] if number % 2 else ["old"]) for number in range(8)]
    nameless = await make_customer(connection, name=None)
    fixed = await make_fixed(connection, *customers[:3], nameless)
    dynamic = await make_dynamic(connection, VIPS)
    excluded = await make_fixed(connection, customers[1])
    # Of whom it is not known whether they meet this, they are not left out
    sams = {"allOf": [{"anyOf": [{"field": {"name": "NAME", "matches": {"startsWith": "Sam"}}}]}]}
    also_excluded = await make_dynamic(connection, sams)
    await connection.execute("update customer set name = 'Sam' where id = $1", customers[3])
    # When a statement asks for them
    asked = await lists.membership(connection, [fixed, dynamic], excluded=[excluded, also_excluded], first=3)
    rows = await connection.fetch(
        f"select c.id from customer c where c.id > $1 and c.id <= $2 and {asked.condition} order by c.id",  # noqa: S608 - fragments
        0,
        nameless,
        *asked.parameters,
    )
    # Then they are there once each, without those left out
    assert [row["id"] for row in rows] == [customers[0], customers[2], customers[5], customers[7], nameless]
    # And nobody is in no list
    nobody = await lists.membership(connection, [], excluded=[excluded])
    assert nobody.condition.startswith("false and ")


async def test_a_list_that_is_gone_is_no_audience(connection: Any) -> None:
    with pytest.raises(Refusal) as refused:
        await lists.membership(connection, [77])
    assert refused.value.code is RefusalCode.NOT_FOUND


async def test_which_dynamic_lists_customers_are_in_takes_a_statement_for_twenty(connection: Any) -> None:
    # Given more dynamic lists than one statement evaluates
    someone, other = [await make_customer(connection, tags=tags) for tags in (["vip"], [])]
    made = [await make_dynamic(connection, VIPS) for _ in range(23)]
    # When it is asked which of them customers are in, then it is all of them for who meets their criteria
    found = await lists.dynamic_lists_of(connection, [someone, other])
    assert found == {someone: sorted(made, reverse=True), other: []}


# Growth ----------------------------------------------------------------------------------------------------------


def work_order(kind: WorkOrderKind) -> Letter:
    return WorkOrderLetter(
        kind=kind, number="W-1", type="Installation", window=Window.parse("2099-01-01T09:00", "2099-01-01T11:00", "UTC")
    )


@pytest.fixture
async def send(connection: Any, deployment: Deployment) -> Any:
    """Queues a letter to a customer."""
    await publish_builtins(connection)

    async def queue(customer: int, letter: Letter, key: str | None = None) -> None:
        request = SendRequest(customer_id=customer, letter=letter, idempotency_key=key or uuid4().hex, actor="test")
        await enqueue(connection, request, deployment)

    return queue


async def test_a_list_grows_by_work_order_mail_of_its_kinds(connection: Any, send: Any) -> None:
    # Given lists that grow by other kinds, and one that does not grow
    completed = await make_fixed(connection, grows_on=(WorkOrderKind.COMPLETED,))
    both = await make_fixed(connection, grows_on=(WorkOrderKind.CREATED, WorkOrderKind.COMPLETED))
    still = await make_fixed(connection)
    first, second = await make_customer(connection), await make_customer(connection)
    # When customers are mailed, one of them twice, and once about something else
    for customer, letter in (
        (first, work_order(WorkOrderKind.CREATED)),
        (first, work_order(WorkOrderKind.CREATED)),
        (second, work_order(WorkOrderKind.COMPLETED)),
        (first, CardLetter(kind=CardMailKind.CHARGE, amount=Money(amount=Decimal(1), currency="USD"))),
    ):
        await send(customer, letter)
    # Then each joined once where it belongs, and the list says that it was its own rule
    assert await in_list(connection, completed) == [(second, "its own rule")]
    assert await in_list(connection, both) == [(first, "its own rule"), (second, "its own rule")]
    assert await in_list(connection, still) == []


async def test_a_list_that_is_being_deleted_delays_no_mail(connection: Any, pool: Any, send: Any) -> None:
    # Given a list that grows, which another transaction is deleting
    made = await make_fixed(connection, grows_on=(WorkOrderKind.CREATED,))
    customer = await make_customer(connection)
    async with pool.acquire() as other, other.transaction():
        await other.execute("delete from customer_list where id = $1", made)
        # When a customer is mailed, then the mail is queued at once
        async with asyncio.timeout(20):
            await send(customer, work_order(WorkOrderKind.CREATED))
    assert await connection.fetchval("select count(*) from outbox") == 1


# What campaigns need ---------------------------------------------------------------------------------------------


async def test_a_list_that_a_launched_campaign_needs_is_not_deleted(connection: Any, deployment: Deployment) -> None:
    # Given a list that a draft names
    customer = await make_customer(connection)
    made = await make_fixed(connection, customer)
    campaign = await drafts.create(connection, await order(connection, [customer]), deployment)
    await named(connection, made, campaign)
    # When the campaign is launched, then the list cannot be deleted until it is over
    await lifecycle.launch(connection, campaign, uuid4().hex, deployment, actor="Dana")
    with pytest.raises(Refusal) as refused:
        await lists.delete(connection, made, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.ILLEGAL_STATE, ("listId",))
    assert "Spring news" in refused.value.message
    await lifecycle.cancel(connection, campaign, "test")
    await lists.delete(connection, made, "Dana")
    assert await connection.fetchval("select count(*) from campaign_list") == 0


async def test_a_draft_does_without_a_list_that_is_deleted_and_tells_so(
    connection: Any, deployment: Deployment
) -> None:
    # Given the list of a draft that is for nobody else
    made = await make_fixed(connection, name="Guests")
    campaign = await drafts.create(connection, await order(connection, [], list_ids=(made,)), deployment)
    # When it is deleted
    await lists.delete(connection, made, "Dana")
    # Then the draft's history tells which it lost
    rows = await connection.fetch(
        "select actor, detail from campaign_event where campaign_id = $1 and action = 'deleteList' order by id",
        campaign,
    )
    assert [(row["actor"], row["detail"]) for row in rows] == [("Dana", {"list": "Guests"})]
    # And it is not launched for nobody
    with pytest.raises(Refusal) as refused:
        await lifecycle.launch(connection, campaign, uuid4().hex, deployment, actor="Dana")
    assert refused.value.code is RefusalCode.AUDIENCE_EMPTY


async def test_a_list_that_an_import_fills_is_not_deleted(connection: Any, deployment: Deployment) -> None:
    # Given an import that was checked with a list
    made = await make_fixed(connection)
    import_id = await run(connection, "email\na@fabrikam.com\n", deployment, dry_run=True, list_id=made)
    # When it fills the list, then the list cannot be deleted until that is over
    await start(connection, import_id, list_id=made)
    with pytest.raises(Refusal) as refused:
        await lists.delete(connection, made, "Dana")
    assert (refused.value.code, "customers.csv" in refused.value.message) == (RefusalCode.ILLEGAL_STATE, True)
    await carry_out(connection, deployment)
    assert len(await in_list(connection, made)) == 1
    await lists.delete(connection, made, "Dana")


async def test_a_list_whose_members_a_draft_leaves_out_is_not_deleted(connection: Any, deployment: Deployment) -> None:
    # Given a draft that leaves out the members of a list
    customer = await make_customer(connection)
    made = await make_fixed(connection, customer)
    campaign = await drafts.create(connection, await order(connection, [customer]), deployment)
    await named(connection, made, campaign, excluded=True)
    # When the list is to be deleted, then it is refused: they would be mailed
    with pytest.raises(Refusal) as refused:
        await lists.delete(connection, made, "Dana")
    assert (refused.value.code, refused.value.field) == (RefusalCode.ILLEGAL_STATE, ("listId",))
    assert "Spring news" in refused.value.message


async def test_everything_that_needs_a_list_is_named(connection: Any, deployment: Deployment) -> None:
    customer = await make_customer(connection)
    made = await make_fixed(connection, customer)
    campaign = await drafts.create(connection, await order(connection, [customer]), deployment)
    await named(connection, made, campaign)
    await lifecycle.launch(connection, campaign, uuid4().hex, deployment, actor="Dana")
    await make_dynamic(connection, {"allOf": [{"anyOf": [{"member": {"listId": made, "not": True}}]}]})
    with pytest.raises(Refusals) as refused:
        await lists.delete(connection, made, "Dana")
    assert [one.code for one in refused.value.refusals] == [RefusalCode.ILLEGAL_STATE, RefusalCode.CONFLICT]


async def test_criteria_hold_the_lists_they_name_while_they_are_written(connection: Any, pool: Any) -> None:
    # Given a fixed list, and another transaction that deletes it while criteria are changed to read it
    made = await make_fixed(connection)
    dynamic = await make_dynamic(connection, VIPS)
    async with pool.acquire() as other:
        deleting = other.transaction()
        await deleting.start()
        await other.execute("delete from customer_list where id = $1", made)
        criteria: Json = {"allOf": [{"anyOf": [{"member": {"listId": made}}]}]}
        changing = asyncio.create_task(lists.update(connection, dynamic, ListChanges(criteria=criteria)))
        async with pool.acquire() as watching:
            await eventually(lambda: watching.fetchval(WAITING), "a change that waits for the deletion")
        # When that commits
        await deleting.commit()
        # Then the change is refused
        with pytest.raises(Refusal) as refused:
            await changing
    assert refused.value.code is RefusalCode.NOT_FOUND


async def test_there_is_a_limit_of_lists(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_LISTS", 2)
    monkeypatch.setattr(lists, "MAX_DYNAMIC_LISTS", 1)
    # Given as many dynamic lists as there may be, one more is refused; then as many lists of any kind
    await make_dynamic(connection, VIPS)
    with pytest.raises(Refusal, match="1 dynamic lists"):
        await make_dynamic(connection, VIPS)
    await make_fixed(connection)
    with pytest.raises(Refusal, match="There are 2 lists"):
        await make_fixed(connection)
