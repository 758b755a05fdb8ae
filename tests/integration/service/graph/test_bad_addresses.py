"""Bad addresses over the API: listed and found, with what may help, what waits, and as a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings
from service.database import statement
from service.graph.node import customer_global_id, message_global_id, row_global_id
from tests.builders import NOON, insert, make_attempt, make_customer, make_message
from tests.finding import keep_up

HOUR = timedelta(hours=1)
FIELDS = """id customer { id } address failedAt failingSince cause message { id info { response { text } } }
  suppression { id reason } waitingMessages solutions { kind text address }"""
LIST = f"""query($search: String, $causes: [Cause!], $first: Int! = 50, $after: String) {{
  badAddresses(search: $search, causes: $causes, first: $first, after: $after) {{
    nodes {{ {FIELDS} }} edges {{ cursor }} pageInfo {{ hasNextPage endCursor }}
    totalCount {{ value precision }} }} }}"""
EXPORT = """query($causes: [Cause!], $search: String) { badAddresses(causes: $causes, search: $search) {
  csv: exportUrl jsonl: exportUrl(format: JSONL) } }"""
CORRECT = """mutation($i: CorrectAddressInput!) { correctAddress(input: $i) { retried userErrors { code message } } }"""


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    body = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in body, body
    [value] = body["data"].values()
    return value


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def refused(connection: Any, address: str, hours: int = 0, **values: Any) -> tuple[int, UUID]:
    """A new customer, or one that is given, whose mail to this address was refused some hours after noon."""
    customer = values.pop("customer", None)
    words = values.pop("words", "5.1.1 No such user")
    if customer is None:
        customer = await make_customer(connection, addresses=[address], **values.pop("of", {}))
    usual = {"status": "REFUSED", "cause": "BAD_ADDRESS", "recipient": address, "decided_at": NOON + hours * HOUR}
    message = await make_message(connection, customer, **(usual | values))
    code = {"verdict": "REFUSED", "stage": "RCPT", "code": 550, "enhanced": words.split(" ")[0], "response": words}
    await make_attempt(connection, customer, message, cause=(usual | values)["cause"], rule="x-no-such-user", **code)
    return customer, message


async def accepted(connection: Any, address: str, hours: int = 0, **values: Any) -> int:
    """A new customer, or one that is given, to whose address mail was accepted."""
    customer = values.pop("customer", None) or await make_customer(connection, addresses=[address])
    at = NOON + hours * HOUR
    await make_message(connection, customer, status="ACCEPTED", recipient=address, sent_at=at, decided_at=at)
    return int(customer)


async def test_each_is_shown_with_whose_it_is_why_and_what_may_help(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given a customer whose mail was refused twice, which closed the address, and whose other address took mail
    gone, other = "ann@gmial.com", "ann@home.example"
    customer = await make_customer(connection, addresses=[gone, other])
    _, first = await refused(connection, gone, customer=customer)
    _, last = await refused(connection, gone, 5, customer=customer)
    await accepted(connection, other, 2, customer=customer)
    key = deployment.key_of(gone)
    about = {"reason": "BAD_ADDRESS", "actor": "gateway", "customer_id": customer, "message_id": first}
    standing = await insert(connection, "suppression", address_key=key, **about)
    await make_message(
        connection, customer, status="HELD", cause="SUPPRESSED", recipient=gone, decided_at=NOON + 6 * HOUR
    )
    await keep_up(connection, deployment)
    # Then one row says all of it
    found = await ask(client, LIST)
    [row] = found["nodes"]
    assert found["totalCount"] == {"value": 1, "precision": "EXACT"}
    [kept] = await connection.fetch("select id from bad_address")
    assert row == {
        "id": row_global_id("BadAddress", kept["id"]),
        "customer": {"id": customer_global_id(customer)},
        "address": gone,
        "failedAt": "2026-11-23T17:00:00+00:00",
        "failingSince": "2026-11-23T12:00:00+00:00",
        "cause": "BAD_ADDRESS",
        "message": {"id": message_global_id(customer, last), "info": {"response": {"text": "5.1.1 No such user"}}},
        "suppression": {"id": row_global_id("Suppression", standing["id"]), "reason": "BAD_ADDRESS"},
        "waitingMessages": row["waitingMessages"],
        "solutions": [
            {"kind": "TYPO", "address": "ann@gmail.com",
             "text": "gmial.com looks like gmail.com mistyped. It may have to be ann@gmail.com."},
            {"kind": "OTHER_ADDRESS", "address": other,
             "text": "The customer has another address: ann@home.example took mail on 23 November 2026."},
            {"kind": "ASK", "address": None,
             "text": "Their server says that there is no such mailbox: it was mistyped, or is gone. Ask the customer "
             "for an address that works."},
        ],
    }  # fmt: skip
    # And `node` reads it, until the address is corrected
    node = f"query($id: ID!) {{ node(id: $id) {{ ... on BadAddress {{ {FIELDS} }} }} }}"
    assert await ask(client, node, id=row["id"]) == row
    corrected = {"customerId": customer_global_id(customer), "address": gone, "correctAddress": "ann@gmail.com"}
    assert (await ask(client, CORRECT, i=corrected | {"retry": False}))["userErrors"] == []
    assert await ask(client, node, id=row["id"]) is None
    assert (await ask(client, LIST))["nodes"] == []


async def test_as_many_wait_as_a_correction_sends(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given mail refused now, refused a month ago, returned, held, full, for somebody else and under way
    gone = "Gone@customer.example"
    customer = await make_customer(connection, addresses=[gone.lower()])
    now = await connection.fetchval("select now()")
    for values in (
        {"status": "REFUSED", "cause": "BAD_ADDRESS", "decided_at": now},
        {"status": "REFUSED", "cause": "BAD_ADDRESS", "decided_at": now - timedelta(days=30)},
        {"status": "BOUNCED", "cause": "BAD_DOMAIN", "decided_at": now, "bounced_at": now, "sent_at": now},
        {"status": "HELD", "cause": "SUPPRESSED", "decided_at": now - timedelta(days=30)},
        {"status": "REFUSED", "cause": "MAILBOX_FULL", "decided_at": now},
        {"status": "REFUSED", "cause": "BAD_ADDRESS", "decided_at": now, "recipient": "else@customer.example"},
        {},
    ):
        await make_message(connection, customer, **({"recipient": gone} | values))
    await keep_up(connection, deployment)
    [row] = (await ask(client, LIST))["nodes"]
    assert row["waitingMessages"] == 3


async def test_pages_follow_each_other_newest_failure_first(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given seven bad addresses, some that failed at the same moment
    for number, hours in enumerate([3, 0, 1, 1, 1, 2, 5]):
        cause = "MAILBOX_FULL" if number % 2 else "BAD_DOMAIN"
        await refused(connection, f"c{number}@customer.example", hours, cause=cause)
    await keep_up(connection, deployment)
    whole = await ask(client, LIST)
    names = [row["address"][1] for row in whole["nodes"]]
    assert [names[at] for at in (0, 1, 2, 6)] == ["6", "0", "5", "1"]
    # When they are read by twos, with all causes and with one, then each comes once, in the same order
    for causes, wanted in (
        (None, names),
        (["MAILBOX_FULL", "BAD_DOMAIN", "SPAM"], names),
        (["MAILBOX_FULL"], [name for name in names if int(name) % 2]),
        ([], []),
    ):
        found, after, more = [], None, True
        while more:
            page = await ask(client, LIST, causes=causes, first=2, after=after)
            found += [row["address"][1] for row in page["nodes"]]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
            assert page["totalCount"]["value"] == len(wanted)
        assert found == wanted
    assert page["nodes"] == []


@pytest.mark.parametrize(
    ("search", "found"),
    [("beatrix", ["1"]), ("lang berg", ["1"]), ("CRM-002", ["2"]), ("C3@CUST", ["3"]),
     ("customer.example", ["3", "2", "1"]), ("nobody", [])],
)  # fmt: skip
async def test_they_are_found_as_customers_are(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment, search: str, found: list[str]
) -> None:
    for number, name in ((1, "Beatrix Lang-Berg"), (2, "Cem"), (3, "Dora")):
        of = {"name": name, "external_ref": f"CRM-00{number}"}
        await refused(connection, f"c{number}@customer.example", number, of=of)
    await make_customer(connection, name="Beatrix")
    await keep_up(connection, deployment)
    page = await ask(client, LIST, search=search)
    assert [row["address"][1] for row in page["nodes"]] == found
    assert page["totalCount"]["value"] == len(found)
    assert (await ask(client, LIST, search=search, causes=["SPAM"]))["nodes"] == []


@pytest.mark.parametrize(
    ("variables", "argument"),
    [({"first": 0}, "first"), ({"first": 101}, "first"), ({"after": "x"}, "after"), ({"after": "1-2"}, "after"),
     ({"after": f"-{'0' * 32}"}, "after"), ({"search": "-"}, "search"), ({"search": "a" * 321}, "search")],
)  # fmt: skip
async def test_what_cannot_be_asked_says_why(client: httpx.AsyncClient, variables: Any, argument: str) -> None:
    body = (await client.post("/graphql", json={"query": LIST, "variables": variables})).json()
    [error] = body["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}
    assert body["data"] == {"badAddresses": None}


async def test_a_firms_domain_is_suggested_once_it_took_mail_of_several_customers(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given a domain that does not exist, near one that took mail of two customers
    await refused(connection, "ann@acme-tols.example", cause="BAD_DOMAIN")
    for name in ("bob", "cem"):
        await accepted(connection, f"{name}@acme-tools.example")

    async def kinds() -> list[tuple[str, str | None]]:
        await keep_up(connection, deployment)
        [row] = (await ask(client, LIST))["nodes"]
        return [(one["kind"], one["address"]) for one in row["solutions"]]

    assert await kinds() == [("ASK", None)]
    # When a third customer's mail arrives there, then it is suggested, with the evidence
    await accepted(connection, "dora@acme-tools.example")
    assert await kinds() == [("TYPO", "ann@acme-tools.example"), ("ASK", None)]
    [row] = (await ask(client, LIST))["nodes"]
    assert "took mail of 3 customers or more" in row["solutions"][0]["text"]
    # But not while the right address must not be mailed either
    key = deployment.key_of("ann@acme-tools.example")
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="x")
    assert await kinds() == [("ASK", None)]
    await connection.execute("delete from suppression")
    # Nor once mail of ours arrived at the domain that seemed mistyped
    await accepted(connection, "eve@acme-tols.example")
    assert await kinds() == [("ASK", None)]


async def test_words_that_do_not_speak_of_the_address_say_lift(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given addresses that are suppressed by words: of a mailbox, of a policy; and by a report of a policy
    for number, words in enumerate(["5.1.1 No such user", "5.7.1 Blocked by our policy"]):
        address = f"c{number}@customer.example"
        customer, message = await refused(connection, address, -number, words=words)
        about = {"reason": "BAD_ADDRESS", "actor": "gateway", "customer_id": customer, "message_id": message}
        await insert(connection, "suppression", address_key=deployment.key_of(address), **about)
    customer = await make_customer(connection, addresses=["c2@customer.example"])
    message = await make_message(
        connection, customer, status="BOUNCED", cause="BAD_ADDRESS", recipient="c2@customer.example",
        sent_at=NOON - 3 * HOUR, bounced_at=NOON - 2 * HOUR,
    )  # fmt: skip
    await make_attempt(connection, customer, message)
    report = {"action": "FAILED", "matched_by": "TOKEN", "code": 550, "status_code": "5.7.1", "recipient_no": 0}
    for words, verified in (("550 5.7.1 Blocked by our policy", True), ("550 5.1.1 No such user", False)):
        await insert(
            connection, "delivery_report", customer_id=customer, id=await connection.fetchval("select uuidv7()"),
            message_id=message, words=words, verified=verified, **report,
        )  # fmt: skip
    about = {"reason": "BAD_ADDRESS", "actor": "gateway", "customer_id": customer, "message_id": message}
    await insert(connection, "suppression", address_key=deployment.key_of("c2@customer.example"), **about)
    await keep_up(connection, deployment)
    rows = (await ask(client, LIST))["nodes"]
    assert [[one["kind"] for one in row["solutions"]] for row in rows] == [["ASK"], ["LIFT", "ASK"], ["LIFT", "ASK"]]


async def test_the_whole_list_is_a_file_like_the_source_systems_report(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any, deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # Given more bad addresses than are written at once, one of them with a formula for a name
    monkeypatch.setattr("service.graph.bad_address_list.EXPORTED_AT_ONCE", 2)
    made = [
        await refused(connection, f"c{n}@gmial.com", n, of={"name": f"=Customer {n}", "external_ref": f"R{n}"})
        for n in range(5)
    ]
    await refused(connection, "full@customer.example", cause="MAILBOX_FULL")
    await keep_up(connection, deployment)
    links = await ask(client, EXPORT, causes=["BAD_ADDRESS"])
    # When somebody follows the link
    answer = await anonymous.get(urlsplit(links["csv"]).path)
    assert answer.headers["content-disposition"] == 'attachment; filename="bad-addresses.csv"'
    header, *rows = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    # Then each is there once, newest first, with what the report of the source system says
    assert header == [
        "customerId", "externalRef", "name", "address", "failedAt", "failingSince", "cause", "response", "suppressed",
        "waitingMessages", "solutions", "suggestedAddress",
    ]  # fmt: skip
    assert [row[1] for row in rows] == ["R4", "R3", "R2", "R1", "R0"]
    at = "2026-11-23T16:00:00+00:00"
    assert rows[0][:10] == [
        customer_global_id(made[4][0]), "R4", "'=Customer 4", "c4@gmial.com", at, at, "BAD_ADDRESS",
        "5.1.1 No such user", "false", rows[0][9],
    ]  # fmt: skip
    assert rows[0][10].startswith(
        "gmial.com looks like gmail.com mistyped. It may have to be c4@gmail.com. Their server"
    )
    assert rows[0][11] == "c4@gmail.com"
    # And as JSON lines the solutions are a list; a search has a file of its own
    found = [json.loads(line) for line in (await anonymous.get(urlsplit(links["jsonl"]).path)).text.splitlines()]
    assert [len(one["solutions"]) for one in found] == [2] * 5
    links = await ask(client, EXPORT, search="full@")
    assert (await anonymous.get(urlsplit(links["csv"]).path)).text.count("\r\n") == 2


@pytest.mark.parametrize(
    ("name", "values", "index"),
    [("bad_addresses_page", {}, "bad_address_newest"),
     ("bad_addresses_of_causes", {"causes": ["MAILBOX_FULL", "SPAM"]}, "bad_address_of_cause")],
)  # fmt: skip
async def test_pages_are_ranges_of_an_index(
    connection: Any, deployment: Deployment, name: str, values: Any, index: str
) -> None:
    # Given thousands of bad addresses
    customer = await make_customer(connection, addresses=[])
    await connection.execute(
        "insert into customer_address (customer_id, position, address, address_key)"
        " select $1, n, 'c' || n || '@customer.example', sha256(n::text::bytea) from generate_series(1, 5000) n",
        customer,
    )
    await connection.execute(
        "insert into bad_address (customer_id, address_key, message_id, failed_at, failing_since, cause)"
        " select customer_id, address_key, uuidv7(), now() - n * interval '1 s', now() - n * interval '1 s',"
        " case when n % 3 = 0 then 'SPAM' when n % 7 = 0 then 'MAILBOX_FULL' else 'BAD_ADDRESS' end::cause"
        " from customer_address cross join lateral (select position as n) p where customer_id = $1",
        customer,
    )
    await connection.execute("analyze bad_address, customer_address")
    page = statement(name)
    given = {"failed_at": NOON + timedelta(days=9999), "id": UUID(int=2**128 - 1), "rows": 51} | values
    await connection.execute("set local plan_cache_mode = force_generic_plan")
    plan = await connection.fetchval(
        f"explain (analyze, buffers, format json) {page.sql}", *[given[one] for one in page.parameters]
    )
    # Then a page reads an index in order, and no more than some rows
    assert index in json.dumps(plan)
    assert "Seq Scan" not in json.dumps(plan)
    assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 600
