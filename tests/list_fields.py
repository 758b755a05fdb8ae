"""Every list of the schema, found by a walk over it: where it is reached, and a query of all that its rows hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from tests.examples import examples

DEEPEST = examples(3, proof=6)
"""Objects within objects below a row: a list, a row, the info; in a proof an attempt, a customer, its emails, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListField:
    """A list of objects, plain or a connection. `path` holds the fields that lead there from a root type, each with its
    type's name; the last is the list's own."""

    path: tuple[tuple[str, str], ...]
    row: GraphQLObjectType
    is_connection: bool

    @property
    def name(self) -> str:
        """Such as `Customer.addresses`."""
        return ".".join(self.path[-1])

    def query(self, arguments: Mapping[str, str], *, leave: Collection[str] = ()) -> str:
        """All that its rows hold but the fields named in `leave`. `arguments` are by field: `Query.customer`."""
        body = selection(self.row, leave)
        if self.is_connection:
            body = f"nodes {{ {body} }}"
        for owner, field in reversed(self.path):
            given = arguments.get(f"{owner}.{field}")
            body = f"{field}{f'({given})' if given else ''} {{ {body} }}"
        return f"{self.path[0][0].lower()} {{ {body} }}"

    def rows(self, data: Any) -> list[Any]:
        """Its rows in the answer to such a query; of lists on the way, in the first row."""
        found = data
        for _, field in self.path:
            found = _first(found)[field]
        return list(found["nodes"] if self.is_connection else found)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def list_fields(schema: GraphQLSchema) -> dict[str, ListField]:
    """Each list of objects by its name, by the shortest way there; those of queries before those of mutations."""
    roots = [root for root in (schema.query_type, schema.mutation_type) if root is not None]
    ways: deque[tuple[GraphQLObjectType, tuple[tuple[str, str], ...]]] = deque((root, ()) for root in roots)
    found: dict[str, ListField] = {}
    seen = {root.name for root in roots}
    while ways:
        type_, way = ways.popleft()
        for name, field in type_.fields.items():
            inner = get_named_type(field.type)
            path = (*way, (type_.name, name))
            if (row := _row(type_, field)) is not None:
                one = ListField(path=path, row=row, is_connection=_is_connection(inner))
                found[one.name] = one
            if isinstance(inner, GraphQLObjectType) and inner.name not in seen:
                seen.add(inner.name)
                ways.append((inner, path))
    return found


def all_lists(schema: GraphQLSchema) -> Iterator[str]:
    """The names of all lists of objects, however they are reached."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            yield from (f"{type_.name}.{name}" for name, field in type_.fields.items() if _row(type_, field))


def _row(owner: GraphQLObjectType, field: GraphQLField) -> GraphQLObjectType | None:
    """What the rows of a list are; None for anything else, and for what is within a connection."""
    inner = get_named_type(field.type)
    if _is_connection(owner) or not isinstance(inner, GraphQLObjectType):
        return None
    if _is_connection(inner):
        row = get_named_type(inner.fields["nodes"].type)
        assert isinstance(row, GraphQLObjectType)
        return row
    return inner if is_list_type(get_nullable_type(field.type)) else None


def _is_connection(type_: GraphQLNamedType) -> bool:
    return type_.name.endswith("Connection")


def selection(
    type_: GraphQLObjectType, leave: Collection[str] = (), deepest: int = DEEPEST, above: tuple[str, ...] = ()
) -> str:
    """Every field below this type, no type within itself; of a connection its nodes."""
    written = ["__typename"]
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if name in leave or (_is_connection(type_) and name != "nodes"):
            continue
        if is_leaf_type(inner):
            written.append(name)
        elif isinstance(inner, GraphQLObjectType) and deepest and inner.name not in (*above, type_.name):
            deeper = deepest - (not _is_connection(inner))
            written.append(f"{name} {{ {selection(inner, leave, deeper, (*above, type_.name))} }}")
    return " ".join(written)
