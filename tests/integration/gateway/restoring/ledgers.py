"""Ledgers that went back, and who remembers them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.restoring.memory import PositionMemory
from gateway.restoring.positions import LedgerPosition
from gateway.restoring.watch import LedgerWatch


@pytest.fixture
async def memory(redis_url: str, tmp_path: Path) -> AsyncIterator[PositionMemory]:
    """A host with a directory, and its Valkey."""
    made = PositionMemory(directories=[tmp_path], redis_url=redis_url)
    yield made
    await made.close()


def watch(memory: PositionMemory, stopped: list[str] | None = None) -> LedgerWatch:
    """One worker's; it says in the list that it was stopped."""
    return LedgerWatch(memory, on_gone_back=lambda: None if stopped is None else stopped.append("stopped"))


async def position(connection: Any) -> LedgerPosition:
    """Where the ledger is."""
    row = await connection.fetchrow(
        "select l.id as ledger, e.id as era, l.position as number, l.noted_at as at from ledger l,"
        " lateral (select id from ledger_era order by first desc limit 1) e"
    )
    return LedgerPosition(**row)


async def pass_seconds(connection: Any, seconds: float) -> None:
    """As if the last position had been noted so much earlier."""
    await connection.execute("update ledger set noted_at = noted_at - make_interval(secs => $1)", seconds)


async def go_back(connection: Any, positions: int = 1) -> None:
    """As a copy from before the last of its positions."""
    await connection.execute(
        "update ledger set position = position - $1, noted_at = noted_at - make_interval(secs => $1)", positions
    )
    await connection.execute("delete from ledger_era where first > (select position from ledger)")
