"""Several pages become one statement: one round trip to PostgreSQL. For one owner it returns one row, for many a row
each, or where keys are read, a row for each key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from service.database import Statement
from service.shape.compile import OWNER

_PARAMETER = re.compile(r"\$(\d+)")


# A few kilobytes each, 200 of the largest document. `usage.py` bounds the exact ones; general ones are few.
@lru_cache(maxsize=128)
def joined(pages: tuple[Statement, ...]) -> Statement:
    """The columns of all pages side by side. Parameters are named `0.before`, `1.before`, by the page's place."""
    parts: list[str] = []
    parameters: list[str] = []
    for number, page in enumerate(pages):
        parts.append(f"({_renumbered(page, parameters, number)}) l{number}")
    return Statement(
        name="+".join(page.name for page in pages),
        sql="select *\nfrom " + "\ncross join ".join(parts),
        parameters=tuple(parameters),
    )


@lru_cache(maxsize=128)
def joined_of_many(pages: tuple[Statement, ...]) -> Statement:
    """The same of each of `owners`, in their order."""
    columns = ", ".join(f"l{number}.*" for number in range(len(pages)))
    return _of_many(pages, columns, "w.place")


@lru_cache(maxsize=128)
def keys_of_many(page: Statement) -> Statement:
    """The keys of this page of each of `owners`: `owner` and `id`, newest first."""
    return _of_many([page], "w.owner, l0.id", "w.place, l0.id desc")


def _of_many(statements: Sequence[Statement], columns: str, order: str) -> Statement:
    parameters = ["owners"]
    parts = ["unnest($1::bigint[]) with ordinality as w (owner, place)"]
    for number, one in enumerate(statements):
        parts.append(f"lateral ({_renumbered(one, parameters, number, owner='w.owner')}) l{number}")
    return Statement(
        name="+".join(one.name for one in statements) + " of many",
        sql=f"select {columns}\nfrom " + "\ncross join ".join(parts) + f"\norder by {order}",
        parameters=tuple(parameters),
    )


def _renumbered(one: Statement, parameters: list[str], number: int, owner: str | None = None) -> str:
    """The statement as part of another, behind the parameters of that, to which its own are added. `owner` is the
    expression that stands for its owner there."""
    places: dict[int, str] = {}
    for place, name in enumerate(one.parameters, start=1):
        if name == OWNER and owner is not None:
            places[place] = owner
        else:
            parameters.append(f"{number}.{name}")
            places[place] = f"${len(parameters)}"
    return _PARAMETER.sub(lambda found: places[int(found[1])], one.sql.rstrip().removesuffix(";"))
