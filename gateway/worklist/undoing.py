"""A person's last decision about a message is taken back, whatever it was."""

from __future__ import annotations

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.finding.forgetting import forget_message, hold_job
from gateway.inbound import assigned_reports
from gateway.inbound.decisions import take_back_assignment
from gateway.mail.message import MessageRef
from gateway.outbox import undoing


async def undo(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> MessageRef | None:
    """Take back what a person decided last about a message: assumed sent, dismissed, assigned. Returns the message to
    look at now: this one; of received mail, which is nobody's again, the one that it was said to answer, if any.

    Raises Refusal: NOT_FOUND; ILLEGAL_STATE where there is none, or something else happened since, and what.
    """
    try:
        return await _undo(connection, ref, actor, deployment)
    except Refusal as refusal:
        if refusal.code is not RefusalCode.ILLEGAL_STATE:
            raise
        raise Refusal(refusal.code, await _what_happened(connection, ref, refusal.message), refusal.field) from None


async def _undo(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> MessageRef | None:
    key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    if await QUERIES.is_received(connection, **key):
        async with connection.transaction():
            await hold_job(connection)
            answered = await take_back_assignment(connection, ref, actor, deployment)
            await forget_message(connection, ref)
        return answered
    mail = await QUERIES.report_assigned_last(connection, **key)
    if mail is not None:
        await assigned_reports.take_back(connection, mail, ref, actor, deployment)
    else:
        await undoing.undo(connection, ref, actor, deployment)
    return ref


async def _what_happened(connection: Connection, ref: MessageRef, otherwise: str) -> str:
    """Why a message's last decision cannot be taken back, by what happened first after it."""
    since = await QUERIES.happened_since_decision(connection, customer_id=ref.customer_id, message_id=ref.message_id)
    if since is None:
        return otherwise
    at = since["at"].strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"{since['actor']} decided {since['decision']}; something else has happened to it since: {since['kind']}, {at}."
    )
