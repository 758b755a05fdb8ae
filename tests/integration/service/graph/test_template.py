"""Templates and their versions over the API: listed, opened, and what would stop a launch."""

from __future__ import annotations

from typing import Any

import httpx

CREATE = """mutation($i: CreateTemplateInput!) { createTemplate(input: $i) {
  template { id name newest { id number } } warnings { code blocking message recipients }
  userErrors { code field message } } }"""
LIST = """query($search: String, $first: Int!, $after: String) {
  templates(search: $search, first: $first, after: $after) {
    nodes { id name version } pageInfo { hasNextPage endCursor } } }"""
VERSION = """query($id: ID!) { node(id: $id) { ... on TemplateVersion {
  id number subject mjml html text fields sampleData locale createdAt template { name }
  preview { subject html } warnings { code blocking message recipients } } } }"""
VERSIONS = """query($id: ID!, $first: Int!, $after: String) { template(id: $id) {
  newest { number } versions(first: $first, after: $after) {
    nodes { number subject } pageInfo { hasNextPage endCursor } } } }"""
BODY = '<p>Hello {{ first }}, <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    query = f'{{ templates(search: "{"x" * 256}") {{ nodes {{ id }} }} }}'
    body = (await client.post("/graphql", json={"query": query})).json()
    assert "at most 255 characters" in body["errors"][0]["message"]
