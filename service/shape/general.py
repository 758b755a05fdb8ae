"""A selection as values of a general statement: one text for all selections that need the same joins and subselects.

Exact statements (`compile.py`) are as many as the selections that clients think of, and PostgreSQL spends five times
as long on the plan of a new one as on running it. In a general statement the columns of a row all stand in the text,
each behind a bit of a parameter, and their names and order are another parameter: a template of `format`. So what was
never asked before runs a statement that is prepared already. It costs a quarter more than the exact one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

from graphql import GraphQLObjectType, get_named_type

from service.database import Statement
from service.shape.compile import (
    BITS,
    TEMPLATE,
    Compiler,
    Page,
    Piece,
    Selection,
    ShapedPage,
    Text,
    cursor_sql,
    declared_by,
    given_in,
    leaf,
    numbered_statement,
    shaped_by,
)
from service.shape.field import Column, Cursor, Inner

MAX_OFFERED = 62
"""Columns of one text: bits of a bigint. A type that has more offers its first."""

_ALIAS = re.compile(r"\b([a-z])\.")


def general(page: Page, selection: Selection) -> ShapedPage | None:
    """The page's general statement with the values for this selection; None when it cannot be shaped."""
    return shaped_by(_General(selection, page))


class _General(Compiler):
    """Writes an object as `format(template, columns of its row ..., subselects ...)`. What the client chose, names and
    their order, is in values alone."""

    def statement(self) -> Statement:
        """One for all selections with these joins and subselects."""
        return _statement(self._page, tuple(self.columns), len(self._given))

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
        self._last = ("".join(template), bits, *given_in(subselects))
        return f"format({', '.join([f'{TEMPLATE}::text', columns.sql, *subselects])})"


class _Columns:
    """The columns that a text offers, and the place of each."""

    def __init__(self, offered: Sequence[str]) -> None:
        self.places = {sql: place for place, sql in enumerate(offered)}
        cases = [f"case when {BITS}::bigint & {1 << place} <> 0 then {sql} end" for sql, place in self.places.items()]
        # A parameter must be used, or PostgreSQL does not know its type.
        self.sql = ", ".join(cases) or f"nullif({BITS}::bigint, 0)"
        self.width = len(cases) or 1


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
    return numbered_statement(page, columns, parameters)
