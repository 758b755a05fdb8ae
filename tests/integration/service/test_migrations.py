"""Migrations wait for locks briefly and again, say who holds them, and leave nothing half done."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.__main__ import main
from service.migrations import MigrationError, Patience, migrate, read_migrations
from tests.conventions.sources import ROOT
from tests.eventually import eventually

SHORT = Patience(lock=0.3, total=0)
LONG = Patience(lock=0.3, total=120)
ADD_COLUMN = "alter table lane add column colour text;\nalter table customer add column colour text;"
MAKE_INDEX = "create index concurrently if not exists customer_by_time_zone on customer (time_zone);"


def write(directory: Path, version: int, sql: str, *, options: str = "") -> str:
    """A migration of this test's; returns its file's name."""
    path = directory / f"{version}_of_a_test.sql"
    path.write_text(f"-- migrate:up{options}\n{sql}\n\n-- migrate:down\n-- Migrations only go forward.\n")
    return path.name


@asynccontextmanager
async def holding(url: str, statement: str, *, name: str) -> AsyncIterator[Any]:
    """A transaction of somebody else's that keeps its locks."""
    connection = await asyncpg.connect(url, server_settings={"application_name": name})
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(statement)
    yield transaction
    await connection.close()


async def has_column(pool: Any, table: str) -> bool:
    found = "select exists (select from pg_attribute where attrelid = $1::text::regclass and attname = 'colour')"
    return bool(await pool.fetchval(found, table))


async def waits_for_lock(pool: Any) -> Any:
    return await pool.fetchval(
        "select count(*) from pg_stat_activity where application_name = 'service migrate' and wait_event_type = 'Lock'"
    )


async def test_a_migration_that_gets_no_lock_names_the_holder_and_leaves_nothing(
    database_url: str, pool: Any, tmp_path: Path
) -> None:
    said: list[str] = []
    first = write(tmp_path, 30000101000000, "create table of_before (id bigint);")
    name = write(tmp_path, 30000101000001, ADD_COLUMN)
    # Given somebody who reads customers in a transaction that stays open
    async with holding(database_url, "select * from customer", name="long report"):
        # When two migrations are applied, the second of which needs the table for itself
        with pytest.raises(MigrationError) as caught:
            await migrate(database_url, SHORT, say=said.append, directory=tmp_path)
    # Then the error says which migration, that nothing of it was done, and who holds the lock since when
    text = str(caught.value)
    assert re.match(rf"{name} waited \d+\.\d s for a lock and was not applied: nothing of it was done", text)
    assert "(long report" in text
    assert "idle in transaction, since 2" in text
    assert [line.partition(" in ")[0] for line in said] == [f"Applied: {first}"]
    assert not await has_column(pool, "lane")
    versions = await pool.fetch("select version from schema_migrations where version > '3' order by 1")
    assert [row["version"] for row in versions] == ["30000101000000"]
    # and the next run goes on from there
    assert await migrate(database_url, SHORT, say=said.append, directory=tmp_path) == [name]
    assert await has_column(pool, "customer")


async def test_who_waits_behind_a_migration_has_its_turn(database_url: str, pool: Any, tmp_path: Path) -> None:
    said: list[str] = []
    name = write(tmp_path, 30000101000001, ADD_COLUMN)
    async with holding(database_url, "select * from customer", name="long report") as report:
        migrating = asyncio.create_task(migrate(database_url, LONG, say=said.append, directory=tmp_path))
        await eventually(lambda: waits_for_lock(pool))
        # When a query comes that must wait behind the migration
        assert await pool.fetchval("select count(*) from customer", timeout=60) == 0
        # Then it was answered while the lock is held, and the migration goes on trying
        await eventually(lambda: len(said) >= 2)
        assert not migrating.done()
        await report.rollback()
        assert await migrating == [name]
    assert all(line.startswith(f"{name} waits for a lock: ") for line in said[:-1])
    assert await has_column(pool, "customer")


async def test_one_process_migrates_at_a_time(database_url: str, pool: Any, tmp_path: Path) -> None:
    said: list[str] = []
    name = write(tmp_path, 30000101000001, ADD_COLUMN)
    async with holding(database_url, "select * from customer", name="long report") as report:
        first = asyncio.create_task(migrate(database_url, LONG, say=lambda line: None, directory=tmp_path))
        await eventually(lambda: waits_for_lock(pool))
        # When a second one begins, it waits for the first, or says that there is one
        with pytest.raises(MigrationError, match=r"Another process migrates this database: process \d+ \(service mig"):
            await migrate(database_url, SHORT, say=said.append, directory=tmp_path)
        second = asyncio.create_task(migrate(database_url, LONG, say=said.append, directory=tmp_path))
        await eventually(lambda: said)
        await report.rollback()
        # Then the first applies everything, and the second finds nothing to do
        assert (await first, await second) == ([name], [])
    assert len(said) == 1


