"""A selection becomes columns: each `edges` or `nodes` of a page is one JSON expression over the page's row.

What the client asked for is collected by graphql-core itself (aliases, fragments, @skip, @include), so that it means
the same as on the ordinary way. A field that declares no SQL makes the whole page unshapable: it then goes that way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeAlias, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter

from service.database import Statement
from service.shape.field import METADATA_KEY, Column, Cursor, Inner

PLACE = "null::json as shaped"
"""What a page's statement holds where the columns go."""

_MOST_ARGUMENTS = 100
"""Of one function in PostgreSQL."""
_WRITTEN_PLAINLY = "ID"
"""Besides enums: our global ids are letters, digits and underscores, which JSON need not escape."""


class _Text(str):
    """A piece of JSON as it stands; other pieces are SQL expressions."""


_Piece: TypeAlias = "_Text | str"

USUAL_DOCUMENT = 4096
"""Characters: the page's own queries have under two thousand."""


class Unshapable(Exception):
    """Something in the selection declares no SQL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A list: its statement, and the expression of its key there."""

    statement: Statement
    key: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShapedPage:
    """What a page's connection is made of: the JSON of each row, and by response key what stands in the connection.

    A number in `layout` is the column (after the key) whose rows are listed there; a text is a type's name; a mapping
    is `pageInfo`: its own response keys, and which fields of PageInfo (or its type's name) they stand for. `width` is
    how many columns follow the key. The same selection is the same object, as long as it is remembered.
    """

    statement: Statement
    layout: Mapping[str, int | str | Mapping[str, str]]
    width: int


class Selection:
    """What was selected below a field. Equal when it is the same place of the same document, with the same switches.

    Documents are parsed once a source string, so the nodes' identity tells; the nodes are kept, so it stays theirs.
    """

    __slots__ = ("_identity", "details", "fragments", "operation", "schema", "type", "variables")

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.schema = info.schema
        self.operation = info.operation
        self.fragments = info.fragments
        self.details = [FieldDetails(node, None) for node in info.field_nodes]
        self.type = cast(GraphQLObjectType, get_named_type(info.return_type))
        # @skip and @include read booleans only.
        # Strawberry hands resolvers the coerced values alone.
        given = cast(Mapping[str, object], info.variable_values)
        self.variables = {name: value for name, value in given.items() if isinstance(value, bool)}
        switches = tuple(sorted(self.variables.items()))
        self._identity = (id(info.operation), tuple(id(node) for node in info.field_nodes), switches)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and self._identity == other._identity


def shape(page: Page, selection: Selection) -> ShapedPage | None:
    """The page's statement for this selection; None when it cannot be shaped."""
    loc = selection.operation.loc
    large = loc is not None and len(loc.source.body) > USUAL_DOCUMENT
    return (_shape_of_large if large else _shape_of_usual)(page, selection)


def _shape(page: Page, selection: Selection) -> ShapedPage | None:
    compiler = _Compiler(selection, page)
    try:
        layout = compiler.layout()
    except (Unshapable, GraphQLError):
        # A switch that is null: the ordinary way says so where it stands.
        return None
    listed = ", ".join(f"{sql} as shaped_{number}" for number, sql in enumerate(compiler.columns, start=1))
    sql = page.statement.sql.replace(PLACE, listed or "null::text as shaped_1")
    return ShapedPage(statement=replace(page.statement, sql=sql), layout=layout, width=max(1, len(compiler.columns)))


# A shape keeps its document's syntax tree alive, some fifty times the source: 4 MiB of source each, at most.
_shape_of_usual = lru_cache(maxsize=1000)(_shape)
_shape_of_large = lru_cache(maxsize=64)(_shape)


