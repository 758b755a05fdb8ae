"""What was seen of a ledger is kept beside it, wherever that goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.restoring.memory import PositionMemory
from gateway.restoring.positions import LedgerPosition
from tests.integration.gateway.restoring.ledgers import memory

__all__ = ["memory"]

POSITION = LedgerPosition(ledger=uuid4(), era=uuid4(), number=12, at=datetime(2027, 3, 1, tzinfo=UTC))


async def test_the_last_position_of_each_ledger_is_in_every_place(memory: PositionMemory, tmp_path: Path) -> None:
    other = replace(POSITION, ledger=uuid4(), number=3)
    for one in (POSITION, other, replace(POSITION, number=13)):
        await memory.keep(one)
    assert [(one.position.number, one.place) for one in await memory.recall(POSITION.ledger)] == [
        (13, str(tmp_path)), (13, "Valkey"),
    ]  # fmt: skip
    assert [one.position for one in await memory.recall(other.ledger)] == [other, other]
    assert await memory.recall(uuid4()) == []
    assert len(list(tmp_path.iterdir())) == 2


async def test_places_that_are_away_are_said_once_and_hide_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directories = [tmp_path / "missing", tmp_path]
    memory = PositionMemory(directories=directories, redis_url="redis://127.0.0.1:1/0")
    for _ in range(2):
        await memory.keep(POSITION)
    assert [one.place for one in await memory.recall(POSITION.ledger)] == [str(tmp_path)]
    assert len(caplog.records) == 2
    await memory.close()


async def test_a_damaged_file_is_as_good_as_none(memory: PositionMemory, tmp_path: Path) -> None:
    await memory.keep(POSITION)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:10])
    assert [one.place for one in await memory.recall(POSITION.ledger)] == ["Valkey"]
