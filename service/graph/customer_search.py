"""Customers found: one by its id, or a page of those that a search finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Annotated, Any, Protocol
from uuid import UUID

import strawberry
from asyncpg import Record

from gateway.campaigns import lists
from gateway.campaigns.counts import Count, CountPrecision
from gateway.campaigns.list_counts import SAMPLED_BLOCKS
from gateway.campaigns.lists import ListKind
from gateway.mail.names import tidy_name
from service.database import DatabasePools, Reading, Statement, statement
from service.errors import BadInput
from service.graph.connection import (
    BEFORE_EVERYTHING,
    After,
    Connection,
    First,
    read_cursor_window,
    read_number_window,
)
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection
from service.graph.customer import Customer
from service.graph.exporting import linking
from service.graph.node import LARGEST_BIGINT, asked_id, asked_numbers, read_number, read_uuid
from service.graph.search_patterns import read_search

CUSTOMER_BY_ID = statement("customer_by_id")
CUSTOMER_BY_EXTERNAL_REF = statement("customer_by_external_ref")
CUSTOMERS_PAGE = statement("customers_page")
CUSTOMERS_NEEDING_ATTENTION = statement("customers_needing_attention")
CUSTOMERS_OPTED_OUT = statement("customers_opted_out")
CUSTOMERS_OF_LISTS = statement("customers_of_lists")
CUSTOMERS_TAGGED = statement("customers_tagged")
CUSTOMERS_FOUND = statement("customers_found")
KINDS_OF_LISTS = statement("kinds_of_lists")
CUSTOMERS_BY_LATEST_MAIL = statement("customers_by_latest_mail")
CUSTOMERS_WITHOUT_MAIL = statement("customers_without_mail")
CUSTOMERS_AMONG_BY_LATEST_MAIL = statement("customers_among_by_latest_mail")
CUSTOMER_IDS_FOUND = statement("customer_ids_found")
CUSTOMER_IDS_IN_TROUBLE = statement("customer_ids_in_trouble")
CUSTOMER_IDS_OPTED_OUT = statement("customer_ids_opted_out")
CUSTOMER_IDS_OF_LISTS = statement("customer_ids_of_lists")
CUSTOMER_IDS_TAGGED = statement("customer_ids_tagged")
COUNT_CUSTOMERS_AMONG = statement("count_customers_among")
COUNT_CUSTOMERS = statement("count_customers")
CUSTOMERS_SAMPLED = statement("customers_sampled")

MAX_COUNTED = 10_000
"""Customers counted one by one, and those of whom a page is sorted: some ten milliseconds."""
NO_MAIL = UUID(int=0)
"""Stands for the newest mail of who has none."""
EXPORTED_AT_ONCE = 500
"""Customers of a file that are in memory at a time."""
MAX_FILTERED = 100
"""Lists and tags that a filter names: of each list a page is read."""


async def find_customer(context: Context, customer_id: str | None, external_ref: str | None) -> Customer | None:
    """By exactly one of the two. Raises BadInput."""
    if (customer_id is None) == (external_ref is None):
        raise BadInput("id", "give either `id` or `externalRef`")
    if external_ref is not None:
        return _first(await context.reading.fetch(CUSTOMER_BY_EXTERNAL_REF, external_ref=external_ref))
    found = asked_id(customer_id or "", "Customer", "id")
    return _first(await context.reading.fetch(CUSTOMER_BY_ID, id=found.customer_id))


def _first(rows: list[Record]) -> Customer | None:
    return Customer.of(rows[0]) if rows else None


@strawberry.input(description="Which customers to list.")
class CustomerFilter:
    """Omitted or null does not filter."""

    needs_attention: bool | None = strawberry.field(
        default=None,
        description="Only those with mail among their newest 50 that failed, is uncertain or held; false: only the "
        "others.",
    )
    opted_out: bool | None = strawberry.field(
        default=None,
        description="Only those who opted out of campaigns of any kind, themselves or at an address of theirs; false: "
        "only the others.",
    )
    list_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"Only members of one of these lists, at most {MAX_FILTERED}."
    )
    tags: list[str] | None = strawberry.field(
        default=None, description=f"Only those with one of these tags, at most {MAX_FILTERED}."
    )

    def to_json(self, search: str | None) -> dict[str, Any]:
        """What a link to the list says, with its search."""
        return {
            "search": search,
            "needs_attention": self.needs_attention,
            "opted_out": self.opted_out,
            "list_ids": self.list_ids,
            "tags": self.tags,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> CustomerFilter:
        """The filter that a link names."""
        return cls(**{name: value for name, value in said.items() if name != "search"})


FilterArgument = Annotated[CustomerFilter | None, strawberry.argument(description="Which customers; all when omitted.")]


@strawberry.enum(description="An order that an index keeps.")
class CustomerOrder(Enum):
    """The order of a list of customers."""

    LATEST_MAIL = strawberry.enum_value(
        "LATEST_MAIL",
        description="Whose newest mail is newest comes first, those without mail last; a row moves when mail comes.",
    )
    NEWEST = strawberry.enum_value("NEWEST", description="Newest customers first.")


OrderArgument = Annotated[CustomerOrder, strawberry.argument(description="In which order.")]


async def list_customers(
    info: Info,
    search: str | None,
    filter: CustomerFilter | None,
    order_by: CustomerOrder,
    first: First,
    after: After,
) -> CountedConnection[Customer]:
    """All, or those found and not filtered out. Raises BadInput."""
    filter = filter or CustomerFilter()
    chosen = await _choose(info.context, search, filter)
    by_latest = order_by is CustomerOrder.LATEST_MAIL
    page = await (_by_latest_mail if by_latest else _newest)(info.context, chosen, first, after)
    counting = partial(count_customers, info.context, chosen)
    return CountedConnection.counted(page, counting, linking(info.context, {"customers": filter.to_json(search)}))


async def export_customers(
    access_anew: Callable[[], ReadAccess], wanted: Mapping[str, Any]
) -> AsyncIterator[list[Record]]:
    """All that a link names, newest first, a batch at a time. Raises BadInput."""
    chosen = await _choose(access_anew(), wanted["search"], CustomerFilter.from_json(wanted))
    page, before = _static_page(chosen), LARGEST_BIGINT
    while rows := await chosen.fetch(access_anew(), page, before=before, rows=EXPORTED_AT_ONCE):
        yield rows
        before = rows[-1]["id"]


async def _newest(context: Context, chosen: Chosen, first: int, after: str | None) -> Connection[Customer]:
    window = read_number_window(first, after)
    rows = await chosen.fetch(context, _static_page(chosen), before=window.before, rows=window.rows)
    return window.connect([Customer.of(row) for row in rows], [str(row["id"]) for row in rows])


async def _by_latest_mail(context: Context, chosen: Chosen, first: int, after: str | None) -> Connection[Customer]:
    """A cursor holds the customer's newest mail as it was. A row moves to the beginning only: no page behind a cursor
    repeats a customer."""
    window = read_cursor_window(first, after, _read_latest, (BEFORE_EVERYTHING, LARGEST_BIGINT))
    latest, before = window.before
    key = {"latest": latest, "before": before}
    ids = await _some(context, chosen)
    if ids is not None:
        rows = await chosen.fetch(context, CUSTOMERS_AMONG_BY_LATEST_MAIL, ids=ids, rows=window.rows, **key)
    else:
        rows = await _read_on(context, chosen, window.rows, latest, before)
    cursors = [f"{(row['latest'] or NO_MAIL).hex}-{row['id']}" for row in rows]
    return window.connect([Customer.of(row) for row in rows], cursors)


async def _read_on(context: Context, chosen: Chosen, wanted: int, latest: UUID, before: int) -> list[Record]:
    """The next customers of all, those with mail first."""
    rows: list[Record] = []
    if latest != NO_MAIL:
        rows = await chosen.fetch(context, CUSTOMERS_BY_LATEST_MAIL, latest=latest, before=before, rows=wanted)
        before = LARGEST_BIGINT
    if len(rows) < wanted:
        rows += await chosen.fetch(context, CUSTOMERS_WITHOUT_MAIL, before=before, rows=wanted - len(rows))
    return rows


def _read_latest(cursor: str) -> tuple[UUID, int] | None:
    """The newest mail and the customer that a cursor names; None when it is none."""
    text, _, number = cursor.partition("-")
    latest, customer_id = read_uuid(text), read_number(number)
    return None if latest is None or customer_id is None else (latest, customer_id)


async def count_customers(context: Context, chosen: Chosen) -> Count:
    """How many a list has in all: counted up to MAX_COUNTED, beyond that estimated from a sample."""
    ids = await _some(context, chosen)
    if ids is not None:
        [row] = await chosen.fetch(context, COUNT_CUSTOMERS_AMONG, ids=ids)
        return Count(value=row["found"], precision=CountPrecision.EXACT)
    if chosen.source is None:
        [row] = await chosen.fetch(context, COUNT_CUSTOMERS, most=MAX_COUNTED + 1)
        if row["found"] <= MAX_COUNTED:
            return Count(value=row["found"], precision=CountPrecision.EXACT)
    [row] = await chosen.fetch(context, CUSTOMERS_SAMPLED, blocks=SAMPLED_BLOCKS)
    return Count(value=round(row["found"] / row["part"]), precision=CountPrecision.ESTIMATE)


async def _some(context: Context, chosen: Chosen) -> list[int] | None:
    """The customers among whom the wanted ones are, when something tells few of them; else None: they are so many that
    reading all customers in order soon finds a page of them."""
    if chosen.source is None:
        return None
    parameters = {name: value for name, value in chosen.values.items() if name in chosen.source.parameters}
    rows = await context.reading.fetch(chosen.source, **parameters, most=MAX_COUNTED + 1)
    return None if len(rows) > MAX_COUNTED else [row["id"] for row in rows]


class ReadAccess(Protocol):
    """What customers are read with: a request's context, or what a file has of one."""

    @property
    def reading(self) -> Reading: ...

    @property
    def pools(self) -> DatabasePools: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a list is to hold: the parameters of its filter and its search. `dynamic`: the lists of the filter, where
    some of them are dynamic."""

    values: Mapping[str, Any]
    dynamic: Sequence[int] = ()

    @property
    def source(self) -> Statement | None:
        """What reads the ids of the fewest customers, likely; None when all are to be read."""
        if self.values["word"] is not None:
            return CUSTOMER_IDS_FOUND
        if self.values["needs_attention"]:
            return CUSTOMER_IDS_IN_TROUBLE
        if self.values["opted_out"]:
            return CUSTOMER_IDS_OPTED_OUT
        if self.values["list_ids"] is not None:
            return CUSTOMER_IDS_OF_LISTS
        return None if self.values["tags"] is None else CUSTOMER_IDS_TAGGED

    async def fetch(self, context: ReadAccess, page: Statement, **values: Any) -> list[Record]:
        """Read one of this module's statements with these parameters and its own."""
        given = {name: value for name, value in self.values.items() if name in page.parameters} | values
        if not self.dynamic:
            return await context.reading.fetch(page, **given)
        async with context.pools.reading_connection() as connection:
            members = await lists.membership(connection, self.dynamic, first=len(page.parameters) + 1)
        more = {f"member_{place}": value for place, value in enumerate(members.parameters)}
        return await context.reading.fetch(_narrowed(page, members.condition, tuple(more)), **given, **more)


