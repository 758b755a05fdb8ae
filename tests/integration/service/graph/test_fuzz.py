"""Nonsense of every kind, and every query the schema allows: never a 5xx, never a masked error, always JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from tests.builders import make_attempt, make_campaign, make_customer, make_hit, make_message
from tests.examples import examples

SECONDS_AN_EXAMPLE = 20
RIGHT = {200, 400, 413, 414, 415, 422}
JSON = {"Content-Type": "application/json"}
TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PIECES = st.sampled_from(
    [
        *(
            "query",
            "mutation",
            "subscription",
            "fragment",
            "on",
            "Q",
            "Query",
            "Message",
            "customers",
            "customer",
            "emails",
        ),
        *("sent", "nodes", "id", "info", "first", "after", "search", "$v", "@skip", "@include", "if", "__typename"),
        *("__schema", "{", "}", "(", ")", ":", "!", "[", "]", "...", "=", "true", "null", "1", "-1", "99999999999"),
        *('"text"', '"""block"""', '"\\u0000"', '"\\ud800"', "#x\n", "\ufeff", "é", "1e999", "0.0.0", "&", "|", "\x00"),
    ]
)
QUIET = hypothesis_settings(
    max_examples=examples(60, proof=300),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""The same examples in every run, no shrinking: bounded time."""

Ask = Callable[..., httpx.Response]


@pytest.fixture
async def ledger(pool: Any) -> None:
    """A few rows, so that resolvers have something to resolve."""
    for _ in range(3):
        customer_id = await make_customer(pool)
        campaign_id = await make_campaign(pool)
        for values in ({}, {"source_type": "CAMPAIGN", "campaign_id": campaign_id}):
            message_id = await make_message(pool, customer_id, **values)
            await make_attempt(pool, customer_id, message_id)
            await make_hit(pool, customer_id, message_id)


@pytest.fixture
async def ask(client: httpx.AsyncClient, ledger: None) -> Ask:
    """Posts to `/graphql` from a thread beside the event loop: hypothesis is synchronous."""
    loop = asyncio.get_running_loop()

    def post(**parameters: Any) -> httpx.Response:
        sending: Coroutine[Any, Any, httpx.Response] = client.post("/graphql", **parameters)
        answer = asyncio.run_coroutine_threadsafe(sending, loop).result(SECONDS_AN_EXAMPLE)
        assert answer.status_code in RIGHT, (answer.status_code, answer.text[:500], parameters)
        assert set(answer.json()) <= {"data", "errors", "extensions"}
        assert '"INTERNAL"' not in answer.text, (answer.text[:500], parameters)
        return answer

    return post


async def test_bodies_of_any_bytes(ask: Ask) -> None:
    @QUIET
    @given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
    def fuzz(body: bytes) -> None:
        assert ask(content=body, headers=JSON).status_code in (400, 413)

    await asyncio.to_thread(fuzz)


async def test_requests_whose_parts_are_anything(ask: Ask) -> None:
    part = VALUES | st.just("{ __typename }")

    @QUIET
    @given(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("query", "variables", "operationName", "extensions"), part))
    )
    def fuzz(request: dict[str, Any]) -> None:
        assert ask(content=json.dumps(request).encode(), headers=JSON).headers["content-type"]

    await asyncio.to_thread(fuzz)


async def test_documents_of_any_tokens(ask: Ask) -> None:
    @QUIET
    @given(st.lists(PIECES, max_size=40).map(" ".join) | TEXT)
    def fuzz(document: str) -> None:
        assert ask(content=json.dumps({"query": document}).encode(), headers=JSON).status_code != 413

    await asyncio.to_thread(fuzz)


async def test_variables_of_any_shape(ask: Ask) -> None:
    document = """
    query Q($id: ID, $ref: String, $search: String, $first: Int!, $after: String, $filter: ConnectionNoteFilter) {
      customer(id: $id, externalRef: $ref) { emails {
        connectionNotes(first: $first, after: $after, filter: $filter) { nodes { title } }
      } }
      customers(search: $search, first: $first, after: $after) { nodes { id } }
    }"""
    names = ("id", "ref", "search", "after", "filter")
    likely = st.sampled_from(
        [1, 50, 100, 101, 0, -1, 2**31, "Customer_1", "Customer_0", "Message_1_" + "0" * 32, "abc"]
    )

    @QUIET
    @given(st.fixed_dictionaries({"first": likely | VALUES}, optional=dict.fromkeys(names, likely | VALUES)))
    def fuzz(variables: dict[str, Any]) -> None:
        body = json.dumps({"query": document, "variables": variables}).encode()
        assert ask(content=body, headers=JSON).headers["content-type"]

    await asyncio.to_thread(fuzz)


async def test_every_operation_that_the_schema_allows(ask: Ask) -> None:
    """Schemathesis writes valid queries and mutations, field by field, from the schema itself."""
    from service.graph.schema import schema

    for name in ("DateTime", "Decimal", "CurrencyCode", "JSON"):
        schemathesis.graphql.scalar(name, TEXT.map(nodes.String))
    described = schemathesis.graphql.from_file(schema.as_str())

    def fuzz_all() -> int:
        tried = 0
        for found in described.get_all_operations():
            operation: Any = found.ok()  # type: ignore[union-attr]  # an error raises here, too

            @hypothesis_settings(QUIET, max_examples=examples(3, proof=20))
            @given(operation.as_strategy())
            def fuzz(case: Any) -> None:
                ask(json={"query": case.body})

            fuzz()
            tried += 1
        return tried

    assert await asyncio.to_thread(fuzz_all) > 10