async def test_an_index_is_made_beside_who_writes(database_url: str, pool: Any, tmp_path: Path) -> None:
    name = write(tmp_path, 30000101000001, MAKE_INDEX, options=" transaction:false")
    # Given somebody who has written and not committed
    async with holding(database_url, "insert into customer (external_ref, name) values ('Ann', 'Ann')", name="import"):
        # When an index is to be made, and is given up
        with pytest.raises(MigrationError, match=f"{name} waited .*import"):
            await migrate(database_url, SHORT, say=lambda line: None, directory=tmp_path)
        invalid = "select count(*) from pg_index where not indisvalid"
        assert await pool.fetchval(invalid) == 1
        # and again, while others write
        making = asyncio.create_task(migrate(database_url, LONG, say=lambda line: None, directory=tmp_path))
        await eventually(lambda: waits_for_lock(pool))
        await pool.execute("insert into customer (external_ref, name) values ('Bob', 'Bob')")
        assert not making.done()
    # Then it is made whole as soon as the transaction has ended
    assert await making == [name]
    assert await pool.fetchval(invalid) == 0
    assert await pool.fetchval("select indisvalid from pg_index where indexrelid = 'customer_by_time_zone'::regclass")


async def test_a_faulty_migration_leaves_nothing(database_url: str, pool: Any, tmp_path: Path) -> None:
    name = write(tmp_path, 30000101000001, f"{ADD_COLUMN}\ninsert into nowhere values (1);")
    with pytest.raises(MigrationError, match=f'{name} failed: nothing of it was done.*"nowhere" does not exist'):
        await migrate(database_url, SHORT, say=lambda line: None, directory=tmp_path)
    assert not await has_column(pool, "lane")


async def test_a_connection_that_ends_leaves_it_whole_or_undone(database_url: str, pool: Any, tmp_path: Path) -> None:
    name = write(tmp_path, 30000101000001, ADD_COLUMN)
    async with holding(database_url, "select * from customer", name="long report"):
        migrating = asyncio.create_task(migrate(database_url, LONG, say=lambda line: None, directory=tmp_path))
        await eventually(lambda: waits_for_lock(pool))
        # When somebody ends the session that migrates
        await pool.execute(
            "select pg_terminate_backend(l.pid) from pg_locks l join pg_stat_activity a using (pid)"
            " where a.application_name = 'service migrate' and l.locktype = 'advisory'"
        )
        # Then it says what to do, which works
        with pytest.raises(MigrationError, match=f"{name}: the connection to PostgreSQL ended. Run this again"):
            await migrating
        assert not await has_column(pool, "lane")
    assert await migrate(database_url, SHORT, say=lambda line: None, directory=tmp_path) == [name]


async def test_limits_of_the_role_do_not_end_a_migration(database_url: str, pool: Any, tmp_path: Path) -> None:
    database = await pool.fetchval("select current_database()")
    await pool.execute(f"alter database {database} set statement_timeout = '50ms'")
    name = write(tmp_path, 30000101000001, "select pg_sleep(0.2);")
    assert await migrate(database_url, SHORT, say=lambda line: None, directory=tmp_path) == [name]


def test_the_command_says_what_prevents_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in set(os.environ) - {"PATH"}:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/mail")
    assert main(["migrate"]) == 1
    monkeypatch.setenv("MIGRATE_LOCK_SECONDS", "soon")
    assert main(["migrate"]) == 1
    away, *lines = capsys.readouterr().err.splitlines()
    malformed = " ".join(lines)
    assert "PostgreSQL cannot be reached" in away
    assert "MIGRATE_LOCK_SECONDS" in malformed
    assert "For example: MIGRATE_LOCK_SECONDS=2" in malformed


def test_every_file_is_read_and_another_form_is_named(tmp_path: Path) -> None:
    ours = read_migrations()
    assert [one.name for one in ours] == sorted(path.name for path in (ROOT / "migrations").glob("2*.sql"))
    assert [one.concurrent_indexes for one in ours if not one.in_transaction] == [["attempt_by_message"]]
    (tmp_path / "30000101000001_x.sql").write_text("create table x ();\n")
    with pytest.raises(MigrationError, match=r"30000101000001_x\.sql does not begin with"):
        read_migrations(tmp_path)
