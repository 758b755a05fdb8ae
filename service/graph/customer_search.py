"""Customers found: one by its id, or a page of those that a search finds."""

from __future__ import annotations

from typing import Annotated

import strawberry
from asyncpg import Record

from service.database import statement
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_number_window
from service.graph.context import Context, Info
from service.graph.customer import Customer
from service.graph.node import read_typed_id
from service.graph.search_patterns import read_search

CUSTOMER_BY_ID = statement("customer_by_id")
CUSTOMER_BY_EXTERNAL_REF = statement("customer_by_external_ref")
CUSTOMERS_PAGE = statement("customers_page")
CUSTOMERS_NEEDING_ATTENTION = statement("customers_needing_attention")
CUSTOMERS_FOUND = statement("customers_found")


async def find_customer(context: Context, customer_id: str | None, external_ref: str | None) -> Customer | None:
    """By exactly one of the two. Raises BadInput."""
    if (customer_id is None) == (external_ref is None):
        raise BadInput("id", "give either `id` or `externalRef`")
    if external_ref is not None:
        return _first(await context.reading.fetch(CUSTOMER_BY_EXTERNAL_REF, external_ref=external_ref))
    found = read_typed_id(customer_id or "", "Customer")
    if found is None:
        return None
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


FilterArgument = Annotated[CustomerFilter | None, strawberry.argument(description="Which customers; all when omitted.")]


async def list_customers(
    info: Info, search: str | None, filter: CustomerFilter | None, first: First, after: After
) -> Connection[Customer]:
    """All, or those found and not filtered out. Raises BadInput."""
    window = read_number_window(first, after)
    waiting = filter.needs_attention if filter else None
    reading = info.context.reading
    if search is None:
        page = CUSTOMERS_NEEDING_ATTENTION if waiting else CUSTOMERS_PAGE
        rows = await reading.fetch(page, needs_attention=waiting, before=window.before, rows=window.rows)
    else:
        patterns = read_search(search.strip())
        rows = await reading.fetch(
            CUSTOMERS_FOUND, **patterns, needs_attention=waiting, before=window.before, rows=window.rows
        )
    return window.connect([Customer.of(row) for row in rows], [str(row["id"]) for row in rows])
