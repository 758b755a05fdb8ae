"""What shaping remembers, what it forgets, and how pages become one statement."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from graphql import OperationDefinitionNode, parse

from service.database import Statement
from service.graph.history_pages import NOTES_PAGE
from service.graph.schema import schema
from service.shape.compile import Selection, ShapedPage
from service.shape.joined import joined, joined_of_many
from service.shape.read import USUAL_DOCUMENT, lists_of


def operation(comment: str) -> Any:
    return parse(f"{{ emails {{ connectionNotes {{ nodes {{ title }} }} }} }} # {comment}").definitions[0]


def shaped(asked: OperationDefinitionNode) -> ShapedPage | None:
    """The page of connection notes, as this operation selects it."""
    info: Any = SimpleNamespace(
        schema=schema._schema,
        operation=asked,
        fragments={},
        variable_values={},
        field_nodes=[asked.selection_set.selections[0]],
        return_type=schema._schema.type_map["CustomerEmails"],
    )
    [notes] = lists_of(Selection.of(info))
    return notes.shape(NOTES_PAGE)


def test_a_page_is_shaped_once_a_document() -> None:
    for comment in ("short", "x" * USUAL_DOCUMENT):
        asked = operation(comment)
        assert shaped(asked) is shaped(asked)


def test_large_documents_do_not_pile_up() -> None:
    # Given a shape of a large document
    asked = operation("x" * USUAL_DOCUMENT)
    assert shaped(asked) is not None
    gone = weakref.ref(asked)
    del asked
    # When as many others come as a flood of them would bring
    for number in range(100):
        assert shaped(operation(f"{number}" + "x" * USUAL_DOCUMENT)) is not None
    gc.collect()
    # Then its document has been forgotten with it
    assert gone() is None


def page(name: str) -> ShapedPage:
    """A page of two parameters."""
    sql = f"select count(*) from {name} where id < $2 and a = $1"  # noqa: S608 - constants
    return ShapedPage(statement=Statement(name=name, sql=sql, parameters=("a", "b")), layout={}, width=3)


def test_pages_stand_side_by_side_and_their_parameters_are_counted_on() -> None:
    made = joined((page("x"), page("y")))
    assert (made.name, made.parameters) == ("x+y", ("0.a", "0.b", "1.a", "1.b"))
    assert made.sql == (
        "select *\nfrom (select count(*) from x where id < $2 and a = $1) l0"
        "\ncross join (select count(*) from y where id < $4 and a = $3) l1"
    )


def test_pages_of_many_owners_are_a_row_each() -> None:
    one = replace(page("x"), statement=replace(page("x").statement, parameters=("customer_id", "b")))
    made = joined_of_many((one, one))
    assert (made.name, made.parameters) == ("x+x of many", ("owners", "0.b", "1.b"))
    assert made.sql == (
        "select l0.*, l1.*\nfrom unnest($1::bigint[]) with ordinality as w (owner, place)"
        "\ncross join lateral (select count(*) from x where id < $2 and a = w.owner) l0"
        "\ncross join lateral (select count(*) from x where id < $3 and a = w.owner) l1\norder by w.place"
    )
