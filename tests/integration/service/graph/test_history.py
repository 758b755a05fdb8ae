"""`customer.emails`: three lists, their pages, their errors, and what PostgreSQL does for them."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable
from itertools import product
from typing import Any, cast
from uuid import UUID

import aiosql
import asyncpg
import orjson
import pytest
from graphql import GraphQLObjectType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mail.source import Direction, SourceType
from service.database import DatabasePools, Reading, Statement
from service.errors import TooSlow
from service.graph.context import Context
from service.graph.customer_search import CUSTOMERS_FOUND, CUSTOMERS_NEEDING_ATTENTION
from service.graph.history_pages import (
    ALL_CLICKS_PAGE,
    ALL_MESSAGE_CLICKS_PAGE,
    CLICKS_PAGE,
    FILTERED_NOTES_PAGE,
    MESSAGE_CLICKS_PAGE,
    NOTES_PAGE,
    SENT_PAGE,
)
from service.graph.schema import schema
from service.graph.search_patterns import folded, name_words, read_search, reference_key
from service.shape.compile import Page
from service.shape.usage import Usage
from tests.builders import (
    make_attempt,
    make_campaign,
    make_customer,
    make_hit,
    make_message,
    make_outbox,
    make_sender_version,
    make_template_version,
)
from tests.conventions.sources import ROOT
from tests.graph_queries import LISTS, Ways, everything

MakeContext = Callable[..., Context]

THREE_LISTS = """query($id: ID!, $first: Int = 50) { customer(id: $id) { id name emails {
  sent(first: $first) { edges { cursor node { campaignTitle subject sentAt openedAt info { status attempts {
    number response { code text } } } } } pageInfo { hasNextPage endCursor } }
  clicks(first: $first) { nodes { clickedAt url campaignTitle subject message { id } } }
  connectionNotes(first: $first) { nodes { occurredAt direction connectionType title colorHint info { colorHint } } }
} } }"""


async def ask(context: Context, query: str, **variables: Any) -> tuple[Any, list[Any]]:
    """The data and the errors, as a client reads them."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    return orjson.loads(orjson.dumps(result.data)), [error.formatted for error in result.errors or []]


async def list_of(context: Context, customer: int, field: str) -> tuple[Any, list[Any]]:
    """One field of the customer's emails."""
    data, errors = await ask(
        context, f"query($id: ID!) {{ customer(id: $id) {{ emails {{ list: {field} }} }} }}", id=f"Customer_{customer}"
    )
    return data["customer"]["emails"]["list"], errors


# What the lists say ----------------------------------------------------------------------------------------------


async def test_each_list_tells_its_part_of_the_story(pool: Any, make_context: MakeContext) -> None:
    # Given a campaign mail that was opened and clicked, a refused signature, a queued work order and a reply
    customer = await make_customer(pool)
    campaign = await make_campaign(pool, title="Spring")
    sent = await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED", subject="Offer")
    await make_hit(pool, customer, sent, url="https://fabrikam.example/offer")
    await make_hit(pool, customer, sent, url="https://fabrikam.example/scan", verdict="MACHINE")
    await make_hit(pool, customer, sent)
    refused = await make_message(
        pool, customer, source_type="E_SIGNATURE", status="REFUSED", cause="BAD_ADDRESS", advice="Ask for another."
    )
    await make_attempt(pool, customer, refused, verdict="REFUSED", code=550, enhanced="5.1.1", response="5.1.1 No one")
    queued = await make_message(pool, customer)
    await make_outbox(pool, customer, queued)
    await make_message(pool, customer, direction="RECEIVED", subject="Re: Offer")
    # When the three lists are read
    context = make_context()
    campaign_mail, _ = await list_of(context, customer, "sent { nodes { campaignTitle subject clickCount colorHint } }")
    clicks, _ = await list_of(context, customer, "clicks { nodes { url verdict } }")
    all_clicks, _ = await list_of(context, customer, "clicks(includeMachine: true) { nodes { url } }")
    notes, _ = await list_of(
        context,
        customer,
        "connectionNotes { nodes { title direction connectionType colorHint info { status colorHint cause advice"
        " response { code enhancedCode text } waitsFor } } }",
    )
    # Then each says what is true, newest first
    assert campaign_mail["nodes"] == [
        {"campaignTitle": "Spring", "subject": "Offer", "clickCount": 1, "colorHint": "GREY"}
    ]
    assert clicks["nodes"] == [{"url": "https://fabrikam.example/offer", "verdict": "HUMAN"}]
    assert len(all_clicks["nodes"]) == 2
    directions = [note["direction"] for note in notes["nodes"]]
    rows = [note["colorHint"] for note in notes["nodes"]]
    icons = [note["info"]["colorHint"] for note in notes["nodes"]]
    assert directions == ["RECEIVED", "SENT", "SENT", "SENT"]
    assert (rows, icons) == (["GREY", "GREY", "BLUE", "GREY"], ["GREY", "AMBER", "RED", "GREY"])
    assert notes["nodes"][1]["info"]["waitsFor"] == "Its turn in the lane"
    assert notes["nodes"][2]["info"]["response"] == {"code": 550, "enhancedCode": "5.1.1", "text": "5.1.1 No one"}
    assert notes["nodes"][2]["info"]["advice"] == "Ask for another."
    assert notes["nodes"][3]["connectionType"] == "MARKETING_CAMPAIGN"


