"""What a person or an answering machine wrote: it becomes a message in its customer's history."""

from __future__ import annotations

from uuid import UUID

from gateway.database import Connection
from gateway.deployment import Deployment
from gateway.inbound.reading import Joined, Reading, StoredMail, Unmatched
from gateway.mail.inbound import UnmatchedReason


async def join(
    connection: Connection,
    stored: StoredMail,
    reading: Reading,
    *,
    deployment: Deployment,
    customer_id: int | None = None,
    answers: UUID | None = None,
    by: str | None = None,
) -> Joined | Unmatched:
    """Make a received mail a message of its customer; Unmatched where it is nobody's. Within the caller's transaction.

    `customer_id`, `answers` (the message that it answers) and `by` (the person) are given where a person says whose it
    is.
    """
    return Unmatched(reason=UnmatchedReason.UNKNOWN_SENDER)
