"""Files of who must not be mailed, and of customers with what they chose."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.deployment import Deployment
from gateway.settings import Settings
from service.graph.node import customer_global_id
from tests.builders import NOON, insert, make_customer

SUPPRESSIONS = """query($search: String, $lifted: Boolean! = false) {
  suppressions(search: $search, lifted: $lifted, first: 1) { totalCount { value precision } exportUrl } }"""
CUSTOMERS = "query($f: CustomerFilter, $s: String) { customers(filter: $f, search: $s, first: 1) { exportUrl } }"
LIFT = "mutation($i: LiftSuppressionInput!) { liftSuppression(input: $i) { userErrors { message } } }"


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    body = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in body, body
    [value] = body["data"].values()
    return value


async def table(client: httpx.AsyncClient, url: str) -> list[dict[str, str]]:
    answer = await client.get(urlsplit(url).path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def test_suppressed_addresses_are_a_file_with_who_and_why(
    client: httpx.AsyncClient, connection: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three suppressed addresses, of which one is nobody's, and one that was lifted; and batches of two
    monkeypatch.setattr("service.graph.suppression_list.EXPORTED_AT_ONCE", 2)
    deployment, customers = Deployment.open(settings), {}
    for name in ("ann", "bo", "cy", "di"):
        address = f"{name}@fabrikam.example"
        if name != "cy":
            customers[name] = await make_customer(connection, name=name.title(), addresses=[address])
        await insert(
            connection,
            "suppression",
            address_key=deployment.key_of(address),
            reason="STAFF",
            actor="jo",
            why=f"{name} asked",
            address=address,
            since=NOON,
        )
    await ask(client, LIFT, i={"address": "di@fabrikam.example", "why": "back again"})
    # When the list and what was lifted are fetched
    found = await ask(client, SUPPRESSIONS)
    standing = await table(client, found["exportUrl"])
    lifted = await table(client, (await ask(client, SUPPRESSIONS, lifted=True))["exportUrl"])
    # Then each is there once, newest first, with whose it is and who did it
    assert found["totalCount"] == {"value": 3, "precision": "EXACT"}
    assert [row["address"] for row in standing] == [f"{name}@fabrikam.example" for name in ("cy", "bo", "ann")]
    assert [row["name"] for row in standing] == ["", "Bo", "Ann"]
    assert standing[1]["customerId"] == customer_global_id(customers["bo"])
    assert (standing[0]["reason"], standing[0]["by"], standing[0]["why"]) == ("STAFF", "jo", "cy asked")
    assert [(row["address"], row["liftedBy"], row["liftedWhy"]) for row in lifted] == [
        ("di@fabrikam.example", "test", "back again")
    ]
    # And a search goes with the link, and counts
    one = await ask(client, SUPPRESSIONS, search="bo@fabrikam.example")
    assert one["totalCount"]["value"] == 1
    assert [row["name"] for row in await table(client, one["exportUrl"])] == ["Bo"]


async def test_who_opted_out_is_a_file_with_each_choice(
    client: httpx.AsyncClient, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three customers, of whom two opted out, one of both; and batches of one
    monkeypatch.setattr("service.graph.customer_search.EXPORTED_AT_ONCE", 1)
    ids = [await make_customer(connection, name=name, addresses=[f"{name}@x.example"]) for name in ("ann", "bo", "cy")]
    for customer, kind in ((ids[0], "MARKETING"), (ids[0], "EVENT_BASED"), (ids[2], "MARKETING")):
        await insert(
            connection, "opt_out", customer_id=customer, kind=kind, source="STAFF", actor="jo", opted_out_at=NOON
        )
    # When they are fetched
    rows = await table(client, (await ask(client, CUSTOMERS, f={"optedOut": True}))["exportUrl"])
    # Then each is there once, newest first
    assert [(row["name"], row["address"]) for row in rows] == [("cy", "cy@x.example"), ("ann", "ann@x.example")]
    assert [bool(row["eventBasedOptOutAt"]) for row in rows] == [False, True]
    assert [row["marketingOptOutBy"] for row in rows] == ["jo", "jo"]
    # And a search goes with the link
    found = await ask(client, CUSTOMERS, f={"optedOut": True}, s="cy")
    assert [row["name"] for row in await table(client, found["exportUrl"])] == ["cy"]
