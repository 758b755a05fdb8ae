"""Customers of lists and with labels: paged by key, combined with each other and with a search, served by indexes."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from gateway.campaigns.lists import NewList, create
from gateway.deployment import Deployment
from service.database import DatabasePools, Statement
from service.graph import customer_search
from service.graph.connection import BEFORE_EVERYTHING
from service.graph.customer_search import (
    CUSTOMERS_BY_LATEST_MAIL,
    CUSTOMERS_FOUND,
    CUSTOMERS_OF_LISTS,
    CUSTOMERS_TAGGED,
)
from service.graph.search_patterns import read_search
from tests.builders import insert, make_customer, make_message
from tests.engine import deployment
from tests.finding import keep_up
from tests.integration.service.graph.test_history import MakeContext, ask

__all__ = ["deployment"]

QUERY = """query($s: String, $filter: CustomerFilter, $f: Int!, $a: String) {
  customers(search: $s, filter: $filter, first: $f, after: $a) { nodes { id } pageInfo { endCursor hasNextPage } } }"""


async def make_list(pool: Any, name: str, members: list[int]) -> str:
    made = await insert(pool, "customer_list", name=name, kind="FIXED", actor="test")
    for customer in members:
        await insert(pool, "list_member", list_id=made["id"], customer_id=customer, actor="test")
    return f"CustomerList_{made['id']}"


async def listed(make_context: MakeContext, first: int = 3, search: str | None = None, **filter: Any) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    page: Any = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        data, errors = await ask(make_context(), QUERY, s=search, filter=filter, f=first, a=page["endCursor"])
        assert errors == []
        found += [int(node["id"].removeprefix("Customer_")) for node in data["customers"]["nodes"]]
        page = data["customers"]["pageInfo"]
    return found


async def opt_out(pool: Any, customer: int, *, by_link: bool) -> None:
    """The customer, or who reads at an address of theirs, wants no marketing."""
    if by_link:
        given = "select d.address_key, 'MARKETING', 'LINK', 'customer' from customer_address d where d.customer_id = $1"
        await pool.execute(f"insert into address_opt_out (address_key, kind, source, actor) {given}", customer)
    else:
        await insert(pool, "opt_out", customer_id=customer, kind="MARKETING", source="STAFF", actor="jo")


async def test_filters_are_combined_and_paged(pool: Any, make_context: MakeContext) -> None:
    # Given customers in lists, fixed and dynamic, with labels, with names, some with mail that waits for a person
    tags = [[], ["vip"], ["b2b"], ["b2b", "vip"]]
    ids = [
        await make_customer(
            pool, name="Fabrikam" if number % 3 else "Contoso", tags=tags[number % 4], attributes={"points": number}
        )
        for number in range(24)
    ]
    for number, customer in enumerate(ids[::5]):
        for _ in range(1 + number % 2):
            await make_message(pool, customer, status="UNCERTAIN")
    for number, customer in enumerate(ids[1::4]):
        await opt_out(pool, customer, by_link=number % 2 == 0)
    lists = {name: ids[start::step] for name, start, step in (("a", 0, 2), ("b", 1, 6), ("empty", 24, 1))}
    list_ids = {name: await make_list(pool, name, members) for name, members in lists.items()}
    list_ids["none"] = "CustomerList_999"
    rules: Any = {"allOf": [{"anyOf": [{"attribute": {"name": "points", "matches": {"number": {"atLeast": 12}}}}]}]}
    async with pool.acquire() as connection:
        dynamic = await create(connection, NewList(name="dynamic", criteria=rules), "test")
    lists["dynamic"], list_ids["dynamic"] = ids[12:], f"CustomerList_{dynamic}"

    def expected(
        names: list[str] | None, labels: list[str] | None, waiting: bool | None, out: bool | None, search: str | None
    ) -> Any:
        members = {customer for name in names or [] for customer in lists.get(name, [])}
        return [
            customer
            for number, customer in reversed(list(enumerate(ids)))
            if (names is None or customer in members)
            and (labels is None or set(labels) & set(tags[number % 4]))
            and (waiting is None or waiting == (number % 5 == 0))
            and (out is None or out == (number % 4 == 1))
            and (search is None or number % 3)
        ]

    # When any of the filters are combined, then every page together holds whom all of them find, each once
    some_lists: list[list[str] | None] = [
        None,
        [],
        ["a"],
        ["a", "b", "a"],
        ["empty", "none"],
        ["dynamic"],
        ["b", "dynamic", "none"],
    ]
    some_tags: list[list[str] | None] = [None, [], ["vip"], ["b2b", " vip "], ["unknown"]]
    asked = [
        *product(some_lists, some_tags, [None, True, False], [None], [None, "fabrikam"]),
        *product(some_lists[::2], some_tags[::2], [None, True], [True, False], [None, "fabrikam"]),
    ]
    for names, labels, waiting, out, search in asked:
        filter: Any = {
            "listIds": None if names is None else [list_ids[name] for name in names],
            "tags": labels,
            "needsAttention": waiting,
            "optedOut": out,
        }
        tidy = None if labels is None else [label.strip() for label in labels]
        found = await listed(make_context, search=search, **filter)
        assert found == expected(names, tidy, waiting, out, search), filter


@pytest.mark.parametrize("filter", [{"listIds": ["CustomerList_1"] * 101}, {"tags": ["x"] * 101}])
async def test_a_filter_has_limits(make_context: MakeContext, filter: Any) -> None:
    _, errors = await ask(make_context(), QUERY, s=None, filter=filter, f=3, a=None)
    assert errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "filter"}


@pytest.mark.parametrize("text", ["CustomerList_0", "CustomerList_2147483648", "Customer_1", "CustomerList_1_2", "x"])
async def test_what_is_no_lists_id_says_so_and_a_list_that_is_not_there_finds_nobody(
    pool: Any, make_context: MakeContext, text: str
) -> None:
    known = await make_list(pool, "a", [await make_customer(pool)])
    _, errors = await ask(make_context(), QUERY, s=None, filter={"listIds": [known, text]}, f=3, a=None)
    assert errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "filter"}
    assert errors[0]["message"].startswith("filter: listIds.1 is not the id of a CustomerList")
    assert await listed(make_context, listIds=["CustomerList_2147483647"]) == []


async def test_filters_are_served_by_indexes(pool: Any, pools: DatabasePools) -> None:
    # Given a list of half of all customers, a short one, a label that few have, and one that most have
    await pool.execute(
        "insert into customer (external_ref, name, tags) select 'R' || n, 'Name ' || md5(n::text),"
        " case when n % 2000 = 0 then array['rare'] when n % 10 = 0 then '{}' else array['common'] end"
        " from generate_series(1, 20000) n"
    )
    await pool.execute(
        "insert into customer_list (name, kind, actor) values ('a', 'FIXED', 'test'), ('b', 'FIXED', 'test')"
    )
    await pool.execute(
        "insert into list_member (list_id, customer_id, actor) select l.id, c.id, 'test'"
        " from customer_list l, customer c where c.id % case l.name when 'a' then 2 else 4000 end = 0"
    )
    await pool.execute("vacuum analyze")
    [long, short] = [row["id"] for row in await pool.fetch("select id from customer_list order by name")]

    async def plan(statement: Statement, **values: Any) -> tuple[str, int]:
        """The plan of the first page, and how many rows of tables and indexes it read."""
        usual = {
            "needs_attention": None,
            "tags": None,
            "list_ids": None,
            "opted_out": None,
            "before": 2**62,
            "rows": 51,
        }
        given = [(usual | values)[name] for name in statement.parameters]
        async with pools.reading.acquire() as connection:
            rows = await connection.fetch(f"explain (analyze, buffers, timing off) {statement.sql}", *given)
        text = "\n".join(row[0] for row in rows)
        assert not re.search("Seq Scan on (customer|list_member) ", text)
        return text, int(text.split("shared hit=")[1].split()[0])

    # Then a list's page reads so many of its members from its key's end, a rare label's its index,
    members, buffers = await plan(CUSTOMERS_OF_LISTS, list_ids=[long])
    assert ("list_member_pkey" in members, buffers < 600) == (True, True)
    members, buffers = await plan(CUSTOMERS_OF_LISTS, list_ids=[short])
    assert ("list_member_pkey" in members, buffers < 50) == (True, True)
    both, _ = await plan(CUSTOMERS_OF_LISTS, list_ids=[long], tags=["common"])
    assert "list_member_pkey" in both
    rare, _ = await plan(CUSTOMERS_TAGGED, tags=["rare"])
    assert "customer_tags" in rare
    # a common label's the newest customers, and a search's filter looks at those found
    common, buffers = await plan(CUSTOMERS_TAGGED, tags=["common"])
    assert ("customer_pkey" in common, buffers < 100) == (True, True)
    found, _ = await plan(CUSTOMERS_FOUND, **read_search("grimes"), list_ids=[long], tags=["common"])
    assert "customer_name_words_trigram" in found


BY_LATEST = """query($s: String, $filter: CustomerFilter, $f: Int!, $a: String, $o: CustomerOrder!) {
  customers(search: $s, filter: $filter, first: $f, after: $a, orderBy: $o) {
    nodes { id } pageInfo { endCursor hasNextPage } totalCount { value precision } } }"""


async def page_by(make_context: MakeContext, order: str, after: str | None = None, **values: Any) -> Any:
    """One page of two customers: their ids, the page's end, how many there are."""
    data, errors = await ask(make_context(), BY_LATEST, f=2, a=after, o=order, **values)
    assert errors == []
    found = data["customers"]
    ids = [int(node["id"].removeprefix("Customer_")) for node in found["nodes"]]
    return ids, found["pageInfo"]["endCursor"], found["totalCount"]["value"]


