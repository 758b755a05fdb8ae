"""What a person says by `python -m gateway restored`: the ledger is a copy of a moment that is past.

What waited then may have been sent since, and the ledger cannot know: it becomes UNCERTAIN, for evidence or a person
to settle, and nothing is sent by itself that might have been.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.campaigns import events, expansion, freezing, history
from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import GatewayError
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.recovery import RESTORED_ADVICE
from gateway.restoring.memory import PositionMemory
from gateway.restoring.positions import LedgerPosition
from gateway.restoring.watch import missing_of

log = logging.getLogger(__name__)

BATCH = 1000
"""Rows a transaction, some tenths of a second, as what lost workers had."""
FORGOTTEN = 10_000
"""Rows of decisions that are deleted in one statement."""
MAX_NOT_MADE = 1000
"""Batches that may fail: a fault of every mailing's is the ledger's, and a person's to look at."""
CAMPAIGNS = 100
"""Campaigns that are read at a time; each is paused in a transaction of its own."""


class RestoreRefused(GatewayError):
    """It cannot be dealt with now; the message says what to do first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was done: recipients whose mail is UNCERTAIN, how many of those had no message before, campaigns that are
    paused, decisions and bulk actions whose retries were called off, and mailings whose recipients could not be
    made."""

    uncertain: int
    made: int
    campaigns_paused: int
    retries_called_off: int
    not_made: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Restore:
    """One restore that is being dealt with: by whom, since when."""

    id: int
    begun_at: datetime
    actor: str

    async def count(self, connection: Connection, **counts: int) -> None:
        every = dict.fromkeys(("uncertain", "made", "campaigns_paused", "retries_called_off"), 0)
        await QUERIES.count_restore(connection, id=self.id, **(every | counts))


async def say_restored(
    connection: Connection, deployment: Deployment, memory: PositionMemory, *, actor: str, anyway: bool = False
) -> Restored | None:
    """Deal with what waited in a ledger that was restored, in batches, each a transaction: cut off, it is taken up by
    the next call. Returns what was done; None when nothing says that the ledger was restored since that was said last,
    and not `anyway`: nothing is done then. Raises RestoreRefused while a gateway runs, or somebody else says it.

    After it the ledger has another id: no host remembers anything of that, and every gateway starts.
    """
    await _refuse_while_others_work(connection)
    state = await QUERIES.ledger_state(connection)
    remembered = await memory.recall(state["id"]) if state["id"] is not None else []
    went_back = state["moved"] or state["unfinished"] is not None or await missing_of(connection, remembered)
    if not went_back and not anyway:
        return None
    restore = await _begin(connection, actor)
    await _call_off_retries(connection, restore)
    await _give_up_queue(connection, restore)
    not_made = await _make_what_was_due(connection, deployment, restore)
    await _pause_campaigns(connection, restore)
    done = await QUERIES.finish_restore(connection, id=restore.id)
    await memory.keep(LedgerPosition.of(await QUERIES.ledger_position(connection)))
    return Restored(**done, not_made=not_made)


async def _begin(connection: Connection, actor: str) -> _Restore:
    """Write it down, or take up what was begun."""
    async with connection.transaction():
        row = await QUERIES.begin_restore(connection, actor=actor)
        if row["is_new"]:
            async for _ in QUERIES.skip_forgotten_ids(connection):
                pass
    return _Restore(id=row["id"], begun_at=row["begun_at"], actor=actor)


async def _refuse_while_others_work(connection: Connection) -> None:
    if running := int(await QUERIES.running_gateways(connection)):
        message = (
            f"A gateway works on this database ({running} sessions): stop all gateways, on every host, and repeat."
        )
        raise RestoreRefused(message)
    if not await QUERIES.await_restore_turn(connection):
        raise RestoreRefused("Somebody else says so at this moment: wait until that command has ended.")


async def _call_off_retries(connection: Connection, restore: _Restore) -> None:
    """End what persons had asked to be sent again and was not carried out: some of it may have been since."""
    async with connection.transaction():
        decisions = [row async for row in QUERIES.call_off_decisions(connection)]
        bulk_actions = int(await QUERIES.call_off_bulk_actions(connection))
        for row in decisions:
            detail = {"decision": row["id"]} | {name: row[name] for name in ("recipients", "done", "skipped")}
            await history.record(connection, row["campaign_id"], "carriedOut", restore.actor, detail)
        await restore.count(connection, retries_called_off=len(decisions) + bulk_actions)
    while int(await QUERIES.forget_messages_of_decisions(connection, batch=FORGOTTEN)) == FORGOTTEN:
        pass


async def _give_up_queue(connection: Connection, restore: _Restore, *, made: int = 0) -> None:
    """Make all that is queued UNCERTAIN; so many of its messages were `made` for that."""
    while True:
        async with connection.transaction():
            rows = QUERIES.give_up_queued(
                connection,
                batch=BATCH,
                since=restore.begun_at,
                advice=RESTORED_ADVICE,
                actor=restore.actor,
                restore=restore.id,
            )
            refs = [MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) async for row in rows]
            await notify_change(connection, ChangeKind.MESSAGE, refs)
            await restore.count(connection, uncertain=len(refs), made=made)
        made = 0
        if len(refs) < BATCH:
            return


async def _make_what_was_due(connection: Connection, deployment: Deployment, restore: _Restore) -> int:
    """Give messages to recipients who were due and had none: their mail may have been made and sent since. Returns how
    often that failed: those mailings wait in their campaigns, which are paused."""
    not_made = 0

    async def freeze() -> int | None:
        return await freezing.freeze(connection)

    async def expand() -> int | None:
        return await expansion.make_messages(connection, deployment)

    async def follow_events() -> int | None:
        return await events.make_triggered(connection, deployment)

    steps: tuple[Callable[[], Awaitable[int | None]], ...] = (freeze, expand, follow_events)
    for step in steps:
        made: int | None = 0
        while made is not None:
            try:
                made = await step()
            except AWAY:
                raise
            except Exception:  # that mailing is put off, and others go on
                log.exception("a mailing's recipients cannot be made")
                not_made += 1
                if not_made > MAX_NOT_MADE:
                    raise
                continue
            if made is not None and step is not freeze:
                await _give_up_queue(connection, restore, made=made)
    return not_made


async def _pause_campaigns(connection: Connection, restore: _Restore) -> None:
    """Pause every campaign that would go on by itself."""
    why = (
        f"Paused after a restore, by {restore.actor}. What was due by then is uncertain: settle it. Then resume, for "
        "those who are due later."
    )
    while rows := [row async for row in QUERIES.campaigns_under_way(connection, limit=CAMPAIGNS)]:
        for row in rows:
            await _pause(connection, row, restore, why)


async def _pause(connection: Connection, row: Any, restore: _Restore, why: str) -> None:
    async with connection.transaction():
        await QUERIES.lock_campaign(connection, campaign_id=row["id"])
        await QUERIES.pause_campaign(connection, campaign_id=row["id"], why=why)
        await history.record(connection, row["id"], "restored", restore.actor)
        await restore.count(connection, campaigns_paused=1)
