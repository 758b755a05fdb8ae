"""The fixtures every other integration test leans on: PostgreSQL 18 and Valkey, the launcher's own."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import redis.asyncio

from gateway.settings import Settings
from service.standalone import postgres as embedded
from service.standalone.data_directory import DataDirectory
from service.standalone.errors import LaunchError
from service.standalone.migrate import ROOT
from tests.builders import make_attempt, make_campaign, make_customer, make_hit, make_message, make_outbox, orphans
from tests.servers import stop


async def test_a_test_has_a_migrated_database_of_its_own(pool: asyncpg.Pool[Any], settings: Settings) -> None:
    assert await pool.fetchval("select count(*) from customer") == 0
    assert await pool.fetchval("select current_setting('server_version_num')::int >= 180000")
    assert settings.allow_reserved_domains


async def test_a_server_that_is_too_old_is_named_before_anything_is_made(pool: asyncpg.Pool[Any]) -> None:
    first = min((ROOT / "migrations").glob("2*.sql")).read_text()
    await pool.execute(first)
    with pytest.raises(asyncpg.RaiseError, match="PostgreSQL 18 or newer is needed, this is 18"):
        await pool.execute(first.replace("180000", "990000"))


async def test_the_next_test_sees_nothing_of_the_last(pool: asyncpg.Pool[Any]) -> None:
    await pool.execute("insert into customer (external_ref) values ('A-1')")
    assert await pool.fetchval("select count(*) from customer") == 1


async def test_valkey_answers_and_is_empty(redis_url: str) -> None:
    client = redis.asyncio.Redis.from_url(redis_url)
    assert await client.dbsize() == 0
    assert await client.set("bell", "rung")
    await client.aclose()


async def test_the_builders_make_rows_that_the_ledger_takes(pool: asyncpg.Pool[Any]) -> None:
    customer_id = await make_customer(pool)
    campaign_id = await make_campaign(pool)
    for values in (
        {"campaign_id": campaign_id, "status": "BOUNCED"},
        {"status": "UNCERTAIN"},
        {"direction": "RECEIVED"},
    ):
        message_id = await make_message(pool, customer_id, **values)
        await make_attempt(pool, customer_id, message_id)
        await make_outbox(pool, customer_id, message_id)
        await make_hit(pool, customer_id, message_id, url="https://fabrikam.example/")
    assert await orphans(pool) == {}
    await make_attempt(pool, customer_id, UUID(int=1))
    assert await orphans(pool) == {"attempt": 1}


@pytest.mark.parametrize(
    ("words", "free", "said"),
    [
        ("error: invalid locale name", 10**12, "(invalid locale name): choose"),
        ("FATAL: could not write: No space left on device", 10**12, "because the disk is full: make room, or choose"),
        ("", 4096, "because the disk is full: make room, or choose"),
    ],
)
def test_why_initdb_failed_is_said_in_one_sentence_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, free: int, said: str
) -> None:
    # Given an initdb that fails
    place = tmp_path
    (place / "initdb").write_text(f"#!/bin/sh\necho 'initdb: {words}'\nexit 1\n")
    (place / "initdb").chmod(0o755)
    monkeypatch.setattr(embedded, "binaries", lambda: place)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    server = embedded.Postgres(data=place / "postgres", run=place, log=place / "postgres.log")
    # When the server is started, then one sentence says why not and what to do
    with pytest.raises(LaunchError) as refused:
        server.start()
    assert str(refused.value) == (
        f"PostgreSQL could not make its files in {place} {said} another directory with DATA=/some/dir."
    )
    assert sorted(path.name for path in place.iterdir()) == ["initdb", "initdb.log"]


@pytest.mark.parametrize("known", [True, False])
def test_letters_of_every_script_are_indexed_where_the_system_knows_them(
    run_directory: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    # Given a system whose library knows C.UTF-8, or one where nothing does
    if known and not embedded._is_known_here("C.UTF-8"):
        pytest.skip("this system's library does not know C.UTF-8")
    monkeypatch.setattr(embedded, "_CTYPE", "C.UTF-8" if known else "C.NOWHERE")
    place = run_directory / f"letters-{known}"
    place.mkdir()
    server = embedded.Postgres(data=place / "postgres", run=place, log=place / "postgres.log", durable=False)
    # When a new cluster is made, then it starts, and the search index sees the letters of a name in Cyrillic, or none
    try:
        server.start()
        server.wait_ready()
        assert asyncio.run(_trigrams(server.url("postgres"))) == (8 if known else 0, True)
    finally:
        stop(server.process, signal.SIGQUIT)


async def _trigrams(url: str) -> tuple[Any, ...]:
    """Of a name in Cyrillic: how many there are, and whether it is found without them, too."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create extension pg_trgm")
        row = await connection.fetchrow("select cardinality(show_trgm('Сидоров')), 'СИДОРОВ' ilike '%сид%'")
        return tuple(row or ())
    finally:
        await connection.close()


def test_a_file_in_the_place_of_the_sockets_is_named(run_directory: Path) -> None:
    # Given a data directory with a file where the sockets go
    place = run_directory / "occupied"
    place.mkdir()
    (place / "run").write_text("mine")
    # When the servers are to start, then one sentence says what is in the way, and it is left alone
    with pytest.raises(LaunchError) as refused:
        DataDirectory(place).run_directory()
    assert str(refused.value) == (
        f"{place / 'run'} is no directory, and sockets need one there: remove it and start again."
    )
    assert (place / "run").read_text() == "mine"
