"""Reads the shaped lists of an owner, all of them by one statement, before graphql-core resolves them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, cast
from uuid import UUID

import orjson
from asyncpg import Record
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLResolveInfo,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.pyutils import Path
from strawberry.dataloader import DataLoader

from service.database import Reading, Statement
from service.shape.arguments import arguments_of, bound
from service.shape.compile import LEADING, OWNER, Page, Selection, ShapedPage, declared, shape
from service.shape.field import Listed
from service.shape.general import general
from service.shape.joined import joined, joined_of_many, keys_of_many
from service.shape.usage import Usage

USAGE = Usage()
"""Of this process."""

_MAX_SELECTIONS = 32
"""Of one document that are remembered: its lists for each set of values of its switches."""

_KEPT = "lists of this operation"
"""An attribute of a syntax tree's operation, which is no name of graphql-core's."""

LARGEST_BATCH = 500
"""Owners whose lists are read by one statement."""


class ShownRows(Protocol):
    """Which rows of a list are shown."""

    @property
    def first(self) -> int:
        """The most rows that are shown."""

    def page_info(self, read: int, first: UUID | None, last: UUID | None) -> Mapping[str, Any]:
        """PageInfo by GraphQL names, `__typename` among them, from the number of rows read and the keys shown."""


W_co = TypeVar("W_co", bound=ShownRows, covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest(Generic[W_co]):
    """The page that a list's arguments mean, and the values of its statement, which are hashable."""

    page: Page
    window: W_co
    values: Mapping[str, Any]

    @property
    def owner(self) -> int:
        """Whose list it is."""
        return int(self.values[OWNER])

    @property
    def besides_owner(self) -> Hashable:
        """Equal for pages that one statement reads for many owners."""
        return self.page, tuple((name, value) for name, value in self.values.items() if name != OWNER)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ListField:
    """A list selected in a document. `arguments` is None where a variable is among them; the last two cache."""

    key: str
    listed: Listed
    definition: GraphQLField
    node: FieldNode
    selection: Selection
    arguments: Mapping[str, Any] | None
    generals: dict[Page, ShapedPage | None] = field(default_factory=dict)
    exacts: dict[Page, ShapedPage | None] = field(default_factory=dict)

    async def request(self, info: GraphQLResolveInfo[Any], context: object, owner: int) -> PageRequest[ShownRows]:
        """Its page. Raises what its arguments, or the reading of what they name, raise."""
        arguments = self.arguments
        if arguments is None:
            # Strawberry gives resolvers the coerced values alone.
            given = cast(Mapping[str, Any], info.variable_values)
            arguments = arguments_of(self.selection.schema, self.definition, self.node, given)
        found: PageRequest[ShownRows] = await self.listed.request(context, owner, **arguments)
        return found

    def general(self, page: Page) -> ShapedPage | None:
        """The page's general statement; None when the selection cannot be shaped."""
        if page not in self.generals:
            self.generals[page] = general(page, self.selection)
        return self.generals[page]

    def exact(self, page: Page) -> ShapedPage | None:
        """The page's own statement for this selection."""
        if page not in self.exacts:
            self.exacts[page] = shape(page, self.selection)
        return self.exacts[page]


class _Part(NamedTuple):
    """A list, its shape, and the values of its statement."""

    list: ListField
    shaped: ShapedPage
    request: PageRequest[ShownRows]
    values: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        one: ListField,
        shaped: ShapedPage | None,
        request: PageRequest[ShownRows],
        info: GraphQLResolveInfo[Any],
    ) -> Self | None:
        """None where the page cannot be shaped, or an argument of a page within it is wrong: resolvers say so there."""
        if shaped is None:
            return None
        try:
            values = bound(shaped.values, info.schema, cast(Mapping[str, Any], info.variable_values))
        except Exception:
            return None
        return cls(one, shaped, request, values)


