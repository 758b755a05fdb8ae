"""The job that keeps what is found across customers, a second or two behind the ledger.

What changes messages notes their keys in the same transaction (`message_change`). This job takes the notes, reads the
ledger's present state of those messages, writes what is found by it, and deletes the notes: one transaction, one worker
at a time. So whatever dies, nothing is lost, and reading a message twice changes nothing. While nothing is noted, the
mail from before all this comes in, by the ledger's key.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.finding import slices
from gateway.finding.bad_addresses import keep_bad_addresses
from gateway.finding.projection import write_search_rows
from gateway.finding.subjects import write_mailing_words
from gateway.mail.message import MessageRef

log = logging.getLogger(__name__)

BATCH = 2000
"""Messages in one transaction: 0.1 to 0.2 s. Larger ones are no faster (measured)."""
MAX_RETRIED = 20
"""Parked messages that are tried again after a batch."""
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=10)
"""How long a parked message waits: what a person mends goes on within this time."""

Projection: TypeAlias = Callable[[Connection, Deployment, Sequence[MessageRef]], Awaitable[None]]
"""Writes what it keeps of some messages, each named once, as the ledger has them now; in the caller's transaction."""

PROJECTIONS: tuple[Projection, ...] = (write_search_rows, write_mailing_words, keep_bad_addresses)
"""What is kept, in the order in which it is written."""

FINDING_LOCK = 0x66696E64
_BEGINNING = UUID(int=0)
_TOO_LONG = (asyncpg.QueryCanceledError, TimeoutError)
"""Of many messages a reason to take fewer, or the same ones would take too long for ever; of one it is none."""


async def keep_up(connection: Connection, deployment: Deployment) -> bool:
    """Write down what changed since the last time, one batch; returns whether there is more to do at once. While
    another worker does so, do nothing."""
    async with connection.transaction():
        if not await QUERIES.try_finding_lock(connection, lock=FINDING_LOCK):
            return False
        backfill = await QUERIES.backfill_cursor(connection)
        if backfill is not None and backfill["message_id"] == _BEGINNING:
            await slices.lay(connection)
        changed, more = await _take_changes(connection)
        if not changed and backfill is not None:
            changed = await _take_older(connection, backfill["customer_id"], backfill["message_id"])
            more = bool(changed)
        await _project(connection, deployment, changed)
        if not more:
            await _retry_parked(connection, deployment)
        await slices.open_next(connection)
    return more or (backfill is not None and bool(changed))


async def _take_changes(connection: Connection) -> tuple[list[MessageRef], bool]:
    """The messages of the first notes, each once, and whether there are more notes."""
    notes = [row async for row in QUERIES.take_changes(connection, limit=BATCH)]
    taken = [note for note in notes if note["taken"]]
    keys = dict.fromkeys(key for note in taken for key in zip(note["customer_ids"], note["message_ids"], strict=True))
    refs = [MessageRef(customer_id=customer_id, message_id=message_id) for customer_id, message_id in keys]
    return refs, len(taken) < len(notes) or len(notes) == BATCH


async def _take_older(connection: Connection, customer_id: int, message_id: UUID) -> list[MessageRef]:
    """The next messages from before the search rows; none, and the backfill is over, when all have come in."""
    rows = QUERIES.older_messages(connection, customer_id=customer_id, message_id=message_id, limit=BATCH)
    refs = [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in rows]
    if refs:
        await QUERIES.move_backfill(connection, customer_id=refs[-1].customer_id, message_id=refs[-1].message_id)
    else:
        await QUERIES.end_backfill(connection)
        log.info("all mail from before can be found across customers")
    return refs


async def _project(connection: Connection, deployment: Deployment, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
    """Have every projection write these messages. One that raises for a message's own reason is tried with half of
    them, and so on: that message is parked, the others are written. Returns the parked ones."""
    if not refs:
        return ()
    try:
        async with connection.transaction():
            for projection in PROJECTIONS:
                await projection(connection, deployment, refs)
        return ()
    except Exception as error:
        if _is_away(error) and not (isinstance(error, _TOO_LONG) and len(refs) > 1):
            raise
        if len(refs) == 1:
            await _park(connection, refs[0], error)
            return refs
    half = len(refs) // 2
    return [
        *await _project(connection, deployment, refs[:half]),
        *await _project(connection, deployment, refs[half:]),
    ]


def _is_away(error: Exception) -> bool:
    """Whether the database is the reason. A value that asyncpg cannot send is an InterfaceError, too, and is not."""
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


async def _park(connection: Connection, ref: MessageRef, error: Exception) -> None:
    log.error("message %s cannot be found yet, and is tried again: %s", ref.message_id, type(error).__name__)
    await QUERIES.park_message(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        first=FIRST_WAIT,
        longest=LONGEST_WAIT,
        error=type(error).__name__,
    )


async def _retry_parked(connection: Connection, deployment: Deployment) -> None:
    """Try parked messages again whose wait is over; what fails again waits longer."""
    rows = QUERIES.parked_messages(connection, limit=MAX_RETRIED)
    refs = [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in rows]
    if not refs:
        return
    failed = set(await _project(connection, deployment, refs))
    written = [ref for ref in refs if ref not in failed]
    await QUERIES.forget_parked(
        connection,
        customer_ids=[ref.customer_id for ref in written],
        message_ids=[ref.message_id for ref in written],
    )
