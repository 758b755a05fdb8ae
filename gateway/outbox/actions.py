"""What a person may do with a message: retry it, also to another address, assume it sent, cancel it; with many, too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Again:
    """A message to send again: to which of its recipients, and where its To goes `instead`, if it goes elsewhere."""

    standing: Standing
    recipients: tuple[Recipient, ...]
    instead: Place | None = None

    @property
    def places(self) -> list[tuple[Recipient, Place]]:
        """Who gets it, and where."""
        same = [(one, one.place) for one in self.recipients]
        return same if self.instead is None else [(self.standing.to, self.instead), *same]


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
        again = _again(await locked(connection, ref, deployment, action), action)
        await _send_one_again(connection, again, EventKind.RETRIED, actor, deployment)


async def retry_to(connection: Connection, ref: MessageRef, address: str, actor: str, deployment: Deployment) -> None:
    """Send the customer's mail to this one of its addresses. Raises Refusal."""
    async with connection.transaction():
        standing = await locked(connection, ref, deployment, None)
        place = next((one for one in standing.present if one.address == address), None)
        if place is None or place.bar is not None or not standing.to.retryable or standing.relay_missing:
            raise illegal("It cannot be sent to this address.")
        again = _Again(standing=standing, recipients=(), instead=place)
        await _send_one_again(connection, again, EventKind.RETRIED, actor, deployment)


async def release(
    connection: Connection, ref: MessageRef, address_key: bytes, actor: str, deployment: Deployment
) -> None:
    """Queue again the recipient that was held for this address, which is no longer suppressed. Raises Refusal."""
    async with connection.transaction():
        standing = await locked(connection, ref, deployment, MessageAction.RETRY)
        held = [one for one in standing.retryable if one.decided is Status.HELD and one.place.key == address_key]
        if not held:
            raise illegal("It is not held for this address.")
        again = _Again(standing=standing, recipients=tuple(held))
        await _send_one_again(connection, again, EventKind.RELEASED, actor, deployment)


async def decide_many(
    connection: Connection,
    refs: Sequence[MessageRef],
    action: MessageAction,
    actor: str,
    deployment: Deployment,
    *,
    decision_id: int | None = None,
) -> int:
    """Do one of RETRY, RETRY_TO_PRESENT_ADDRESS, ASSUME_SENT and CANCEL to each of these messages, as for a single one;
    those of which `why_not` says that it cannot be done stay as they are. Returns how many it was done to.

    The caller's transaction has locked the messages, in ascending order, and to cancel them what of them is in the
    queue before. Each event of a campaign's decision names it.
    """
    found = await read_standings(connection, refs, deployment)
    able = [found[ref] for ref in refs if ref in found and why_not(action, found[ref]) is None]
    if action is MessageAction.ASSUME_SENT:
        await _assume_sent(connection, able, actor, decision_id)
        return len(able)
    if action is MessageAction.CANCEL:
        await _cancel(connection, able, actor)
        return len(able)
    again = [_again(standing, action) for standing in able]
    return await _send_again(connection, again, EventKind.RETRIED, actor, deployment, decision_id=decision_id)


def _again(standing: Standing, action: MessageAction) -> _Again:
    """What a retry that nothing forbids sends again."""
    if action is MessageAction.RETRY:
        return _Again(standing=standing, recipients=tuple(standing.retryable))
    copies = tuple(one for one in standing.retryable if one.number > 0)
    return _Again(standing=standing, recipients=copies, instead=standing.present[0])


async def _send_one_again(
    connection: Connection, again: _Again, kind: EventKind, actor: str, deployment: Deployment
) -> None:
    """Raises Refusal where its campaign was cancelled just before."""
    if await _send_again(connection, [again], kind, actor, deployment) == 0:
        raise illegal("Its campaign was cancelled.")


async def _send_again(
    connection: Connection,
    wanted: Sequence[_Again],
    kind: EventKind,
    actor: str,
    deployment: Deployment,
    *,
    decision_id: int | None = None,
) -> int:
    """Queue messages again, apart from those of campaigns that were cancelled. Returns how many."""
    mailings = sorted({one.standing.mailing_id for one in wanted if one.standing.mailing_id is not None})
    open_ones = {
        mailing for mailing in mailings if await QUERIES.reopen_mailing(connection, mailing_id=mailing) is not None
    }
    again = [one for one in wanted if one.standing.mailing_id is None or one.standing.mailing_id in open_ones]
    for one in again:
        if one.instead is not None:
            await _readdress(connection, one.standing, one.instead, actor)
    changed = [(one.standing.ref, recipient) for one in again for recipient, _ in one.places]
    await _change(connection, changed, Status.QUEUED, None, None)
    await _requeue(connection, again, deployment)
    await _record_events(connection, changed, kind, actor, decision_id=decision_id)
    await _tally(connection, [one.standing for one in again], None)
    return len(again)


