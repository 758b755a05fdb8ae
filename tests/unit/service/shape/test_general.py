"""Selections that read the same rows are one general statement, whatever their names and order are."""

from __future__ import annotations

import pytest
from graphql import GraphQLObjectType

from service.graph.history_pages import CLICKS_PAGE, NOTES_PAGE, SENT_PAGE
from service.graph.schema import schema
from service.shape.compile import Page, ShapedPage
from service.shape.general import MAX_OFFERED, _offered
from tests.unit.service.shape.test_shape import listed, parsed


def generally(selected: str, page: Page = NOTES_PAGE) -> ShapedPage:
    found = listed(parsed(f"{{ emails {{ connectionNotes {{ {selected} }} }} }}")).general(page)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nodes { title occurredAt }", "nodes { occurredAt title }"),
        ("nodes { title }", "nodes { x: title direction __typename }"),
        ("nodes { info { status } }", "nodes { message { id status } sourceType }"),
        ("edges { cursor node { title } }", "edges { node { y: title } } pageInfo { endCursor }"),
        (
            "nodes { info { attempts { number } copies { role } } }",
            "nodes { i: info { c: copies { name x: role } a: attempts { verdict __typename } } }",
        ),
    ],
)
def test_selections_that_read_the_same_rows_are_one_statement(one: str, other: str) -> None:
    first, second = generally(one), generally(other)
    assert first.statement is second.statement
    # and its values tell them apart
    assert first.values != second.values


def test_what_costs_a_join_or_a_subselect_is_read_only_where_it_is_asked_for() -> None:
    usual = generally("nodes { title }").statement.sql
    assert "w.waits_for" not in usual
    assert "from hit" not in usual.partition("from (")[0]
    assert "w.waits_for" in generally("nodes { info { waitsFor } }").statement.sql
    assert "from hit" in generally("nodes { clickCount }").statement.sql


@pytest.mark.parametrize(
    ("page", "name"), [(SENT_PAGE, "SentEmail"), (CLICKS_PAGE, "LinkClick"), (NOTES_PAGE, "ConnectionNote")]
)
def test_every_column_of_a_row_has_a_bit(page: Page, name: str) -> None:
    row = schema._schema.type_map[f"{name}Edge"]
    assert isinstance(row, GraphQLObjectType)
    assert 5 < len(_offered(row, page)) <= MAX_OFFERED
