"""Types made of a row: a field without a resolver reads the column of its Python name."""

from __future__ import annotations

from typing import Self

from asyncpg import Record


class FromRow:
    """A GraphQL object over one row of a statement; resolvers read `self.row`."""

    row: Record

    @classmethod
    def of(cls, row: Record) -> Self:
        """The object of this row."""
        made = cls.__new__(cls)
        made.row = row
        return made


def read_field(source: object, name: str) -> object:
    """The schema's default resolver."""
    return source.row[name] if isinstance(source, FromRow) else getattr(source, name)