async def all_by(make_context: MakeContext, order: str, **values: Any) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    after = None
    while True:
        ids, after, total = await page_by(make_context, order, after, **values)
        found += ids
        if len(found) >= total:
            assert len(found) == total
            return found


async def test_customers_come_by_their_latest_mail_and_those_without_behind(
    pool: Any, make_context: MakeContext, deployment: Deployment
) -> None:
    # Given customers, of whom some got mail, in another order than they came
    ids = [await make_customer(pool, name="Fabrikam" if n % 2 else "Contoso", tags=["vip"][: n % 3]) for n in range(8)]
    mailed = [ids[place] for place in (5, 0, 3, 6)]
    for customer in mailed:
        await make_message(pool, customer, status="REFUSED" if customer == ids[3] else "ACCEPTED")
    members = await make_list(pool, "all", ids[:6])
    async with pool.acquire() as connection:
        await keep_up(connection, deployment)
    latest = [*reversed(mailed), *(one for one in reversed(ids) if one not in mailed)]
    # When they are listed, all or filtered, then by their newest mail, which is also what is meant when nothing is said
    assert await all_by(make_context, "LATEST_MAIL") == await listed(make_context) == latest
    assert await all_by(make_context, "NEWEST") == ids[::-1]
    for order, expected in (("LATEST_MAIL", latest), ("NEWEST", ids[::-1])):
        wanted = [one for one in expected if one in ids[1::2]]
        assert await all_by(make_context, order, s="fabri") == wanted
        assert await all_by(make_context, order, filter={"tags": ["vip"]}) == [
            one for one in expected if ids.index(one) % 3
        ]
        assert await all_by(make_context, order, filter={"listIds": [members]}) == [
            one for one in expected if one in ids[:6]
        ]
        assert await all_by(make_context, order, filter={"needsAttention": True}) == [ids[3]]
        assert await all_by(make_context, order, filter={"needsAttention": False}) == [
            one for one in expected if one != ids[3]
        ]