async def test_clicks_of_one_message_are_its_own(pool: Any, make_context: MakeContext) -> None:
    customer = await make_customer(pool)
    one, other = [await make_message(pool, customer, status="ACCEPTED") for _ in range(2)]
    await make_hit(pool, customer, one, url="https://x.example/1")
    await make_hit(pool, customer, other, url="https://x.example/2")
    await make_hit(pool, customer, one, url="https://x.example/scan", verdict="MACHINE")
    await make_hit(pool, customer, one)
    for asked_for, urls in (("", ["1"]), (", includeMachine: true", ["scan", "1"])):
        found, errors = await list_of(
            make_context(),
            customer,
            f'clicks(messageId: "Message_{customer}_{one.hex}"{asked_for}) {{ nodes {{ url }} }}',
        )
        assert (found["nodes"], errors) == ([{"url": f"https://x.example/{url}"} for url in urls], [])


async def test_pages_of_one_messages_clicks_go_on_where_they_ended(pool: Any, make_context: MakeContext) -> None:
    # Given a mail that people and machines clicked in
    customer = await make_customer(pool)
    message = await make_message(pool, customer, status="ACCEPTED")
    for number in range(5):
        url = f"https://x.example/{number}"
        await make_hit(pool, customer, message, url=url, verdict="MACHINE" if number % 2 else "HUMAN")
    for asked_for, clicked in (("", [4, 2, 0]), (", includeMachine: true", [4, 3, 2, 1, 0])):
        # When its clicks are read two at a time
        read: list[str] = []
        more, after = True, ""
        while more:
            found, _ = await list_of(
                make_context(),
                customer,
                f'clicks(messageId: "Message_{customer}_{message.hex}"{asked_for}, first: 2{after})'
                " { nodes { url } pageInfo { hasNextPage endCursor } }",
            )
            read += [node["url"] for node in found["nodes"]]
            more, after = found["pageInfo"]["hasNextPage"], f', after: "{found["pageInfo"]["endCursor"]}"'
            assert len(read) <= len(clicked)
        # Then each comes once
        assert read == [f"https://x.example/{number}" for number in clicked]


async def test_notes_are_filtered_by_source_and_direction(pool: Any, make_context: MakeContext) -> None:
    # Given a note of every kind that there can be, each followed by another customer's of that kind
    customer, other = await make_customer(pool), await make_customer(pool)
    kinds = [(direction, source) for source in (*SourceType, None) for direction in Direction]
    kinds.remove((Direction.SENT, None))
    for direction, source in kinds:
        values: dict[str, Any] = {"source_type": source, "direction": direction, "subject": f"{direction} {source}"}
        if (direction, source) == (Direction.SENT, SourceType.CAMPAIGN):
            values = {"campaign_id": await make_campaign(pool), "subject": values["subject"]}
        for whose in (customer, other):
            await make_message(pool, whose, **values)
    # When any of them are asked for
    for sources in (None, [], *([one] for one in SourceType), [SourceType.CARD_PROCESSING, SourceType.CAMPAIGN]):
        for direction in (None, *Direction):
            found, errors = await list_of(
                make_context(),
                customer,
                f"connectionNotes(filter: {{sourceTypes: {'null' if sources is None else '[' + ' '.join(sources) + ']'}"
                f" direction: {direction or 'null'}}}) {{ nodes {{ title }} }}",
            )
            # Then exactly those are listed, newest first
            wanted = [
                f"{way} {source}"
                for way, source in reversed(kinds)
                if (sources is None or source in sources) and direction in (None, way)
            ]
            assert (errors, [note["title"] for note in found["nodes"]]) == ([], wanted)


# Wrong use -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
async def test_a_page_of_a_forbidden_size_names_the_limit(pool: Any, make_context: MakeContext, first: int) -> None:
    customer = await make_customer(pool)
    found, errors = await list_of(make_context(), customer, f"sent(first: {first}) {{ nodes {{ subject }} }}")
    assert found is None
    assert errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "first"}
    assert "1 to 100" in errors[0]["message"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "0" * 31, "G" * 32, "0" * 33, "00000000-0000-0000-0000-000000000000", "é" * 32]
)
async def test_a_broken_cursor_is_named(pool: Any, make_context: MakeContext, cursor: str) -> None:
    customer = await make_customer(pool)
    found, errors = await list_of(make_context(), customer, f'clicks(after: "{cursor}") {{ nodes {{ url }} }}')
    assert found is None
    assert errors[0]["extensions"]["argument"] == "after"


