"""Addresses that must not be mailed: suppressed by evidence or by a person, lifted by a person, both on record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from gateway.consent.queued_mail import MAX_HELD, hold_queued
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.choice import SuppressionReason, SuppressionScope
from gateway.mail.message import EventKind, MessageRef
from gateway.notify.changes import ChangeKind, notify_change, notify_customers
from gateway.outbox import actions
from gateway.outbox.outcomes import GATEWAY, HandOff

LONGEST_WHY = 500
MAX_RELEASED = 1000
"""Held messages queued again by one call, a transaction each: some seconds of work. Another call goes on."""
RECENTLY = timedelta(days=7)
"""For how long a refused mail waits for a right address: nobody expects last month's to be sent after all."""
MAX_NOTIFIED = 1000
"""Customers of one address whose open pages are notified: no address is shared by more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifted:
    """A suppression that was lifted, and how many held messages were queued again."""

    suppression_id: UUID
    released: int


async def suppress(
    connection: Connection,
    *,
    address_key: bytes,
    reason: SuppressionReason,
    evidence: MessageRef,
    actor: str = GATEWAY,
) -> bool:
    """Suppress an address, by the evidence of one message, and hold what is queued for it. One transaction.

    A complaint stops campaigns, everything else all mail. One that stops as much already stays as it is; a narrower one
    is lifted first, so that both stay on record. Returns whether it was not suppressed as much before.
    """
    scope = SuppressionScope.CAMPAIGNS if reason is SuppressionReason.COMPLAINT else SuppressionScope.ALL_MAIL
    async with connection.transaction():
        standing = await QUERIES.lock_suppression(connection, address_key=address_key)
        if standing is not None and standing["scope"] == SuppressionScope.CAMPAIGNS != scope:
            why = f"{reason} stops all mail."
            await QUERIES.lift_suppression(connection, address_key=address_key, actor=actor, why=why)
        suppressed = await QUERIES.suppress_address(
            connection,
            address_key=address_key,
            reason=reason,
            scope=scope,
            actor=actor,
            why=None,
            address=None,
            customer_id=evidence.customer_id,
            message_id=evidence.message_id,
        )
        await _hold(connection, address_key, scope, actor, customer_id=evidence.customer_id)
        return suppressed is not None


async def suppress_by_person(
    connection: Connection, *, address: str, scope: SuppressionScope, why: str, actor: str, deployment: Deployment
) -> UUID:
    """Suppress an address, in a person's words, and hold what is queued for it; returns the suppression's id.

    One that stops as much already stays as it is; a narrower one is lifted first, so that both stay on record.
    """
    key = deployment.key_of(address)
    async with connection.transaction():
        standing = await QUERIES.lock_suppression(connection, address_key=key)
        if standing is not None and standing["scope"] in (SuppressionScope.ALL_MAIL, scope):
            found: UUID = standing["id"]
            return found
        if standing is not None:
            await QUERIES.lift_suppression(connection, address_key=key, actor=actor, why=why)
        made: UUID | None = await QUERIES.suppress_address(
            connection,
            address_key=key,
            reason=SuppressionReason.STAFF,
            scope=scope,
            actor=actor,
            why=why,
            address=address,
            customer_id=None,
            message_id=None,
        )
        if made is None:
            raise Refusal(RefusalCode.CONFLICT, "Somebody else has just suppressed it: look again.", ("address",))
        await _hold(connection, key, scope, actor, customer_id=None)
        await _notify(connection, key)
        return made


async def lift(
    connection: Connection, *, address: str, why: str, release_held: bool, actor: str, deployment: Deployment
) -> Lifted:
    """Lift the suppression of an address; `release_held` queues again what is held for it, up to MAX_RELEASED.

    Opt-outs stay. Where it is lifted already, `release_held` goes on with what is still held.
    Raises Refusal: NOT_FOUND when nothing ever stood against the address, ILLEGAL_STATE when nothing does any more.
    """
    key = deployment.key_of(address)
    async with connection.transaction():
        lifted = await QUERIES.lift_suppression(connection, address_key=key, actor=actor, why=why)
        held = [row async for row in QUERIES.held_for_address(
            connection, address=address, address_key=key, limit=MAX_RELEASED)]  # fmt: skip
        refs = list(dict.fromkeys(
            MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) for row in held))  # fmt: skip
        if lifted is None:
            found = await _lifted_before(connection, key, goes_on=release_held and bool(refs))
        else:
            found = lifted["id"]
            evidence = [] if lifted["message_id"] is None else [
                MessageRef(customer_id=lifted["customer_id"], message_id=lifted["message_id"])]  # fmt: skip
            await _record(connection, dict.fromkeys([*evidence, *refs]), actor, EventKind.SUPPRESSION_LIFTED)
            await _notify(connection, key)
    released = 0
    for ref in refs if release_held else []:
        try:
            await actions.release(connection, ref, key, actor, deployment)
            released += 1
        except Refusal:
            continue  # its campaign was cancelled, or the like: it stays held, and its own `actions` say why
    return Lifted(suppression_id=found, released=released)


async def suppress_again(connection: Connection, *, suppression_id: UUID, actor: str) -> UUID:
    """Take a lifting back: the suppression stands again as it did, and what is queued for its address is held. That it
    was lifted stays on record. Returns the id of the one that stands now.

    Raises Refusal: NOT_FOUND where no such suppression was lifted, ILLEGAL_STATE where its address is suppressed again,
    or was once more since.
    """
    async with connection.transaction():
        made = await QUERIES.suppress_again(connection, id=suppression_id)
        if made is None:
            if not await QUERIES.was_lifted(connection, id=suppression_id):
                raise Refusal(RefusalCode.NOT_FOUND, "No such suppression was lifted.", ("suppressionId",))
            message = "The address was suppressed again since it was lifted: look at what stands against it now."
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("suppressionId",))
        await _hold(connection, made["address_key"], made["scope"], actor, customer_id=made["customer_id"])
        if made["message_id"] is not None:
            ref = MessageRef(customer_id=made["customer_id"], message_id=made["message_id"])
            await _record(connection, [ref], actor, EventKind.UNDONE, decision=EventKind.SUPPRESSION_LIFTED)
        await _notify(connection, made["address_key"])
    again: UUID = made["id"]
    return again


async def _lifted_before(connection: Connection, key: bytes, *, goes_on: bool) -> UUID:
    found: UUID | None = await QUERIES.last_lifted(connection, address_key=key)
    if found is None:
        raise Refusal(RefusalCode.NOT_FOUND, "Nothing stands against this address.", ("address",))
    if not goes_on:
        raise Refusal(RefusalCode.ILLEGAL_STATE, "Nothing stands against this address any more.", ("address",))
    return found


async def send_waiting(
    connection: Connection, *, customer_id: int, address: str, correct_address: str, actor: str, deployment: Deployment
) -> int:
    """Send what waits for a right address to the customer's present one, up to MAX_RELEASED; returns how many.

    What waits: mail that is held because of the address, and mail that was refused or came back RECENTLY because of it.
    """
    found = QUERIES.waiting_for_address(
        connection, customer_id=customer_id, address=address, within=RECENTLY, limit=MAX_RELEASED
    )
    sent = 0
    for row in [row async for row in found]:
        ref = MessageRef(customer_id=row["customer_id"], message_id=row["message_id"])
        try:
            await actions.retry_to(connection, ref, correct_address, actor, deployment)
            sent += 1
        except Refusal:
            continue  # it stays as it is, and its own `actions` say why
    return sent


async def suppressed_among(connection: Connection, address_keys: Iterable[bytes]) -> set[bytes]:
    """Returns those of these addresses against which anything stands."""
    found = QUERIES.suppressed_keys(connection, address_keys=list(address_keys), campaign=True)
    return {row["address_key"] async for row in found}


async def _hold(
    connection: Connection, key: bytes, scope: SuppressionScope, actor: str, *, customer_id: int | None
) -> None:
    queued = QUERIES.queued_for_closed_address(
        connection, customer_id=customer_id, address_key=key, scope=scope, limit=MAX_HELD
    )
    await hold_queued(connection, queued, HandOff.SUPPRESSED, actor)


async def _record(connection: Connection, refs: Iterable[MessageRef], actor: str, kind: EventKind, **data: str) -> None:
    for ref in refs:
        await QUERIES.insert_event(
            connection,
            customer_id=ref.customer_id,
            message_id=ref.message_id,
            recipient_no=0,
            kind=kind,
            actor=actor,
            data=data,
        )
    await notify_change(connection, ChangeKind.MESSAGE, list(refs))


async def _notify(connection: Connection, key: bytes) -> None:
    found = QUERIES.customers_of_addresses(connection, address_keys=[key], limit=MAX_NOTIFIED)
    await notify_customers(connection, ChangeKind.OPT_OUT, [row["customer_id"] async for row in found])
