"""A selection becomes columns of an exact statement: each `edges` or `nodes` is a JSON expression over the page's row.

What the client asked for is collected as graphql-core collects it (aliases, fragments, @skip, @include), so that it
means the same as to resolvers. A field that declares no SQL makes the whole page unshapable: resolvers then read it.
A page is one row: the JSON of its rows in their order, one on a line (no JSON text holds an unescaped line end).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Self, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter

from service.database import Statement
from service.shape.field import METADATA_KEY, Apart, Column, Cursor, Inner, Nested

PLACEHOLDER = "null::json as shaped"
"""Stands in a page's statement where the columns go."""

OWNER = "customer_id"
"""The parameter of a page's statement that says whose list it is: a bigint."""
LEADING = 3
"""Columns of a page's row before its texts: the number of rows read, the first key, the last key shown."""
_MAX_ARGUMENTS = 100
"""Of one function call in PostgreSQL."""
_UNESCAPED = "ID"
"""The scalar that is printed as it is, like enums: global ids are letters, digits and underscores."""


TEMPLATE = "$T"
"""A parameter without its number, of which every `format` of a general statement has one."""
BITS = "$B"
"""The one behind the last template."""
VALUE = "$V"
"""A parameter without its number: a value of a page within a row."""
_OPEN = re.compile(r"\$[TBV]")
_PARAMETER = re.compile(r"\$(\d+)")


class Text(str):
    """A piece of JSON as it stands; other pieces are SQL expressions."""


class Subselect(str):
    """An SQL expression with parameters of its own; `given` are their values as they stand in it."""

    given: tuple[Given, ...] = ()

    @classmethod
    def of(cls, sql: str, given: tuple[Given, ...]) -> Self:
        """The expression with these values."""
        made = cls(sql)
        made.given = given
        return made


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NestedField:
    """A page within a row as it is selected. Its arguments may hold variables."""

    nested: Nested
    definition: GraphQLField
    node: FieldNode


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Later:
    """The value of this name of a page within a row: known with the operation's variables."""

    field: NestedField
    name: str


Given: TypeAlias = str | int | Later
Piece: TypeAlias = "Text | str"


class Unshapable(Exception):
    """A field of the selection declares no SQL."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Page:
    """A list: its statement, the SQL of its key there, and the aliases that most selections read. `cursor` is the SQL
    of a row's cursor where that is not its key."""

    statement: Statement
    key: str
    usual: frozenset[str]
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShapedPage:
    """How a page's connection is made of its one row: by response key, what the connection holds.

    The row is: how many rows were read, the first key, the last key shown, then the texts. A number in `layout` is the
    column whose lines are the list; a text is a type's name; a mapping is `pageInfo`: its response keys, each with the
    field of PageInfo that it stands for. `width` counts the row's columns. `values` are the statement's own parameters:
    two pages with the same statement and values are the same page.
    """

    statement: Statement
    layout: Mapping[str, int | str | Mapping[str, str]]
    width: int
    values: Mapping[str, Given]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, weakref_slot=True)
