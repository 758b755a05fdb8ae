"""GraphQL over HTTP: the points of the public audit suite (npm `graphql-http`, `serverAudits`), and ours."""

from __future__ import annotations

import httpx


async def test_a_signed_in_client_gets_data(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ __typename customers { nodes { id } } }"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == {"__typename": "Query", "customers": {"nodes": []}}
