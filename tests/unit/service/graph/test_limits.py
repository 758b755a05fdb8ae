"""Depth, aliases, fields and cost, counted before anything runs; documents remembered within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from service.graph import cost as cost_of
from service.graph import documents
from service.graph.cost import OperationCost
from service.graph.documents import Document, DocumentRefused, Documents
from service.graph.limits import DocumentLimits, check_document

LIMITS = DocumentLimits(document_bytes=10_000, tokens=1_000, depth=6, aliases=3, fields=50)
SCHEMA = build_schema("""
    interface Node { id: ID! }
    type Query { customers(first: Int! = 50): CustomerConnection!  customer(id: ID): Customer  node: Node }
    type CustomerConnection { edges: [CustomerEdge!]! nodes: [Customer!]! pageInfo: PageInfo! }
    type CustomerEdge { cursor: String! node: Customer! }
    type PageInfo { hasNextPage: Boolean! }
    type Customer implements Node {
        id: ID! name: String notes(first: Int! = 20): NoteConnection addresses: [Address!]!
    }
    type NoteConnection { nodes: [Note!]! }
    type Note { title: String customer: Customer! }
    type Address { address: String! }
    type Mutation { rename(name: String): Customer }
    directive @x on FIELD
    """)


def refused(document: str) -> str | None:
    error = check_document(parse(document), LIMITS)
    return error.extensions["code"] if error and error.extensions else None


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ a { b { c { d { e { f } } } } } }", None),
        ("{ a { b { c { d { e { f { g } } } } } } }", "DEPTH_LIMIT"),
        ("{ a { ...F } } fragment F on T { b { c { d { e { f { g } } } } } }", "DEPTH_LIMIT"),
        ("{ a { ... on T { ... { ... @skip(if: true) { b } } } } }", None),
        ("{ x: a y: a z: a }", None),
        ("{ w: a x: a y: a z: a }", "ALIAS_LIMIT"),
        ("{ ...F b { ...F } } fragment F on T { x: a y: a }", "ALIAS_LIMIT"),
        ("{ " + " ".join(f"f{n}" for n in range(51)) + " }", "FIELD_LIMIT"),
        ("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A }", None),
        ("{ ...Missing }", None),
        ("{ a } type T { a: Int }", None),
        ("{ " + " a" * 21 + " }", "REPEAT_LIMIT"),
        ("{ " + " ...F" * 21 + " } fragment F on T { a }", "REPEAT_LIMIT"),
        ("{ " + " a" * 20 + " ...F" * 20 + " } fragment F on T { a }", None),
        ("{ a @x @x @x @x @x }", "DIRECTIVE_LIMIT"),
        ("{ a @x @x @x @x b @x }", None),
    ],
)
def test_a_document_is_measured_with_its_fragments_spread(document: str, code: str | None) -> None:
    assert refused(document) == code


def test_a_document_has_600_fields_and_100_definitions_unless_said_otherwise() -> None:
    limits = DocumentLimits(document_bytes=10_000, tokens=1_000, depth=6, aliases=3)

    def code(fields: int, definitions: int) -> str | None:
        fragments = " ".join(f"fragment F{n} on T {{ a }}" for n in range(definitions - 1))
        error = check_document(parse("{" + " ".join(f"f{n}" for n in range(fields)) + "}" + fragments), limits)
        return error.extensions["code"] if error and error.extensions else None

    assert [code(600, 100), code(601, 100), code(600, 101)] == [None, "FIELD_LIMIT", "DEFINITION_LIMIT"]


def test_fragments_that_double_each_other_are_counted_without_spreading_them() -> None:
    doubling = "{ ...F0 } " + " ".join(
        f"fragment F{n} on T {{ ...F{n + 1} b{n}: x {{ ...F{n + 1} }} }}" for n in range(60)
    )
    last = " fragment F60 on T { a }"
    assert refused(doubling + last) is not None


def measured(document: str) -> OperationCost:
    known = Documents(
        SCHEMA, DocumentLimits(document_bytes=10_000, tokens=1_000, depth=15, aliases=30), introspection=True
    )
    operation = known.get(document).operation(None)
    assert operation is not None
    return operation.cost


def cost(document: str, **variables: Any) -> int:
    return measured(document).of(variables)


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        ("{ __typename }", {}, 0),
        ("{ customer { id name } }", {}, 1),
        ("{ customers(first: 10) { nodes { id } } }", {}, 1 + 10 * 1),
        ("{ customers { nodes { id } } }", {}, 1 + 50 * 1),
        ("{ customers(first: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }", {}, 1 + 10 * 3),
        ("{ customers(first: 10) { nodes { notes(first: 5) { nodes { title } } } } }", {}, 1 + 10 * (1 + 1 + 5)),
        ("{ customer { addresses { address } } }", {}, 1 + 5),
        ("query Q($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": 7}, 8),
        ("query Q($n: Int! = 3) { customers(first: $n) { nodes { id } } }", {}, 4),
        ("query Q($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": 100.0}, 101),
        ("query Q($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": "seven"}, 51),
        ("query Q($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": [7]}, 51),
        ("query Q($i: ID = " + "9" * 5000 + ") { customer(id: $i) { id } }", {}, 1),
        ("{ customer @x { id } }", {}, 1),
        ("{ ... { customer { id } } }", {}, 1),
        ("{ customers(first: 100000) { nodes { id } } }", {}, 101),
        ("{ customers(first: -5) { nodes { id } } }", {}, 2),
        ("{ customers(first: 99999999999999999999) { nodes { id } } }", {}, None),
        ("query Q($b: Boolean!) { customer @include(if: $b) { id } }", {"b": False}, 0),
        ("query Q($b: Boolean!) { customer @skip(if: $b) { id } }", {"b": False}, 1),
        ("{ customers(first: 4) { ...F } } fragment F on CustomerConnection { nodes { ... on Node { id } } }", {}, 5),
        ("mutation { rename { notes(first: 2) { nodes { title } } } }", {}, 1 + 1 + 2),
        ("{ node { ... on Customer { notes(first: 2) { nodes { title } } } } }", {}, 1 + 1 + 2),
        ("{ __schema { types { name } } }", {}, 5_000),
        ('{ a: __type(name: "Note") { name } b: __type(name: "Node") { name } customer { __typename } }', {}, 201),
    ],
)
def test_the_cost_is_what_may_be_asked_for(document: str, variables: dict[str, Any], expected: int | None) -> None:
    if expected is None:
        with pytest.raises(DocumentRefused):
            cost(document, **variables)
    else:
        assert cost(document, **variables) == expected


def test_few_costs_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_of, "_MAX_CACHED", 2)
    paged = measured("query Q($n: Int!) { customers(first: $n) { nodes { id } } }")
    kept = []
    for first in (1, 2, 3):
        assert paged.of({"n": first}) == 1 + first
        kept.append(len(paged._cached))
    assert kept == [1, 2, 1]


def test_an_operation_that_the_schema_has_not_costs_nothing() -> None:
    operation = parse("mutation { rename { id } }").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    schema = build_schema("type Query { rename: Query id: ID }")
    assert OperationCost(schema=schema, operation=operation, fragments={}).of({}) == 0


def test_a_callers_values_never_stand_for_anothers_that_are_merely_equal() -> None:
    # Given a query that somebody sent with a switch in the place of a number: not valid, but counted, at a page's size
    paged = measured("query Q($n: Int!) { customers(first: $n) { nodes { id } } }")
    assert paged.of({"n": True}) == 51
    # When another asks for one row, then that costs what one row costs
    assert paged.of({"n": 1}) == 2
    # and the other way round
    switched = measured("query Q($b: Boolean!) { customer @include(if: $b) { id } }")
    assert [switched.of({"b": value}) for value in (0, False, 1, True)] == [1, 0, 1, 1]


def test_documents_are_kept_when_they_are_asked_again_and_forgotten_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MAX_DOCUMENTS", 2)
    known = Documents(SCHEMA, LIMITS, introspection=True)

    def asked_again(document: str) -> Document:
        known.get(document)
        return known.get(document)

    first = asked_again("{ customer { id } }")
    assert known.get("{ customer { id } }") is first
    asked_again("{ customer { name } }")
    known.get("{ customer { id } }")
    asked_again("{ customer { id name } }")
    assert known.get("{ customer { id } }") is first
    # And by bytes.
    monkeypatch.setattr(documents, "_MAX_BYTES", 30)
    asked_again("{ customers { nodes { id } } }")
    assert known.get("{ customer { id } }") is not first


def test_documents_that_are_asked_once_leave_nothing_but_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given documents of which few hashes are remembered, and one that is asked again
    monkeypatch.setattr(documents, "_MAX_ASKED_ONCE", 10)
    known = Documents(SCHEMA, LIMITS, introspection=True)
    repeated = [known.get("{ customer { id } }") for _ in range(3)][-1]
    # When very many others come once each
    for number in range(100):
        known.get(f"{{ customer {{ a{number}: id }} }}")
    # Then that one is still kept, and nothing else
    assert known.get("{ customer { id } }") is repeated
    assert (len(known._known), len(known._asked_once) <= 10) == (1, True)


def test_wrong_documents_are_not_remembered() -> None:
    known = Documents(SCHEMA, LIMITS, introspection=True)
    for _ in range(2):
        with pytest.raises(DocumentRefused) as caught:
            known.get("{ unknown }")
        assert caught.value.status == 400
