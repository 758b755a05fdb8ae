"""What a person has done to many messages at once: to those that a preview showed, and to no other; once.

The preview judges messages and writes nothing. The action is written down with its messages under its token, then
carried out in batches, each a transaction, by the request that asks for it; where that is cut off, a worker goes on. A
repeat, also at the same time, helps with what is left and returns the same result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.action_tokens import BulkMessageAction, ShownMessage
from gateway.mail.message import DISMISSIBLE, MessageRef, Status
from gateway.mail.verdict import Cause
from gateway.outbox.actions import decide_many
from gateway.outbox.dismissals import dismiss_many
from gateway.outbox.possible_actions import RETRYABLE, MessageAction, NotPossible, StayReason, read_standings, why_not
from gateway.outbox.put_off import Work, put_off_if_it_fails

BATCH = 1000
"""Messages a transaction, some tenths of a second: workers, and who acts on one of them, wait no longer."""
LEFT_ALONE = timedelta(seconds=5)
"""Without a batch for as long, a request was cut off: a batch takes a tenth of it."""

_STATES: Mapping[BulkMessageAction, Collection[Status]] = {
    BulkMessageAction.RETRY: RETRYABLE,
    BulkMessageAction.RETRY_TO_PRESENT_ADDRESS: RETRYABLE,
    BulkMessageAction.ASSUME_SENT: {Status.UNCERTAIN},
    BulkMessageAction.CANCEL: {Status.QUEUED, Status.HELD},
    BulkMessageAction.DISMISS: DISMISSIBLE,
}
"""The states of which a message or a copy has one where the action is allowed: a hundredth of the cost of judging."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedMessage:
    """A message as it is now. `stays`: why it does not allow an action; None when it does."""

    shown: ShownMessage
    cause: Cause | None
    stays: StayReason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOrder:
    """What is to be done by a token, of this SHA-256: to `messages`, of the `shown` in all; the others match the filter
    no longer. What happened to one after `shown_at` leaves it alone."""

    token_sha256: bytes
    action: BulkMessageAction
    actor: str
    shown_at: datetime
    shown: int
    messages: Sequence[ShownMessage]


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkResult:
    """What came of it: `done` and `skipped` add up to what was shown, once it is `finished`."""

    id: int
    done: int
    skipped: int
    finished: bool


async def preview_time(connection: Connection) -> datetime:
    """The database's time: what happens to a message after it, a preview that begins now does not show."""
    moment: datetime = await QUERIES.now(connection)
    return moment


async def judge(
    connection: Connection, refs: Sequence[MessageRef], action: BulkMessageAction, deployment: Deployment
) -> list[JudgedMessage]:
    """These messages, in their order, by the rules that name a message's actions; without those whose state alone does
    not allow it, received mail among them."""
    rows = QUERIES.messages_in_states(connection, **_keys(refs), statuses=sorted(_STATES[action]))
    likely = {MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in rows}
    refs, wanted = [ref for ref in refs if ref in likely], MessageAction[action.name]
    found = await read_standings(connection, refs, deployment) if refs else {}
    return [
        JudgedMessage(
            shown=ShownMessage(ref=ref, status=found[ref].to.decided),
            cause=found[ref].to.cause,
            stays=_stays(why_not(wanted, found[ref])),
        )
        for ref in refs
        if ref in found
    ]


def _stays(refusal: NotPossible | None) -> StayReason | None:
    return None if refusal is None else refusal.stays


async def first_result(connection: Connection, token_sha256: bytes) -> BulkResult | None:
    """What came of a token so far; None for one that was not used."""
    row = await QUERIES.find_bulk_action(connection, token_sha256=token_sha256)
    if row is None:
        return None
    return BulkResult(id=row["id"], done=row["done"], skipped=row["skipped"], finished=row["finished"])


async def write_down(connection: Connection, order: BulkOrder) -> BulkResult:
    """Write down what is to be done, once for a token: a second order of the same changes nothing."""
    ordered = sorted(order.messages, key=lambda one: (one.ref.customer_id, one.ref.message_id))
    await QUERIES.write_down_bulk_action(
        connection,
        token_sha256=order.token_sha256,
        action=order.action,
        actor=order.actor,
        shown_at=order.shown_at,
        messages=order.shown,
        skipped=order.shown - len(ordered),
        **_keys([one.ref for one in ordered]),
        statuses=[one.status for one in ordered],
    )
    return await _result(connection, order.token_sha256)


async def carry_out(
    connection: Connection, deployment: Deployment, token_sha256: bytes, *, batch: int = BATCH
) -> BulkResult:
    """Carry out what is left of a bulk action, batch by batch, and return what came of all of it. Raises what a batch
    raises; those before it stay done, and the rest is a worker's to do."""
    result = await _result(connection, token_sha256)
    while not result.finished:
        async with put_off_if_it_fails(connection, Work.BULK_ACTION) as taken:
            taken.id = result.id
            await _carry_on(connection, deployment, result.id, batch)
        result = await _result(connection, token_sha256)
    return result


async def carry_on(
    connection: Connection, deployment: Deployment, *, batch: int = BATCH, left_alone: timedelta = LEFT_ALONE
) -> int | None:
    """Carry out the next batch of a bulk action whose request was cut off; one transaction, resumable. Returns how many
    messages were dealt with; None when there was nothing to do."""
    async with put_off_if_it_fails(connection, Work.BULK_ACTION) as taken:
        taken.id = await QUERIES.forsaken_bulk_action(connection, left_alone=left_alone)
        return None if taken.id is None else await _carry_on(connection, deployment, taken.id, batch)


async def _result(connection: Connection, token_sha256: bytes) -> BulkResult:
    result = await first_result(connection, token_sha256)
    if result is None:
        raise LookupError("no bulk action was written down under this token")
    return result


async def _carry_on(connection: Connection, deployment: Deployment, bulk_action_id: int, batch: int) -> int:
    """One batch, in the caller's transaction. Returns how many messages were dealt with."""
    row = await QUERIES.lock_bulk_action(connection, id=bulk_action_id, batch=batch)
    if row is None:
        return 0
    await QUERIES.await_bulk_turn(connection)
    action, keys = BulkMessageAction(row["action"]), {name: row[name] for name in ("customer_ids", "message_ids")}
    if action is BulkMessageAction.CANCEL:
        await QUERIES.lock_rows_of_messages(connection, **keys)
    locked = QUERIES.lock_messages_as_shown(connection, **keys, statuses=row["statuses"], shown_at=row["shown_at"])
    refs = [MessageRef(customer_id=one["customer_id"], message_id=one["message_id"]) async for one in locked]
    done = await _act(connection, refs, action, row["actor"], deployment) if refs else 0
    dealt_with = len(row["message_ids"])
    await QUERIES.advance_bulk_action(connection, id=bulk_action_id, done=done, skipped=dealt_with - done)
    return dealt_with


async def _act(
    connection: Connection, refs: Sequence[MessageRef], action: BulkMessageAction, actor: str, deployment: Deployment
) -> int:
    """Do it to those of these locked messages that allow it. Returns to how many."""
    if action is BulkMessageAction.DISMISS:
        return await dismiss_many(connection, refs, actor)
    return await decide_many(connection, refs, MessageAction[action.name], actor, deployment)


def _keys(refs: Sequence[MessageRef]) -> dict[str, Any]:
    return {
        "customer_ids": [ref.customer_id for ref in refs],
        "message_ids": [ref.message_id for ref in refs],
    }