class _Compiler:
    def __init__(self, selection: Selection, page: Page) -> None:
        self._selection = selection
        self._page = page
        self._fragments = {name: FragmentDetails(node) for name, node in selection.fragments.items()}
        self._variables = VariableValues({}, selection.variables)
        self.columns: list[str] = []

    def layout(self) -> dict[str, int | str | Mapping[str, str]]:
        """The connection by response key; fills `columns`. Raises Unshapable."""
        connection = self._selection.type
        found: dict[str, int | str | Mapping[str, str]] = {}
        for key, details in self._fields(connection, self._selection.details).items():
            name = details[0].node.name.value
            if name == "__typename":
                found[key] = connection.name
            elif isinstance(_declared(connection, details), Inner):
                self.columns.append(_concat(self._object(_type_of(connection, details), details)))
                found[key] = len(self.columns)
            else:
                info = self._fields(_type_of(connection, details), details)
                found[key] = {one: fields[0].node.name.value for one, fields in info.items()}
        return found

    def _fields(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Mapping[str, list[FieldDetails]]:
        selection = self._selection
        return collect_subfields(
            selection.schema, self._fragments, self._variables, selection.operation, type_, details
        ).grouped_field_set

    def _object(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> list[_Piece]:
        """An object's JSON, in pieces: row_to_json looks the type of every value up anew, which costs as much again."""
        # A response key is a GraphQL name, letters and digits: nothing of the client's but that ever enters the SQL.
        pieces: list[_Piece] = []
        for key, one in self._fields(type_, details).items():
            pieces += [_Text(f'{"," if pieces else "{"}"{key}":'), *self._value(type_, key, one)]
        return [*pieces, _Text("}")] if pieces else [_Text("{}")]

    def _value(self, type_: GraphQLObjectType, key: str, details: list[FieldDetails]) -> list[_Piece]:
        if details[0].node.name.value == "__typename":
            return [_Text(f'"{type_.name}"')]
        match _declared(type_, details):
            case Column(sql=sql):
                return _leaf(sql, type_.fields[details[0].node.name.value].type)
            case Cursor():
                return [_Text('"'), f"encode(uuid_send({self._page.key}), 'hex')", _Text('"')]
            case Inner() as inner:
                return self._inner(inner, self._object(_type_of(type_, details), details))
            case _:
                raise Unshapable(key)

    def _inner(self, inner: Inner, made: list[_Piece]) -> list[_Piece]:
        if inner.source is None and inner.when is None:
            return made
        one = _concat(made)
        if inner.when is not None:
            one = f"case when {inner.when} then {one} else 'null' end"
        if inner.source is None:
            return [one]
        rows = f"select {one} from {inner.source}"  # noqa: S608 - constants and names
        if inner.many:
            return [_Text("["), f"array_to_string(array({rows}), ',')", _Text("]")]
        return [f"coalesce(({rows}), 'null')"]


def _leaf(sql: str, type_: GraphQLOutputType) -> list[_Piece]:
    named = get_nullable_type(type_)
    if not isinstance(named, GraphQLEnumType) and getattr(named, "name", None) != _WRITTEN_PLAINLY:
        return [f"coalesce(to_json({sql})::text, 'null')"]
    if named is type_:
        return [f"coalesce('\"' || ({sql}) || '\"', 'null')"]
    return [_Text('"'), f"({sql})", _Text('"')]


def _concat(pieces: Sequence[_Piece]) -> str:
    """The pieces as one text; neighbouring words are one argument."""
    arguments: list[str] = []
    for is_text, group in groupby(pieces, key=lambda piece: isinstance(piece, _Text)):
        some = list(group)
        arguments += [f"'{''.join(some)}'"] if is_text else some
    while len(arguments) > _MOST_ARGUMENTS:
        arguments = [f"concat({', '.join(some)})" for some in _in_groups(arguments)]
    return f"concat({', '.join(arguments)})"


def _in_groups(arguments: list[str]) -> list[list[str]]:
    return [arguments[at : at + _MOST_ARGUMENTS] for at in range(0, len(arguments), _MOST_ARGUMENTS)]


def _declared(type_: GraphQLObjectType, details: list[FieldDetails]) -> Any:
    field = type_.fields.get(details[0].node.name.value)
    if field is None:
        return None
    return field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata.get(METADATA_KEY)


def _type_of(type_: GraphQLObjectType, details: list[FieldDetails]) -> GraphQLObjectType:
    # Nothing that declares SQL is an interface or a union.
    return cast(GraphQLObjectType, get_named_type(type_.fields[details[0].node.name.value].type))
