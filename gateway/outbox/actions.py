"""What a person may do with one message: retry it, also to another address, assume it sent, cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from gateway.compose.readdressed import readdressed
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import domain_of
from gateway.mail.letter import Mailbox
from gateway.mail.message import EventKind, MessageRef, Status
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.lanes import lane_of
from gateway.outbox.outcomes import Undelivered, decide, tally
from gateway.outbox.possible_actions import MessageAction, Place, Recipient, Standing, illegal, read_standings, why_not
from gateway.storage import content

CANCELLED = Undelivered(
    status=Status.CANCELLED, cause=Cause.BY_PERSON, advice="A person took it back before it was sent."
)


async def retry(
    connection: Connection,
    ref: MessageRef,
    actor: str,
    deployment: Deployment,
    *,
    to_present_address: bool = False,
) -> None:
    """Queue again every recipient that is uncertain, held, refused, expired or bounced, with a new deadline; those that
    must not be mailed stay as they are. `to_present_address`: the customer's goes to its present primary address.

    Raises Refusal, as `why_not` words it: NOT_FOUND, ILLEGAL_STATE, SUPPRESSED, OPTED_OUT, ADDRESS_INVALID, ERASED.
    An UNCERTAIN mail may be delivered twice by this: a person decides, and the history names them.
    """
    action = MessageAction.RETRY_TO_PRESENT_ADDRESS if to_present_address else MessageAction.RETRY
    async with connection.transaction():
        standing = await _locked(connection, ref, deployment, action)
        present = standing.present[0] if to_present_address else None
        again = [one for one in standing.retryable if one.number > 0 or not to_present_address]
        await _send_again(connection, standing, again, present, EventKind.RETRIED, actor, deployment)


async def retry_to(connection: Connection, ref: MessageRef, address: str, actor: str, deployment: Deployment) -> None:
    """Send the customer's mail to this one of its addresses. Raises Refusal."""
    async with connection.transaction():
        standing = await _locked(connection, ref, deployment, None)
        place = next((one for one in standing.present if one.address == address), None)
        if place is None or place.bar is not None or not standing.to.retryable or standing.relay_missing:
            raise illegal("It cannot be sent to this address.")
        await _send_again(connection, standing, [], place, EventKind.RETRIED, actor, deployment)


async def release(
    connection: Connection, ref: MessageRef, address_key: bytes, actor: str, deployment: Deployment
) -> None:
    """Queue again the recipient that was held for this address, which is no longer suppressed. Raises Refusal."""
    async with connection.transaction():
        standing = await _locked(connection, ref, deployment, MessageAction.RETRY)
        held = [one for one in standing.retryable if one.decided is Status.HELD and one.place.key == address_key]
        if not held:
            raise illegal("It is not held for this address.")
        await _send_again(connection, standing, held, None, EventKind.RELEASED, actor, deployment)


async def _send_again(
    connection: Connection,
    standing: Standing,
    again: Sequence[Recipient],
    instead: Place | None,
    kind: EventKind,
    actor: str,
    deployment: Deployment,
) -> None:
    """Queue these recipients, and the To recipient too where it goes to another place `instead`."""
    ref, mailing_id = standing.ref, standing.mailing_id
    if mailing_id is not None and await QUERIES.reopen_mailing(connection, mailing_id=mailing_id) is None:
        raise illegal("Its campaign was cancelled.")
    places = [one.place for one in again]
    if instead is not None:
        await _readdress(connection, standing, instead, actor)
        again, places = [standing.to, *again], [instead, *places]
    if mailing_id is not None:
        await tally(connection, mailing_id, standing.to.decided, None)
    await _change(connection, ref, again, Status.QUEUED, None, None)
    await QUERIES.requeue(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        lane=lane_of(standing.source_type),
        mailing_id=mailing_id,
        opt_out_kind=standing.campaign_kind,
        bound_relay=standing.bound_relay,
        deadline=_retry_deadline(standing.source_type, deployment),
        recipient_nos=[one.number for one in again],
        addresses=[place.address for place in places],
        address_keys=[place.key for place in places],
        domains=[domain_of(place.address) for place in places],
        attempts=[one.attempts + 1 for one in again],
    )
    await _record_events(connection, ref, again, kind, actor)


