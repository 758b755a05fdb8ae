"""Labels and values of a customer's own: replaced, merged, removed, cleared; refused together."""

from __future__ import annotations

from typing import Any

from tests.integration.service.graph.test_mutation import MakeContext, call, refusals

VALUES = """mutation($c: [UpsertCustomerInput!]!) { upsertCustomers(input: {customers: $c}) {
  customers { externalRef tags attributes } userErrors { code message field } } }"""


async def test_labels_are_replaced_and_values_merged_by_name(pool: Any, make_context: MakeContext) -> None:
    # Given a customer with labels and values
    values = {"city": "Köln", "visits": 3, "rate": 1.10, "vip": True, "since": "2026-12-24", "big": 999999999999999999}
    first = {"externalRef": "A-1", "tags": ["vip", " gold  member", "vip"], "attributes": values}
    made = await call(make_context(), VALUES, c=[first, {"externalRef": "B-2"}])
    assert made["customers"] == [
        {"externalRef": "A-1", "tags": ["gold member", "vip"], "attributes": values},
        {"externalRef": "B-2", "tags": [], "attributes": {}},
    ]
    assert await pool.fetchval("select attributes ->> 'rate' from customer where external_ref = 'A-1'") == "1.1"
    # When a call says nothing of them, then they stay
    [kept] = (await call(make_context(), VALUES, c=[{"externalRef": "A-1", "name": "Ann"}]))["customers"]
    assert kept == made["customers"][0]
    # When one names values, then they are put in, its nulls taken out, the others left; labels are replaced
    change = {"city": "Bonn", "visits": None, "unknown": None, "new": -0.0}
    given = [
        {"externalRef": "A-1", "tags": ["b2b"], "attributes": change},
        {"externalRef": "B-2", "attributes": {"city": None, "a": 1}},
        {"externalRef": "C-3", "attributes": {"gone": None, "kept": False}},
    ]
    changed = (await call(make_context(), VALUES, c=given))["customers"]
    assert changed[0]["tags"] == ["b2b"]
    assert changed[0]["attributes"] == {
        "city": "Bonn", "rate": 1.1, "vip": True, "since": "2026-12-24", "big": 999999999999999999, "new": 0
    }  # fmt: skip
    assert [one["attributes"] for one in changed[1:]] == [{"a": 1}, {"kept": False}]
    # When it is null, then all of it goes
    [cleared] = (await call(make_context(), VALUES, c=[{"externalRef": "A-1", "tags": None, "attributes": None}]))[
        "customers"
    ]
    assert cleared == {"externalRef": "A-1", "tags": [], "attributes": {}}


async def test_every_bad_label_and_value_is_named_and_nothing_is_written(pool: Any, make_context: MakeContext) -> None:
    payload = await call(
        make_context(),
        VALUES,
        c=[
            {"externalRef": "good", "tags": ["x"], "attributes": {"a": 1}},
            {
                "externalRef": "bad",
                "name": "a\nb",
                "tags": ["fine", "", "4111 1111 1111 1111"],
                "attributes": {"straße": 1, "a": "x\r\nBcc: y@example.com", "b": {"c": 1}, "n": 12345678901234567890},
            },
            {"externalRef": "list", "attributes": [1]},
        ],
    )
    assert payload["customers"] is None
    assert refusals(payload) == [
        ("HEADER_INJECTION", "customers.1.name"),
        ("REQUIRED", "customers.1.tags.1"),
        ("CARD_NUMBER", "customers.1.tags.2"),
        ("INVALID", "customers.1.attributes"),
        ("HEADER_INJECTION", "customers.1.attributes.a"),
        ("INVALID", "customers.1.attributes.b"),
        ("INVALID", "customers.1.attributes.n"),
        ("INVALID", "customers.2.attributes"),
    ]
    assert await pool.fetchval("select count(*) from customer") == 0


async def test_values_are_counted_together_with_those_there(pool: Any, make_context: MakeContext) -> None:
    # Given customers with as many values as there may be
    full = {f"a{number}": number for number in range(100)}
    await call(make_context(), VALUES, c=[{"externalRef": ref, "attributes": full} for ref in ("A", "B")])
    # When a call adds one more, then it is refused, and what else it holds is not written
    more = [{"externalRef": ref, "name": "New", "attributes": {"b": 1}} for ref in ("A", "B")]
    payload = await call(make_context(), VALUES, c=more)
    assert refusals(payload) == [("TOO_MANY", "customers.0.attributes"), ("TOO_MANY", "customers.1.attributes")]
    assert await pool.fetchval("select count(name) from customer") == 0
    # When it takes one away at the same time, then it fits
    exchanged = await call(make_context(), VALUES, c=[{"externalRef": "A", "attributes": {"a0": None, "b": 1}}])
    assert len(exchanged["customers"][0]["attributes"]) == 100


async def test_very_many_bad_entries_are_reported_up_to_a_hundred(make_context: MakeContext) -> None:
    batch = [{"externalRef": f"R-{number}", "tags": [""] * 100} for number in range(1000)]
    payload = await call(make_context(), VALUES, c=batch)
    assert len(payload["userErrors"]) == 100
