"""How a GraphQL field declares its SQL: `strawberry.field(..., metadata=column("m.subject"))`.

An expression is a constant. It may read the aliases that the page's statement joins (`queries/history.sql`: m, o, w,
c, v, h) and those of its `source`. A convention test prepares every one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.database import Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A leaf: one expression."""

    sql: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    """An object, or a list of them: `source` follows FROM, None is the same row; null where `when` is false."""

    source: str | None
    when: str | None
    many: bool


class Cursor:
    """A leaf whose expression is the page's own key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A list: `request` says which page its arguments mean."""

    request: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nested:
    """A page of what belongs to a row. Its statement returns rows in their order, each with its `cursor`, a text; the
    fields of a row read them by `alias`. `owner`: what stands for some of the statement's parameters, as SQL over the
    outer row; `values`, of the field's arguments, returns the others, `rows` and `after` among them, and raises what is
    wrong with an argument.
    """

    statement: Statement
    alias: str
    owner: Mapping[str, str]
    values: Callable[..., Mapping[str, Any]]


class Apart:
    """A field of a connection that is no part of its page: its resolver reads it when it is selected."""


METADATA_KEY = "shape"


def column(sql: str) -> Mapping[str, Any]:
    """A leaf field that is this expression. Instants stay `timestamptz`: JSON prints them as `DateTime` does."""
    return {METADATA_KEY: Column(sql=sql)}


def same_row(*, when: str | None = None) -> Mapping[str, Any]:
    """An object field made of the same row."""
    return {METADATA_KEY: Inner(source=None, when=when, many=False)}


def first_of(source: str, *, when: str | None = None) -> Mapping[str, Any]:
    """An object field made of the one row of `source`, null when there is none."""
    return {METADATA_KEY: Inner(source=source, when=when, many=False)}


def rows_of(source: str) -> Mapping[str, Any]:
    """A list field made of the rows of `source`, which ends in their order."""
    return {METADATA_KEY: Inner(source=source, when=None, many=True)}


def page_by(request: Callable[..., Awaitable[Any]]) -> Mapping[str, Any]:
    """A list field that is a page: `request(context, owner, ...)`, with the field's arguments, awaits a PageRequest."""
    return {METADATA_KEY: Listed(request=request)}


def page_within(
    statement: Statement, *, alias: str, owner: Mapping[str, str], values: Callable[..., Mapping[str, Any]]
) -> Mapping[str, Any]:
    """A connection field that is a page within a row (`Nested`)."""
    return {METADATA_KEY: Nested(statement=statement, alias=alias, owner=owner, values=values)}


def apart() -> Mapping[str, Any]:
    """A field of a connection that its resolver reads, beside a shaped page: how many there are in all."""
    return {METADATA_KEY: Apart()}


def page_key() -> Mapping[str, Any]:
    """An edge's cursor."""
    return {METADATA_KEY: Cursor()}


def case_of(expression: str, values: Mapping[Any, str]) -> str:
    """A mapping of Python's as a CASE: `case_of("m.source_type", ROW_COLORS)`. The key None is SQL's null."""
    branches = " ".join(f"when '{key}' then '{value}'" for key, value in values.items() if key is not None)
    otherwise = f" else '{values[None]}'" if None in values else ""
    return f"case {expression} {branches}{otherwise} end"
