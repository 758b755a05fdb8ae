"""Customers found: one by its id, or a page of those that a search finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import strawberry
from asyncpg import Record

from gateway.campaigns import lists
from gateway.campaigns.lists import ListKind
from gateway.mail.names import tidy_name
from service.database import Statement, statement
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_number_window
from service.graph.context import Context, Info
from service.graph.customer import Customer
from service.graph.node import asked_id
from service.graph.search_patterns import read_search

CUSTOMER_BY_ID = statement("customer_by_id")
CUSTOMER_BY_EXTERNAL_REF = statement("customer_by_external_ref")
CUSTOMERS_PAGE = statement("customers_page")
CUSTOMERS_NEEDING_ATTENTION = statement("customers_needing_attention")
CUSTOMERS_OF_LISTS = statement("customers_of_lists")
CUSTOMERS_TAGGED = statement("customers_tagged")
CUSTOMERS_FOUND = statement("customers_found")
KINDS_OF_LISTS = statement("kinds_of_lists")

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
    list_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"Only members of one of these lists, at most {MAX_FILTERED}."
    )
    tags: list[str] | None = strawberry.field(
        default=None, description=f"Only those with one of these tags, at most {MAX_FILTERED}."
    )


FilterArgument = Annotated[CustomerFilter | None, strawberry.argument(description="Which customers; all when omitted.")]


async def list_customers(
    info: Info, search: str | None, filter: CustomerFilter | None, first: First, after: After
) -> Connection[Customer]:
    """All, or those found and not filtered out. Raises BadInput."""
    window = read_number_window(first, after)
    wanted = _read_filter(filter or CustomerFilter())
    patterns = {} if search is None else read_search(search.strip())
    page, wanted = await _page(info.context, wanted, found=search is not None)
    rows = await info.context.reading.fetch(page, **patterns, **wanted, before=window.before, rows=window.rows)
    return window.connect([Customer.of(row) for row in rows], [str(row["id"]) for row in rows])


async def _page(context: Context, wanted: dict[str, object], *, found: bool) -> tuple[Statement, dict[str, object]]:
    """The statement of a page, and the parameters of its filter."""
    if not wanted["list_ids"]:
        return _static_page(wanted, found=found), wanted
    kinds = {row["id"]: row["kind"] for row in await context.reading.fetch(KINDS_OF_LISTS, **wanted)}
    if ListKind.DYNAMIC not in kinds.values():
        return _static_page(wanted, found=found), wanted
    wanted = wanted | {"list_ids": None}
    page = _static_page(wanted, found=found)
    async with context.pools.reading_connection() as connection:
        members = await lists.membership(connection, list(kinds), first=len(page.parameters) + 1)
    values = {f"member_{place}": value for place, value in enumerate(members.parameters)}
    return _narrowed(page, members.condition, tuple(values)), wanted | values


def _narrowed(page: Statement, condition: str, parameters: tuple[str, ...]) -> Statement:
    """A page's statement with one more condition on its customer `c`, whose parameters follow those of the page. Who
    meets it is known of each customer alone: where hardly anybody does, it reads until its time is over."""
    chosen, ordered, limit = page.sql.rpartition("\norder by ")
    return Statement(
        name=page.name, sql=f"{chosen}\n  and {condition}{ordered}{limit}", parameters=page.parameters + parameters
    )


def _static_page(wanted: Mapping[str, object], *, found: bool) -> Statement:
    """The statement that starts with what likely leaves the fewest customers; each checks the rest of the filter."""
    if found:
        return CUSTOMERS_FOUND
    if wanted["needs_attention"]:
        return CUSTOMERS_NEEDING_ATTENTION
    if wanted["list_ids"] is not None:
        return CUSTOMERS_OF_LISTS
    return CUSTOMERS_PAGE if wanted["tags"] is None else CUSTOMERS_TAGGED


def _read_filter(filter: CustomerFilter) -> dict[str, object]:
    """The parameters of the filter; a label that nobody has finds nobody. Raises BadInput."""
    for name, given in (("listIds", filter.list_ids), ("tags", filter.tags)):
        if given is not None and len(given) > MAX_FILTERED:
            raise BadInput("filter", f"{name} holds at most {MAX_FILTERED}")
    tags = None if filter.tags is None else [tidy_name(tag) for tag in filter.tags]
    return {"needs_attention": filter.needs_attention, "list_ids": _read_list_ids(filter.list_ids), "tags": tags}


def _read_list_ids(given: list[strawberry.ID] | None) -> list[int] | None:
    """The lists' numbers, each once. Raises BadInput."""
    if given is None:
        return None
    numbers = dict.fromkeys(asked_id(text, "CustomerList", "filter").number for text in given)
    return [number for number in numbers if number is not None]
