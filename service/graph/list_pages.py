"""Pages of the members of lists, and of the lists that a customer is in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from asyncpg import Record
from strawberry.dataloader import DataLoader

from gateway.campaigns import list_counts, lists
from gateway.campaigns.counts import Count, CountPrecision
from gateway.campaigns.criteria import read_criteria
from gateway.campaigns.lists import ListKind
from gateway.errors import Refusal
from service.database import DatabasePools, Reading, statement
from service.errors import BadInput, TooSlow
from service.graph.connection import Window, read_cursor_window
from service.graph.node import LARGEST_BIGINT
from service.graph.search_patterns import read_search

MEMBERS_PAGE = statement("list_members_page")
MEMBERS_FOUND = statement("list_members_found")
COUNT_FOUND = statement("count_members_found")
FIXED_LISTS = statement("fixed_lists_of_customers")
COUNT_LISTS = statement("count_fixed_lists")

_CURSOR = re.compile(r"(?:(\d{1,17})-)?([1-9]\d{0,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_ALL = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """One customer in one list; of dynamic lists nobody says since when."""

    list_id: int
    customer_id: int
    added_at: datetime | None = None
    actor: str | None = None

    @property
    def member_cursor(self) -> str:
        """Its place among the members: of a fixed list by when it joined, of a dynamic one by the customer."""
        if self.added_at is None:
            return str(self.customer_id)
        return f"{(self.added_at - _EPOCH) // timedelta(microseconds=1)}-{self.customer_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MembersAsked:
    """Which members of lists: those that a search finds, after a cursor."""

    window: Window
    search: str | None

    @property
    def patterns(self) -> dict[str, Any] | None:
        """Of the search."""
        return None if self.search is None else dict(read_search(self.search))


def members_asked(search: str | None, first: int, after: str | None) -> MembersAsked:
    """Raises BadInput."""
    window = read_cursor_window(first, after, _read_cursor, (None, LARGEST_BIGINT))
    asked = MembersAsked(window=window, search=None if search is None else search.strip())
    _ = asked.patterns
    return asked


def _read_cursor(text: str) -> tuple[datetime | None, int] | None:
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[2]) > LARGEST_BIGINT:
        return None
    return None if found[1] is None else _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])


class ListPages:
    """One request's pages of lists: one statement for all fixed lists of a page, one for all dynamic ones."""

    def __init__(self, reading: Reading, pools: DatabasePools, rows: DataLoader[int, Record | None]) -> None:
        """`rows` are those of lists by id."""
        self._reading = reading
        self._pools = pools
        self._rows = rows
        self._members: dict[MembersAsked, DataLoader[int, list[Membership]]] = {}
        self._fixed: dict[Window, DataLoader[int, list[Membership]]] = {}
        self.dynamic: DataLoader[int, list[int]] = DataLoader(self._dynamic_lists)
        """The dynamic lists that a customer is in, the newest list first."""

    def members(self, asked: MembersAsked) -> DataLoader[int, list[Membership]]:
        """Members of a list, one more than the page shows."""

        async def load(list_ids: list[int]) -> list[list[Membership]]:
            found: dict[int, list[Membership]] = {list_id: [] for list_id in list_ids}
            rows = {row["id"]: row for row in await self._rows.load_many(list_ids) if row is not None}
            dynamic = {one: read_criteria(row["criteria"]) for one, row in rows.items() if row["criteria"] is not None}
            for membership in await self._fixed_members([one for one in rows if one not in dynamic], asked):
                found[membership.list_id].append(membership)
            if dynamic:
                async with self._pools.reading_connection() as connection:
                    pages = await lists.dynamic_pages(
                        connection,
                        dynamic,
                        before=asked.window.before[1],
                        rows=asked.window.rows,
                        search=asked.patterns,
                    )
                for list_id, customers in pages.items():
                    found[list_id] = [Membership(list_id=list_id, customer_id=customer) for customer in customers]
            return [found[list_id] for list_id in list_ids]

        if asked not in self._members:
            self._members[asked] = DataLoader(load)
        return self._members[asked]

    async def _fixed_members(self, list_ids: list[int], asked: MembersAsked) -> list[Membership]:
        if not list_ids:
            return []
        patterns = asked.patterns
        before_at, before = asked.window.before
        values = {"ids": list_ids, "before_at": before_at or _AFTER_ALL, "before": before, "rows": asked.window.rows}
        page = MEMBERS_PAGE if patterns is None else MEMBERS_FOUND
        return _memberships(await self._reading.fetch(page, **values, **(patterns or {})))

    async def count_members(self, row: Record, search: str | None, members: int) -> Count:
        """How many members a list has, or a search finds of them; `members`: how many a fixed one has.

        Raises TooSlow, BadInput.
        """
        patterns = None if search is None else read_search(search)
        if row["kind"] == ListKind.DYNAMIC:
            return await self._count_dynamic(row, patterns)
        if patterns is None:
            return Count(value=members, precision=CountPrecision.EXACT)
        most = list_counts.MAX_COUNTED
        [counted] = await self._reading.fetch(COUNT_FOUND, list_id=row["id"], most=most + 1, **patterns)
        return Count.up_to(most, counted["members"])

    async def _count_dynamic(self, row: Record, patterns: Mapping[str, Any] | None) -> Count:
        try:
            async with self._pools.reading_connection() as connection:
                found = await list_counts.evaluate(connection, read_criteria(row["criteria"]), patterns)
        except Refusal as refusal:
            raise TooSlow(refusal.message) from refusal
        return found.count

    def fixed(self, window: Window) -> DataLoader[int, list[Membership]]:
        """Fixed lists that a customer is in, one more than the page shows, the newest list first."""

        async def load(customer_ids: list[int]) -> list[list[Membership]]:
            found: dict[int, list[Membership]] = {customer_id: [] for customer_id in customer_ids}
            values = {"ids": customer_ids, "before": window.before, "rows": window.rows}
            for membership in _memberships(await self._reading.fetch(FIXED_LISTS, **values)):
                found[membership.customer_id].append(membership)
            return [found[customer_id] for customer_id in customer_ids]

        if window not in self._fixed:
            self._fixed[window] = DataLoader(load)
        return self._fixed[window]

    async def _dynamic_lists(self, customer_ids: list[int]) -> list[list[int]]:
        async with self._pools.reading_connection() as connection:
            found = await lists.dynamic_lists_of(connection, customer_ids)
        return [found[customer_id] for customer_id in customer_ids]

    async def of_customer(self, customer_id: int, window: Window) -> list[Membership]:
        """Lists of both kinds that a customer is in, one more than the page shows, the newest list first."""
        fixed = await self.fixed(window).load(customer_id)
        dynamic = [
            Membership(list_id=list_id, customer_id=customer_id)
            for list_id in await self.dynamic.load(customer_id)
            if list_id < window.before
        ]
        return sorted([*fixed, *dynamic], key=lambda one: one.list_id, reverse=True)[: window.rows]

    async def count_of_customer(self, customer_id: int) -> Count:
        """How many lists a customer is in."""
        [counted] = await self._reading.fetch(COUNT_LISTS, customer_id=customer_id)
        dynamic = await self.dynamic.load(customer_id)
        return Count(value=counted["lists"] + len(dynamic), precision=CountPrecision.EXACT)


