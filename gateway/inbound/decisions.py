"""What a person decides about received mail: believe a report, say whose a mail is, take it off the list, read it
again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.inbound import assigned_reports, replies, reports
from gateway.inbound.complaints import write_complaint
from gateway.inbound.joining import join_mail, write_result
from gateway.inbound.matching import Trace, trace_report
from gateway.inbound.read_job import IN_THE_WAY, is_away, read_again
from gateway.inbound.read_process import ReadingFailed
from gateway.inbound.reading import WRITTEN, Joined, Reading, StoredMail, Unmatched
from gateway.mail.inbound import InboundKind, MatchedBy, UnmatchedReason
from gateway.mail.message import EventKind, MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.possible_actions import NOTHING_TO_UNDO

log = logging.getLogger(__name__)

MAX_REREAD = 10_000
"""Mail that is read again by one call: some ten seconds' work. Another call takes another span."""
MAX_DISMISSED = 100
"""Mail that is taken off the list by one call: what a page shows."""
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reread:
    """How much received mail was read again, and how much of it is read otherwise than before."""

    read: int
    changed: int


async def believe_report(
    connection: Connection, *, customer_id: int, report_id: UUID, actor: str, deployment: Deployment
) -> MessageRef:
    """Make an unverified report count, as if it carried our token; returns the message it is about.

    Raises Refusal: NOT_FOUND, ERASED, ILLEGAL_STATE where it counts already, or its mail is being sent.
    """
    async with connection.transaction():
        row = await QUERIES.lock_delivery_report(connection, customer_id=customer_id, report_id=report_id)
        if row is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such report.", ("reportId",))
        ref = MessageRef(customer_id=customer_id, message_id=row["message_id"])
        reported = await reports.read_reported(connection, ref, deployment)
        if reported is None or reported.erased:
            raise Refusal(RefusalCode.ERASED, "This customer was erased.", ("reportId",))
        if row["verified"]:
            raise Refusal(RefusalCode.ILLEGAL_STATE, "This report counts already.", ("reportId",))
        finding = reports.believed(reported, row, deployment)
        if reports.under_way(finding):
            raise Refusal(
                RefusalCode.ILLEGAL_STATE, "The mail is being sent right now: look again when that is decided.",
                ("reportId",),
            )  # fmt: skip
        await QUERIES.verify_delivery_report(connection, customer_id=customer_id, report_id=report_id)
        data = {"report": str(report_id)}
        await reports.record_event(
            connection, ref, row["recipient_no"], EventKind.REPORT_BELIEVED, actor=actor, data=data
        )
        await reports.apply(connection, reported, {report_id: finding}, actor=actor)
        await notify_change(connection, ChangeKind.MESSAGE, [ref])
        return ref


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
    async with connection.transaction():
        stored, reading, why = await _unmatched_mail(connection, inbound_id, deployment)
        await _check_target(connection, customer_id, message_id)
        if reading.inbound.kind in WRITTEN:
            found = await replies.join(
                connection, stored, reading, deployment=deployment, customer_id=customer_id, answers=message_id,
                by=actor,
            )  # fmt: skip
        else:
            found = await _assign_report(connection, stored, reading, customer_id, message_id, why, actor, deployment)
        if isinstance(found, Unmatched):
            raise Refusal(RefusalCode.ILLEGAL_STATE, "This mail cannot be joined to that history.", ("mailId",))
        joined = Joined(ref=found.ref, matched_by=MatchedBy.PERSON)
        await write_result(connection, stored, reading, joined, deployment)
        data = {"mail": str(inbound_id), "reason": why}
        await reports.record_event(connection, found.ref, 0, EventKind.ASSIGNED, actor=actor, data=data)
        await notify_change(connection, ChangeKind.MESSAGE, [found.ref])
        return found.ref


