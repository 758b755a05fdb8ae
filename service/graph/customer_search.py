"""Customers found: one by its id, or a page of those that a search finds."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

import strawberry
from asyncpg import Record

from gateway.mail.address import with_a_labels
from service.database import Statement, statement
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_number_window
from service.graph.context import Context, Info
from service.graph.customer import Customer
from service.graph.node import read_typed_id

CUSTOMER_BY_ID = statement("customer_by_id")
CUSTOMER_BY_EXTERNAL_REF = statement("customer_by_external_ref")
CUSTOMERS_PAGE = statement("customers_page")
CUSTOMERS_NEEDING_ATTENTION = statement("customers_needing_attention")
CUSTOMERS_FOUND = statement("customers_found")
CUSTOMERS_OF_WORD = statement("customers_of_word")

SHORTEST_PART = 3
"""Letters or digits in a row: a trigram index finds no shorter part of a word."""
LONGEST_SEARCH = 320
"""Characters: an address's own limit."""


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


SearchArgument = Annotated[
    str | None,
    strawberry.argument(
        description="Part of a name, address or external ref, with three letters or digits in a row; "
        "with fewer, a whole word of a name, a whole address or a whole external ref."
    ),
]


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
        wanted, values = _read_search(search.strip())
        values |= {"needs_attention": waiting}
        rows = await reading.fetch(wanted, **values, before=window.before, rows=window.rows)
    return window.connect([Customer.of(row) for row in rows], [str(row["id"]) for row in rows])


def _read_search(search: str) -> tuple[Statement, dict[str, str | bool | None]]:
    """The statement that finds it, and its patterns. Raises BadInput."""
    if len(search) > LONGEST_SEARCH:
        raise BadInput("search", f"is at most {LONGEST_SEARCH} characters")
    search = unicodedata.normalize("NFC", search)
    longest = _longest_run(search)
    if not longest:
        raise BadInput("search", "needs a letter or digit; leave it out to list all")
    literal = _as_literal(search)
    # A domain is stored in A-labels, and typed as it is read.
    stored = search if search.isascii() or " " in search else with_a_labels(search)
    in_a_labels = f"%{_as_literal(stored)}%" if stored != search else None
    if longest < SHORTEST_PART:
        return CUSTOMERS_OF_WORD, {"word": literal, "in_a_labels": in_a_labels}
    return CUSTOMERS_FOUND, {"pattern": f"%{literal}%", "in_a_labels": in_a_labels}


def _longest_run(search: str) -> int:
    """How many letters, their marks, and digits stand in a row at most: in many scripts a vowel is a mark.

    As pg_trgm sees them, so that a trigram is there to be looked up: to it `\u0301` or `²` parts two words.
    """
    signs = "".join(sign if _is_in_trigrams(sign) else " " for sign in search)
    return max((len(run) for run in signs.split()), default=0)


def _is_in_trigrams(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LMN" and category != "No" and not "\u0300" <= sign <= "\u036f"


def _as_literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
