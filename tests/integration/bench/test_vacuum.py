"""The tables that are vacuumed by their own settings, and a short form of `make bench ONLY=vacuum`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.bench.vacuum import ALWAYS, QUERIES
from tests.eventually import eventually
from tests.servers import migrated_postgres

ROWS, A_DAY, DAYS = 20_000, 2_000, 2
"""By the server's default of a fifth no vacuum would come in these days: it starts at 4,050 dead rows."""


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """A server of its own, whose autovacuum looks once a second."""
    directory = Path(tmp_path_factory.mktemp("v"))
    with migrated_postgres(directory, "mail") as postgres:
        connection = await asyncpg.connect(postgres.url("mail"))
        await QUERIES.settings_of_server(connection)
        await QUERIES.reload(connection)
        yield connection
        await connection.close()


async def test_each_days_dead_rows_are_vacuumed(server: Any) -> None:
    # Given the newest mail of many customers
    await server.execute("insert into customer_latest select n, uuidv7() from generate_series(1, $1::integer) n", ROWS)
    await server.execute("vacuum analyze customer_latest")

    async def state() -> Any:
        [row] = [row async for row in QUERIES.state(server, tables=["customer_latest"])]
        return row

    async def is_vacuumed() -> bool:
        row = await state()
        # Who analyzes counts dead rows as of its own beginning
        return bool(row["dead"] <= row["starts_at"]) and not await QUERIES.is_vacuuming(server)

    await eventually(is_vacuumed, "the end of what the insertion started")
    vacuums = (await state())["vacuums"]
    # When some of them get mail each day, then each day's dead rows are vacuumed
    for day in range(DAYS):
        await server.execute(
            "update customer_latest set message_id = uuidv7() where customer_id % $1::bigint = $2", ROWS // A_DAY, day
        )
        await server.fetch("select pg_stat_force_next_flush()")
        await eventually(is_vacuumed, f"the vacuum of day {day + 1}")
    assert (await state())["vacuums"] == vacuums + DAYS


async def test_what_is_written_more_than_once_is_vacuumed_by_settings_of_its_own(connection: Any) -> None:
    wanted = {"customer_latest", "hit", "message", "message_engagement", "message_search"}
    tables = [row["name"] async for row in QUERIES.tables(connection)]
    assert set(tables) == wanted
    found = {row["name"]: (row["starts_at"] - ALWAYS) async for row in QUERIES.state(connection, tables=tables)}
    rows = await connection.fetch(
        "select relname, greatest(reltuples, 0) from pg_class where relname = any($1)", tables
    )
    assert found == {name: pytest.approx(0.02 * live) for name, live in rows}
