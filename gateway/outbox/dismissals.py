"""Failed mail that a person takes off the worklist: its status stays what it is."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.database import QUERIES, Connection
from gateway.mail.message import DISMISSIBLE, MessageRef
from gateway.notify.changes import ChangeKind, notify_change


async def dismiss_many(connection: Connection, refs: Sequence[MessageRef], actor: str) -> int:
    """Take these messages off the worklist, as far as they are on it: refused, bounced, expired or held, by no opt-out,
    and not dismissed before. Returns how many were taken off; each has its event.

    One transaction, or the caller's: the messages are locked in the order of their keys. A message that changed since
    the caller read it is judged as it is now; whatever changes its status later brings it back on the list.
    """
    wanted = sorted(set(refs), key=lambda ref: (ref.customer_id, ref.message_id))
    async with connection.transaction():
        taken_off = [
            MessageRef(customer_id=row["customer_id"], message_id=row["message_id"])
            async for row in QUERIES.dismiss_messages(
                connection,
                customer_ids=[ref.customer_id for ref in wanted],
                message_ids=[ref.message_id for ref in wanted],
                statuses=sorted(DISMISSIBLE),
                actor=actor,
            )
        ]
        await notify_change(connection, ChangeKind.MESSAGE, taken_off)
    return len(taken_off)