def _memberships(rows: list[Record]) -> list[Membership]:
    return [Membership(**cast(dict[str, Any], dict(row))) for row in rows]


# As files --------------------------------------------------------------------------------------------------------

EXPORTED_AT_ONCE = 500
"""Members of a file that are in memory at a time."""


async def all_members(
    fresh: Callable[[], ListPages], list_id: int, search: str | None
) -> AsyncIterator[list[Membership]]:
    """All members of a list, or those that a search finds, a batch at a time, each by a `fresh` reading."""
    place: tuple[datetime | None, int] = (None, LARGEST_BIGINT)
    while True:
        window = Window(first=EXPORTED_AT_ONCE, before=place, continued=False)
        found = await fresh().members(MembersAsked(window=window, search=search)).load(list_id)
        shown = found[:EXPORTED_AT_ONCE]
        yield shown
        if len(shown) == len(found):
            return
        place = (shown[-1].added_at, shown[-1].customer_id)


async def lists_of_customer(fresh: Callable[[], ListPages], customer_id: int) -> AsyncIterator[list[Membership]]:
    """All lists that a customer is in, as `all_members`."""
    place = LARGEST_BIGINT
    while True:
        window = Window(first=EXPORTED_AT_ONCE, before=place, continued=False)
        found = await fresh().of_customer(customer_id, window)
        shown = found[:EXPORTED_AT_ONCE]
        yield shown
        if len(shown) == len(found):
            return
        place = shown[-1].list_id


def check_cursor(row: Record, window: Window) -> None:
    """Cursors of fixed and of dynamic lists differ. Raises BadInput."""
    if window.continued and (window.before[0] is None) != (row["kind"] == ListKind.DYNAMIC):
        raise BadInput("after", "is not a cursor of this list; take an `endCursor` or an edge's `cursor` as it is")