class Selection:
    """What is selected below a field. `identity` is equal for the same place of the same document with the same values
    of switches (the variables of @skip and @include): nodes are compared by identity, within their document's life.
    """

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    details: list[FieldDetails]
    type: GraphQLObjectType
    switches: dict[str, Any]
    identity: tuple[Any, ...]

    @classmethod
    def of(cls, info: GraphQLResolveInfo[Any]) -> Self:
        """Below the field that is being resolved."""
        # Strawberry gives resolvers the coerced values alone; @skip and @include read booleans only.
        given = cast(Mapping[str, object], info.variable_values)
        switches: dict[str, Any] = {name: value for name, value in given.items() if isinstance(value, bool)}
        nodes = info.field_nodes
        return cls(
            schema=info.schema,
            operation=info.operation,
            fragments=info.fragments,
            details=[FieldDetails(node, None) for node in nodes],
            type=cast(GraphQLObjectType, get_named_type(info.return_type)),
            switches=switches,
            identity=(id(info.operation), *map(id, nodes), *sorted(switches.items())),
        )

    def fields(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Mapping[str, list[FieldDetails]]:
        """The fields selected below some, by response key. Raises GraphQLError for a switch that is null."""
        found: dict[str, list[FieldDetails]] = {}
        if all(one.node.selection_set and self._collect(one.node.selection_set, type_, found) for one in details):
            return found
        fragments = {name: FragmentDetails(node) for name, node in self.fragments.items()}
        variables = VariableValues({}, self.switches)
        return collect_subfields(self.schema, fragments, variables, self.operation, type_, details).grouped_field_set

    def _collect(
        self, selections: SelectionSetNode, type_: GraphQLObjectType, found: dict[str, list[FieldDetails]]
    ) -> bool:
        """The same in a third of the time; false where a directive stands, or a fragment inline or of another type."""
        for node in selections.selections:
            if node.directives:
                return False
            if isinstance(node, FieldNode):
                found.setdefault((node.alias or node.name).value, []).append(FieldDetails(node, None))
                continue
            fragment = self.fragments.get(node.name.value) if isinstance(node, FragmentSpreadNode) else node
            if not isinstance(fragment, FragmentDefinitionNode) or fragment.type_condition.name.value != type_.name:
                return False
            if not self._collect(fragment.selection_set, type_, found):
                return False
        return True

    def below(self, details: list[FieldDetails]) -> Selection:
        """The same below one of its fields."""
        return replace(self, details=details, type=type_of(self.type, details), identity=())


def shape(page: Page, selection: Selection) -> ShapedPage | None:
    """The page's exact statement for this selection; None when it cannot be shaped."""
    return shaped_by(Compiler(selection, page))


def shaped_by(compiler: Compiler) -> ShapedPage | None:
    """The page as this compiler writes it; None when it cannot be shaped."""
    try:
        layout = compiler.layout()
    except (Unshapable, GraphQLError):
        # A switch is null: resolvers report that in its place.
        return None
    width = len(compiler.columns) + LEADING
    return ShapedPage(statement=compiler.statement(), layout=layout, width=width, values=compiler.values())


def statement_of(page: Page, columns: Sequence[str], parameters: tuple[str, ...] = ()) -> Statement:
    """The page's statement that returns these columns as one row; `parameters` follow its own."""
    listed = [f"{sql} as shaped_{number}" for number, sql in enumerate(columns, start=1)]
    rows = (
        page.statement.sql.rstrip()
        .removesuffix(";")
        .replace(PLACEHOLDER, ", ".join(listed) or "null::text as shaped_0")
    )
    shown = f"${page.statement.parameters.index('rows') + 1} - 1"
    parts = [
        "count(*) as read, (array_agg(p.id))[1] as first",
        f"(array_agg(p.id))[least(count(*), {shown})] as last",
        *(f"string_agg(p.shaped_{number}, e'\\n') as shaped_{number}" for number in range(1, len(listed) + 1)),
    ]
    sql = f"select {', '.join(parts)} from (\n{rows}\n) p"  # noqa: S608 - constants and names
    return replace(page.statement, sql=sql, parameters=(*page.statement.parameters, *parameters))


class Compiler:
    """Writes a selection as the columns of an exact statement."""

    def __init__(self, selection: Selection, page: Page) -> None:
        self._selection = selection
        self._page = page
        self.columns: list[str] = []
        self._given: list[Given] = []
        self._last: tuple[Given, ...] = ()

    def layout(self) -> dict[str, int | str | Mapping[str, str]]:
        """The connection by response key, without what is apart; fills `columns`. Raises Unshapable."""
        connection = self._selection.type
        found: dict[str, int | str | Mapping[str, str]] = {}
        for key, details in self._selection.fields(connection, self._selection.details).items():
            name = details[0].node.name.value
            if name == "__typename":
                found[key] = connection.name
            elif isinstance(declared(connection, details), Inner):
                self.columns.append(self._column(type_of(connection, details), details))
                found[key] = len(self.columns) - 1 + LEADING
            elif not isinstance(declared(connection, details), Apart):
                info = self._selection.fields(type_of(connection, details), details)
                found[key] = {one: fields[0].node.name.value for one, fields in info.items()}
        return found

    def statement(self) -> Statement:
        """The page's statement, once `layout` has filled the columns."""
        return numbered_statement(self._page, self.columns, len(self._given))

    def values(self) -> Mapping[str, Given]:
        """The values of the parameters that the columns have."""
        return {_parameter(place): given for place, given in enumerate(self._given)}

    def _object(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> list[Piece]:
        """An object's JSON, in pieces: row_to_json looks up the type of every value, which doubles the cost."""
        # A response key is a GraphQL name, of letters, digits and underscores: all of the client's that enters the SQL.
        pieces: list[Piece] = []
        for key, one in self._selection.fields(type_, details).items():
            pieces += [Text(f'{"," if pieces else "{"}"{key}":'), *self._value(type_, key, one)]
        return [*pieces, Text("}")] if pieces else [Text("{}")]

    def _value(self, type_: GraphQLObjectType, key: str, details: list[FieldDetails]) -> list[Piece]:
        if details[0].node.name.value == "__typename":
            return [Text(f'"{type_.name}"')]
        match declared(type_, details):
            case Column(sql=sql):
                return leaf(sql, type_.fields[details[0].node.name.value].type)
            case Cursor():
                return [Text('"'), cursor_sql(self._page), Text('"')]
            case Inner() as inner:
                inside = type_of(type_, details)
                return self._inner(inner, inside, self._object(inside, details))
            case Nested() as nested:
                return [self._nested(nested, type_, details)]
            case _:
                raise Unshapable(key)

    def _column(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> str:
        sql = self._joined(type_, self._object(type_, details))
        self._given += self._last
        return sql

    def _joined(self, type_: GraphQLObjectType, pieces: Sequence[Piece]) -> str:
        """The pieces, which are of one object of this type, as one text; its parameters' values are then `_last`."""
        self._last = given_in(pieces)
        return concatenated(pieces)

    def _inner(self, inner: Inner, type_: GraphQLObjectType, made: list[Piece]) -> list[Piece]:
        if inner.source is None and inner.when is None:
            return made
        one = self._joined(type_, made)
        if inner.when is not None:
            one = f"case when {inner.when} then {one} else 'null' end"
        if inner.source is None:
            return [Subselect.of(one, self._last)]
        rows = f"select {one} from {inner.source}"  # noqa: S608 - constants and names
        if inner.many:
            return [Text("["), Subselect.of(f"array_to_string(array({rows}), ',')", self._last), Text("]")]
        return [Subselect.of(f"coalesce(({rows}), 'null')", self._last)]

    def _nested(self, nested: Nested, type_: GraphQLObjectType, details: list[FieldDetails]) -> Subselect:
        """A page within a row, as one text: its rows are numbered, and of one more than is shown is only known that it
        is there."""
        definition = type_.fields[details[0].node.name.value]
        field = NestedField(nested=nested, definition=definition, node=details[0].node)
        # An edge's cursor is this page's.
        outer, self._page = self._page, _page_within(self._page, nested.alias)
        columns: list[Subselect] = []
        connection = type_of(type_, details)
        pieces: list[Piece] = []
        for key, one in self._selection.fields(connection, details).items():
            pieces += [Text(f'{"," if pieces else "{"}"{key}":'), *self._nested_part(field, connection, one, columns)]
        self._page = outer
        page = self._joined(connection, [*pieces, Text("}")])
        statement, of_statement = _nested_rows(field)
        listed = "".join(f", {sql} as shaped_{number}" for number, sql in enumerate(columns, start=1))
        rows = f"select row_number() over () as place, {nested.alias}.cursor{listed} from ({statement}) {nested.alias}"  # noqa: S608 - constants and names
        # One row, also where no aggregate is selected.
        whole = f"(select {page} from ({rows}) p having true)"  # noqa: S608 - the same
        return Subselect.of(whole, (*self._last, *given_in(columns), *of_statement))

    def _nested_part(
        self, field: NestedField, connection: GraphQLObjectType, details: list[FieldDetails], columns: list[Subselect]
    ) -> list[Piece]:
        """A field of such a connection; `edges` and `nodes` add a column."""
        if details[0].node.name.value == "__typename":
            return [Text(f'"{connection.name}"')]
        inside = type_of(connection, details)
        rows = Later(field=field, name="rows")
        if isinstance(declared(connection, details), Inner):
            sql = self._joined(inside, self._object(inside, details))
            columns.append(Subselect.of(sql, self._last))
            shown = (
                f"string_agg(p.shaped_{len(columns)}, ',' order by p.place) filter (where p.place < {VALUE}::integer)"
            )
            return [Text("["), Subselect.of(shown, (rows,)), Text("]")]
        found = {
            "__typename": Text(f'"{inside.name}"'),
            "hasNextPage": Subselect.of(f"case when count(*) < {VALUE}::integer then 'false' else 'true' end", (rows,)),
            "hasPreviousPage": Subselect.of(
                f"case {VALUE}::text when '' then 'false' else 'true' end", (Later(field=field, name="after"),)
            ),
            "startCursor": "coalesce('\"' || min(p.cursor) || '\"', 'null')",
            "endCursor": Subselect.of(
                f"coalesce('\"' || max(p.cursor) filter (where p.place < {VALUE}::integer) || '\"', 'null')", (rows,)
            ),
        }
        pieces: list[Piece] = []
        for key, one in self._selection.fields(inside, details).items():
            pieces += [Text(f'{"," if pieces else "{"}"{key}":'), found[one[0].node.name.value]]
        return [*pieces, Text("}")]


@lru_cache(maxsize=64)
def _page_within(page: Page, alias: str) -> Page:
    return replace(page, cursor=f"{alias}.cursor")


def _nested_rows(field: NestedField) -> tuple[str, tuple[Given, ...]]:
    """The statement of a page within a row, its owner named, and its other values as they stand in it."""
    statement, given = field.nested.statement, list[Given]()

    def value(found: re.Match[str]) -> str:
        name = statement.parameters[int(found[1]) - 1]
        if name in field.nested.owner:
            return field.nested.owner[name]
        given.append(Later(field=field, name=name))
        return VALUE

    return _PARAMETER.sub(value, statement.sql.rstrip().removesuffix(";")), tuple(given)


def given_in(pieces: Sequence[Piece]) -> tuple[Given, ...]:
    """The values of the parameters of these pieces."""
    return tuple(given for one in pieces if isinstance(one, Subselect) for given in one.given)


def numbered_statement(page: Page, columns: Sequence[str], parameters: int) -> Statement:
    """The page's statement with these columns, whose own parameters get their numbers in the order of the text."""
    before = len(page.statement.parameters)
    opened = 0

    def number(found: re.Match[str]) -> str:
        nonlocal opened
        if found[0] == BITS:
            # Bits stand behind their template, before any other.
            return f"${before + opened}"
        opened += 2 if found[0] == TEMPLATE else 1
        return f"${before + opened - (found[0] == TEMPLATE)}"

    numbered = [_OPEN.sub(number, column) for column in columns]
    return statement_of(page, numbered, tuple(_parameter(place) for place in range(parameters)))


def _parameter(place: int) -> str:
    return f"shaped_{place}"


def cursor_sql(page: Page) -> str:
    """A row's key as the opaque text of its cursor."""
    return page.cursor or f"encode(uuid_send({page.key}), 'hex')"


def leaf(sql: str, type_: GraphQLOutputType) -> list[Piece]:
    """A leaf's JSON, in pieces."""
    named = get_nullable_type(type_)
    if isinstance(named, GraphQLList):
        return [f"coalesce(to_json({sql}), 'null')"]
    if not isinstance(named, GraphQLEnumType) and getattr(named, "name", None) != _UNESCAPED:
        # to_json would look up the value's type for every row.
        return [f"coalesce(json_scalar({sql}), 'null')"]
    if named is type_:
        return [f"coalesce('\"' || ({sql}) || '\"', 'null')"]
    return [Text('"'), f"({sql})", Text('"')]


def concatenated(pieces: Sequence[Piece]) -> str:
    """The pieces as one text; adjacent literals are one argument."""
    arguments: list[str] = []
    for is_text, group in groupby(pieces, key=lambda piece: isinstance(piece, Text)):
        some = list(group)
        arguments += [f"'{''.join(some)}'"] if is_text else some
    while len(arguments) > _MAX_ARGUMENTS:
        arguments = [f"concat({', '.join(some)})" for some in _in_groups(arguments)]
    return f"concat({', '.join(arguments)})"


def _in_groups(arguments: list[str]) -> list[list[str]]:
    return [arguments[at : at + _MAX_ARGUMENTS] for at in range(0, len(arguments), _MAX_ARGUMENTS)]


def declared(type_: GraphQLObjectType, details: list[FieldDetails]) -> Any:
    """The SQL that a field declares (`field.py`); None when it declares none."""
    field = type_.fields.get(details[0].node.name.value)
    return None if field is None else declared_by(field)


def declared_by(field: GraphQLField) -> Any:
    """The same of a field of the schema."""
    return field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata.get(METADATA_KEY)


def type_of(type_: GraphQLObjectType, details: list[FieldDetails]) -> GraphQLObjectType:
    """The type of a field that is an object, or a list of them."""
    # No field that declares SQL is an interface or a union.
    return cast(GraphQLObjectType, get_named_type(type_.fields[details[0].node.name.value].type))
