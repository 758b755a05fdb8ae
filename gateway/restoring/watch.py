"""A gateway notices that its ledger went back: at its start, at each new connection, and once a second.

What was handed off after the moment to which a ledger was restored waits in it again. Nothing in it says so, since
that went back, too; what the gateways have seen of it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from gateway.database import QUERIES, Connection
from gateway.errors import LedgerWentBack
from gateway.restoring.memory import PositionMemory
from gateway.restoring.positions import LedgerPosition, Remembered

log = logging.getLogger(__name__)

NOTE_SECONDS = 1.0
"""Between two positions. What a ledger loses of less than that may go unnoticed."""
_EVERY = timedelta(seconds=0.9 * NOTE_SECONDS)
_SILENCE = timedelta(minutes=1)
"""Without a position for as long, no gateway ran; then an era begins."""
_HERE = "this worker"

RESTORE_UNFINISHED = (
    "This ledger was restored, and what waited in it is dealt with in part only: "
    "run `python -m gateway restored` again."
)


class LedgerWatch:
    """What one worker has seen of its ledger. `on_gone_back` is called when that is not in it any more."""

    def __init__(self, memory: PositionMemory, *, on_gone_back: Callable[[], None]) -> None:
        self._memory = memory
        self._on_gone_back = on_gone_back
        self._seen: LedgerPosition | None = None
        self.gone_back: LedgerWentBack | None = None
        """Why nothing more may be sent; None while it may."""

    async def begin(self, connection: Connection) -> None:
        """Look before anything is claimed. Raises LedgerWentBack when somebody has seen more of this ledger than there
        is, or a restore is dealt with in part."""
        state = await QUERIES.ledger_state(connection)
        if state["unfinished"] is not None:
            raise LedgerWentBack(RESTORE_UNFINISHED)
        remembered = await self._memory.recall(state["id"]) if state["id"] is not None else []
        if missing := await missing_of(connection, remembered):
            raise LedgerWentBack(explain(missing))
        if state["id"] is not None and state["moved"] and not remembered:
            log.warning(
                "the ledger is on another server than when a gateway ran last, and neither this host nor Valkey has "
                "seen it: if it was restored or copied, stop this gateway and run `python -m gateway restored`"
            )
        await self.note(connection)

    async def note(self, connection: Connection) -> None:
        """Count the ledger's position up, if nobody has in this second, and remember where it is; look first whether
        all that was seen is there."""
        if self._seen is not None:
            await self._look(connection, await self._memory.recall(self._seen.ledger))
        if self.gone_back is not None:
            return
        await QUERIES.advance_position(connection, every=_EVERY, silence=_SILENCE)
        # Read by a statement of its own: only what is committed is there.
        position = LedgerPosition.of(await QUERIES.ledger_position(connection))
        if self._seen is not None and position.number < self._seen.number:
            self._stop([Remembered(position=self._seen, place=_HERE)])  # just now, between two statements
            return
        self._seen = position
        await self._memory.keep(position)

    async def check_connection(self, connection: Connection) -> None:
        """Look at the server of a new connection: it may be a standby that was promoted and lacks the last moments.
        Raises ConnectionRefusedError, as if it were away, when what this worker has seen is not there."""
        if self._seen is not None:
            await self._look(connection, [])
        if self.gone_back is not None:
            raise ConnectionRefusedError("the ledger went back")

    async def _look(self, connection: Connection, remembered: Sequence[Remembered]) -> None:
        own = [Remembered(position=self._seen, place=_HERE)] if self._seen is not None else []
        if missing := await missing_of(connection, [*own, *remembered]):
            self._stop(missing)

    def _stop(self, missing: Sequence[Remembered]) -> None:
        if self.gone_back is None:
            self.gone_back = LedgerWentBack(explain(missing))
            log.error("%s", self.gone_back)
            self._on_gone_back()


async def missing_of(connection: Connection, remembered: Sequence[Remembered]) -> list[Remembered]:
    """Those positions that are not in this ledger."""
    if not remembered:
        return []
    rows = QUERIES.missing_positions(
        connection,
        eras=[one.position.era for one in remembered],
        numbers=[one.position.number for one in remembered],
    )
    return [remembered[row["place"] - 1] async for row in rows]


def explain(missing: Sequence[Remembered]) -> str:
    """What a person is told who starts a gateway on a ledger that went back."""
    last = max(missing, key=lambda one: one.position.at)
    return (
        f"This ledger is older than what was seen of it ({last.position.at:%Y-%m-%d %H:%M:%S %Z}, {last.place}): it "
        "was restored from a copy, or a failover lost its last moments. What waits in it may have been sent since, so "
        "nothing is sent. If that is so, stop all gateways and run `python -m gateway restored`: it makes what waits "
        "UNCERTAIN, for a person to settle (docs/operations.md, Backup and restore). If it is not, DATABASE_URL names "
        "the wrong server."
    )
