"""What shaping remembers, what it forgets, and how pages become one statement."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from graphql import OperationDefinitionNode, parse

from service.database import Statement
from service.graph.history_pages import NOTES_PAGE
from service.graph.schema import schema
from service.shape.compile import Selection
from service.shape.joined import joined, joined_of_many
from service.shape.read import ListField, lists_of


def parsed(source: str) -> OperationDefinitionNode:
    return cast(OperationDefinitionNode, parse(source).definitions[0])


def listed(asked: OperationDefinitionNode) -> ListField:
    """The list that this operation selects of a customer."""
    info: Any = SimpleNamespace(
        schema=schema._schema,
        operation=asked,
        fragments={},
        variable_values={},
        field_nodes=[asked.selection_set.selections[0]],
        return_type=schema._schema.type_map["CustomerEmails"],
    )
    [found] = lists_of(Selection.of(info))
    return found


def test_a_list_is_shaped_once_a_document() -> None:
    asked = parsed("{ emails { connectionNotes { nodes { title } } } }")
    assert listed(asked) is listed(asked)
    for made in (listed(asked).general, listed(asked).exact):
        assert made(NOTES_PAGE) is made(NOTES_PAGE)


def test_what_was_shaped_is_gone_with_its_document() -> None:
    # Given the shape of a document that nothing else keeps
    asked = parsed("{ emails { connectionNotes { nodes { title } } } }")
    gone = weakref.ref(listed(asked).selection)
    # When the document is forgotten
    del asked
    gc.collect()
    # Then so is what was made of it
    assert gone() is None


def page(name: str) -> Statement:
    """A page of two parameters."""
    sql = f"select count(*) from {name} where id < $2 and a = $1"  # noqa: S608 - constants
    return Statement(name=name, sql=sql, parameters=("a", "b"))


def test_pages_stand_side_by_side_and_their_parameters_are_counted_on() -> None:
    made = joined((page("x"), page("y")))
    assert (made.name, made.parameters) == ("x+y", ("0.a", "0.b", "1.a", "1.b"))
    assert made.sql == (
        "select *\nfrom (select count(*) from x where id < $2 and a = $1) l0"
        "\ncross join (select count(*) from y where id < $4 and a = $3) l1"
    )


def test_pages_of_many_owners_are_a_row_each() -> None:
    one = replace(page("x"), parameters=("customer_id", "b"))
    made = joined_of_many((one, one))
    assert (made.name, made.parameters) == ("x+x of many", ("owners", "0.b", "1.b"))
    assert made.sql == (
        "select l0.*, l1.*\nfrom unnest($1::bigint[]) with ordinality as w (owner, place)"
        "\ncross join lateral (select count(*) from x where id < $2 and a = w.owner) l0"
        "\ncross join lateral (select count(*) from x where id < $3 and a = w.owner) l1\norder by w.place"
    )
