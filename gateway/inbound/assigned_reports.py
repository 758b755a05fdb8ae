"""A report or complaint that a person gave to a message, and takes from it again while nothing else happened.

Before it is given, what the message is then is noted. Taking it back makes the message that again: its status, its
copies', its campaign's counts, what the address may not get. What the mail said of the message is deleted with the
events that stand for it; ASSIGNED stays, and UNDONE says who took it back.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gateway.consent.suppressions import MAX_NOTIFIED, MAX_RELEASED
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.inbound.joining import write_result
from gateway.inbound.read_job import read_again
from gateway.inbound.read_process import ReadingFailed
from gateway.inbound.reading import Unmatched
from gateway.inbound.reports import read_reported, record_event
from gateway.mail.inbound import UnmatchedReason
from gateway.mail.message import EventKind, MessageRef, Status
from gateway.notify.changes import ChangeKind, notify_change, notify_customers
from gateway.outbox import actions
from gateway.outbox.outcomes import tally
from gateway.outbox.possible_actions import NOTHING_TO_UNDO, MessageAction, illegal


async def note_before(connection: Connection, inbound_id: UUID, ref: MessageRef, why: str) -> None:
    """Lock a message to which a person gives a report or complaint, which was nobody's because of `why`, and note what
    it is. Within the caller's transaction; of a message that is none nothing is noted."""
    key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    if await QUERIES.lock_reported_message(connection, **key) is not None:
        await QUERIES.note_assigned_report(connection, **key, inbound_id=inbound_id, reason=why)


async def take_back(
    connection: Connection, inbound_id: UUID, ref: MessageRef, actor: str, deployment: Deployment
) -> None:
    """Make a report or complaint nobody's again that a person gave to this message, and the message what it was.

    Mail that has been held for the address since, and that nothing else forbids, is queued again.
    Raises Refusal: ILLEGAL_STATE where something else happened to the message since, or the mail cannot be read.
    """
    async with connection.transaction():
        row = await QUERIES.lock_inbound_mail(connection, id=inbound_id)
        standing = await actions.locked(connection, ref, deployment, MessageAction.UNDO)
        key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
        last = await QUERIES.report_assigned_last(connection, **key)
        reported = await read_reported(connection, ref, deployment)
        if row is None or reported is None or standing.undoable is not EventKind.ASSIGNED or last != inbound_id:
            raise illegal(NOTHING_TO_UNDO)
        await _give_back_mail(connection, row, actor, key, deployment)
        await _take_back_statements(connection, inbound_id, ref, actor)
        keys = sorted({one.address_key for one in reported.recipients})
        await _reopen_addresses(connection, inbound_id, ref, keys, actor, deployment)
        # Last: others wait for the counts.
        await QUERIES.take_back_engagement(connection, inbound_id=inbound_id)
        changed = await QUERIES.take_back_reported_message(connection, inbound_id=inbound_id)
        if changed is not None and changed["mailing_id"] is not None:
            await tally(connection, changed["mailing_id"], Status(changed["was"]), Status(changed["is"]))
        await QUERIES.forget_assigned_report(connection, inbound_id=inbound_id)
        await notify_change(connection, ChangeKind.MESSAGE, [ref])


async def _give_back_mail(
    connection: Connection, row: Any, actor: str, key: dict[str, Any], deployment: Deployment
) -> None:
    """Make the mail nobody's again."""
    try:
        stored, reading = await read_again(connection, row, deployment)
    except ReadingFailed:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This mail cannot be read.", ("messageId",)) from None
    reason = UnmatchedReason(await QUERIES.reason_of_assigned_report(connection, inbound_id=stored.id))
    await QUERIES.note_undone_assignment(connection, **key, inbound_id=stored.id, actor=actor)
    await write_result(connection, stored, reading, Unmatched(reason=reason), deployment)


async def _take_back_statements(connection: Connection, inbound_id: UUID, ref: MessageRef, actor: str) -> None:
    """Delete what the mail said of the message, make its copies what they were, and write who took that back."""
    said = [row["kind"] async for row in QUERIES.forget_what_was_reported(connection, inbound_id=inbound_id)]
    copies = [row["recipient_no"] async for row in QUERIES.take_back_reported_copies(connection, inbound_id=inbound_id)]
    data = {"decision": EventKind.ASSIGNED, "mail": str(inbound_id), "events": said}
    for number in [0, *copies]:
        await record_event(connection, ref, number, EventKind.UNDONE, actor=actor, data=data)


async def _reopen_addresses(
    connection: Connection, inbound_id: UUID, ref: MessageRef, keys: list[bytes], actor: str, deployment: Deployment
) -> None:
    """End what the mail made stand against the addresses, and queue again what was held for that."""
    given: dict[str, Any] = {"inbound_id": inbound_id, "address_keys": keys}
    reopened = {row["address_key"] async for row in QUERIES.take_back_suppressions(connection, **given)}
    await QUERIES.put_back_suppressions(connection, **given)
    chosen = QUERIES.take_back_opt_outs(connection, **given, actor=actor)
    reopened |= {row["address_key"] async for row in chosen}
    if not reopened:
        return
    found = QUERIES.held_since_assignment(
        connection, inbound_id=inbound_id, address_keys=sorted(reopened), limit=MAX_RELEASED
    )
    held = [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in found]
    for one in held:
        for address_key in sorted(reopened):
            try:
                await actions.release(connection, one, address_key, actor, deployment)
            except Refusal:
                continue  # something else forbids it, or it is for another address: it stays held
    others = QUERIES.customers_of_addresses(connection, address_keys=sorted(reopened), limit=MAX_NOTIFIED)
    await notify_customers(connection, ChangeKind.OPT_OUT, {row["customer_id"] async for row in others})
