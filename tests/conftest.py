"""The servers of a test run, started once; one database a test, cloned from a migrated template."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
import redis.asyncio

from gateway.database import open_pool
from gateway.deployment import Deployment
from gateway.notify.wakeup import Wakeup
from gateway.settings import Settings, read_settings
from gateway.templates.compile_process import TemplateCompiler
from service.campaign_changes import CampaignChanges
from service.change_listener import ChangeListener
from service.database import DatabasePools, open_pools
from service.graph.context import Context
from service.standalone.postgres import Postgres
from service.standalone.valkey import Valkey
from tests.builders import SECRET_KEYS
from tests.databases import Databases
from tests.graph_queries import Ways
from tests.servers import migrated_postgres, stop
from tests.service_fixtures import anonymous, app, client, service_settings, token
from tests.smtp_server import SmtpServer, smtp_server, trusted_authority

__all__ = ["anonymous", "app", "client", "service_settings", "smtp_server", "token", "trusted_authority"]

# Examples have no time limit, which a busy machine would exceed. The same code is tested with the same examples, so
# that a failure means a change; `make test ARGS=--hypothesis-profile=explore` generates new ones.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile("repeatable")

SHARED_MEMORY, DISK = Path("/dev/shm"), Path("/tmp")  # noqa: S108  a directory of our own is made there
ENOUGH_MEMORY = 8 * 1024**3
"""Octets: the servers of a few jobs have 1 to 2 GiB each, with the write-ahead log."""
_VALKEY_DATABASES = 256
_numbers = itertools.count()


@pytest.fixture(scope="session")
def run_directory() -> Iterator[Path]:
    """For sockets, logs and throw-away data: short (a socket's path ends at 107 bytes), removed at the end. In memory
    where there is enough: a database is some 350 files, and most tests have one of their own."""
    in_memory = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ENOUGH_MEMORY
    made = Path(tempfile.mkdtemp(prefix="ce-", dir=SHARED_MEMORY if in_memory else DISK))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(run_directory: Path) -> Iterator[Postgres]:
    """PostgreSQL 18 without fsync."""
    with migrated_postgres(run_directory, "template_mail") as server:
        yield server


@pytest.fixture(scope="session")
def valkey(run_directory: Path) -> Iterator[Valkey]:
    """Valkey 9, without persistence."""
    server = Valkey(run=run_directory, log=run_directory / "valkey.log", data=None)
    try:
        server.start()
        server.wait_ready()
        yield server
    finally:
        stop(server.process, signal.SIGTERM)


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Iterator[Databases]:
    """Migrated, empty databases, made ahead."""
    made = Databases(postgres, "template_mail")
    yield made
    made.stop()


@pytest.fixture
async def database_url(postgres: Postgres, databases: Databases) -> AsyncIterator[str]:
    """A migrated, empty database of this test's own."""
    name = await databases.take()
    yield postgres.url(name)
    await databases.drop(name)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """Ten connections to this test's database."""
    opened = await open_pool(database_url, size=10, name="test")
    yield opened
    # A test may have killed the server or left a statement running: the database is dropped by force anyway.
    opened.terminate()


@pytest.fixture
async def connection(pool: asyncpg.Pool[Any]) -> AsyncIterator[Any]:
    """One connection to this test's database."""
    async with pool.acquire() as taken:
        yield taken


@pytest.fixture
async def redis_url(valkey: Valkey) -> str:
    """An empty logical database of the session's Valkey."""
    url = valkey.url(next(_numbers) % _VALKEY_DATABASES)
    client = redis.asyncio.Redis.from_url(url)
    await client.flushdb()
    await client.aclose()
    return url


@pytest.fixture
def settings(database_url: str, redis_url: str, smtp_server: SmtpServer, run_directory: Path) -> Settings:
    """The gateway's settings: this test's database, the scriptable server as relay, reserved domains allowed."""
    return read_settings(
        database_url=database_url,
        redis_url=redis_url,
        public_url="http://mail.example",
        default_from="Fabrikam Installers <hello@fabrikam.example>",
        relay_url=smtp_server.url,
        secret_keys=SECRET_KEYS,
        allow_reserved_domains=True,
        drain_seconds=2.0,
        sweep_seconds=0.1,
        recorder_dir=str(run_directory / "recorders"),
    )


@pytest.fixture
async def pools(database_url: str) -> AsyncIterator[DatabasePools]:
    """The service's pools on this test's database."""
    opened = await open_pools(database_url)
    yield opened
    opened.reading.terminate()
    opened.writing.terminate()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """Says whether lists are read by general statements (as it is given) or by exact ones."""
    made = Ways()
    monkeypatch.setattr("service.shape.read.USAGE", made)
    return made


@pytest.fixture
async def make_context(pools: DatabasePools, settings: Settings) -> AsyncIterator[Callable[..., Context]]:
    """Returns a function that makes a resolver's context: `make_context()` is a new request by `tester`."""
    wakeup = Wakeup(settings.redis_url)
    changes = ChangeListener(settings.database_url, pools)

    def make(**values: Any) -> Context:
        fixed = {
            "pools": pools,
            "deployment": Deployment.open(settings),
            "wakeup": wakeup,
            "compiler": TemplateCompiler(),
            "changes": changes,
            "campaign_changes": CampaignChanges(pools),
        }
        return Context(**{"actor": "tester", **fixed, **values})

    yield make
    await wakeup.close()
