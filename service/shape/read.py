"""Reading a shaped page: one statement, and its rows' JSON put into the connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from asyncpg import Record
from graphql import GraphQLResolveInfo

from service.shape.compile import Page, Selection, ShapedPage, shape
from service.shape.executor import Shaped
from service.shape.together import KEY, Pages

PageInfoOf = Callable[[Sequence[str]], dict[str, Any]]
"""The fields of PageInfo by GraphQL name, `__typename` among them, of the cursors of all rows read."""


async def read_shaped(
    pages: Pages, info: GraphQLResolveInfo[Any], page: Page, first: int, page_info: PageInfoOf, **values: Any
) -> Shaped | None:
    """The JSON of the connection of at most `first` rows; None when the selection cannot be shaped."""
    found = shape(page, Selection(info))
    if found is None:
        return None
    rows = await pages.rows(found, values)
    return Shaped(json=_connection(found, rows, first, page_info))


def _connection(found: ShapedPage, rows: Sequence[Record], first: int, page_info: PageInfoOf) -> bytes:
    answer: dict[str, Any] = {}
    for key, part in found.layout.items():
        match part:
            case int(column):
                answer[key] = orjson.Fragment(f"[{','.join([row[KEY + column] for row in rows[:first]])}]")
            case str(type_name):
                answer[key] = type_name
            case _:
                told = page_info([row[KEY].hex for row in rows])
                answer[key] = {one: told[name] for one, name in part.items()}
    return orjson.dumps(answer)
