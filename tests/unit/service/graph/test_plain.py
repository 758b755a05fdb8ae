"""What is called plainly valid is valid by every rule of graphql-core's; and most of what is valid is called so."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import DocumentNode, parse
from hypothesis import HealthCheck, example, given, settings

from service.graph.documents import DocumentRefused, Documents
from service.graph.limits import DocumentLimits
from service.graph.plain import PlainRules
from service.graph.schema import schema
from tests.examples import examples
from tests.graph_documents import documents

LIMITS = DocumentLimits(document_bytes=100_000, tokens=3_000, depth=15, aliases=30)
EMAILS = "{{ customer(id: 5) {{ emails {{ {} }} }} }}"


class Doubtful(PlainRules):
    """Leaves every document to graphql-core."""

    def are_kept(self, document: DocumentNode) -> bool:
        return False


def made(*, doubtful: bool = False) -> Documents:
    documents = Documents(schema._schema, LIMITS, introspection=True)
    if doubtful:
        documents._plain = Doubtful(schema._schema)
    return documents


PLAIN, BY_RULES = made(), made(doubtful=True)


def outcome(known: Documents, source: str) -> Any:
    try:
        return sorted(str(name) for name in known.get(source).operations)
    except DocumentRefused as refused:
        return refused.status, [error.formatted for error in refused.errors]


@settings(max_examples=examples(80, proof=200), deadline=None, suppress_health_check=list(HealthCheck))
@given(source=documents(schema._schema))
@example(source="query($a: Int, $a: Int) { campaigns(first: $a) { __typename } }")
@example(source="query($a: Int) { campaigns(first: $a) { __typename } }")
@example(source="query($a: Int = null) { campaigns(first: $a) { __typename } }")
@example(source="{ campaigns { ...F } } fragment F on CampaignConnection { ...F }")
@example(
    source="{ campaigns { ...F } } fragment F on CampaignConnection { __typename } fragment G on Query { __typename }"
)
@example(source="{ campaigns { __typename } } fragment F on CampaignConnection { __typename }")
@example(source="{ campaigns { ...F } } fragment F on CampaignConnection @skip(if: true) { __typename }")
@example(source="query @skip(if: true) { campaigns { __typename } }")
@example(source="subscription { a: __typename b: __typename }")
@example(source="{ campaigns { __typename } } { campaigns { __typename } }")
@example(source="query A { gateway { __typename } } query B { gateway { __typename } }")
@example(source="{ gateway { __typename } gateway { nope: __typename } a: gateway { nope } }")
@example(source="{ campaigns { nodes { a: id } nodes { a: title } } }")
@example(source="{ campaigns(first: 1) { nodes { id } } campaigns(first: 2) { nodes { id } } }")
@example(source="{ customer { ... on Customer { x: id } ... on Node { x: id } } }")
@example(source="{ customer { ... on Campaign { id } } }")
@example(source='{ __type(name: "Message") { name } __typename(a: 1) }')
@example(source="{ customer @include(if: null) { id @skip(if: 1) } }")
@example(source="query($x: [Boolean!]) { customer @include(if: $x) { id } }")
@example(source=EMAILS.format("connectionNotes(filter: {direction: null}) { __typename }"))
@example(source=EMAILS.format("connectionNotes(filter: {sourceTypes: [CAMPAIGN]}) { __typename }"))
def test_a_document_is_refused_by_the_same_errors_as_by_every_rule(source: str) -> None:
    assert outcome(PLAIN, source) == outcome(BY_RULES, source)


@pytest.mark.parametrize(
    "source",
    [
        "{ __typename }",
        'query Q($n: Int! = 2, $s: Boolean!) { campaigns(first: $n, after: "x") { nodes { id @skip(if: $s) } } }',
        "{ campaigns { nodes { ...F } nodes { b: title } } } fragment F on Campaign { id ... { title } }",
        EMAILS.format("connectionNotes(filter: {sourceTypes: [CAMPAIGN], direction: SENT}) { nodes { id } }"),
        EMAILS.format("clicks(includeMachine: true) { nodes { id } }"),
    ],
)
def test_what_clients_usually_ask_is_plainly_valid(source: str) -> None:
    assert PLAIN._plain.are_kept(parse(source))


def test_most_valid_documents_are_plainly_so() -> None:
    # Given documents that hypothesis makes up
    found: list[bool] = []

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(source=documents(schema._schema))
    def look(source: str) -> None:
        if isinstance(outcome(BY_RULES, source), list):
            found.append(PLAIN._plain.are_kept(parse(source)))

    # When those that are valid are looked at
    look()
    # Then most are so beyond doubt: the comparison above was no comparison of one way with itself
    assert len(found) > 20
    assert sum(found) > len(found) / 2