async def _readdress(connection: Connection, standing: Standing, instead: Place, actor: str) -> None:
    """Put another address in the message's place for its customer; the event keeps the former one, and the hash of what
    was made for it. Campaign mail is composed when it is sent; of stored mail another content is stored beside."""
    ref, sha256 = standing.ref, None
    if standing.is_stored and standing.sha256 is not None:
        stored = await content.load(connection, standing.sha256)
        to = Mailbox(address=instead.address, name=standing.recipient_name)
        sha256 = await content.store(connection, await asyncio.to_thread(readdressed, stored, to))
    await QUERIES.readdress_message(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        address=instead.address,
        content_sha256=sha256,
    )
    await QUERIES.insert_event(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        recipient_no=0,
        kind=EventKind.READDRESSED,
        actor=actor,
        data={
            "formerAddress": standing.to.place.address,
            "formerSha256": standing.sha256.hex() if standing.sha256 else None,
        },
    )


def _retry_deadline(source_type: SourceType, deployment: Deployment) -> timedelta:
    """A person who retries wants it sent now: the letter's own date may have passed."""
    settings = deployment.settings
    if source_type is SourceType.CAMPAIGN:
        return settings.campaign_deadline
    return settings.card_deadline if source_type is SourceType.CARD_PROCESSING else settings.completed_deadline


async def assume_sent(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> None:
    """Record an UNCERTAIN mail as accepted, by a person's decision. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        standing = await _locked(connection, ref, deployment, MessageAction.ASSUME_SENT)
        unsure = [one for one in standing.recipients if not one.queued and one.decided is Status.UNCERTAIN]
        if unsure[0].number == 0 and standing.mailing_id is not None:
            await tally(connection, standing.mailing_id, Status.UNCERTAIN, Status.ACCEPTED)
        await _change(connection, ref, unsure, Status.ACCEPTED, None, None)
        await _record_events(connection, ref, unsure, EventKind.ASSUMED_SENT, actor)


async def cancel(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> None:
    """Cancel a mail that is queued, deferred or held. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        standing = await _locked(connection, ref, deployment, MessageAction.CANCEL)
        queued = [one for one in standing.recipients if one.queued]
        held = [one for one in standing.recipients if not one.queued and one.decided is Status.HELD]
        gone = await decide(
            connection,
            [(ref.customer_id, ref.message_id, one.number) for one in queued],
            [CANCELLED] * len(queued),
            owners=[None] * len(queued),
            actor=actor,
            shard=0,
        )
        if gone != len(queued):
            raise illegal("It is being handed to the server right now.")
        if held:
            if held[0].number == 0 and standing.mailing_id is not None:
                await tally(connection, standing.mailing_id, Status.HELD, Status.CANCELLED)
            await _change(connection, ref, held, Status.CANCELLED, CANCELLED.cause, CANCELLED.advice)
            await _record_events(connection, ref, held, EventKind.CANCELLED, actor)


async def _locked(
    connection: Connection, ref: MessageRef, deployment: Deployment, action: MessageAction | None
) -> Standing:
    """The message as it is now, locked. Raises Refusal: NOT_FOUND, and why the action cannot be done."""
    if await QUERIES.lock_message(connection, customer_id=ref.customer_id, message_id=ref.message_id) is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    standing = (await read_standings(connection, [ref], deployment))[ref]
    refusal = why_not(action, standing) if action is not None else None
    if refusal is not None:
        raise refusal
    return standing


async def _change(
    connection: Connection,
    ref: MessageRef,
    recipients: Sequence[Recipient],
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
    if any(one.number == 0 for one in recipients):
        await QUERIES.change_message(connection, **values)
    copies = [one.number for one in recipients if one.number > 0]
    if copies:
        await QUERIES.change_copies(connection, **values, recipient_nos=copies)


async def _record_events(
    connection: Connection, ref: MessageRef, recipients: Sequence[Recipient], kind: EventKind, actor: str
) -> None:
    for one in recipients:
        await QUERIES.insert_event(
            connection,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            recipient_no=one.number,
            kind=kind,
            actor=actor,
            data={"before": one.decided, "attempt": one.attempts},
        )
    await notify_change(connection, ChangeKind.MESSAGE, [ref])
