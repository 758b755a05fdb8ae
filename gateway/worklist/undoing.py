"""A person's last decision about a message is taken back, whatever it was."""

from __future__ import annotations

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.finding.forgetting import forget_message, hold_job
from gateway.inbound.decisions import take_back_assignment
from gateway.mail.message import MessageRef
from gateway.outbox import undoing


async def undo(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> MessageRef | None:
    """Take back what a person decided last about a message: assumed sent, dismissed, assigned. Returns the message to
    look at now: this one; of received mail, which is nobody's again, the one that it was said to answer, if any.

    Raises Refusal: NOT_FOUND, ILLEGAL_STATE where there is none, or something else happened since.
    """
    if not await QUERIES.is_received(connection, customer_id=ref.customer_id, message_id=ref.message_id):
        await undoing.undo(connection, ref, actor, deployment)
        return ref
    async with connection.transaction():
        await hold_job(connection)
        answered = await take_back_assignment(connection, ref, actor, deployment)
        await forget_message(connection, ref)
    return answered
