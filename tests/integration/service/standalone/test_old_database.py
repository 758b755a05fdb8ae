"""A database that a version before the first release made: recognised wherever it is met, in one sentence."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from gateway.database import BASELINE, PREDATES_BASELINE, predates_baseline
from service.standalone.errors import LaunchError
from service.standalone.migrate import ROOT, migrate, refuse_old_database
from service.standalone.postgres import Postgres
from tests.builders import SECRET_KEYS
from tests.old_database import OLD_VERSIONS, make_old_database


@pytest.fixture
async def old_database_url(postgres: Postgres) -> AsyncIterator[str]:
    """A database of such a version."""
    yield await make_old_database(postgres, "before_the_release")
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute("drop database before_the_release with (force)")
    await connection.close()


def run(*command: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """A program with nothing but its own settings; what it says, and its exit code."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "https://mail.example.com",
        "DEFAULT_FROM": "hello@fabrikam.com",
        "RELAY_URL": "smtp://127.0.0.1:1",
        "SECRET_KEYS": SECRET_KEYS,
    }
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "program",
    [
        ["service"],
        ["service", "--workers", "2"],
        ["service", "token", "list"],
        ["gateway"],
        ["gateway", "--workers", "2"],
        ["service", "migrate"],
    ],
    ids=" ".join,
)
async def test_no_program_starts_with_it(old_database_url: str, program: list[str]) -> None:
    done = await asyncio.to_thread(run, sys.executable, "-m", *program, database_url=old_database_url)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{PREDATES_BASELINE}\n")


async def test_make_migrate_refuses_it_and_leaves_it_alone(old_database_url: str) -> None:
    done = await asyncio.to_thread(run, "make", "--no-print-directory", "migrate", database_url=old_database_url)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == PREDATES_BASELINE
    connection = await asyncpg.connect(old_database_url)
    applied = await connection.fetch("select version from schema_migrations order by version")
    await connection.close()
    assert [row["version"] for row in applied] == list(OLD_VERSIONS)


async def test_the_launcher_names_the_directory_or_the_database(old_database_url: str, tmp_path: Any) -> None:
    with pytest.raises(LaunchError) as own:
        await asyncio.to_thread(refuse_old_database, old_database_url)
    with pytest.raises(LaunchError) as embedded:
        await asyncio.to_thread(refuse_old_database, old_database_url, data=tmp_path)
    assert str(own.value) == PREDATES_BASELINE
    assert str(embedded.value) == (
        f"{tmp_path} was made by a version before the first release and cannot be migrated: remove it, or choose "
        "another directory with DATA=/some/dir."
    )


async def test_readyz_says_it_among_the_migrations(pool: Any, client: httpx.AsyncClient) -> None:
    await pool.execute("insert into schema_migrations values ('20261123000001')")
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
    assert ready.json()["migrations"] == "made before the first release: use an empty database"


async def test_an_empty_database_a_migrated_one_and_none_are_no_such_thing(pool: Any, postgres: Postgres) -> None:
    assert min((ROOT / "migrations").glob("2*.sql")).name.startswith(BASELINE)
    async with pool.acquire() as connection:
        assert not await predates_baseline(connection)
    for name in ("postgres", "not_there"):
        await asyncio.to_thread(refuse_old_database, postgres.url(name))
    await asyncio.to_thread(refuse_old_database, "postgresql://someone@127.0.0.1:1/mail")


async def test_make_migrate_makes_the_database_and_does_nothing_the_second_time(postgres: Postgres) -> None:
    url = postgres.url("made_by_make_migrate")
    first, second = [
        await asyncio.to_thread(run, sys.executable, "-m", "service", "migrate", database_url=url) for _ in range(2)
    ]
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"Applied: {BASELINE}" in first.stdout
    assert "Applied" not in second.stdout
    await asyncio.to_thread(migrate, url)
