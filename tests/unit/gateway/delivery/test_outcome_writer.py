"""The ledger's memory while PostgreSQL is away: nothing known is forgotten, and its return is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway.delivery.outcome_writer import OutcomeWriter
from gateway.mail.response import Exchange, Response, Stage
from gateway.mail.verdict import ACCEPTED
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import Finished, finished
from tests.engine import claimed


class NoPool:
    """Gives connections that lead nowhere."""

    def acquire(self) -> Any:
        return nullcontext()


def open_writer(**values: Any) -> OutcomeWriter:
    usual: dict[str, Any] = {"shard": 0, "clock": lambda: 0.0, "release": lambda row, asked: None}
    return OutcomeWriter(NoPool(), **(usual | values))  # type: ignore[arg-type]  # no statement reaches it


def outcome() -> Finished:
    reply = Response(code=250, enhanced=None, text="Ok", stage=Stage.END_OF_DATA)
    exchange = Exchange(
        replies=(reply,),
        response=reply,
        fault=None,
        stage=Stage.END_OF_DATA,
        dot_sent=True,
        relay="main",
        host=None,
        tls=None,
        started_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        took_ms=1,
    )
    return finished(claimed(), exchange, ACCEPTED, mail_sha256_hex="00" * 32, wait=timedelta(), ended=0.0)


@pytest.mark.parametrize("trouble", [OSError, asyncpg.DeadlockDetectedError, asyncpg.OutOfMemoryError])
async def test_a_row_given_back_at_last_tells_that_the_ledger_is_there_again(
    monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    outcomes = open_writer()
    away: list[bool] = []

    async def give_back(connection: Any, rows: Sequence[tuple[Claimed, timedelta | None]]) -> None:
        away.append(outcomes.away)
        if len(away) == 1:
            raise trouble

    monkeypatch.setattr("gateway.delivery.outcome_writer.give_back", give_back)

    await outcomes.give_back(claimed())

    assert away == [False, True]
    assert not outcomes.away


async def test_an_answer_that_finds_no_room_is_not_lost_with_whoever_brought_it() -> None:
    outcomes = open_writer(most_unwritten=1)
    first, second = outcome(), outcome()
    await outcomes.record(first)
    bringing = asyncio.create_task(outcomes.record(second))
    await asyncio.sleep(0)

    bringing.cancel()
    await asyncio.wait([bringing])

    assert outcomes.take_unwritten() == [first, second]


async def test_an_outcome_that_cannot_be_written_ends_neither_the_others_nor_their_recorder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = outcome(), outcome()
    written: list[Finished] = []

    async def record(connection: Any, group: Sequence[Finished], **values: Any) -> int:
        if bad in group:
            raise KeyError("a defect of ours")
        written.extend(group)
        return len(group)

    async def notify_change(*values: Any) -> None:
        return None

    monkeypatch.setattr("gateway.delivery.outcome_writer.record", record)
    forgotten: list[Any] = []
    outcomes = open_writer(release=lambda row, asked: forgotten.append(row))
    monkeypatch.setattr(outcomes._changes, "notify_change", notify_change)
    await outcomes.record(bad)
    await outcomes.record(good)

    recorders = [asyncio.create_task(loop) for loop in outcomes.recorders()]
    await outcomes.flush()
    await outcomes.record(second := outcome())
    await outcomes.flush()
    for task in recorders:
        task.cancel()

    assert written == [good, second]
    assert forgotten == [bad, good, second]
