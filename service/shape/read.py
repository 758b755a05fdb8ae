"""Reading a shaped page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from graphql import GraphQLResolveInfo

from service.database import Reading
from service.shape.compile import Page, Selection, shape
from service.shape.executor import Shaped


async def read_shaped(
    reading: Reading, info: GraphQLResolveInfo[Any], page: Page, first: int, **values: Any
) -> tuple[list[UUID], Shaped] | None:
    """The keys of all rows read, and the JSON of the first `first`; None when the selection cannot be shaped."""
    found = shape(page, Selection(info))
    if found is None:
        return None
    rows = await reading.fetch(found.statement, **values)
    kept = rows[:first]
    by_key = {key: _join([row[place] for row in kept]) for place, key in enumerate(found.response_keys, start=1)}
    return [row[0] for row in rows], Shaped(by_key=by_key)


def _join(texts: Sequence[str]) -> bytes:
    return f"[{','.join(texts)}]".encode()
