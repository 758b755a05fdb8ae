"""Syntax trees made here are those of graphql-core, node by node and place by place; so is what is said of mistakes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from graphql import GraphQLSyntaxError, Location, Node, parse
from hypothesis import HealthCheck, example, given, settings

from service.graph import parsing
from service.graph.parsing import parse_document
from service.graph.schema import schema
from tests.bench.history import QUERY
from tests.examples import examples
from tests.graph_documents import documents

TOKENS = 3_000


def told(node: Any) -> Any:
    """Everything that a tree says, in plain values."""
    if isinstance(node, Node):
        return [type(node).__name__, *[told(getattr(node, one.name)) for one in fields(node)]]
    if isinstance(node, tuple):
        return [told(one) for one in node]
    if isinstance(node, Location):
        return node.start, node.end, node.source.body, node.source.name
    return node


def outcome(way: Any, source: str) -> Any:
    try:
        return told(way(source))
    except GraphQLSyntaxError as error:
        return error.formatted


def by_graphql(source: str) -> Any:
    return parse(source, max_lexical_tokens=TOKENS, max_comments=TOKENS, allow_empty_selection_sets=False)


@settings(max_examples=examples(100, proof=250), deadline=None, suppress_health_check=list(HealthCheck))
@given(source=documents(schema._schema))
@example(source="")
@example(source='{ a(b: "\ud800") } # \udfff')
@example(source="{}")
@example(source="{ a(b: []) c(d: {}) }")
@example(source="fragment on on T { a }")
@example(source="{ ...on }")
@example(source="{ ...on T { a } }")
@example(source="query ($a: [Int!]! = [1, 2] $b: T = {c: $d}) @x { on }")
@example(source='"""described""" query { a }')
@example(source='{ a(b: "x""y") }')
@example(source="{ a(b: 01) c(d: 1a) }")
@example(source="type T { a: Int }")
@example(source="subscription S { a { b } } mutation { a }")
@example(source="{ a " + "{ a " * 150 + "}" * 151)
@example(source="{ a(b: " + "[" * 250 + "]" * 250 + ") }")
@example(source="{ a " * 5_000)
@example(source="#\n" * (TOKENS + 1) + "{ a }")
@example(source="{" + " a" * TOKENS + " }")
def test_any_document_is_parsed_as_graphql_core_parses_it(source: str) -> None:
    assert outcome(lambda text: parse_document(text, tokens=TOKENS), source) == outcome(by_graphql, source)


def test_a_usual_document_is_parsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a parser that has nobody else to ask
    monkeypatch.setattr(parsing, "parse", None)
    # When it reads the history query, then it makes the tree by itself
    assert told(parse_document(QUERY, tokens=TOKENS)) == told(by_graphql(QUERY))
