"""Pages of what was refused of imports: one statement for all imports of a page."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record
from strawberry.dataloader import DataLoader

from service.database import Reading, statement

ERRORS_PAGE = statement("import_errors_page")

After = tuple[int, int]
"""The line and number of the row before a page."""


class ImportErrorPages:
    """One request's loaders, one for each page that is asked for."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._pages: dict[tuple[After, int], DataLoader[UUID, list[Record]]] = {}

    def page(self, after: After, rows: int) -> DataLoader[UUID, list[Record]]:
        """Reads this page of each import."""

        async def load(ids: list[UUID]) -> list[list[Record]]:
            found: dict[UUID, list[Record]] = {one: [] for one in ids}
            line, number = after
            read = await self._reading.fetch(ERRORS_PAGE, ids=ids, after_line=line, after_number=number, rows=rows)
            for row in read:
                found[row["import_id"]].append(row)
            return [found[one] for one in ids]

        if (after, rows) not in self._pages:
            self._pages[after, rows] = DataLoader(load)
        return self._pages[after, rows]
