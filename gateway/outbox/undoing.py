"""A person's decision that is taken back while it is the last that happened: assumed sent, dismissed."""

from __future__ import annotations

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.message import EventKind, MessageRef, Status
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.actions import locked
from gateway.outbox.outcomes import tally
from gateway.outbox.possible_actions import MessageAction, Standing
from gateway.outbox.recovery import LOST_ADVICE, RESTORED_ADVICE


async def undo(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> None:
    """Take back the last decision about a sent message: it is again what it was, and the event UNDONE says who took
    what back. Raises Refusal: NOT_FOUND, ILLEGAL_STATE where there is none, or something else happened since: an event,
    an attempt, a hit, a report.

    What was assumed sent is UNCERTAIN since when it was, for evidence or a person to settle; what was dismissed is on
    the worklist.
    """
    async with connection.transaction():
        standing = await locked(connection, ref, deployment, MessageAction.UNDO)
        # Of two that take the same back, the second finds UNDONE as the last event.
        recipients = [0]
        if standing.undoable is EventKind.DISMISSED:
            await QUERIES.put_back_on_worklist(connection, customer_id=ref.customer_id, message_id=ref.message_id)
        else:
            recipients = await _make_uncertain(connection, ref)
        for number in recipients:
            await QUERIES.insert_event(
                connection,
                customer_id=ref.customer_id,
                message_id=ref.message_id,
                recipient_no=number,
                kind=EventKind.UNDONE,
                actor=actor,
                data={"decision": standing.undoable},
            )
        await notify_change(connection, ChangeKind.MESSAGE, [ref])
        await _move_tally(connection, standing, recipients)


async def _make_uncertain(connection: Connection, ref: MessageRef) -> list[int]:
    """Returns the numbers of the recipients that were assumed to have got it."""
    key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    advices = {"lost_advice": LOST_ADVICE, "restored_advice": RESTORED_ADVICE}
    rows = [row async for row in QUERIES.assumed_recipients(connection, **key, **advices)]
    for row in rows:
        why = {"cause": row["cause"], "advice": row["advice"]}
        if row["recipient_no"] == 0:
            await QUERIES.take_back_assumed_message(connection, **key, **why)
        else:
            await QUERIES.take_back_assumed_copy(connection, **key, **why, recipient_no=row["recipient_no"])
    return [row["recipient_no"] for row in rows]


async def _move_tally(connection: Connection, standing: Standing, recipients: list[int]) -> None:
    """Last of the transaction's statements: others wait for the counts."""
    if standing.undoable is EventKind.ASSUMED_SENT and standing.mailing_id is not None and 0 in recipients:
        await tally(connection, standing.mailing_id, Status.ACCEPTED, Status.UNCERTAIN)
