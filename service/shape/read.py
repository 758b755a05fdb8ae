"""Reading an object's shaped lists: all of them by one statement, before graphql-core comes to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast
from uuid import UUID

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLResolveInfo,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments

from service.database import Reading
from service.shape.compile import BESIDE, Page, Selection, ShapedPage, declared, shape
from service.shape.field import Listed
from service.shape.joined import joined

USUAL_DOCUMENT = 4096
"""Characters: the page's own queries have under two thousand."""


class Shows(Protocol):
    """Which rows of a list are shown."""

    @property
    def first(self) -> int:
        """At most so many."""

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """PageInfo by GraphQL names, `__typename` among them: of how many rows were read, and the keys shown."""


W_co = TypeVar("W_co", bound=Shows, covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked(Generic[W_co]):
    """The page that a list's arguments mean, and what its statement is given."""

    page: Page
    window: W_co
    values: Mapping[str, Any]


_Part: TypeAlias = "tuple[str, ShapedPage, Asked[Shows]]"
"""A list's response key, its statement, and what that is given."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ListField:
    """A list selected in a document. `arguments` is None where a variable stands among them; `shapes` remembers."""

    key: str
    listed: Listed
    definition: GraphQLField
    node: FieldNode
    selection: Selection
    arguments: Mapping[str, Any] | None
    shapes: dict[Page, ShapedPage | None] = field(default_factory=dict)

    async def ask(self, info: GraphQLResolveInfo[Any], whose: Sequence[Any]) -> Asked[Shows]:
        """Raises what its arguments, or the reading of what they name, raise."""
        arguments = self.arguments
        if arguments is None:
            # Strawberry hands resolvers the coerced values alone.
            given = cast(Mapping[str, Any], info.variable_values)
            arguments = _arguments(self.selection, self.definition, self.node, given)
        asked: Asked[Shows] = await self.listed.ask(*whose, **arguments)
        return asked

    def shape(self, page: Page) -> ShapedPage | None:
        """Its statement, of this page; None when the selection cannot be shaped."""
        if page not in self.shapes:
            self.shapes[page] = shape(page, self.selection)
        return self.shapes[page]


async def read_lists(info: GraphQLResolveInfo[Any], reading: Reading, *whose: Any) -> dict[str, Any]:
    """The lists selected below this field, by response key; those that cannot be shaped are left out.

    `whose` is what every list's `ask` is given first. What a list raises stands in its place: it is that field's error.
    """
    found: dict[str, Any] = {}
    pages: list[_Part] = []
    for one in lists_of(Selection.of(info)):
        try:
            asked = await one.ask(info, whose)
        except Exception as error:
            found[one.key] = error
            continue
        shaped = one.shape(asked.page)
        if shaped is not None:
            pages.append((one.key, shaped, asked))
    return found | await _read(reading, pages) if pages else found


async def _read(reading: Reading, pages: Sequence[_Part]) -> dict[str, Any]:
    statement = joined(tuple(shaped for _, shaped, _ in pages))
    values = [asked.values[name] for _, shaped, asked in pages for name in shaped.statement.parameters]
    try:
        [row] = await reading.fetch(statement, **dict(zip(statement.parameters, values, strict=True)))
    except Exception as error:
        return {key: error for key, _, _ in pages}
    found: dict[str, Any] = {}
    at = 0
    for key, shaped, asked in pages:
        found[key] = _connection(shaped, row[at : at + shaped.width], asked)
        at += shaped.width
    return found


def _connection(shaped: ShapedPage, columns: Sequence[Any], asked: Asked[Shows]) -> dict[str, Any]:
    read, first, last = columns[:BESIDE]
    connection: dict[str, Any] = {}
    for key, part in shaped.layout.items():
        match part:
            case int(column):
                lines = columns[column] or ""
                shown = lines.rpartition("\n")[0] if read > asked.window.first else lines
                connection[key] = orjson.Fragment("[" + shown.replace("\n", ",") + "]")
            case str(type_name):
                connection[key] = type_name
            case _:
                told = asked.window.page_info(read, first, last)
                connection[key] = {one: told[name] for one, name in part.items()}
    return connection


def lists_of(selection: Selection) -> tuple[ListField, ...]:
    """The lists in this selection; none when a switch is null: the ordinary way says so where it stands."""
    loc = selection.operation.loc
    large = loc is not None and len(loc.source.body) > USUAL_DOCUMENT
    return (_lists_of_large if large else _lists_of_usual)(selection)


def _lists_of(selection: Selection) -> tuple[ListField, ...]:
    try:
        fields = selection.fields(selection.type, selection.details)
    except GraphQLError:
        return ()
    found: list[ListField] = []
    for key, details in fields.items():
        listed = declared(selection.type, details)
        if isinstance(listed, Listed):
            node = details[0].node
            definition = selection.type.fields[node.name.value]
            fixed = not any(_is_variable(argument.value) for argument in node.arguments or ())
            found.append(
                ListField(
                    key=key,
                    listed=listed,
                    definition=definition,
                    node=node,
                    selection=selection.below(details),
                    arguments=_arguments(selection, definition, node, {}) if fixed else None,
                )
            )
    return tuple(found)


# What is remembered keeps its document's syntax tree alive, some fifty times the source: 4 MiB of source each, at most.
_lists_of_usual = lru_cache(maxsize=1000)(_lists_of)
_lists_of_large = lru_cache(maxsize=64)(_lists_of)


def _arguments(
    selection: Selection, definition: GraphQLField, node: FieldNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """As graphql-core and Strawberry give them to a resolver. Raises GraphQLError."""
    given = get_argument_values(definition, node, VariableValues({}, dict(variables)))
    schema = selection.schema.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    known = definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].arguments
    return convert_arguments(
        given, known, scalar_registry=schema.schema_converter.scalar_registry, config=schema.config
    )


def _is_variable(value: ValueNode) -> bool:
    """Whether a variable stands in it."""
    if isinstance(value, ListValueNode):
        return any(_is_variable(one) for one in value.values)
    if isinstance(value, ObjectValueNode):
        return any(_is_variable(one.value) for one in value.fields)
    return isinstance(value, VariableNode)
