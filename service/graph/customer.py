"""Customers: who they are, where mail goes, what they chose not to get."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated

import strawberry
from asyncpg import Record

from gateway.mail.address import with_a_labels
from gateway.mail.choice import OptOutKind, OptOutSource, SuppressionReason
from service.database import Statement, statement
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_number_window
from service.graph.context import Context, Info
from service.graph.history import ConnectionNote, CustomerEmails
from service.graph.loaders import promised
from service.graph.node import Node, customer_global_id, read_typed_id
from service.graph.row import FromRow

CUSTOMER_BY_ID = statement("customer_by_id")
CUSTOMER_BY_EXTERNAL_REF = statement("customer_by_external_ref")
CUSTOMERS_PAGE = statement("customers_page")
CUSTOMERS_FOUND = statement("customers_found")
CUSTOMERS_OF_WORD = statement("customers_of_word")

SHORTEST_PART = 3
"""Letters or digits in a row: a trigram index finds no shorter part of a word."""
LONGEST_SEARCH = 320
"""Characters: an address's own limit."""


@strawberry.type(description="An address of a customer.")
class CustomerAddress(FromRow):
    """Over a row of customer_address."""

    address: str = strawberry.field(description="The address, its domain in A-labels.")
    is_primary: bool = strawberry.field(name="primary", description="Whether mail goes here unless told otherwise.")
    suppressed_since: datetime | None = strawberry.field(
        description="Since when it must not be mailed; null when it may be."
    )
    suppression_reason: SuppressionReason | None = strawberry.field(description="Why it must not be mailed.")


@strawberry.type(description="A choice not to get a kind of campaign.")
class OptOut(FromRow):
    """Over a row of opt_out or address_opt_out."""

    opted_out_at: datetime = strawberry.field(description="Since when.")
    actor: str = strawberry.field(name="by", description="Who set it: customer, or the name of a token or person.")
    source: OptOutSource = strawberry.field(description="How it came about.")


@strawberry.type(description="What the customer chose not to get. Individual mail is not affected.")
class OptOuts:
    """The earliest choice a kind, the customer's own or by an address."""

    marketing: OptOut | None = strawberry.field(description="Of marketing campaigns; null when they may be sent.")
    event_based: OptOut | None = strawberry.field(description="Of event-based campaigns; null when they may be sent.")

    @strawberry.field(description="Since when no marketing campaigns; null when they may be sent.")
    def marketing_at(self) -> datetime | None:
        """Of `marketing`."""
        return self.marketing.row["opted_out_at"] if self.marketing else None

    @strawberry.field(description="Since when no event-based campaigns; null when they may be sent.")
    def event_based_at(self) -> datetime | None:
        """Of `event_based`."""
        return self.event_based.row["opted_out_at"] if self.event_based else None


@strawberry.type(description="The person or company whose history this is.")
class Customer(FromRow, Node):
    """Over a row of customer."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return customer_global_id(self.row["id"])

    external_ref: str = strawberry.field(description="Its id in the CRM.")
    name: str | None = strawberry.field(description="Its name; null when not given, or erased.")
    locale: str | None = strawberry.field(
        description="The language of its mail (BCP 47); null for the sender's.",
    )
    time_zone: str | None = strawberry.field(description="Its IANA time zone; null for the sender's.")
    created_at: datetime = strawberry.field(description="When it was first upserted.")

    @strawberry.field(description="Its addresses, the primary first.")
    async def addresses(self, info: Info) -> list[CustomerAddress]:
        """One statement for all customers of a page."""
        return [CustomerAddress.of(row) for row in await info.context.loaders.addresses.load(self.row["id"])]

    @strawberry.field(description="What it chose not to get.")
    async def opt_outs(self, info: Info) -> OptOuts:
        """One statement for all customers of a page."""
        found = {row["kind"]: OptOut.of(row) for row in await info.context.loaders.opt_outs.load(self.row["id"])}
        return OptOuts(marketing=found.get(OptOutKind.MARKETING), event_based=found.get(OptOutKind.EVENT_BASED))

    @strawberry.field(description="Its mail history: three lists.")
    async def emails(self, info: Info) -> CustomerEmails:
        """One statement for all lists that can be shaped."""
        return await CustomerEmails.read(info, self.row["id"])

    @strawberry.field(description="Its newest connection note, for lists of customers; null when there is none.")
    async def latest_email(self, info: Info) -> ConnectionNote | None:
        """Two statements for all customers of a page."""
        newest = await info.context.loaders.latest.load(self.row["id"])
        if newest is None:
            return None
        return ConnectionNote.of(await promised(info.context.loaders.messages, (newest["customer_id"], newest["id"])))

    @strawberry.field(description="How many of its newest 50 messages show a red icon.")
    async def failed_emails(self, info: Info) -> int:
        """One statement for all customers of a page."""
        found = await info.context.loaders.failed.load(self.row["id"])
        return int(found["failed"]) if found else 0


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


async def list_customers(info: Info, search: str | None, first: First, after: After) -> Connection[Customer]:
    """All, or those found. Raises BadInput."""
    window = read_number_window(first, after)
    reading = info.context.reading
    if search is None:
        rows = await reading.fetch(CUSTOMERS_PAGE, before=window.before, rows=window.rows)
    else:
        wanted, values = _read_search(search.strip())
        rows = await reading.fetch(wanted, **values, before=window.before, rows=window.rows)
    return window.connect([Customer.of(row) for row in rows], [str(row["id"]) for row in rows])


def _read_search(search: str) -> tuple[Statement, dict[str, str | None]]:
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