_NO_SEARCH = dict.fromkeys(("word", "other_words", "reference", "address", "in_a_labels"))


async def _choose(context: ReadAccess, search: str | None, filter: CustomerFilter) -> Chosen:
    """Raises BadInput."""
    wanted = _read_filter(filter)
    patterns = _NO_SEARCH if search is None else read_search(search.strip())
    if not wanted["list_ids"]:
        return Chosen(values=patterns | wanted)
    kinds = {row["id"]: row["kind"] for row in await context.reading.fetch(KINDS_OF_LISTS, list_ids=wanted["list_ids"])}
    if ListKind.DYNAMIC not in kinds.values():
        return Chosen(values=patterns | wanted)
    return Chosen(values=patterns | wanted | {"list_ids": None}, dynamic=tuple(kinds))


def _narrowed(page: Statement, condition: str, parameters: tuple[str, ...]) -> Statement:
    """A statement with one more condition on its customer `c`, whose parameters follow its own. Who meets it is known
    of each customer alone: where hardly anybody does, it reads until its time is over."""
    chosen, ordered, limit = page.sql.rpartition("\norder by ")
    return Statement(
        name=page.name, sql=f"{chosen}\n  and {condition}{ordered}{limit}", parameters=page.parameters + parameters
    )


def _static_page(chosen: Chosen) -> Statement:
    """The page by the newest customers that starts with what likely leaves the fewest; each checks the rest of the
    filter."""
    pages = {
        CUSTOMER_IDS_FOUND.name: CUSTOMERS_FOUND,
        CUSTOMER_IDS_IN_TROUBLE.name: CUSTOMERS_NEEDING_ATTENTION,
        CUSTOMER_IDS_OPTED_OUT.name: CUSTOMERS_OPTED_OUT,
        CUSTOMER_IDS_OF_LISTS.name: CUSTOMERS_OF_LISTS,
        CUSTOMER_IDS_TAGGED.name: CUSTOMERS_TAGGED,
    }
    return CUSTOMERS_PAGE if chosen.source is None else pages[chosen.source.name]


def _read_filter(filter: CustomerFilter) -> dict[str, Any]:
    """The parameters of the filter; a label that nobody has finds nobody. Raises BadInput."""
    if filter.tags is not None and len(filter.tags) > MAX_FILTERED:
        raise BadInput("filter", f"tags holds at most {MAX_FILTERED}")
    tags = None if filter.tags is None else [tidy_name(tag) for tag in filter.tags]
    return {
        "needs_attention": filter.needs_attention,
        "opted_out": filter.opted_out,
        "list_ids": asked_numbers(filter.list_ids, "CustomerList", "filter", "listIds", most=MAX_FILTERED),
        "tags": tags,
    }