async def _unmatched_mail(
    connection: Connection, inbound_id: UUID, deployment: Deployment
) -> tuple[StoredMail, Reading, str]:
    """A mail that is nobody's, locked and read again, and why it is. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    row = await QUERIES.lock_inbound_mail(connection, id=inbound_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such mail.", ("mailId",))
    if row["unmatched"] is None or row["content_sha256"] is None:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This mail has a customer already, or is not read yet.", ("mailId",))
    try:
        return *await read_again(connection, row, deployment), row["unmatched"]
    except ReadingFailed:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This mail cannot be read.", ("mailId",)) from None


async def _check_target(connection: Connection, customer_id: int, message_id: UUID | None) -> None:
    customer = await QUERIES.inbound_customer(connection, id=customer_id, message_id=message_id)
    if customer is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",))
    if customer["erased"]:
        raise Refusal(RefusalCode.ERASED, "This customer was erased.", ("customerId",))
    if message_id is not None and not customer["has_message"]:
        raise Refusal(RefusalCode.NOT_FOUND, "The customer has no such message.", ("messageId",))


async def _assign_report(
    connection: Connection,
    stored: StoredMail,
    reading: Reading,
    customer_id: int,
    message_id: UUID | None,
    why: str,
    actor: str,
    deployment: Deployment,
) -> Joined | Unmatched:
    """Write a report or complaint as one that a person vouches for."""
    if message_id is None:
        raise Refusal(RefusalCode.REQUIRED, "Say which message it is about.", ("messageId",))
    ref = MessageRef(customer_id=customer_id, message_id=message_id)
    trace = Trace(ref=ref, recipient_no=None, attempt=None, matched_by=MatchedBy.PERSON)
    await assigned_reports.note_before(connection, stored.id, ref, why)
    found: MessageRef | None
    try:
        if reading.inbound.complaint is not None:
            found = await write_complaint(connection, reading.inbound.complaint, trace, deployment, actor=actor)
        else:
            written = await reports.write_reports(connection, stored, reading, trace, deployment, actor=actor)
            found = written.ref if written is not None else None
    except reports.TooEarly:
        raise Refusal(
            RefusalCode.ILLEGAL_STATE, "That message is being sent right now: try again in a moment.", ("messageId",)
        ) from None
    if found is None:
        raise Refusal(RefusalCode.NOT_FOUND, "We sent the customer no such message.", ("messageId",))
    return Joined(ref=found, matched_by=MatchedBy.PERSON)


async def take_back_assignment(
    connection: Connection, ref: MessageRef, actor: str, deployment: Deployment
) -> MessageRef | None:
    """Make the mail nobody's again that a person gave to a customer: the message that it became is gone from that
    history. Returns the message that it was said to answer, which keeps the event UNDONE. Within the caller's
    transaction.

    Raises Refusal: NOT_FOUND; ILLEGAL_STATE where it was not a person who gave it, or something else happened since:
    it was forwarded, or it settled that a mail arrived.
    """
    key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    found = await QUERIES.assignment_of_message(connection, **key)
    row = await QUERIES.lock_inbound_mail(connection, id=found["inbound_id"]) if found is not None else None
    if await QUERIES.lock_received_message(connection, **key) is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    found = await QUERIES.assignment_of_message(connection, **key)
    if row is None or found is None or not found["last"]:
        raise Refusal(RefusalCode.ILLEGAL_STATE, NOTHING_TO_UNDO, ("messageId",))
    try:
        stored, reading = await read_again(connection, row, deployment)
    except ReadingFailed:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "This mail cannot be read.", ("messageId",)) from None
    await QUERIES.note_undone_assignment(connection, **key, inbound_id=stored.id, actor=actor)
    await write_result(connection, stored, reading, Unmatched(reason=UnmatchedReason(found["reason"])), deployment)
    await QUERIES.delete_received_message(connection, **key)
    answered = None
    if found["answers_message_id"] is not None:
        answered = MessageRef(customer_id=ref.customer_id, message_id=found["answers_message_id"])
        data = {"decision": EventKind.ASSIGNED, "mail": str(stored.id)}
        await reports.record_event(connection, answered, 0, EventKind.UNDONE, actor=actor, data=data)
    await notify_change(connection, ChangeKind.MESSAGE, [ref] if answered is None else [ref, answered])
    return answered


async def dismiss(connection: Connection, *, inbound_ids: Sequence[UUID], actor: str) -> int:
    """Take unmatched mail off the list; returns how much of it is off now. Raises Refusal: NOT_FOUND, ILLEGAL_STATE
    for mail that has a customer, TOO_MANY."""
    async with connection.transaction():
        ids = await _unmatched(connection, inbound_ids)
        await QUERIES.dismiss_inbound_mail(connection, ids=ids, actor=actor)
    return len(ids)


async def put_back(connection: Connection, *, inbound_ids: Sequence[UUID]) -> int:
    """Put unmatched mail on the list again; returns how much of it is there now. Raises Refusal as `dismiss`."""
    async with connection.transaction():
        ids = await _unmatched(connection, inbound_ids)
        await QUERIES.put_inbound_mail_back(connection, ids=ids)
    return len(ids)


async def _unmatched(connection: Connection, inbound_ids: Sequence[UUID]) -> list[UUID]:
    """These mails, each once and locked. Raises Refusal."""
    ids = list(dict.fromkeys(inbound_ids))
    if len(ids) > MAX_DISMISSED:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_DISMISSED} mails are taken off at once.", ("mailIds",))
    found = {row["id"]: row["unmatched"] async for row in QUERIES.unmatched_among(connection, ids=ids)}
    for place, inbound_id in enumerate(inbound_ids):
        if inbound_id not in found:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such mail.", ("mailIds", str(place)))
        if not found[inbound_id]:
            raise Refusal(
                RefusalCode.ILLEGAL_STATE, "This mail has a customer, or is not read yet.", ("mailIds", str(place))
            )
    return ids


async def reread(
    connection: Connection,
    *,
    since: datetime | None,
    until: datetime | None,
    unmatched_only: bool,
    deployment: Deployment,
) -> Reread:
    """Read stored mail again by the current rules: what matches nobody, or all of a span. What is there is never
    doubled. Call it outside a transaction: each mail has one of its own. Raises Refusal: TOO_MANY above 10,000.

    Mail that has a customer stays with it. Of a report the words and causes are read anew, and what is new is added; of
    what a person wrote the text. Dismissed mail is left alone, and so is what an erased customer's was.
    """
    find = QUERIES.unmatched_to_reread if unmatched_only else QUERIES.mail_to_reread
    rows = find(connection, since=since, until=until, first=_FIRST, last=_LAST, limit=MAX_REREAD + 1)
    ids = [row["id"] async for row in rows]
    if len(ids) > MAX_REREAD:
        raise Refusal(
            RefusalCode.TOO_MANY, f"More than {MAX_REREAD:,} mails came then: name a shorter time.", ("receivedAt",)
        )
    read = changed = 0
    for inbound_id in ids:
        differs = await _reread_one(connection, inbound_id, deployment)
        read += differs is not None
        changed += bool(differs)
    return Reread(read=read, changed=changed)


async def _reread_one(connection: Connection, inbound_id: UUID, deployment: Deployment) -> bool | None:
    """Whether a mail is read otherwise than before; None when it could not be read again: that holds up no other."""
    try:
        async with connection.transaction():
            row = await QUERIES.lock_inbound_mail(connection, id=inbound_id)
            if row is None or not row["read"] or row["content_sha256"] is None:
                return None
            stored, reading = await read_again(connection, row, deployment)
            if row["customer_id"] is not None:
                return await _revise(connection, row, stored, reading, deployment)
            found = await join_mail(connection, stored, reading, deployment)
            now_unmatched = found.reason if isinstance(found, Unmatched) else None
            return bool((row["kind"], row["unmatched"]) != (reading.inbound.kind, now_unmatched))
    except (ReadingFailed, reports.TooEarly, *IN_THE_WAY):
        return None
    except Exception as error:
        if is_away(error):
            raise
        log.warning("a received mail could not be read again: %s", type(error).__name__, exc_info=True,
                    extra={"fields": {"inbound_mail": str(inbound_id)}})  # fmt: skip
        return None


async def _revise(
    connection: Connection, row: Any, stored: StoredMail, reading: Reading, deployment: Deployment
) -> bool:
    """Read a mail that has a customer anew; True when anything differs."""
    if row["kind"] in WRITTEN and reading.inbound.kind in WRITTEN:
        before = await QUERIES.received_words(connection, inbound_id=stored.id)
        await replies.join(connection, stored, reading, deployment=deployment)
        return bool(before != await QUERIES.received_words(connection, inbound_id=stored.id))
    if row["kind"] != InboundKind.BOUNCE or reading.inbound.report is None:
        return False
    ref = MessageRef(customer_id=row["customer_id"], message_id=row["message_id"])
    if row["matched_by"] == MatchedBy.PERSON:
        trace = Trace(ref=ref, recipient_no=None, attempt=None, matched_by=MatchedBy.PERSON)
    else:
        found = (await trace_report(connection, stored, reading, deployment)).trace
        if found is None or found.ref != ref:
            return False
        trace = found
    written = await reports.write_reports(connection, stored, reading, trace, deployment, revise=True)
    return written is not None and written.changed > 0
