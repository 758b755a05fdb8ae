"""What a person may do with one message: retry it, assume it sent, cancel it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import TRANSITIONS, EventKind, MessageRef, Status
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.lanes import lane_of
from gateway.outbox.outcomes import SUPPRESSED_ADVICE, WRONG_RELAY_ADVICE, Undelivered, decide, tally

CANCELLED = Undelivered(
    status=Status.CANCELLED, cause=Cause.BY_PERSON, advice="A person took it back before it was sent."
)
_RETRYABLE = frozenset(status for status, following in TRANSITIONS.items() if Status.QUEUED in following) - {
    Status.HANDED_OFF  # returns to the queue by itself, where nothing was sent
}


def _illegal(message: str) -> Refusal:
    return Refusal(RefusalCode.ILLEGAL_STATE, message, ("messageId",))


async def retry(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> None:
    """Queue again every recipient that is uncertain, held, refused, expired or bounced, with a new deadline.

    Raises Refusal: NOT_FOUND; ILLEGAL_STATE when no recipient is in such a state; SUPPRESSED while the address is.
    An UNCERTAIN mail may be delivered twice by this: a person decides, and the history names them.
    """
    async with connection.transaction():
        message, recipients = await _locked(connection, ref)
        again = [row for row in recipients if not row["queued"] and row["decided"] in _RETRYABLE]
        if not again:
            raise _illegal("Only mail that is uncertain, held, refused, expired or came back can be retried.")
        campaign_id = message["campaign_id"]
        if campaign_id is not None and await QUERIES.reopen_campaign(connection, campaign_id=campaign_id) is None:
            raise _illegal("Its campaign was cancelled.")
        if message["bound_relay"] is not None and message["bound_relay"] not in deployment.relay_names:
            raise _illegal(WRONG_RELAY_ADVICE)
        keys = [deployment.key_of(row["address"]) for row in again]
        async for _ in QUERIES.suppressed_keys(connection, address_keys=keys):
            raise Refusal(RefusalCode.SUPPRESSED, SUPPRESSED_ADVICE, ("messageId",))
        if campaign_id is not None:
            await tally(connection, campaign_id, Status(message["status"]), None)
        await _change(connection, ref, again, Status.QUEUED, None, None)
        await QUERIES.requeue(
            connection,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            lane=lane_of(SourceType(message["source_type"])),
            campaign_id=campaign_id,
            opt_out_kind=message["campaign_kind"],
            bound_relay=message["bound_relay"],
            deadline=_retry_deadline(message, deployment),
            recipient_nos=[row["recipient_no"] for row in again],
            addresses=[row["address"] for row in again],
            address_keys=keys,
            domains=[row["address"].rpartition("@")[2].lower() for row in again],
            attempts=[row["attempts"] + 1 for row in again],
        )
        await _record_events(connection, ref, again, EventKind.RETRIED, actor)


def _retry_deadline(message: Any, deployment: Deployment) -> timedelta:
    """A person who retries wants it sent now: the letter's own date may have passed."""
    settings = deployment.settings
    if message["source_type"] == SourceType.CAMPAIGN:
        return settings.campaign_deadline
    return (
        settings.card_deadline if message["source_type"] == SourceType.CARD_PROCESSING else settings.completed_deadline
    )


async def assume_sent(connection: Connection, ref: MessageRef, actor: str) -> None:
    """Record an UNCERTAIN mail as accepted, by a person's decision. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        message, recipients = await _locked(connection, ref)
        unsure = [row for row in recipients if not row["queued"] and row["decided"] == Status.UNCERTAIN]
        if not unsure:
            raise _illegal("Only mail that is uncertain can be assumed sent.")
        if unsure[0]["recipient_no"] == 0 and message["campaign_id"] is not None:
            await tally(connection, message["campaign_id"], Status.UNCERTAIN, Status.ACCEPTED)
        await _change(connection, ref, unsure, Status.ACCEPTED, None, None)
        await _record_events(connection, ref, unsure, EventKind.ASSUMED_SENT, actor)


async def cancel(connection: Connection, ref: MessageRef, actor: str) -> None:
    """Cancel a mail that is queued, deferred or held. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        message, recipients = await _locked(connection, ref)
        queued = [row for row in recipients if row["queued"] and not row["handed_off"]]
        held = [row for row in recipients if not row["queued"] and row["decided"] == Status.HELD]
        if any(row["handed_off"] for row in recipients) or not queued + held:
            raise _illegal("Only mail that is queued, deferred or held can be cancelled.")
        gone = await decide(
            connection,
            [(ref.customer_id, ref.message_id, row["recipient_no"]) for row in queued],
            [CANCELLED] * len(queued),
            owners=[None] * len(queued),
            actor=actor,
            shard=0,
        )
        if gone != len(queued):
            raise _illegal("It is being handed to the server right now.")
        if held:
            if held[0]["recipient_no"] == 0 and message["campaign_id"] is not None:
                await tally(connection, message["campaign_id"], Status.HELD, Status.CANCELLED)
            await _change(connection, ref, held, Status.CANCELLED, CANCELLED.cause, CANCELLED.advice)
            await _record_events(connection, ref, held, EventKind.CANCELLED, actor)


async def _locked(connection: Connection, ref: MessageRef) -> tuple[Any, list[Any]]:
    message = await QUERIES.lock_message(connection, customer_id=ref.customer_id, message_id=ref.message_id)
    if message is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    recipients = [
        row
        async for row in QUERIES.recipients_of_message(
            connection, customer_id=ref.customer_id, message_id=ref.message_id
        )
    ]
    return message, recipients


async def _change(
    connection: Connection,
    ref: MessageRef,
    rows: Sequence[Any],
    status: Status,
    cause: Cause | None,
    advice: str | None,
) -> None:
    values = {
        "customer_id": ref.customer_id,
        "message_id": ref.message_id,
        "status": status,
        "cause": cause,
        "advice": advice,
    }
    if any(row["recipient_no"] == 0 for row in rows):
        await QUERIES.change_message(connection, **values)
    copies = [row["recipient_no"] for row in rows if row["recipient_no"] > 0]
    if copies:
        await QUERIES.change_copies(connection, **values, recipient_nos=copies)


async def _record_events(
    connection: Connection, ref: MessageRef, rows: Sequence[Any], kind: EventKind, actor: str
) -> None:
    for row in rows:
        await QUERIES.insert_event(
            connection,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            recipient_no=row["recipient_no"],
            kind=kind,
            actor=actor,
            data={"before": row["decided"], "attempt": row["attempts"]},
        )
    await notify_change(connection, ChangeKind.MESSAGE, [ref])