async def _requeue(connection: Connection, again: Sequence[_Again], deployment: Deployment) -> None:
    rows = [(one.standing, recipient, place) for one in again for recipient, place in one.places]
    await QUERIES.requeue(
        connection,
        customer_ids=[standing.ref.customer_id for standing, _, _ in rows],
        message_ids=[standing.ref.message_id for standing, _, _ in rows],
        recipient_nos=[recipient.number for _, recipient, _ in rows],
        lanes=[lane_of(standing.source_type) for standing, _, _ in rows],
        mailing_ids=[standing.mailing_id for standing, _, _ in rows],
        addresses=[place.address for _, _, place in rows],
        address_keys=[place.key for _, _, place in rows],
        domains=[domain_of(place.address) for _, _, place in rows],
        attempts=[recipient.attempts + 1 for _, recipient, _ in rows],
        deadlines=[_retry_deadline(standing.source_type, deployment) for standing, _, _ in rows],
        opt_out_kinds=[standing.campaign_kind for standing, _, _ in rows],
        bound_relays=[standing.bound_relay for standing, _, _ in rows],
    )


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
        standing = await locked(connection, ref, deployment, MessageAction.ASSUME_SENT)
        await _assume_sent(connection, [standing], actor, None)


async def _assume_sent(
    connection: Connection, standings: Sequence[Standing], actor: str, decision_id: int | None
) -> None:
    unsure = [
        (standing.ref, one)
        for standing in standings
        for one in standing.recipients
        if not one.queued and one.decided is Status.UNCERTAIN
    ]
    await _change(connection, unsure, Status.ACCEPTED, None, None)
    await _record_events(connection, unsure, EventKind.ASSUMED_SENT, actor, decision_id=decision_id)
    to = {ref for ref, one in unsure if one.number == 0}
    await _tally(connection, [one for one in standings if one.ref in to], Status.ACCEPTED)


async def _tally(connection: Connection, standings: Sequence[Standing], after: Status | None) -> None:
    """Count what became of the To of campaign mail. Last of a transaction's statements: others wait for the counts."""
    moved = Counter((one.mailing_id, one.to.decided) for one in standings if one.mailing_id is not None)
    for (mailing_id, before), messages in sorted(moved.items()):
        await tally(connection, mailing_id, before, after, messages=messages)


async def cancel(connection: Connection, ref: MessageRef, actor: str, deployment: Deployment) -> None:
    """Cancel a mail that is queued, deferred or held. Raises Refusal: NOT_FOUND, ILLEGAL_STATE."""
    async with connection.transaction():
        await QUERIES.lock_rows_of_message(connection, customer_id=ref.customer_id, message_id=ref.message_id)
        await _cancel(connection, [await locked(connection, ref, deployment, MessageAction.CANCEL)], actor)


async def _cancel(connection: Connection, standings: Sequence[Standing], actor: str) -> None:
    """Raises Refusal where one that is queued is handed off in this moment."""
    recipients = [(standing.ref, one) for standing in standings for one in standing.recipients]
    queued = [(ref, one) for ref, one in recipients if one.queued]
    held = [(ref, one) for ref, one in recipients if not one.queued and one.decided is Status.HELD]
    gone = await decide(
        connection,
        [(ref.customer_id, ref.message_id, one.number) for ref, one in queued],
        [CANCELLED] * len(queued),
        owners=[None] * len(queued),
        actor=actor,
        shard=0,
    )
    if gone != len(queued):
        raise illegal("It is being handed to the server right now.")
    if held:
        await _change(connection, held, Status.CANCELLED, CANCELLED.cause, CANCELLED.advice)
        await _record_events(connection, held, EventKind.CANCELLED, actor)
        to = {ref for ref, one in held if one.number == 0}
        await _tally(connection, [one for one in standings if one.ref in to], Status.CANCELLED)


async def locked(
    connection: Connection, ref: MessageRef, deployment: Deployment, action: MessageAction | None
) -> Standing:
    """Returns the message as it is now, locked until the caller's transaction ends. Raises Refusal: NOT_FOUND, and why
    the action cannot be done."""
    if await QUERIES.lock_message(connection, customer_id=ref.customer_id, message_id=ref.message_id) is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such message.", ("messageId",))
    standing = (await read_standings(connection, [ref], deployment))[ref]
    refusal = why_not(action, standing) if action is not None else None
    if refusal is not None:
        raise refusal
    return standing


async def _change(
    connection: Connection,
    changed: Sequence[tuple[MessageRef, Recipient]],
    status: Status,
    cause: Cause | None,
    advice: str | None,
) -> None:
    values: dict[str, Any] = {"status": status, "cause": cause, "advice": advice}
    messages = [ref for ref, one in changed if one.number == 0]
    if messages:
        await QUERIES.change_messages(connection, **values, **_keys(messages))
    copies = [(ref, one) for ref, one in changed if one.number > 0]
    if copies:
        numbers = [one.number for _, one in copies]
        await QUERIES.change_copies(connection, **values, **_keys([ref for ref, _ in copies]), recipient_nos=numbers)


async def _record_events(
    connection: Connection,
    changed: Sequence[tuple[MessageRef, Recipient]],
    kind: EventKind,
    actor: str,
    *,
    decision_id: int | None = None,
) -> None:
    refs = [ref for ref, _ in changed]
    await QUERIES.insert_decision_events(
        connection,
        **_keys(refs),
        recipient_nos=[one.number for _, one in changed],
        befores=[one.decided for _, one in changed],
        attempts=[one.attempts for _, one in changed],
        kind=kind,
        actor=actor,
        decision_id=decision_id,
    )
    await notify_change(connection, ChangeKind.MESSAGE, refs)


def _keys(refs: Sequence[MessageRef]) -> dict[str, Any]:
    """Messages as arrays for `unnest`."""
    return {
        "customer_ids": [ref.customer_id for ref in refs],
        "message_ids": [ref.message_id for ref in refs],
    }