class ListReader:
    """One request's lists. The lists of many owners, such as a page of customers, are one statement."""

    def __init__(self, reading: Reading, context: object) -> None:
        """`context` and the owner's id are the first arguments of a list's `request`."""
        self._reading = reading
        self._context = context
        self._loaders: dict[Hashable, DataLoader[int, Any]] = {}
        self._often: dict[Hashable, bool] = {}

    async def read(self, info: GraphQLResolveInfo[Any], owner: int) -> dict[str, Any]:
        """The lists selected below this field, by response key; those that cannot be shaped are left out.

        What a list raises stands in its place: it is that field's error.
        """
        found: dict[str, Any] = {}
        parts: list[_Part] = []
        for one in lists_of(Selection.of(info)):
            try:
                request = await one.request(info, self._context, owner)
            except Exception as error:
                found[one.key] = error
                continue
            if (part := _Part.of(one, one.general(request.page), request, info)) is not None:
                parts.append(part)
        if not parts:
            return found
        return found | await self._read(self._as_asked(parts, info), alone=not _is_in_a_list(info.path))

    def _as_asked(self, parts: list[_Part], info: GraphQLResolveInfo[Any]) -> list[_Part]:
        """The parts with exact statements, if just this is asked often; else with general ones, always in the same
        order, whatever the client's is. The owners of one request count once, and are read alike."""
        parts.sort(key=lambda one: one.shaped.statement.sql)
        asked = tuple((one.shaped.statement, *one.values.values()) for one in parts)
        if asked not in self._often:
            self._often[asked] = USAGE.is_often(asked)
        if not self._often[asked]:
            return parts
        return [_Part.of(one.list, one.list.exact(one.request.page), one.request, info) or one for one in parts]

    async def _read(self, parts: Sequence[_Part], *, alone: bool) -> dict[str, Any]:
        try:
            row = await (self._row(parts) if alone else self._row_of_many(parts))
        except Exception as error:
            return {one.list.key: error for one in parts}
        found: dict[str, Any] = {}
        at = 0
        for one, shaped, request, _ in parts:
            found[one.key] = _connection(shaped, row[at : at + shaped.width], request)
            at += shaped.width
        return found

    async def _row(self, parts: Sequence[_Part]) -> Record:
        """For one owner, without the delay of a loader."""
        [row] = await self._reading.fetch(joined(_statements(parts)), **_values(parts))
        return row

    async def _row_of_many(self, parts: Sequence[_Part]) -> Record:
        """The same, by one statement for all owners of which the same is selected."""

        async def load(owners: list[int]) -> list[Record]:
            return await self._reading.fetch(joined_of_many(_statements(parts)), **_values(parts), owners=owners)

        alike = tuple((one.shaped, one.request.besides_owner) for one in parts)
        row: Record = await self._loader(alike, load).load(parts[0].request.owner)
        return row

    async def keys(self, request: PageRequest[ShownRows]) -> list[UUID]:
        """The keys of a page, for a list that cannot be shaped."""

        async def load(owners: list[int]) -> list[list[UUID]]:
            found: dict[int, list[UUID]] = {owner: [] for owner in owners}
            statement = keys_of_many(request.page.statement)
            for row in await self._reading.fetch(statement, **_numbered(0, request.values), owners=owners):
                found[row["owner"]].append(row["id"])
            return [found[owner] for owner in owners]

        keys: list[UUID] = await self._loader(request.besides_owner, load).load(request.owner)
        return keys

    def _loader(self, alike: Hashable, load: Callable[[list[int]], Awaitable[Sequence[Any]]]) -> DataLoader[int, Any]:
        """The loader of pages that differ in their owner alone; `load` is the first one's."""
        if alike not in self._loaders:
            self._loaders[alike] = DataLoader(load, max_batch_size=LARGEST_BATCH)
        return self._loaders[alike]


