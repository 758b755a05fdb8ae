"""PostgreSQL directly and through pgbouncer: sessions of one's own, or a sentence that says why not."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.database import SHARED_SESSIONS, WORKER_SETTINGS, open_pool, why_unusable
from gateway.deployment import Deployment
from gateway.settings import Settings
from gateway.templates import versions
from service.database import PoolOptions, open_pools
from tests.engine import Start, queue_mail, start, until
from tests.pgbouncer import PGBOUNCER, pgbouncer
from tests.service_process import ROOT, environment

__all__ = ["start"]

NEEDS_PGBOUNCER = pytest.mark.skipif(PGBOUNCER is None, reason="no pgbouncer here")


@asynccontextmanager
async def through_pgbouncer(database_url: str, directory: Path, mode: str) -> AsyncIterator[str]:
    """The address of the same database at a pgbouncer of this mode."""
    found = re.fullmatch(r"postgresql://postgres@/(\w+)\?host=(.+)", database_url)
    assert found
    async with pgbouncer(Path(found[2]), directory, mode=mode) as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/{found[1]}"


async def test_postgresql_itself_gives_everybody_a_session(database_url: str) -> None:
    assert await why_unusable(database_url) is None
    assert await why_unusable("postgresql://postgres@127.0.0.1:1/mail") is None


@NEEDS_PGBOUNCER
@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_a_pool_that_shares_sessions_is_refused_in_a_sentence(
    database_url: str, service_settings: Any, tmp_path: Path, mode: str
) -> None:
    async with through_pgbouncer(database_url, tmp_path, mode) as url:
        # Given other clients, after which the pool has sessions to choose from
        busy = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(3)]
        await asyncio.gather(*(one.execute("select pg_sleep(0.05)") for one in busy))
        # Then it is known for what it is, and neither program starts
        assert await why_unusable(url) == f"DATABASE_URL: {SHARED_SESSIONS}"
        for program, setting in (("gateway", "DATABASE_URL"), ("service", "DATABASE_READ_URL")):
            if mode == "statement":
                break  # the same, for a second each
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", program],
                env=environment(service_settings, **{setting: url}),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (done.returncode, done.stderr) == (1, f"{setting}: {SHARED_SESSIONS}\n")
        await asyncio.gather(*(one.close() for one in busy))


@NEEDS_PGBOUNCER
async def test_mail_is_queued_sent_and_read_through_pgbouncer_in_session_mode(
    database_url: str, settings: Settings, start: Start, tmp_path: Path
) -> None:
    async with through_pgbouncer(database_url, tmp_path, "session") as url:
        assert await why_unusable(url) is None
        # Given the gateway's pool and the service's, whose sessions keep what they set
        pool = await open_pool(url, size=5, name="gateway", settings=WORKER_SETTINGS)
        pools = await open_pools(url, PoolOptions(statement_seconds=7))
        for _ in range(2):
            assert await pool.fetchval("show plan_cache_mode") == "force_generic_plan"
            assert await pools.writing.fetchval("show statement_timeout") == "7s"
            assert await pools.reading.fetchval("show enable_hashjoin") == "off"
            assert await pools.reading.fetchval("show timezone") == "UTC"
        # When a mail is queued and a worker runs, then it is sent
        async with pool.acquire() as connection:
            await versions.publish_builtins(connection)
            ref = await queue_mail(connection, Deployment.open(settings))
            start(own_pool=pool)
            await until(connection, ref, "ACCEPTED")
        for one in (pool, pools.reading, pools.writing):
            one.terminate()


async def test_a_pool_leaves_a_server_that_takes_only_reads(database_url: str) -> None:
    # Given two sessions on a primary that is demoted under them, as managed databases do
    made = await open_pool(database_url, size=2, name="demoted")
    async with made.acquire() as first, made.acquire() as second:
        for one in (first, second):
            await one.execute("set default_transaction_read_only = on")
    # When one of them finds out
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await made.execute("create table noted (id int)")
    # Then both are opened anew, where writes are taken
    async with made.acquire() as first, made.acquire() as second:
        for number, one in enumerate((first, second)):
            await one.execute(f"create table noted_{number} (id int)")
    made.terminate()


@pytest.mark.parametrize(("default", "ours"), [("off", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")])
async def test_what_is_acknowledged_is_on_the_disk_at_least(database_url: str, default: str, ours: str) -> None:
    found = f"alter role postgres in database {database_url.partition('@/')[2].partition('?')[0]}"
    setting = await asyncpg.connect(database_url)
    await setting.execute(f"{found} set synchronous_commit = {default}")
    pools = await open_pools(database_url, PoolOptions(size=1))
    worker = await open_pool(database_url, size=1, name="gateway", settings=WORKER_SETTINGS)
    assert [await one.fetchval("show synchronous_commit") for one in (pools.writing, worker)] == [ours, ours]
    await pools.close()
    worker.terminate()
    await setting.close()
