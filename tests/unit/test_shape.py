"""What shaping remembers, and what it forgets."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

from graphql import OperationDefinitionNode, parse

from service.graph.history import NOTES_PAGE
from service.graph.schema import schema
from service.shape.compile import USUAL_DOCUMENT, Selection, ShapedPage, shape


def operation(comment: str) -> Any:
    return parse(f"{{ notes {{ nodes {{ title }} }} }} # {comment}").definitions[0]


def shaped(asked: OperationDefinitionNode) -> ShapedPage | None:
    """The page of connection notes, as this operation selects it."""
    info: Any = SimpleNamespace(
        schema=schema._schema,
        operation=asked,
        fragments={},
        variable_values={},
        field_nodes=[asked.selection_set.selections[0]],
        return_type=schema._schema.type_map["ConnectionNoteConnection"],
    )
    return shape(NOTES_PAGE, Selection(info))


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