async def test_another_customers_message_is_as_unknown_as_nobodys(pool: Any, make_context: MakeContext) -> None:
    # Given a message of somebody else's
    customer, other = [await make_customer(pool) for _ in range(2)]
    message = await make_message(pool, other)
    answers = []
    for text in (
        f"Message_{other}_{message.hex}",
        f"Message_{customer}_{message.hex}",
        f"Customer_{customer}",
        "x",
        "",
    ):
        # When its clicks are asked for
        data, errors = await ask(
            make_context(),
            "query($id: ID!, $m: ID!) { customer(id: $id) { emails { clicks(messageId: $m) { nodes { url } }"
            " connectionNotes { nodes { title } } } } }",
            id=f"Customer_{customer}",
            m=text,
        )
        answers.append((errors[0]["message"], errors[0]["extensions"]))
        # Then the other lists are there, and the error tells nothing of whose it is
        assert data["customer"]["emails"] == {"clicks": None, "connectionNotes": {"nodes": []}}
    assert answers == [
        ("messageId: this customer has no such message", {"code": "BAD_USER_INPUT", "argument": "messageId"})
    ] * len(answers)


async def test_lists_that_take_too_long_say_so_each_and_leave_the_customer(
    pool: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that reads customers, and takes too long for their lists
    customer = await make_customer(pool, name="Ann")
    fetch = Reading.fetch

    async def slow(self: Reading, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        if "page" in wanted.name:
            raise TooSlow("the database took too long")
        return await fetch(self, wanted, **values)

    monkeypatch.setattr(Reading, "fetch", slow)
    # When the lists are asked for, one of them with an argument of its own that is wrong
    query = """query($id: ID!) { customer(id: $id) { name emails {
      sent { nodes { subject } } many: clicks(first: 101) { nodes { url } } connectionNotes { nodes { title } } } } }"""
    for shaping in (True, False):
        data, errors = await ask(make_context(shaping=shaping), query, id=f"Customer_{customer}")
        # Then each is null and has its own error, and the rest of the answer is there
        assert data["customer"] == {"name": "Ann", "emails": {"sent": None, "many": None, "connectionNotes": None}}
        said = {error["path"][-1]: error["extensions"]["code"] for error in errors}
        assert said == {"sent": "TIMEOUT", "many": "BAD_USER_INPUT", "connectionNotes": "TIMEOUT"}


@pytest.mark.parametrize(
    "text", ["Customer_0", "Customer_99999999999999999999", "Customer_1_2", "Message_1", "%", "Customer_-1"]
)
async def test_what_is_no_id_says_so_everywhere(make_context: MakeContext, text: str) -> None:
    names = ("customer", "message", "node", "campaign", "template")
    query = f"query($id: ID!) {{ {' '.join(f'{name}(id: $id) {{ id }}' for name in names)} }}"
    data, errors = await ask(make_context(), query, id=text)
    assert set(data.values()) == {None}
    said = {error["path"][0]: error["message"] for error in errors}
    assert said == {
        name: "id: is no id of ours; pass an `id` as an answer gave it"
        if name == "node"
        else f"id: is not the id of a {name.capitalize()}; pass an `id` as an answer gave it"
        for name in names
    }
    assert all(error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "id"} for error in errors)


async def test_an_id_of_nothing_is_null_and_one_of_another_type_is_an_error(make_context: MakeContext) -> None:
    nothing = "0" * 32
    fields = (
        ("customer", "Customer_9"), ("message", f"Message_9_{nothing}"), ("campaign", f"Campaign_{nothing}"),
        ("template", f"Template_{nothing}"), ("node", f"BadAddress_{nothing}"),
    )  # fmt: skip
    asked = " ".join(f'{name}(id: "{i}") {{ id }}' for name, i in fields)
    data, errors = await ask(make_context(), f"{{ {asked} }}")
    assert (set(data.values()), errors) == ({None}, [])
    others = fields[1:4] + fields[:1]
    asked = " ".join(f'{name}(id: "{i}") {{ id }}' for (name, _), (_, i) in zip(fields, others, strict=False))
    _, errors = await ask(make_context(), f"{{ {asked} }}")
    assert [error["extensions"]["argument"] for error in errors] == ["id"] * 4


async def test_a_customer_is_asked_for_in_exactly_one_way(make_context: MakeContext) -> None:
    for arguments in ("", '(id: "Customer_1", externalRef: "x")'):
        data, errors = await ask(make_context(), f"{{ customer{arguments} {{ id }} }}")
        assert data == {"customer": None}
        assert "externalRef" in errors[0]["message"]


async def test_texts_that_postgresql_cannot_hold_are_refused_in_words(make_context: MakeContext) -> None:
    for text in ("a\x00bcd", "abc\ud800"):
        for query in (
            "query($t: String!) { customer(externalRef: $t) { id } }",
            "query($t: String!) { customers(search: $t) { nodes { id } } }",
        ):
            _, errors = await ask(make_context(), query, t=text)
            assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


# Paging ----------------------------------------------------------------------------------------------------------


async def test_pages_lose_nothing_and_repeat_nothing_while_rows_arrive(
    pool: Any, pools: DatabasePools, make_context: MakeContext
) -> None:
    # Given a customer whose history grows while it is read
    template, sender = await make_template_version(pool), await make_sender_version(pool)
    loop = asyncio.get_running_loop()

    async def read(before: int, first: int, arrivals: list[int], shaping: bool) -> None:
        customer = await make_customer(pool)

        async def arrive(count: int) -> list[str]:
            made = [
                await make_message(pool, customer, template_version_id=template, sender_version_id=sender)
                for _ in range(count)
            ]
            return [one.hex for one in made]

        there = await arrive(before)
        seen: list[str] = []
        after, more = None, True
        while more:
            # When page after page is read
            data, errors = await ask(
                make_context(shaping=shaping),
                "query($id: ID!, $n: Int!, $a: String) { customer(id: $id) { emails { connectionNotes(first: $n, after:"
                " $a) { edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }",
                id=f"Customer_{customer}",
                n=first,
                a=after,
            )
            assert errors == []
            page = data["customer"]["emails"]["connectionNotes"]
            cursors = [edge["cursor"] for edge in page["edges"]]
            assert len(cursors) <= first
            assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
            assert page["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
            seen += cursors
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            await arrive(arrivals.pop() if arrivals else 0)
        # Then every row that was there at the start came once, newest first
        assert seen == sorted(there, reverse=True)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        before=st.integers(0, 12),
        first=st.integers(1, 5),
        arrivals=st.lists(st.integers(0, 3), max_size=6),
        shaping=st.booleans(),
    )
    def pages(before: int, first: int, arrivals: list[int], shaping: bool) -> None:
        asyncio.run_coroutine_threadsafe(read(before, first, arrivals, shaping), loop).result(60)

    await asyncio.to_thread(pages)


# What PostgreSQL does --------------------------------------------------------------------------------------------


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every statement that requests read by."""
    seen: list[Statement] = []
    fetch = Reading.fetch

    async def spy(self: Reading, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        seen.append(wanted)
        return await fetch(self, wanted, **values)

    monkeypatch.setattr(Reading, "fetch", spy)
    return seen


async def fill(pool: Any, customers: int = 3, messages: int = 60) -> int:
    """Customers with enough mail that a plan matters; returns the last one."""
    template, sender = await make_template_version(pool), await make_sender_version(pool)
    campaigns = [
        await make_campaign(pool, template_version_id=template, sender_version_id=sender) for _ in range(messages)
    ]
    customer = 0
    for _ in range(customers):
        customer = await make_customer(pool)
        for number in range(messages):
            values = {"campaign_id": campaigns[number]} if number % 2 else {}
            message = await make_message(
                pool, customer, status="ACCEPTED", template_version_id=template, sender_version_id=sender, **values
            )
            await make_attempt(pool, customer, message)
            await make_hit(pool, customer, message, url="https://x.example/1")
    await pool.execute("analyze")
    return customer


async def test_three_lists_take_one_statement_and_one_for_the_customer(
    pool: Any, make_context: MakeContext, asked: list[Statement]
) -> None:
    customer = await fill(pool, customers=1, messages=12)
    data, errors = await ask(make_context(), THREE_LISTS, id=f"Customer_{customer}")
    assert errors == []
    assert len(data["customer"]["emails"]["connectionNotes"]["nodes"]) == 12
    assert [one.name for one in asked] == ["customer_by_id", "clicks_page+notes_page+sent_page"]


async def test_however_often_a_list_of_customers_is_asked_one_statement_reads_their_mail(
    pool: Any, make_context: MakeContext, asked: list[Statement], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more customers than reads after which a selection counts as asked often
    monkeypatch.setattr("service.shape.read.USAGE", Usage(often=3))
    for _ in range(5):
        await make_customer(pool)
    query = "{ customers { nodes { emails { sent { nodes { id } } clicks { nodes { id } } } } } }"
    texts = set()
    for _ in range(4):
        # When they are listed, now and then, and at last often
        asked.clear()
        data, errors = await ask(make_context(), query)
        assert (errors, len(data["customers"]["nodes"])) == ([], 5)
        # Then all are read alike, by one statement
        [of_many] = [one for one in asked if one.name == "clicks_page+sent_page of many"]
        texts.add(of_many.sql)
    # which is another once they are asked for often
    assert len(texts) == 2


async def test_resolvers_take_a_statement_for_a_kind_of_row_never_one_for_each(
    pool: Any, make_context: MakeContext, asked: list[Statement]
) -> None:
    customer = await fill(pool, customers=1, messages=12)
    await ask(make_context(shaping=False), THREE_LISTS, id=f"Customer_{customer}")
    assert len(asked) <= 8


async def test_no_column_is_read_that_was_not_asked_for(
    pool: Any, pools: DatabasePools, make_context: MakeContext, asked: list[Statement], ways: Ways
) -> None:
    # Given a query of titles alone, which is asked often
    ways.often = True
    customer = await fill_in_bulk(pool)
    await list_of(make_context(), customer, "connectionNotes { nodes { title } }")
    page = asked[-1]
    # When PostgreSQL says what it puts out, row by row
    plan = await explain(pools, page, customer, options="verbose, costs off")
    # Then every column but the key and the title is a NULL that is never read, and no other table is touched
    read = re.search(r"Index Scan Backward using message_pkey on public.message n\n\s+Output: (.*)", plan)
    assert read is not None
    columns = {name for name in read[1].split(", ") if not name.startswith("NULL::")}
    # a plan's scan may hold what joins would need; the joins themselves are gone
    assert columns <= {"n.customer_id", "n.id", "n.subject", "n.campaign_id", "n.template_version_id"}
    assert len(re.findall(r"Scan", plan.replace("Subquery Scan", ""))) == 1


async def explain(
    pools: DatabasePools, wanted: Statement, customer: int, *, options: str = "costs off", **values: str
) -> str:
    """The plan that PostgreSQL keeps for any values: the generic one, which later runs of a statement use."""
    usual = {"customer_id": str(customer), "before": f"'{UUID(int=2**128 - 1)}'", "rows": "51"}
    literals = usual | values
    names = [name.rpartition(".")[2] for name in wanted.parameters]
    async with pools.reading_connection() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare page as {wanted.sql}")
        # What shaping adds has many types; no plan depends on it.
        given_values = ", ".join(literals.get(name, "null") for name in names)
        rows = await connection.fetch(f"explain ({options}) execute page({given_values})")
        await connection.execute("deallocate page; reset plan_cache_mode")
    return "\n".join(row[0] for row in rows)


async def fill_in_bulk(pool: Any) -> int:
    """A ledger large enough for its plans to be those of a large one; returns the customer with most mail."""
    statements: Any = aiosql.from_path(ROOT / "tests/bench/history.sql", "asyncpg", mandatory_parameters=False)
    async with pool.acquire() as connection:
        await statements.fill_customers(connection, customers=100)
        await statements.fill_campaigns(connection)
        await statements.fill_messages(connection, customers=100, messages=4000, large=1000)
        await statements.fill_attempts(connection)
        await statements.fill_hits(connection, hits_a_message=3)
        await statements.fill_parts(connection)
        await connection.execute("vacuum analyze")
        found: int = await connection.fetchval("select min(id) from customer")
    return found


LARGE_SCANNED = r"Seq Scan on (message|hit|attempt|event|copy|outbox|message_attachment|customer)\b"

PAGES: list[tuple[Page, str, str, tuple[str, ...], dict[str, str]]] = [
    (SENT_PAGE, "sent", "", ("message_sent_list",), {}),
    (NOTES_PAGE, "connectionNotes", "", ("message_pkey",), {}),
    (
        FILTERED_NOTES_PAGE,
        "connectionNotes",
        "(filter: {direction: SENT})",
        ("message_by_source", "message_sent_list", "message_by_source"),
        {
            "directions": "'{SENT}'",
            "source_types": "'{WORK_ORDER}'",
            "campaigns": "true",
            "answers_nothing": "true",
        },
    ),
    (CLICKS_PAGE, "clicks", "", ("hit_clicks_of_people",), {}),
    (ALL_CLICKS_PAGE, "clicks", "(includeMachine: true)", ("hit_clicks",), {}),
    (MESSAGE_CLICKS_PAGE, "clicks", "(messageId: MESSAGE)", ("hit_of_people_in_message",), {}),
    (
        ALL_MESSAGE_CLICKS_PAGE,
        "clicks",
        "(messageId: MESSAGE, includeMachine: true)",
        ("hit_clicks_of_message",),
        {},
    ),
]


async def test_every_page_is_index_ranges_no_longer_than_itself(
    pool: Any, pools: DatabasePools, make_context: MakeContext, asked: list[Statement], ways: Ways
) -> None:
    # Given a ledger, and queries that ask for everything a list has, for the first time and often
    customer = await fill_in_bulk(pool)
    await pool.execute("insert into customer (external_ref) select 'other-' || n from generate_series(1, 5000) n")
    await pool.execute("analyze customer")
    message = await newest(pool, customer)
    for ways.often, (page, name, argument, indexes, given_values) in product((False, True), PAGES):
        asked.clear()
        connection_type = cast(GraphQLObjectType, schema._schema.type_map[f"{LISTS[name][0]}Connection"])
        given_argument = argument.replace("MESSAGE", f'"Message_{customer}_{message}"')
        found, errors = await list_of(
            make_context(), customer, f"{name}{given_argument} {{ {everything(connection_type)} }}"
        )
        assert errors == []
        assert found["nodes"]
        shaped = next(one for one in asked if one.name == page.statement.name)
        values = {"message_id": f"'{UUID(hex=message)}'", **given_values}
        for wanted in (page.statement, shaped):
            # When PostgreSQL plans them, for any customer and page
            plan = await explain(pools, wanted, customer, **values)
            # Then it walks a range of an index that is made for it, and leaves no row out that it finds there
            one = r"Limit.*\n(?:.*Result.*\n.*One-Time.*\n)?.*Scan Backward using (\w+) on (?:message n|hit k)"
            assert tuple(re.findall(one, plan)) == indexes, plan
            if wanted is page.statement:
                # (but internal mail: at most one beside each received one, which stands on the page)
                assert not re.search(r"(?<!One-Time )Filter: (?!\(NOT internal\)$)", plan, re.MULTILINE), plan
            assert not re.search(LARGE_SCANNED, plan), plan
            # (the few relays and reports there are may be sorted, to say which comes first; a filtered page its ranges'
            # keys; the entries of a message's life, of which each kind is a range)
            few = r"r_?\d*\.|d_?\d*\.id|p_?\d*\.place|e_?\d*\.cursor"
            sorts = [key for key in re.findall("Sort Key: (.*)", plan) if not re.match(few, key)]
            assert (sorts == []) == (page is not FILTERED_NOTES_PAGE), plan


async def test_a_page_of_many_customers_is_the_same_ranges_of_each(
    pool: Any, pools: DatabasePools, make_context: MakeContext, asked: list[Statement]
) -> None:
    # Given a ledger, and queries that ask for a list of every customer, shaped and by resolvers
    customer = await fill_in_bulk(pool)
    message = await newest(pool, customer)
    for page, name, argument, indexes, given_values in PAGES:
        given_argument = argument.replace("MESSAGE", f'"Message_{customer}_{message}"')
        emails = f"emails {{ {name}{given_argument} {{ nodes {{ __typename }} }} }}"
        query = f"{{ customers(first: 100) {{ nodes {{ {emails} }} }} }}"
        for shaping in (True, False):
            data, _ = await ask(make_context(shaping=shaping), query)
            assert len(data["customers"]["nodes"]) == 100
            # When PostgreSQL plans the one statement that reads them
            wanted = next(one for one in reversed(asked) if one.name == f"{page.statement.name} of many")
            values = {"owners": "'{1,2,3}'", "message_id": f"'{UUID(hex=message)}'", **given_values}
            plan = await explain(pools, wanted, customer, **values)
            # Then it walks those ranges for each
            one = r"Limit.*\n(?:.*Result.*\n.*One-Time.*\n)?.*Scan Backward using (\w+) on (?:message n|hit k)"
            assert tuple(re.findall(one, plan)) == indexes, plan
            assert not re.search(LARGE_SCANNED, plan), plan


async def newest(pool: Any, customer: int) -> str:
    """The newest message with a click."""
    found: UUID = await pool.fetchval(
        "select message_id from hit where customer_id = $1 order by id desc limit 1", customer
    )
    return found.hex


async def test_customers_that_need_attention_are_listed_alone(pool: Any, make_context: MakeContext) -> None:
    # Given failed, uncertain and held mail, what an opt-out holds, fine mail, and a failure older than the newest 50
    refused, uncertain, held, opted_out, fine, old, none = [await make_customer(pool) for _ in range(7)]
    await make_message(pool, old, status="REFUSED", cause="BAD_ADDRESS")
    for customer, status, cause in (
        (refused, "REFUSED", "BAD_ADDRESS"),
        (uncertain, "UNCERTAIN", None),
        (held, "HELD", "SUPPRESSED"),
        (opted_out, "HELD", "OPTED_OUT"),
        (held, "REFUSED", "BAD_ADDRESS"),
        *[(each, "ACCEPTED", None) for each in [refused, fine, *[old] * 50]],
    ):
        await make_message(pool, customer, status=status, cause=cause)
    query = (
        "query($s: String, $n: Boolean, $f: Int!, $a: String) { customers(search: $s, filter: { needsAttention: $n },"
        " first: $f, after: $a) { nodes { id uncertainEmails } pageInfo { endCursor hasNextPage } } }"
    )

    # (An index has the few that may.)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        values = {"before": 2**62, "rows": 51, "needs_attention": True, "opted_out": None}
        values |= {"tags": None, "list_ids": None}
        parameters = [values[name] for name in CUSTOMERS_NEEDING_ATTENTION.parameters]
        plan = await connection.fetch(f"explain {CUSTOMERS_NEEDING_ATTENTION.sql}", *parameters)
    assert "message_trouble_needs_attention" in str(plan)

    async def listed(waiting: bool | None, search: str | None = None, first: int = 20, after: str | None = None) -> Any:
        data, errors = await ask(make_context(), query, s=search, n=waiting, f=first, a=after)
        assert errors == []
        return data["customers"]

    def ids(page: Any) -> list[int]:
        return [int(node["id"].removeprefix("Customer_")) for node in page["nodes"]]

    # Then the filter lists those, its opposite the others, newest first; null does not filter
    assert ids(await listed(True)) == [held, uncertain, refused]
    assert ids(await listed(False)) == [none, old, fine, opted_out]
    assert ids(await listed(None)) == [none, old, fine, opted_out, held, uncertain, refused]
    assert [node["uncertainEmails"] for node in (await listed(True))["nodes"]] == [0, 1, 0]
    # And it is paged, and combined with a search
    page = await listed(True, first=2)
    rest = await listed(True, first=2, after=page["pageInfo"]["endCursor"])
    assert (ids(page), page["pageInfo"]["hasNextPage"]) == ([held, uncertain], True)
    assert (ids(rest), rest["pageInfo"]["hasNextPage"]) == ([refused], False)
    name = await pool.fetchval("select external_ref from customer where id = $1", refused)
    assert ids(await listed(True, name)) == [refused]
    assert ids(await listed(False, name)) == []
    # A search is paged too
    everybody = [none, old, fine, opted_out, held, uncertain, refused]
    await pool.execute("update customer set name = 'Fabrikam ' || id")
    page = await listed(None, "fabrikam", first=3)
    rest = await listed(None, "fabrikam", first=4, after=page["pageInfo"]["endCursor"])
    assert ids(page) + ids(rest) == everybody


SEARCH = "query($s: String!) { customers(search: $s) { nodes { externalRef } } }"


async def test_a_search_uses_its_trigram_indexes(pool: Any, pools: DatabasePools) -> None:
    # Given enough customers that reading all of them would cost more
    await pool.execute(
        "with c as (insert into customer (external_ref, name) select 'R' || n, 'Name ' || md5(n::text)"
        " from generate_series(1, 10000) n returning id) insert into customer_address (customer_id, position, address,"
        " address_key) select id, 0, md5(id::text) || '@a.example', sha256(id::text::bytea) from c"
    )
    await pool.execute("vacuum analyze")
    # When one is searched, then each of the three indexes serves, and no table is read whole
    indexes = ("customer_name_words_trigram", "customer_reference_key_trigram", "customer_address_trigram")
    for search in ("grimes", "suzuki hana", "ng", "nl-1005", "jörg@bücher"):
        values = read_search(search) | {
            "needs_attention": None,
            "opted_out": None,
            "tags": None,
            "list_ids": None,
            "before": 2**62,
            "rows": 51,
        }
        async with pools.reading.acquire() as connection:
            given_values = [values[name] for name in CUSTOMERS_FOUND.parameters]
            rows = await connection.fetch(f"explain {CUSTOMERS_FOUND.sql}", *given_values)
        plan = "\n".join(row[0] for row in rows)
        assert [index for index in indexes if index not in plan] == []
        assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    "search",
    [
        *("grimes", "ANN.GRI", "zz-100", "100%_1", "änne", "Zoë Änne", "A\u0308nne"),
        *("сидоров", "王伟明", "हिन्दी"),
        # too short for a part: a whole word of the name, the whole external ref or address
        *("Ng", "ng", "王伟", "Ли", "a@b.c"),
        # domains, as they are read
        *("jörg@bücher.example", "Jörg@BÜCHER", "bücher", "bücher.ex", "bü.example"),
        # without accents, in any order, with the beginning of a word; a reference with other signs between its parts
        *("anne", "ZOE", "grimes zoe", "Grimes, Änne", "gri n", "сидоров anne", "zz100%_1"),
    ],
)
async def test_a_customer_is_found_by_what_people_type(pool: Any, make_context: MakeContext, search: str) -> None:
    addresses = ["Ann.Grimes@x.example", "a@b.c", "jörg@xn--bcher-kva.example", "x@xn--b-eha.example"]
    name = "Zoë Änne Grimes СИДОРОВ 王伟明 हिन्दी Ng 王伟 Ли"
    await make_customer(pool, addresses=addresses, external_ref="ZZ-100%_1", name=name)
    await make_customer(pool, addresses=["ba@b.cd"], external_ref="ZZ-1000", name="Nguyen Zong-Ngo 王伟华 Лира %")
    data, errors = await ask(make_context(), SEARCH, s=search)
    found = [node["externalRef"] for node in data["customers"]["nodes"]]
    assert errors == []
    assert found == (["ZZ-1000", "ZZ-100%_1"] if search == "zz-100" else ["ZZ-100%_1"])


FOUND_BY = {
    "María-José Núñez": ("nunez", "NUÑEZ maria", "jose nu"),
    "Jörg Weiß": ("jorg", "weiss"),
    "Hana Suzuki": ("Suzuki Hana", "suzuki,hana"),
    "Siobhán O’Brien": ("obrien", "O'Brien Siobhan"),
    "Søren Łukasz Ærø": ("soren", "aero lukasz"),
    "Νίκος": ("Νικος",),
    "ガスト": ("ｶﾞｽﾄ",),
    "한국 Li": ("한국", "li"),
    "NL-1005": ("nl1005", "nl 10 05", "NL–1005", "l-100"),
}
"""What people type, by the one whom it finds; the last by its reference."""


async def test_a_search_ignores_accents_order_spaces_and_dashes(pool: Any, make_context: MakeContext) -> None:
    for number, name in enumerate([*FOUND_BY, "Lia Suzanne Han", "Jor Gust", "カスト", "Nun Ezra"]):
        await make_customer(pool, external_ref=name if name.startswith("NL") else f"#{number}", name=name)
    await make_customer(pool, external_ref="NL-2005", name="Somebody")
    query = "query($s: String!) { customers(search: $s) { nodes { name } } }"
    for name, searches in FOUND_BY.items():
        for search in searches:
            data, errors = await ask(make_context(), query, s=search)
            assert (search, errors, data["customers"]["nodes"]) == (search, [], [{"name": name}])


async def test_a_search_and_its_indexes_fold_alike(pool: Any) -> None:
    # Given all letters, signs and blanks that names and references are written with
    scripts = [(0x20, 0x250), (0x370, 0x600), (0x900, 0xE80), (0x10A0, 0x1200), (0x1E00, 0x2070), (0x3040, 0x3130),
               (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFF01, 0xFFDD)]  # fmt: skip
    signs = [chr(code) for first, end in scripts for code in range(first, end)]
    texts = [f"a{sign}b {sign}" for sign in signs if unicodedata.category(sign)[0] not in "C"]
    # When the ledger and the service fold them
    rows = await pool.fetch(
        "select t, folded(t), btrim(name_words(t)), reference_key(t) from unnest($1::text[]) t", texts
    )
    # Then they come to the same
    served = {text: (text, folded(text), " ".join(name_words(text)), reference_key(text)) for text in texts}
    assert {tuple(row) for row in rows if tuple(row) != served[row["t"]]} == set()


@pytest.mark.parametrize("search", ["ne\u0301", "N\u0303o", "q\u0303x"])
async def test_accents_are_no_letters_of_the_three(pool: Any, make_context: MakeContext, search: str) -> None:
    # Given customers of two letters' names, with accents
    await make_customer(pool, name="Né Ño q\u0303x", external_ref="short")
    await make_customer(pool, name="Neo Nora Qxz", external_ref="long")
    # When one is searched, in however many code points, then as a whole word: a part would read the whole index
    data, errors = await ask(make_context(), SEARCH, s=search)
    assert (errors, data["customers"]["nodes"]) == ([], [{"externalRef": "short"}])


async def test_a_short_external_ref_is_found_whole(pool: Any, make_context: MakeContext) -> None:
    for ref in ("42", "142", "42-1", "#4"):
        await make_customer(pool, external_ref=ref)
    for search in ("42", "#4"):
        data, errors = await ask(make_context(), SEARCH, s=search)
        assert (errors, data["customers"]["nodes"]) == ([], [{"externalRef": search}])


@pytest.mark.parametrize("search", ["", "%%%", "  _ ", "-", "…", "\u0301\u0301\u0301"])
async def test_a_search_without_a_letter_says_so(make_context: MakeContext, search: str) -> None:
    _, errors = await ask(make_context(), SEARCH, s=search)
    assert errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "search"}
    assert "a letter or digit" in errors[0]["message"]


async def test_customers_come_newest_first_with_what_a_list_of_them_shows(
    pool: Any, make_context: MakeContext, asked: list[Statement]
) -> None:
    # Given customers with failed and fine mail
    old, new = [await make_customer(pool) for _ in range(2)]
    await make_message(pool, old, status="REFUSED", subject="first")
    await make_message(pool, old, status="ACCEPTED", subject="second")
    # When they are listed
    query = (
        "query($a: String) { customers(first: 1, after: $a) { edges { cursor node { id latestEmail { title }"
        " failedEmails uncertainEmails addresses { primary suppressedSince } optOuts { marketingAt } } }"
        " pageInfo { hasNextPage } } }"
    )
    data, _ = await ask(make_context(), query)
    cursor = data["customers"]["edges"][0]["cursor"]
    page, errors = await ask(make_context(), query, a=cursor)
    # Then the newest comes first, and the next page says the rest, in a few statements
    assert errors == []
    assert data["customers"]["edges"][0]["node"]["id"] == f"Customer_{new}"
    assert data["customers"]["edges"][0]["node"]["latestEmail"] is None
    node = page["customers"]["edges"][0]["node"]
    assert (node["latestEmail"], node["failedEmails"], node["uncertainEmails"]) == ({"title": "second"}, 1, 0)
    assert node["addresses"] == [{"primary": True, "suppressedSince": None}]
    assert len(asked) <= 2 * 6


async def test_of_the_newest_fifty_mails_those_that_failed_are_counted(pool: Any, make_context: MakeContext) -> None:
    # Given fifty refused mails, an older one, and newer ones that are fine
    customer = await make_customer(pool)
    first = await make_message(pool, customer, status="REFUSED")
    copied = (
        "insert into message (customer_id, source_type, status, decided_at, template_version_id, sender_version_id,"
        " sender, recipient, subject) select customer_id, source_type, 'REFUSED', decided_at, template_version_id,"
        " sender_version_id, sender, recipient, subject from message, generate_series(1, $2) where id = $1"
    )
    query = "query($id: ID!) { customer(id: $id) { failedEmails } }"
    for more, failed in ((48, 49), (1, 50), (1, 50)):
        await pool.execute(copied, first, more)
        data, errors = await ask(make_context(), query, id=f"Customer_{customer}")
        assert (data["customer"]["failedEmails"], errors) == (failed, [])
    await make_message(pool, customer, status="ACCEPTED")
    data, _ = await ask(make_context(), query, id=f"Customer_{customer}")
    assert data["customer"]["failedEmails"] == 49


async def test_every_global_id_leads_back_to_its_thing(pool: Any, make_context: MakeContext) -> None:
    customer = await make_customer(pool)
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign)
    template = await pool.fetchval("select template_id from template_version limit 1")
    sender = await pool.fetchval("select sender_id from sender_version limit 1")
    for text, kind in (
        (f"Customer_{customer}", "Customer"),
        (f"Message_{customer}_{message.hex}", "Message"),
        (f"Campaign_{campaign.hex}", "Campaign"),
        (f"Template_{template.hex}", "Template"),
        (f"Sender_{sender.hex}", "Sender"),
    ):
        data, errors = await ask(make_context(), "query($id: ID!) { node(id: $id) { __typename id } }", id=text)
        assert (errors, data) == ([], {"node": {"__typename": kind, "id": text}})
