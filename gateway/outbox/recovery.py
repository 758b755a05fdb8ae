"""Recovery: leases of lost workers, and deadlines that passed while mail waited.

The lease columns have no index (updates of the outbox stay within their page), so what is to be settled is found by
one pass over the outbox, by one worker a period, and settled by key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.mail.schedule import RETRY_WAITS
from gateway.outbox.claim import RecipientKey, columns
from gateway.outbox.outcomes import GATEWAY, UNDELIVERED, HandOff, decide

PASS_ROWS = 10_000
"""Rows that one pass finds at most; another pass follows where there are more."""
BATCH = 1000
"""Rows settled in one statement: a lost worker has a few hundred, and their locks are held for moments."""
MAX_REQUEUED = 3
"""How often an attempt is queued again of which a lost worker sent nothing: a mail that ends its workers (by the memory
it takes, say) must not end all of them, one after the other."""

LOST_ADVICE = (
    "The gateway stopped after it had handed this mail to the server and before it heard the answer. It may or may "
    "not have arrived: a report, a reply or a click may settle it. Check with the customer; then send it again or mark "
    "it as sent."
)


RESTORED_ADVICE = (
    "The ledger was restored from a copy of an earlier moment, at which this mail waited. It may have been sent since, "
    "with what the ledger forgot. Look into the mail server's log or check with the customer; then send it again or "
    "mark it as sent."
)


class _Passed(StrEnum):
    """What a lease or deadline that passed leaves: nothing was sent, something may have been, or it is too late."""

    UNSENT = "UNSENT"
    UNCERTAIN = "UNCERTAIN"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """How many rows were settled: requeued since nothing was sent, uncertain since something may have been (some of
    which are retried once, where RETRY_ONCE says so), expired."""

    unsent: int = 0
    uncertain: int = 0
    expired: int = 0


class LostAttempt(Protocol):
    """An attempt by its recipient, its number and its claim."""

    @property
    def key(self) -> RecipientKey: ...
    @property
    def attempt(self) -> int: ...
    @property
    def owner(self) -> UUID: ...


async def my_turn(connection: Connection, *, every: timedelta) -> bool:
    """Whether no worker has scanned the outbox for so long: then it is the caller's turn, and no other worker's."""
    return await QUERIES.begin_scan(connection, every=every) is not None


async def recover(connection: Connection, *, shard: int, wait: timedelta = RETRY_WAITS[0]) -> Recovered:
    """Settle every lease and deadline that has passed, in paused lanes too. `wait` passes before an uncertain
    attempt is retried once. Call it outside a transaction."""
    unsent = uncertain = expired = 0
    while True:
        found = await _passed(connection)
        for keys in _batches(found[_Passed.UNSENT]):
            unsent += await _count(QUERIES.recover_unsent(connection, **columns(keys)))
        for keys in _batches(found[_Passed.UNCERTAIN]):
            uncertain += await _count(
                QUERIES.recover_handed_off(connection, **columns(keys), shard=shard, advice=LOST_ADVICE, wait=wait)
            )
        for keys in _batches(found[_Passed.EXPIRED]):
            expired += await _expire(connection, keys, shard=shard)
        if sum(map(len, found.values())) < PASS_ROWS:
            return Recovered(unsent=unsent, uncertain=uncertain, expired=expired)


async def requeue_unsent(connection: Connection, lost: Sequence[LostAttempt]) -> list[LostAttempt]:
    """Return to the queue attempts of a worker that is known to be lost and sent nothing of them. Returns those that
    were not: another has them, or they were returned `MAX_REQUEUED` times."""
    returned: set[RecipientKey] = set()
    for batch in _lost_batches(lost):
        async for row in QUERIES.requeue_unsent(connection, **_fences(batch), limit=MAX_REQUEUED):
            returned.add((row["customer_id"], row["message_id"], row["recipient_no"]))
    return [attempt for attempt in lost if attempt.key not in returned]


async def recover_lost(
    connection: Connection, lost: Sequence[LostAttempt], *, shard: int, wait: timedelta = RETRY_WAITS[0]
) -> int:
    """Settle attempts of a worker that is known to be lost, whose content may have been sent: as if their leases had
    run out. Returns how many were still its own."""
    ended: list[RecipientKey] = []
    for batch in _lost_batches(lost):
        async for row in QUERIES.end_leases(connection, **_fences(batch)):
            ended.append((row["customer_id"], row["message_id"], row["recipient_no"]))
    for keys in _batches(sorted(ended)):
        await _count(
            QUERIES.recover_handed_off(connection, **columns(keys), shard=shard, advice=LOST_ADVICE, wait=wait)
        )
    return len(ended)


def _lost_batches(lost: Sequence[LostAttempt]) -> list[list[LostAttempt]]:
    ordered = sorted(lost, key=lambda attempt: attempt.key)
    return [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]


def _fences(batch: Sequence[LostAttempt]) -> dict[str, list[Any]]:
    """Attempts as arrays for `unnest`."""
    return {
        **columns([attempt.key for attempt in batch]),
        "attempts": [attempt.attempt for attempt in batch],
        "owners": [attempt.owner for attempt in batch],
    }


async def _passed(connection: Connection) -> dict[_Passed, list[RecipientKey]]:
    """Keys of what is to be settled, by how; in the order in which groups lock rows."""
    found: dict[_Passed, list[RecipientKey]] = {what: [] for what in _Passed}
    async with connection.transaction():
        # A worker's connections never read a whole table but here.
        await QUERIES.may_read_all(connection)
        async for row in QUERIES.passed(connection, limit=PASS_ROWS):
            found[_Passed(row["what"])].append((row["customer_id"], row["message_id"], row["recipient_no"]))
    return {what: sorted(keys) for what, keys in found.items()}


def _batches(keys: list[RecipientKey]) -> list[list[RecipientKey]]:
    return [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]


async def _count(rows: Any) -> int:
    return len([row async for row in rows])


async def _expire(connection: Connection, keys: Sequence[RecipientKey], *, shard: int) -> int:
    why = UNDELIVERED[HandOff.EXPIRED]
    return await decide(connection, keys, [why] * len(keys), owners=[None] * len(keys), actor=GATEWAY, shard=shard)
