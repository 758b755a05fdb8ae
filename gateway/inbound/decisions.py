"""What a person decides about received mail: believe a report, say whose a mail is, take it off the list, read it
again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.database import Connection
from gateway.deployment import Deployment
from gateway.mail.message import MessageRef


@dataclass(frozen=True, kw_only=True, slots=True)
class Reread:
    """How much received mail was read again, and how much of it is read otherwise than before."""

    read: int
    changed: int


async def believe_report(
    connection: Connection, *, customer_id: int, report_id: UUID, actor: str, deployment: Deployment
) -> MessageRef:
    """Make an unverified report count, as if it carried our token; returns the message it is about.

    Raises Refusal: NOT_FOUND, ERASED, ILLEGAL_STATE where it counts already.
    """
    raise NotImplementedError


async def assign(
    connection: Connection,
    *,
    inbound_id: UUID,
    customer_id: int,
    message_id: UUID | None,
    actor: str,
    deployment: Deployment,
) -> MessageRef:
    """Say whose an unmatched mail is, and which message of theirs it answers or reports on; returns the message that
    it became, or that it reports on.

    Raises Refusal: NOT_FOUND, ERASED, REQUIRED where a report or complaint is given no message, ILLEGAL_STATE where
    the mail has a customer, or cannot be read.
    """
    raise NotImplementedError


async def dismiss(connection: Connection, *, inbound_ids: Sequence[UUID], actor: str) -> int:
    """Take unmatched mail off the list; returns how much of it is off now. Raises Refusal: NOT_FOUND, ILLEGAL_STATE
    for mail that has a customer, TOO_MANY."""
    raise NotImplementedError


async def reread(
    connection: Connection,
    *,
    since: datetime | None,
    until: datetime | None,
    unmatched_only: bool,
    deployment: Deployment,
) -> Reread:
    """Read stored mail again by the current rules: what matches nobody, or all of a span. What is there is never
    doubled. Call it outside a transaction. Raises Refusal: TOO_MANY above 10,000."""
    raise NotImplementedError
