"""A gateway notices that its ledger lacks what was seen of it, and mistakes neither another ledger nor a failover that
lost nothing for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.database import QUERIES, open_pool
from gateway.errors import LedgerWentBack
from gateway.restoring.memory import PositionMemory
from gateway.restoring.watch import RESTORE_UNFINISHED
from tests.integration.gateway.restoring.ledgers import go_back, memory, pass_seconds, position, watch

__all__ = ["memory"]

NOWHERE = "redis://127.0.0.1:1/0"


async def seen(connection: Any, memory: PositionMemory, positions: int = 5) -> None:
    """A gateway ran for so many seconds."""
    worker = watch(memory)
    await worker.begin(connection)
    for _ in range(positions):
        await pass_seconds(connection, 1)
        await worker.note(connection)


async def test_a_ledger_that_goes_on_is_started_on_again_and_again(connection: Any, memory: PositionMemory) -> None:
    # Given a ledger on which no gateway ran
    assert await connection.fetchval("select id from ledger") is None
    # When one runs, and is started again, and beside another
    await seen(connection, memory)
    first = await position(connection)
    await watch(memory).begin(connection)
    await watch(memory).begin(connection)
    # Then it is one ledger, in one era, counted up once a second however many look
    assert first.number == 6
    assert await position(connection) == first
    assert await connection.fetchval("select count(*) from ledger_era") == 1
    # And after a minute without any gateway another era begins
    await pass_seconds(connection, 61)
    await watch(memory).begin(connection)
    assert await connection.fetchval("select array_agg(first order by first) from ledger_era") == [1, 7]


@pytest.mark.parametrize("place", ["directory", "Valkey"])
async def test_no_gateway_starts_on_a_ledger_that_lacks_what_was_seen(
    connection: Any, redis_url: str, tmp_path: Path, place: str
) -> None:
    # Given a gateway that ran, of which the host or Valkey alone remembers something
    if place == "directory":
        memory = PositionMemory(directories=[tmp_path], redis_url=NOWHERE)
    else:
        memory = PositionMemory(directories=[], redis_url=redis_url)
    await seen(connection, memory)
    last = await position(connection)
    # When the ledger is the copy of an earlier moment
    await go_back(connection, 2)
    # Then a gateway says since when, by whom, and what to do
    with pytest.raises(LedgerWentBack, match="python -m gateway restored") as raised:
        await watch(memory).begin(connection)
    assert f"{last.at:%H:%M:%S}" in str(raised.value)
    assert (str(tmp_path) if place == "directory" else "Valkey") in str(raised.value)
    # And nothing that was seen is forgotten by that
    with pytest.raises(LedgerWentBack):
        await watch(memory).begin(connection)
    await memory.close()


async def test_it_is_noticed_also_where_the_copy_has_come_further_meanwhile(
    connection: Any, memory: PositionMemory, redis_url: str
) -> None:
    # Given a ledger that went back, on which a gateway ran that knew nothing of it, for longer than what was lost
    await seen(connection, memory)
    await go_back(connection, 2)
    await pass_seconds(connection, 61)
    stranger = PositionMemory(directories=[], redis_url=NOWHERE)
    await seen(connection, stranger, positions=30)
    await stranger.close()
    # Then a host that had seen what was lost is not deceived by the higher number
    with pytest.raises(LedgerWentBack):
        await watch(memory).begin(connection)


async def test_another_ledger_is_not_mistaken(connection: Any, memory: PositionMemory) -> None:
    # Given a host that has seen much of one ledger
    await seen(connection, memory)
    # When DATABASE_URL names another one, of which it has seen nothing
    await connection.execute("update ledger set id = $1, position = 1", uuid4())
    # Then a gateway starts there, and is not stopped
    worker = watch(memory)
    await worker.begin(connection)
    assert worker.gone_back is None


async def test_a_copy_on_another_server_that_nobody_has_seen_is_said_and_started_on(
    connection: Any, memory: PositionMemory, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a ledger whose gateways ran elsewhere
    await seen(connection, memory)
    await connection.execute("update ledger_era set system_identifier = 1")
    # When one starts on a host that knows nothing of it
    stranger = PositionMemory(directories=[], redis_url=NOWHERE)
    await watch(stranger).begin(connection)
    await stranger.close()
    # Then its log says what that may mean, and an era of this server has begun
    assert "another server" in caplog.text
    await pass_seconds(connection, 1)
    await watch(memory).begin(connection)
    assert await connection.fetchval("select count(*) from ledger_era") == 2


async def test_a_promoted_standby_that_lacks_nothing_is_worked_on(connection: Any, memory: PositionMemory) -> None:
    # Given a worker, and a promotion: another timeline
    stopped: list[str] = []
    worker = watch(memory, stopped)
    await worker.begin(connection)
    await connection.execute("update ledger_era set timeline = timeline - 1")
    # When it goes on
    await worker.check_connection(connection)
    await pass_seconds(connection, 1)
    await worker.note(connection)
    # Then an era has begun, and it is not stopped
    assert await connection.fetchval("select count(*) from ledger_era") == 2
    assert (stopped, worker.gone_back) == ([], None)


async def test_a_running_worker_stops_before_it_uses_a_connection_to_a_ledger_that_went_back(
    connection: Any, database_url: str, memory: PositionMemory
) -> None:
    # Given a worker, whose pool asks each new connection
    stopped: list[str] = []
    worker = watch(memory, stopped)
    await worker.begin(connection)
    pool = await open_pool(database_url, size=2, name="test", check=worker.check_connection)
    async with pool.acquire() as used:
        assert await used.fetchval("select 1") == 1
        # When a standby was promoted that lacks a moment
        await go_back(connection)
        # Then no other connection is given, as if PostgreSQL were away, and the worker is stopped, once
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await pool.acquire()
    assert stopped == ["stopped"]
    assert isinstance(worker.gone_back, LedgerWentBack)
    await pool.close()


async def test_a_running_worker_learns_from_what_another_has_seen(connection: Any, memory: PositionMemory) -> None:
    # Given two workers, of which one has seen a second more, which the ledger has lost
    stopped: list[str] = []
    worker = watch(memory, stopped)
    await worker.begin(connection)
    await pass_seconds(connection, 1)
    await watch(memory).begin(connection)
    await go_back(connection)
    # When the other one goes on
    await worker.note(connection)
    # Then it stops, too
    assert stopped == ["stopped"]
    # And what was seen stays
    with pytest.raises(LedgerWentBack):
        await watch(memory).begin(connection)


async def test_a_ledger_that_goes_back_between_two_statements_is_not_remembered(
    connection: Any, memory: PositionMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that has seen some seconds, and is about to count the next
    stopped: list[str] = []
    await seen(connection, memory)
    worker = watch(memory, stopped)
    await worker.begin(connection)
    before = await position(connection)
    advance = QUERIES.advance_position

    async def lose_first(connection: Any, **values: Any) -> None:
        await go_back(connection, 3)
        await advance(connection, **values)

    monkeypatch.setattr(QUERIES, "advance_position", lose_first)
    # When it does
    await worker.note(connection)
    # Then it stops, and what it had seen is remembered
    assert stopped == ["stopped"]
    assert [one.position.number for one in await memory.recall(before.ledger)] == [before.number] * 2


async def test_no_gateway_starts_while_a_restore_is_dealt_with_in_part(connection: Any, memory: PositionMemory) -> None:
    await connection.execute("insert into ledger_restore (actor) values ('Dana')")
    with pytest.raises(LedgerWentBack) as raised:
        await watch(memory).begin(connection)
    assert str(raised.value) == RESTORE_UNFINISHED


async def test_a_clock_that_is_behind_holds_up_no_position(connection: Any, memory: PositionMemory) -> None:
    """A restored ledger may be on a host with another clock."""
    await seen(connection, memory)
    before = await position(connection)
    await pass_seconds(connection, -3600)
    await watch(memory).begin(connection)
    assert (await position(connection)).number == before.number + 1


async def test_a_role_without_rights_may_ask_for_the_server(connection: Any) -> None:
    await connection.execute(
        "create role nobody_special; grant select on all tables in schema public to nobody_special"
    )
    try:
        async with connection.transaction():
            await connection.execute("set local role nobody_special")
            assert (await connection.fetchrow("select * from ledger_server()"))["timeline"] == 1
    finally:
        await connection.execute("drop owned by nobody_special; drop role nobody_special")
