"""A message that is no longer there is no longer found."""

from __future__ import annotations

from gateway.database import QUERIES, Connection
from gateway.finding.job import FINDING_LOCK
from gateway.mail.message import MessageRef


async def hold_job(connection: Connection) -> None:
    """Until the caller's transaction ends the job writes nothing: what it read before must not come after. It takes
    this before it locks anything else."""
    await QUERIES.take_finding_lock(connection, lock=FINDING_LOCK)


async def forget_message(connection: Connection, ref: MessageRef) -> None:
    """Delete what finds a message that the caller's transaction deleted."""
    await QUERIES.forget_search_row(connection, customer_id=ref.customer_id, message_id=ref.message_id)
