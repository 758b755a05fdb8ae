"""The ledger's memory while PostgreSQL is away: nothing known is forgotten, and its return is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway.delivery.outcome_writer import GIVE_UP_SECONDS, OutcomeWriter
from gateway.mail.response import Exchange, Response, Stage
from gateway.mail.verdict import ACCEPTED
from gateway.outbox.claim import Claimed
from gateway.outbox.outcomes import Finished, Recorded, finished
from tests.engine import claimed
from tests.eventually import eventually


class NoPool:
    """Gives connections that lead nowhere."""

    def acquire(self) -> Any:
        return nullcontext()


def open_writer(**values: Any) -> OutcomeWriter:
    usual: dict[str, Any] = {
        "shard": 0,
        "clock": lambda: 0.0,
        "release": lambda row, asked: None,
        "note_stop": print,
        "wake": print,
        "same_refusals": 20,
    }
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


async def test_while_too_much_waits_to_be_written_nothing_is_claimed_until_a_group_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def record(connection: Any, group: Sequence[Finished], **values: Any) -> Recorded:
        return Recorded(written=len(group))

    woken: list[int] = []
    outcomes: OutcomeWriter = recording(
        monkeypatch, record, most_unwritten=2, wake=lambda: woken.append(outcomes.unwritten)
    )
    outcomes.record(outcome())
    assert outcomes.has_room()
    outcomes.record(outcome())
    assert not outcomes.has_room()

    # An answer that comes all the same is taken
    outcomes.record(outcome())
    assert (outcomes.unwritten, woken) == (3, [])
    await flushed(outcomes)

    assert woken == [0]


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.InternalServerError,  # XX000
        asyncpg.IndexCorruptedError,  # XX002
        asyncpg.DiskFullError,  # 53100
        asyncpg.OutOfMemoryError,  # 53200
        asyncpg.AdminShutdownError,  # 57P01
        asyncpg.QueryCanceledError,  # 57014
        asyncpg.SerializationError,  # 40001
        asyncpg.LockNotAvailableError,  # 55P03
        asyncpg.PostgresIOError,  # 58030
        asyncpg.ReadOnlySQLTransactionError,  # 25006
        asyncpg.UndefinedColumnError,  # 42703: its migration is to come
        asyncpg.InternalClientError,  # the server went away as a statement was sent
        ConnectionResetError,
    ],
)
async def test_an_outcome_waits_for_postgresql_whatever_its_trouble_is(
    monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    first, second = outcome(), outcome()
    released: list[Any] = []
    seen_away: list[bool] = []

    async def record(connection: Any, group: Sequence[Finished], **values: Any) -> Recorded:
        seen_away.append(outcomes.away)
        # A group of two, and where that fails each alone; then everything works again.
        if len(seen_away) <= 3 and released == []:
            raise trouble
        return Recorded(written=len(group))

    outcomes = recording(monkeypatch, record, release=lambda row, asked: released.append(row))
    outcomes.record(first)
    outcomes.record(second)

    await flushed(outcomes)

    assert released == [first, second]
    assert seen_away[-1] is True, "nothing is claimed meanwhile"
    assert not outcomes.away


async def test_an_outcome_that_postgresql_fails_on_by_itself_holds_up_no_other_and_is_given_up_at_last(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = outcome(), outcome()
    released: list[Any] = []
    now = 0.0

    async def record(connection: Any, group: Sequence[Finished], **values: Any) -> Recorded:
        nonlocal now
        if bad not in group:
            return Recorded(written=len(group))
        if len(group) == 1:
            now += GIVE_UP_SECONDS / 2
        raise asyncpg.DataCorruptedError

    outcomes = recording(monkeypatch, record, clock=lambda: now, release=lambda row, asked: released.append((row, now)))
    outcomes.record(bad)
    outcomes.record(good)

    await flushed(outcomes)

    assert [row for row, _ in released] == [good, bad]
    assert released[1][1] >= GIVE_UP_SECONDS
    assert "cannot be written: DataCorruptedError" in caplog.text


def recording(monkeypatch: pytest.MonkeyPatch, record: Any, **values: Any) -> OutcomeWriter:
    """A writer whose outcomes are recorded by this function."""

    async def notify_change(*given: Any) -> None:
        return None

    monkeypatch.setattr("gateway.delivery.outcome_writer.record", record)
    monkeypatch.setattr("gateway.delivery.outcome_writer.LONGEST_BACKOFF", 0.0)
    made = open_writer(**values)
    monkeypatch.setattr(made._changes, "notify_change", notify_change)
    return made


async def flushed(outcomes: OutcomeWriter) -> None:
    """Runs the recorders until every outcome is written."""
    recorders = [asyncio.create_task(loop) for loop in outcomes.recorders()]
    try:
        await asyncio.wait_for(outcomes.flush(), 20)
        # The recorder notes after the commit that PostgreSQL is there again.
        await eventually(lambda: not outcomes.away)
    finally:
        for task in recorders:
            task.cancel()


async def test_an_outcome_that_cannot_be_written_ends_neither_the_others_nor_their_recorder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = outcome(), outcome()
    written: list[Finished] = []

    async def record(connection: Any, group: Sequence[Finished], **values: Any) -> Recorded:
        if bad in group:
            raise KeyError("a defect of ours")
        written.extend(group)
        return Recorded(written=len(group))

    async def notify_change(*values: Any) -> None:
        return None

    monkeypatch.setattr("gateway.delivery.outcome_writer.record", record)
    forgotten: list[Any] = []
    outcomes = open_writer(release=lambda row, asked: forgotten.append(row))
    monkeypatch.setattr(outcomes._changes, "notify_change", notify_change)
    outcomes.record(bad)
    outcomes.record(good)

    recorders = [asyncio.create_task(loop) for loop in outcomes.recorders()]
    await outcomes.flush()
    outcomes.record(second := outcome())
    await outcomes.flush()
    for task in recorders:
        task.cancel()

    assert written == [good, second]
    assert forgotten == [bad, good, second]
