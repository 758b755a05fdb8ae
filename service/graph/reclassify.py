"""`reclassifyHits`: classifies earlier opens and clicks by the current rules."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.errors import Refusal, RefusalCode
from gateway.tracking.classify import MAX_RECLASSIFIED, reclassify
from service.database import QUERIES, Connection
from service.graph.context import Info
from service.graph.intent import Input
from service.graph.node import read_typed_id
from service.graph.user_error import UserError


@strawberry.input(description="Which opens and clicks to judge again.")
class ReclassifyHitsInput:
    """All of them when nothing is given."""

    customer_id: strawberry.ID | None = strawberry.field(default=None, description="Only of this customer.")
    since: datetime | None = strawberry.field(default=None, description="Only from this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Only before this moment.")


@strawberry.type(description="What came of `reclassifyHits`.")
class ReclassifyHitsPayload:
    """Counts, or the errors."""

    judged: int = strawberry.field(default=0, description="How many opens and clicks were judged again.")
    changed: int = strawberry.field(
        default=0, description="How many have another verdict, or other reasons, than before."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description=f"Why nothing was done: TOO_MANY above {MAX_RECLASSIFIED} opens and clicks."
    )


async def reclassify_hits(info: Info, input: Input[ReclassifyHitsInput]) -> ReclassifyHitsPayload:
    """One transaction for a thousand hits; the raw hits are not changed."""
    async with info.context.pools.writing_connection() as connection:
        customer_id = await _customer_id(connection, input.customer_id)
        done = await reclassify(connection, customer_id=customer_id, since=input.since, until=input.until)
    return ReclassifyHitsPayload(judged=done.classified, changed=done.changed)


async def _customer_id(connection: Connection, text: str | None) -> int | None:
    """Raises Refusal(NOT_FOUND)."""
    if text is None:
        return None
    found = read_typed_id(text, "Customer")
    row = await QUERIES.customer_by_id(connection, id=found.customer_id) if found else None
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",))
    return int(row["id"])
