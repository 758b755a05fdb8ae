"""How a customer may be reached: its addresses, and what it chose not to get."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.choice import OptOutSource, SuppressionReason
from service.graph.row import FromRow


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
