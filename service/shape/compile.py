"""A selection becomes columns: each `edges` or `nodes` of a page is one JSON expression over the page's row.

What the client asked for is collected by graphql-core itself (aliases, fragments, @skip, @include), so that it means
the same as on the ordinary way. A field that declares no SQL makes the whole page unshapable: it then goes that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
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

LONGEST_NAME = 63
"""PostgreSQL cuts longer column names, and with them the response keys."""

USUAL_DOCUMENT = 4096
"""Characters: the page's own queries have under two thousand."""


class Unshapable(Exception):
    """Something in the selection declares no SQL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A list: its statement, and the expression of its key there."""

    statement: Statement
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShapedPage:
    """What a page's connection is made of: the JSON of each row, and by response key what stands in the connection.

    A number in `layout` is the column (after the key) whose rows are listed there; a text is a type's name; a mapping
    is `pageInfo`: its own response keys, and which fields of PageInfo (or its type's name) they stand for.
    """

    statement: Statement
    layout: Mapping[str, int | str | Mapping[str, str]]


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
    listed = ", ".join(f"{sql}::text as shaped_{number}" for number, sql in enumerate(compiler.columns, start=1))
    head, order, tail = page.statement.sql.replace(PLACE, listed or PLACE).rpartition("order by")
    sql = f"{head}{''.join(compiler.beside)}{order}{tail}"
    return ShapedPage(statement=replace(page.statement, sql=sql), layout=layout)


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
        self.beside: list[str] = []
        self._in_source = False

    def layout(self) -> dict[str, int | str | Mapping[str, str]]:
        """The connection by response key; fills `columns`. Raises Unshapable."""
        connection = self._selection.type
        found: dict[str, int | str | Mapping[str, str]] = {}
        for key, details in self._fields(connection, self._selection.details).items():
            name = details[0].node.name.value
            if name == "__typename":
                found[key] = connection.name
            elif isinstance(_declared(connection, details), Inner):
                self.columns.append(self._object(_type_of(connection, details), details))
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

    def _object(self, type_: GraphQLObjectType, details: list[FieldDetails], source: str = "") -> str:
        """An object's JSON. One of the page's own row stands beside the row, where PostgreSQL makes it a seventh faster
        than as a subquery; one of a `source` cannot."""
        # A response key is a GraphQL name, letters and digits: nothing of the client's but that ever enters the SQL.
        fields = self._fields(type_, details)
        if not fields:
            return f"(select json '{{}}'{source})"
        columns = ", ".join(f'{self._column(type_, key, one)} as "{key}"' for key, one in fields.items())
        if source or self._in_source:
            return f"(select row_to_json(x) from (select {columns}{source}) x)"  # noqa: S608 - constants and names
        name = f"beside_{len(self.beside)}"
        self.beside.append(f"cross join lateral (select {columns}) {name}\n")
        return f"row_to_json({name})"

    def _column(self, type_: GraphQLObjectType, key: str, details: list[FieldDetails]) -> str:
        if len(key) > LONGEST_NAME:
            raise Unshapable(key)
        if details[0].node.name.value == "__typename":
            return f"text '{type_.name}'"
        match _declared(type_, details):
            case Column(sql=sql):
                return f"({sql}){_as_text(type_, details)}"
            case Cursor():
                return f"encode(uuid_send({self._page.key}), 'hex')"
            case Inner() as inner:
                return self._inner(inner, _type_of(type_, details), details)
            case _:
                raise Unshapable(key)

    def _inner(self, inner: Inner, type_: GraphQLObjectType, details: list[FieldDetails]) -> str:
        if inner.source is None:
            made = self._object(type_, details)
            return made if inner.when is None else f"case when {inner.when} then {made} end"
        around, self._in_source = self._in_source, True
        try:
            return self._from_source(inner, type_, details)
        finally:
            self._in_source = around

    def _from_source(self, inner: Inner, type_: GraphQLObjectType, details: list[FieldDetails]) -> str:
        source = f" from {inner.source}"
        if inner.many:
            return f"array_to_json(array{self._object(type_, details, source)})"
        if inner.when is None:
            return self._object(type_, details, source)
        return f"(select case when {inner.when} then {self._object(type_, details)} end{source})"


def _declared(type_: GraphQLObjectType, details: list[FieldDetails]) -> Any:
    field = type_.fields.get(details[0].node.name.value)
    if field is None:
        return None
    return field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata.get(METADATA_KEY)


def _as_text(type_: GraphQLObjectType, details: list[FieldDetails]) -> str:
    # JSON looks up how to print an enum in every row; text it knows.
    leaf = get_nullable_type(type_.fields[details[0].node.name.value].type)
    return "::text" if isinstance(leaf, GraphQLEnumType) else ""


def _type_of(type_: GraphQLObjectType, details: list[FieldDetails]) -> GraphQLObjectType:
    # Nothing that declares SQL is an interface or a union.
    return cast(GraphQLObjectType, get_named_type(type_.fields[details[0].node.name.value].type))
