"""`setOptOut`: staff record what a customer chose not to get."""

from __future__ import annotations

import strawberry

from gateway.consent import opt_outs
from gateway.mail.choice import OptOutKind
from service.graph.context import Info
from service.graph.customer import Customer
from service.graph.intent import Input
from service.graph.sending import read_customer_id
from service.graph.user_error import UserError


@strawberry.input(description="A customer's choice about one kind of campaign.")
class SetOptOutInput:
    """A repeat is harmless."""

    customer_id: strawberry.ID = strawberry.field(description="Whose choice.")
    kind: OptOutKind = strawberry.field(description="Of which campaigns.")
    opted_out: bool = strawberry.field(
        description="True: no more of them, and queued ones are held. False: they may be sent again, to every address "
        "of the customer, those opted out by link among them."
    )


@strawberry.type(description="What came of `setOptOut`.")
class SetOptOutPayload:
    """Either the customer or the errors."""

    customer: Customer | None = strawberry.field(
        default=None, description="The customer as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def set_opt_out(info: Info, input: Input[SetOptOutInput]) -> SetOptOutPayload:
    """On record, with who and when."""
    context = info.context
    customer_id = read_customer_id(input.customer_id, ("customerId",))
    async with context.pools.writing_connection() as connection:
        await opt_outs.set_opt_out(
            connection,
            customer_id=customer_id,
            kind=input.kind,
            opted_out=input.opted_out,
            actor=context.actor,
        )
    row = await context.reading_back().loaders.customers.load(customer_id)
    return SetOptOutPayload(customer=Customer.of(row) if row else None)
