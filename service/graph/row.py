"""Types made of a row or of a value of the gateway's: a field without a resolver reads what has its Python name."""

from __future__ import annotations

from typing import Generic, Self, TypeVar

from asyncpg import Record

Value = TypeVar("Value")


class FromRow:
    """A GraphQL object over one row of a statement; resolvers read `self.row`."""

    row: Record

    @classmethod
    def of(cls, row: Record) -> Self:
        """The object of this row."""
        made = cls.__new__(cls)
        made.row = row
        return made


class FromValue(Generic[Value]):
    """A GraphQL object over one of the gateway's values; resolvers read `self.value`."""

    value: Value

    @classmethod
    def of(cls, value: Value) -> Self:
        """The object of this value."""
        made = cls.__new__(cls)
        made.value = value
        return made


def read_field(source: object, name: str) -> object:
    """The schema's default resolver."""
    if isinstance(source, FromRow):
        return source.row[name]
    return getattr(source.value if isinstance(source, FromValue) else source, name)
