"""Senders: the profiles mail is sent as."""

from __future__ import annotations

import strawberry

from service.graph.node import Node, row_global_id, row_id_sql
from service.graph.row import FromRow
from service.shape.field import column


def sender_of(version: str) -> str:
    """The sender (n) of the version with this id, an expression, and the newest version (p) of it; for `first_of`."""
    newest = "select x.* from sender_version x where x.sender_id = u.sender_id order by x.number desc limit 1"
    return (
        f"sender_version u join sender n on n.id = u.sender_id cross join lateral ({newest}) p where u.id = {version}"
    )


@strawberry.type(description="A profile that mail is sent as.")
class Sender(FromRow, Node):
    """Over a row of sender with its newest version."""

    @strawberry.field(description="The id, unique over all types.", metadata=column(row_id_sql("Sender", "n")))
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("Sender", self.row["id"])

    name: str = strawberry.field(description="Its name among ours.", metadata=column("n.name"))
    from_name: str | None = strawberry.field(description="The display name of From.", metadata=column("p.from_name"))
    from_address: str = strawberry.field(
        name="from", description="The address of From.", metadata=column("p.from_address")
    )
    reply_to: str | None = strawberry.field(
        description="Where replies go; null for From.", metadata=column("p.reply_to")
    )
    signature: str | None = strawberry.field(
        description="Plain text under every letter.", metadata=column("p.signature")
    )
    postal_address: str | None = strawberry.field(
        description="What campaigns must show; null when there is none.", metadata=column("p.postal_address")
    )
    locale: str = strawberry.field(description="The language of its mail (BCP 47).", metadata=column("p.locale"))
    time_zone: str = strawberry.field(description="Its IANA time zone.", metadata=column("p.time_zone"))
    track_replies: bool = strawberry.field(
        description="Whether replies come back through us.", metadata=column("p.track_replies")
    )
    forward_replies_to: str | None = strawberry.field(
        description="The staff mailbox that replies are forwarded to; null for none.",
        metadata=column("p.forward_replies_to"),
    )
