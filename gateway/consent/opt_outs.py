"""Opt-outs from campaigns: of customers and of addresses.

Staff opt a customer out; the reader of a mail opts its address out, by the mail's link, under every customer that has
it. Either way queued campaign mail that is not handed off is held at once; mail made later is held at the hand-off,
which reads the same tables. A repeat changes nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gateway.consent.queued_mail import MAX_HELD, hold_queued
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.choice import OptOutKind, OptOutSource
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change, notify_customers
from gateway.outbox.engagement import Choice, note_choice
from gateway.outbox.outcomes import HandOff

CUSTOMER = "customer"
"""The actor of a reader's choice."""

MAX_NOTIFIED = 1000
"""Customers of one address whose open pages are notified of a choice: no address is shared by more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What the unsubscribe page shows the reader of one mail. `kind` is the mail's own; None when it is unknown."""

    locale: str
    sender: str | None
    kind: OptOutKind | None
    opted_out: frozenset[OptOutKind]


async def set_opt_out(
    connection: Connection, *, customer_id: int, kind: OptOutKind, opted_out: bool, actor: str
) -> bool:
    """Set or lift a customer's opt-out, on behalf of staff; returns whether it changed anything. One transaction.

    Opting out holds the customer's queued campaign mail of that kind. Opting in again also lifts the choice made at the
    customer's addresses: staff do so because the customer asked, and the event keeps who it was.
    Raises Refusal: NOT_FOUND, ERASED.
    """
    async with connection.transaction():
        await _existing_customer(connection, customer_id)
        values = {"customer_id": customer_id, "kinds": [kind], "actor": actor}
        if not opted_out:
            lifted = [row async for row in QUERIES.opt_in_customer(connection, **values)]
            await notify_customers(connection, ChangeKind.OPT_OUT, [customer_id])
            await _notify_others(connection, customer_id, [row["address_key"] for row in lifted if row["address_key"]])
            return bool(lifted)
        chosen = [row async for row in QUERIES.opt_out_customer(connection, **values, source=OptOutSource.STAFF)]
        queued = QUERIES.queued_for_customer(connection, customer_id=customer_id, kinds=[kind], limit=MAX_HELD)
        await hold_queued(connection, queued, HandOff.OPTED_OUT, actor)
        await notify_customers(connection, ChangeKind.OPT_OUT, [customer_id])
        return bool(chosen)


async def opt_out_by_link(
    connection: Connection,
    ref: MessageRef,
    *,
    kinds: Collection[OptOutKind] | None,
    source: OptOutSource,
    deployment: Deployment,
) -> frozenset[OptOutKind] | None:
    """Opt the message's address out, under every customer that has it: its reader's choice.

    `kinds` None means the kind of mail the message is (RFC 8058: this list). Returns the kinds chosen, new or not, or
    None when there is no such message. Erasure removes the address and leaves its key: the link goes on working.
    """
    async with connection.transaction():
        row = await QUERIES.message_to_opt_out(connection, customer_id=ref.customer_id, message_id=ref.message_id)
        if row is None:
            return None
        chosen = frozenset(kinds if kinds is not None else {OptOutKind(row["kind"] or OptOutKind.MARKETING)})
        address_key = _address_key(row, deployment)
        asked = {"customer_id": ref.customer_id, "address_key": address_key, "kinds": sorted(chosen)}
        new = [
            row async for row in QUERIES.opt_out_address(connection, **asked, message_id=ref.message_id, source=source)
        ]
        if new:
            await note_choice(connection, ref, Choice.UNSUBSCRIBED)
        queued = QUERIES.queued_for_address(connection, **asked, limit=MAX_HELD)
        await hold_queued(connection, queued, HandOff.OPTED_OUT, CUSTOMER)
        await notify_change(connection, ChangeKind.OPT_OUT, [ref])
        await _notify_others(connection, ref.customer_id, [address_key])
        return chosen


async def read_subscription(connection: Connection, ref: MessageRef, *, deployment: Deployment) -> Subscription | None:
    """Returns what the reader of this mail is opted out of now; None when there is no such message."""
    row = await QUERIES.message_to_opt_out(connection, customer_id=ref.customer_id, message_id=ref.message_id)
    if row is None:
        return None
    found = QUERIES.opt_outs_of_address(
        connection, customer_id=ref.customer_id, address_key=_address_key(row, deployment)
    )
    opted_out = frozenset([OptOutKind(choice["kind"]) async for choice in found])
    return Subscription(
        locale=row["locale"],
        sender=row["sender"],
        kind=OptOutKind(row["kind"]) if row["kind"] else None,
        opted_out=opted_out,
    )


async def _existing_customer(connection: Connection, customer_id: int) -> None:
    row = await QUERIES.lock_customer(connection, customer_id=customer_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such customer.", ("customerId",))
    if row["erased"]:
        raise Refusal(RefusalCode.ERASED, "This customer was erased: nothing is sent to it.", ("customerId",))


async def _notify_others(connection: Connection, customer_id: int, address_keys: Collection[bytes]) -> None:
    """Notify other customers who have one of these addresses: what was chosen there applies to them, too."""
    found = QUERIES.customers_of_addresses(connection, address_keys=list(address_keys), limit=MAX_NOTIFIED)
    others = {row["customer_id"] async for row in found} - {customer_id}
    await notify_customers(connection, ChangeKind.OPT_OUT, others)


def _address_key(row: Any, deployment: Deployment) -> bytes:
    """The key of the address that a mail went to; of an erased customer nothing else is left."""
    kept: bytes | None = row["recipient_key"]
    return deployment.key_of(row["recipient"]) if kept is None else kept
