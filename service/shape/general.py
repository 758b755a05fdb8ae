"""A selection as values of a general statement: one text for all selections that need the same joins and subselects.

Exact statements (`compile.py`) are as many as the selections that clients think of, and PostgreSQL spends five times
as long on the plan of a new one as on running it. In a general statement the columns of a row all stand in the text,
each behind a bit of a parameter, and their names and order are another parameter: a template of `format`. So what was
never asked before runs a statement that is prepared already. It costs a quarter more than the exact one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails

from service.database import Statement
from service.shape.compile import (
    Compiler,
    Page,
    Piece,
    Selection,
    ShapedPage,
    Text,
    cursor_sql,
    declared_by,
    leaf,
    shaped_by,
    statement_of,
)
from service.shape.field import Column, Cursor, Inner

MAX_OFFERED = 62
"""Columns of one text: bits of a bigint. A type that has more offers its first."""

_ALIAS = re.compile(r"\b([a-z])\.")
_TEMPLATE = "$T"
"""A parameter without its number, of which every `format` has one."""
_BITS = "$B"
"""The one behind the last template."""
_OPEN = re.compile(r"\$[TB]")


def general(page: Page, selection: Selection) -> ShapedPage | None:
    """The page's general statement with the values for this selection; None when it cannot be shaped."""
    return shaped_by(_General(selection, page))


class _Subselect(str):
    """A piece with parameters of its own; `given` are their values as they stand in it."""

    given: tuple[str | int, ...] = ()


class _General(Compiler):
    """Writes an object as `format(template, columns of its row ..., subselects ...)`. What the client chose, names and
    their order, is in values alone."""

    def __init__(self, selection: Selection, page: Page) -> None:
        super().__init__(selection, page)
        self._given: list[str | int] = []
        self._last: tuple[str | int, ...] = ()

    def statement(self) -> Statement:
        """One for all selections with these joins and subselects."""
        return _statement(self._page, tuple(self.columns), len(self._given))

    def values(self) -> Mapping[str, str | int]:
        """Templates and bits, by their parameters."""
        return {_parameter(place): given for place, given in enumerate(self._given)}

    def _column(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> str:
        sql = super()._column(type_, details)
        self._given += self._last
        return sql

    def _inner(self, inner: Inner, type_: GraphQLObjectType, made: list[Piece]) -> list[Piece]:
        pieces = super()._inner(inner, type_, made)
        if inner.source is None and inner.when is None:
            return pieces
        return [piece if isinstance(piece, Text) else self._subselect(piece) for piece in pieces]

    def _subselect(self, sql: str) -> _Subselect:
        piece = _Subselect(sql)
        piece.given = self._last
        return piece

    def _joined(self, type_: GraphQLObjectType, pieces: Sequence[Piece]) -> str:
        columns = _columns(type_, self._page, _needed(type_, self._page, pieces))
        others = [at for at, piece in enumerate(pieces) if not isinstance(piece, Text) and piece not in columns.places]
        others.sort(key=pieces.__getitem__)
        arguments = {at: columns.width + number for number, at in enumerate(others, start=1)}
        bits, template = 0, []
        for at, piece in enumerate(pieces):
            if isinstance(piece, Text):
                template.append(piece.replace("%", "%%"))
            elif at in arguments:
                template.append(f"%{arguments[at]}$s")
            else:
                bits |= 1 << columns.places[piece]
                template.append(f"%{columns.places[piece] + 1}$s")
        subselects = [pieces[at] for at in others]
        inside = [given for one in subselects if isinstance(one, _Subselect) for given in one.given]
        self._last = ("".join(template), bits, *inside)
        return f"format({', '.join([f'{_TEMPLATE}::text', columns.sql, *subselects])})"


class _Columns:
    """The columns that a text offers, and the place of each."""

    def __init__(self, offered: Sequence[str]) -> None:
        self.places = {sql: place for place, sql in enumerate(offered)}
        cases = [f"case when {_BITS}::bigint & {1 << place} <> 0 then {sql} end" for sql, place in self.places.items()]
        # A parameter must be used, or PostgreSQL does not know its type.
        self.sql = ", ".join(cases) or f"nullif({_BITS}::bigint, 0)"
        self.width = len(cases) or 1


def _parameter(place: int) -> str:
    return f"shaped_{place}"


def _needed(type_: GraphQLObjectType, page: Page, pieces: Sequence[Piece]) -> frozenset[str]:
    """The aliases of a text: the usual ones, since most selections read them, and those of the columns asked for."""
    offered = _offered(type_, page)
    return page.usual.union(*[offered[piece] for piece in pieces if piece in offered])


# The schema has some thirty types below seven pages, and some hundred columns.
@lru_cache(maxsize=256)
def _columns(type_: GraphQLObjectType, page: Page, needed: frozenset[str]) -> _Columns:
    return _Columns([sql for sql, aliases in _offered(type_, page).items() if aliases <= needed][:MAX_OFFERED])


@lru_cache(maxsize=256)
def _offered(type_: GraphQLObjectType, page: Page) -> dict[str, frozenset[str]]:
    """What can be read of this type's row itself, in the order of the schema, with the aliases that it needs.
    Subselects are not offered."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    def visit(one: GraphQLObjectType) -> None:
        seen.add(one.name)
        for field in one.fields.values():
            match declared_by(field):
                case Column(sql=sql) if "select" not in sql:
                    found.update((piece, None) for piece in leaf(sql, field.type) if not isinstance(piece, Text))
                case Cursor():
                    found[cursor_sql(page)] = None
                case Inner(source=None):
                    inside = cast(GraphQLObjectType, get_named_type(field.type))
                    if inside.name not in seen:
                        visit(inside)

    visit(type_)
    return {sql: frozenset(_ALIAS.findall(sql)) for sql in found}


# Texts of some kilobytes: one for each set of joins and subselects that is asked for.
@lru_cache(maxsize=128)
def _statement(page: Page, columns: tuple[str, ...], parameters: int) -> Statement:
    before = len(page.statement.parameters)
    opened = 0

    def number(found: re.Match[str]) -> str:
        nonlocal opened
        if found[0] == _TEMPLATE:
            opened += 2
            return f"${before + opened - 1}"
        # Bits stand behind their template, before any other.
        return f"${before + opened}"

    numbered = [_OPEN.sub(number, column) for column in columns]
    return statement_of(page, numbered, tuple(_parameter(place) for place in range(parameters)))
