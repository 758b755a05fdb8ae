"""Complaints: a reader called a mail of ours spam, or asked for no more of it, and the provider tells us."""

from __future__ import annotations

from gateway.consent.opt_outs import opt_out_by_link
from gateway.consent.suppressions import suppress
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.matching import Trace
from gateway.inbound.reports import read_reported, record_event
from gateway.mail.arf import Complaint, FeedbackType
from gateway.mail.choice import OptOutSource, SuppressionReason
from gateway.mail.message import EventKind, MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.engagement import Choice, note_choice
from gateway.outbox.outcomes import GATEWAY


async def write_complaint(
    connection: Connection, complaint: Complaint, trace: Trace, deployment: Deployment, *, actor: str = GATEWAY
) -> MessageRef | None:
    """Write a complaint that counts, within the caller's transaction; None when there is no such message.

    The address gets no campaigns any more, and what is queued of them is held; individual mail goes on. A reader who
    asked for no more of it (`opt-out`) is opted out, as by the mail's own link. What speaks for a mail (`not-spam`) or
    of its signatures changes nothing and is no event: the mail it came in is kept.
    """
    reported = await read_reported(connection, trace.ref, deployment)
    if reported is None:
        return None
    recipient = next((one for one in reported.recipients if one.number == (trace.recipient_no or 0)), None)
    if recipient is None or not complaint.complains:
        return trace.ref
    new = await QUERIES.insert_complaint(
        connection,
        customer_id=trace.ref.customer_id,
        message_id=trace.ref.message_id,
        recipient_no=recipient.number,
        feedback_type=complaint.feedback_type,
        actor=actor,
    )
    if new is None:  # providers send the same again, and a person may have lifted the suppression meanwhile
        return trace.ref
    if complaint.feedback_type is not FeedbackType.OPT_OUT and recipient.number == 0:
        await note_choice(connection, trace.ref, Choice.COMPLAINED)
    if complaint.feedback_type is FeedbackType.OPT_OUT and recipient.number == 0:
        await opt_out_by_link(connection, trace.ref, kinds=None, source=OptOutSource.COMPLAINT, deployment=deployment)
    elif await suppress(
        connection, address_key=recipient.address_key, reason=SuppressionReason.COMPLAINT, evidence=trace.ref
    ):
        data = {"reason": SuppressionReason.COMPLAINT}
        await record_event(connection, trace.ref, recipient.number, EventKind.SUPPRESSED, actor=GATEWAY, data=data)
    await notify_change(connection, ChangeKind.MESSAGE, [trace.ref])
    return trace.ref
