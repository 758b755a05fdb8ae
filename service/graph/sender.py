"""Senders: the profiles mail is sent as."""

from __future__ import annotations

import strawberry

from service.graph.node import Node, row_global_id
from service.graph.row import FromRow


@strawberry.type(description="A profile that mail is sent as.")
class Sender(FromRow, Node):
    """Over a row of sender with its newest version."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("Sender", self.row["id"])

    name: str = strawberry.field(description="Its name among ours.")
    from_name: str | None = strawberry.field(description="The display name of From.")
    from_address: str = strawberry.field(name="from", description="The address of From.")
    reply_to: str | None = strawberry.field(description="Where replies go; null for From.")
    signature: str | None = strawberry.field(description="Plain text under every letter.")
    postal_address: str | None = strawberry.field(description="What campaigns must show; null when there is none.")
    locale: str = strawberry.field(description="The language of its mail (BCP 47).")
    time_zone: str = strawberry.field(description="Its IANA time zone.")
    track_replies: bool = strawberry.field(description="Whether replies come back through us.")
    forward_replies_to: str | None = strawberry.field(
        description="The staff mailbox that replies are forwarded to; null for none."
    )
