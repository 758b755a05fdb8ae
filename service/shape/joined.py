"""Several pages are one statement and one row: one way to PostgreSQL and back, one plan to start."""

from __future__ import annotations

import re
from functools import lru_cache

from service.database import Statement
from service.shape.compile import ShapedPage

_PARAMETER = re.compile(r"\$(\d+)")


@lru_cache(maxsize=128)  # a few kilobytes each, 200 of the largest document; the client programs are fewer
def joined(pages: tuple[ShapedPage, ...]) -> Statement:
    """The columns of all pages side by side. Parameters are named `0.before`, `1.before`, by the page's place."""
    parts: list[str] = []
    parameters: list[str] = []
    for number, page in enumerate(pages):
        parts.append(f"({_renumbered(page.statement.sql, len(parameters))}) l{number}")
        parameters += [f"{number}.{name}" for name in page.statement.parameters]
    return Statement(
        name="+".join(page.statement.name for page in pages),
        sql="select *\nfrom " + "\ncross join ".join(parts),
        parameters=tuple(parameters),
    )


def _renumbered(sql: str, before: int) -> str:
    """The statement behind others with so many parameters."""
    return _PARAMETER.sub(lambda found: f"${before + int(found[1])}", sql)