async def test_mail_between_two_pages_repeats_no_customer(
    pool: Any, make_context: MakeContext, deployment: Deployment
) -> None:
    # Given a first page by latest mail
    ids = [await make_customer(pool) for _ in range(6)]
    async with pool.acquire() as connection:
        for customer in ids[:4]:
            await make_message(pool, customer, status="ACCEPTED")
        await keep_up(connection, deployment)
        seen, after, _ = await page_by(make_context, "LATEST_MAIL")
        # When mail comes to somebody on it, to somebody behind it, and to somebody who had none
        for customer in (seen[1], ids[0], ids[5]):
            await make_message(pool, customer, status="ACCEPTED")
        await keep_up(connection, deployment)
    # Then the pages behind it hold nobody twice, and whose row moved is at the beginning
    while after is not None:
        more, after, _ = await page_by(make_context, "LATEST_MAIL", after)
        seen += more
    assert len(seen) == len(set(seen))
    assert (await page_by(make_context, "LATEST_MAIL"))[0] == [ids[5], ids[0]]


async def test_more_customers_than_are_sorted_are_read_in_order(
    pool: Any, make_context: MakeContext, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_search, "MAX_COUNTED", 2)
    ids = [await make_customer(pool, name="Fabrikam" if n % 2 else "Contoso", tags=["vip"]) for n in range(8)]
    for customer in ids[2:5]:
        await make_message(pool, customer, status="ACCEPTED")
    async with pool.acquire() as connection:
        await keep_up(connection, deployment)
    latest = [*reversed(ids[2:5]), *reversed(ids[5:]), *reversed(ids[:2])]
    for values, wanted in (
        ({"s": "fabrikam"}, ids[1::2]),
        ({"filter": {"tags": ["vip"]}}, ids),
        ({}, ids),
    ):
        found: list[int] = []
        ids_of_page, after, total = await page_by(make_context, "LATEST_MAIL", **values)
        found += ids_of_page
        while after is not None:
            ids_of_page, after, total = await page_by(make_context, "LATEST_MAIL", after, **values)
            found += ids_of_page
        assert found == [one for one in latest if one in wanted]
        assert total == len(wanted)


@pytest.mark.parametrize("cursor", ["7", "x-7", "0" * 32, "0" * 32 + "-", "-7", "0" * 32 + "-x"])
async def test_what_is_no_cursor_by_latest_mail_is_refused(make_context: MakeContext, cursor: str) -> None:
    _, errors = await ask(make_context(), BY_LATEST, f=2, a=cursor, o="LATEST_MAIL")
    assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]


async def test_a_page_by_latest_mail_is_read_by_its_index(pools: DatabasePools) -> None:
    values = dict.fromkeys(CUSTOMERS_BY_LATEST_MAIL.parameters)
    wanted = values | {"latest": BEFORE_EVERYTHING, "before": 2**63 - 1, "rows": 51}
    async with pools.reading_connection() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        plan = await connection.fetch(
            f"explain {CUSTOMERS_BY_LATEST_MAIL.sql}", *[wanted[name] for name in CUSTOMERS_BY_LATEST_MAIL.parameters]
        )
    text = "\n".join(row[0] for row in plan)
    assert "customer_latest_by_mail" in text
    assert "Sort" not in text