async def read_page(
    reading: Reading, info: GraphQLResolveInfo[Any], request: PageRequest[ShownRows]
) -> Mapping[str, Any] | None:
    """What is selected of the page that is this field, by response key, without what is apart: one statement, and none
    where only that is selected. None when it cannot be shaped."""
    selection = Selection.of(info)
    [one] = _page_fields(selection, info)
    part = _Part.of(one, one.general(request.page), request, info)
    if part is None:
        return None
    if not part.shaped.layout:
        return {}
    if USAGE.is_often((part.shaped.statement, *part.values.values())):
        part = _Part.of(one, one.exact(request.page), request, info) or part
    [row] = await reading.fetch(joined((part.shaped.statement,)), **_values([part]))
    return _connection(part.shaped, tuple(row), request)


def _page_fields(selection: Selection, info: GraphQLResolveInfo[Any]) -> tuple[ListField, ...]:
    """The field itself as a list, kept with its document as those of an owner are."""
    kept = vars(selection.operation).setdefault(_KEPT, {})
    found = kept.get(("page", selection.identity))
    if found is None:
        if len(kept) >= _MAX_SELECTIONS:
            kept.clear()
        node = info.field_nodes[0]
        found = kept["page", selection.identity] = (
            ListField(
                key=str(info.path.key),
                listed=_NO_LIST,
                definition=info.parent_type.fields[info.field_name],
                node=node,
                selection=selection,
                arguments=None,
            ),
        )
    return cast(tuple[ListField, ...], found)


async def _no_request(*_: Any, **__: Any) -> Any:
    raise AssertionError("a page that is a field of its own knows its request")


_NO_LIST = Listed(request=_no_request)


def _statements(parts: Sequence[_Part]) -> tuple[Statement, ...]:
    return tuple(one.shaped.statement for one in parts)


def _values(parts: Sequence[_Part]) -> dict[str, Any]:
    """Of the statement that these pages are joined to."""
    found: dict[str, Any] = {}
    for place, one in enumerate(parts):
        found |= _numbered(place, one.request.values) | _numbered(place, one.values)
    return found


def _numbered(place: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{place}.{name}": value for name, value in values.items()}


def _is_in_a_list(path: Path | None) -> bool:
    while path is not None:
        if isinstance(path.key, int):
            return True
        path = path.prev
    return False


def _connection(shaped: ShapedPage, columns: Sequence[Any], request: PageRequest[ShownRows]) -> dict[str, Any]:
    read, first, last = columns[:LEADING]
    connection: dict[str, Any] = {}
    for key, part in shaped.layout.items():
        match part:
            case int(column):
                lines = columns[column] or ""
                shown = lines.rpartition("\n")[0] if read > request.window.first else lines
                connection[key] = orjson.Fragment("[" + shown.replace("\n", ",") + "]")
            case str(type_name):
                connection[key] = type_name
            case _:
                page_info = request.window.page_info(read, first, last)
                connection[key] = {one: page_info[name] for one, name in part.items()}
    return connection


def lists_of(selection: Selection) -> tuple[ListField, ...]:
    """The lists in this selection; none when a switch is null: resolvers report that in its place.

    They are kept with their document, and are gone with it.
    """
    kept = vars(selection.operation).setdefault(_KEPT, {})
    found = kept.get(selection.identity)
    if found is None:
        if len(kept) >= _MAX_SELECTIONS:
            kept.clear()
        found = kept[selection.identity] = _lists_of(selection)
    return cast(tuple[ListField, ...], found)


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
                    arguments=arguments_of(selection.schema, definition, node, {}) if fixed else None,
                )
            )
    return tuple(found)


def _is_variable(value: ValueNode) -> bool:
    """Whether it is or holds a variable."""
    if isinstance(value, ListValueNode):
        return any(_is_variable(one) for one in value.values)
    if isinstance(value, ObjectValueNode):
        return any(_is_variable(one.value) for one in value.fields)
    return isinstance(value, VariableNode)
