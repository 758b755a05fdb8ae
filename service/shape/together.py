"""Shaped pages that are asked for in the same breath are one statement: one way to PostgreSQL and back, not three."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from asyncpg import Record

from service.database import Reading, Statement
from service.shape.compile import ShapedPage

_Asked = tuple[ShapedPage, Mapping[str, Any]]
_PARAMETER = re.compile(r"\$(\d+)")
KEY = 1
"""The column of a row's key; its number in the statement stands before it, its JSON after it."""


class Pages:
    """One request's shaped pages. Whoever asks first waits for the others of this breath, and reads for all."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._asked: list[_Asked] = []
        self._rows: asyncio.Future[list[Record]] | None = None

    async def rows(self, page: ShapedPage, values: Mapping[str, Any]) -> list[Record]:
        """The page's rows. Raises what `Reading.fetch` does, for all pages of the statement.

        Cancelling the first caller cancels the statement; another's leaves it to the rest.
        """
        number = len(self._asked)
        self._asked.append((page, values))
        if self._rows is None:
            self._rows = asyncio.get_running_loop().create_future()
            rows = await self._read_for_all(self._rows)
        else:
            rows = await asyncio.shield(self._rows)
        return [row for row in rows if row[0] == number]

    async def _read_for_all(self, told: asyncio.Future[list[Record]]) -> list[Record]:
        try:
            try:
                await asyncio.sleep(0)
            finally:
                asked, self._asked, self._rows = self._asked, [], None
            rows = await self._fetch(asked)
        except asyncio.CancelledError:
            told.cancel()
            raise
        except Exception as error:
            told.set_exception(error)
            told.exception()  # Nobody else may have asked.
            raise
        told.set_result(rows)
        return rows

    async def _fetch(self, asked: Sequence[_Asked]) -> list[Record]:
        statement = joined(tuple(page for page, _ in asked))
        given = [values[name] for page, values in asked for name in page.statement.parameters]
        return await self._reading.fetch(statement, **dict(zip(statement.parameters, given, strict=True)))


@lru_cache(maxsize=128)  # a few kilobytes each, 200 of the largest document; the client programs are fewer
def joined(pages: tuple[ShapedPage, ...]) -> Statement:
    """All pages as one statement: each row begins with its page's number. PostgreSQL reads them one after another."""
    width = max(page.width for page in pages)
    parts: list[str] = []
    parameters: list[str] = []
    for number, page in enumerate(pages):
        sql = _renumbered(page.statement.sql, len(parameters)).rstrip().removesuffix(";")
        filled = ", null::text" * (width - page.width)
        parts.append(f"select {number}, p.*{filled} from (\n{sql}\n) p")  # noqa: S608 - constants and names
        parameters += [f"{number}.{name}" for name in page.statement.parameters]
    return Statement(
        name="+".join(page.statement.name for page in pages),
        sql="\nunion all\n".join(parts),
        parameters=tuple(parameters),
    )


def _renumbered(sql: str, before: int) -> str:
    """The statement behind others with so many parameters."""
    return _PARAMETER.sub(lambda found: f"${before + int(found[1])}", sql)
