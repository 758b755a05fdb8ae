"""Addresses of customers that take no mail, with what may help: the source system's bounced or invalid report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from gateway.mail.address_solutions import Solution, SolutionKind
from gateway.mail.verdict import Cause
from service.graph.bad_address_list import FIRST, BadAddressQuery, Place, count, read_page, read_place
from service.graph.connection import After, First, read_cursor_window
from service.graph.context import Info
from service.graph.cost import Cost
from service.graph.counting import CountedConnection
from service.graph.customer import Customer, Message, Suppression
from service.graph.exporting import linking
from service.graph.loaders import existing_row
from service.graph.node import Node, row_global_id
from service.graph.row import FromRow, FromValue

CausesArgument = Annotated[list[Cause] | None, strawberry.argument(description="Only for these causes.")]


@strawberry.type(description="What may help.")
class AddressSolution(FromValue[Solution]):
    """Over a solution of the gateway's."""

    kind: SolutionKind = strawberry.field(description="What kind.")
    text: str = strawberry.field(description="In plain words.")
    address: str | None = strawberry.field(description="The address to use; null when it names none.")


@strawberry.type(description="An address of a customer's that takes no mail.")
class BadAddress(FromRow, Node):
    """Over a row of bad_address, with the customer's address."""

    @strawberry.field(description="The id, unique over all types; another one once the address has taken mail.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("BadAddress", self.row["id"])

    @strawberry.field(description="Whose it is.")
    async def customer(self, info: Info) -> Customer:
        """One statement for all rows of a page."""
        return Customer.of(await existing_row(info.context.loaders.customers, self.row["customer_id"]))

    address: str = strawberry.field(description="The address.")
    failed_at: datetime = strawberry.field(description="When it last failed.")
    failing_since: datetime = strawberry.field(description="Since when it fails without a success between.")
    cause: Cause = strawberry.field(description="Why.")

    @strawberry.field(description="The mail that failed last: its `info` has the server's words.")
    async def message(self, info: Info) -> Message | None:
        """One statement for all rows of a page."""
        found = await info.context.loaders.messages.load((self.row["customer_id"], self.row["message_id"]))
        return Message.of(found) if found else None

    @strawberry.field(description="What stands against it; null when nothing does.")
    async def suppression(self, info: Info) -> Suppression | None:
        """One statement for all rows of a page."""
        standing = self.row["suppression_id"]
        found = await info.context.loaders.suppressions.load(standing) if standing else None
        return Suppression.of(found) if found else None

    @strawberry.field(description="How many messages wait for a correction, counted up to 1,000.")
    async def waiting_messages(self, info: Info) -> int:
        """One statement for all rows of a page."""
        found = await info.context.loaders.waiting.load(self.row["id"])
        return int(found["waiting"]) if found else 0

    @strawberry.field(
        description="What may help, the likeliest first: at most five.",
        directives=[Cost(objects=10)],
    )
    async def solutions(self, info: Info) -> list[AddressSolution]:
        """Three statements for all rows of a page."""
        found: Sequence[Solution] = await info.context.loaders.solutions.load(self.row["id"])
        return [AddressSolution.of(one) for one in found]


async def list_bad_addresses(
    info: Info, search: str | None, causes: list[Cause] | None, first: First, after: After
) -> CountedConnection[BadAddress]:
    """The newest failure first. Raises BadInput."""
    context, window = info.context, read_cursor_window(first, after, read_place, FIRST)
    query = BadAddressQuery(search=search, causes=None if causes is None else tuple(dict.fromkeys(causes)))
    rows = await read_page(context.reading.fetch, query, window.before, window.rows)
    page = window.connect([BadAddress.of(row) for row in rows], [Place.of(row).cursor for row in rows])
    counting = partial(count, context.reading.fetch, query)
    return CountedConnection.counted(page, counting, linking(context, {"bad_addresses": query.to_json()}))
