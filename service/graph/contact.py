"""What a customer chose not to get."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.choice import OptOutSource
from service.graph.row import FromRow


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
