"""The ledger's migrations: the files of `migrations/`, in dbmate's format, applied one after the other.

A migration that waits for a table's lock holds up all who use the table: they wait behind it. So each wait is short,
then those who waited have their turn, and it is tried again, for as long as we have patience. In the end it says who
holds the lock. Each file is a transaction, with its entry in `schema_migrations`: what fails leaves nothing half done.

`transaction:false` is for the one statement that PostgreSQL runs in no transaction, `create index concurrently if not
exists`. It holds up nobody, so it waits for as long as we have patience; what is left of an unfinished index is removed
before the next try.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from gateway.database import PREDATES_BASELINE, Connection, connect, predates_baseline, set_session
from service.database import QUERIES

MIGRATIONS = Path(__file__).parents[1] / "migrations"
NAME = "service migrate"
"""What PostgreSQL shows as application_name."""
PAUSE_SECONDS = 1.0
"""Between two tries: those who waited behind us go on meanwhile."""
_KEY = 4_712_885_030_216_091
"""Of the advisory lock that lets one process at a time migrate a database."""
_LOOK_SECONDS = 0.1
_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 5
_BLOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_CUT_OFF = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
_FORM = re.compile(r"-- migrate:up( transaction:false)?\n(.*?)\n-- migrate:down\b.*", re.DOTALL)
_CONCURRENT = re.compile(r"\bindex concurrently (?:if not exists )?(\w+)")


class MigrationError(Exception):
    """The database could not be brought to the newest schema. The message says how far it came and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One file: the version that it makes, and its statements, in a transaction or alone."""

    version: str
    name: str
    sql: str
    in_transaction: bool

    @property
    def concurrent_indexes(self) -> list[str]:
        """The names of the indexes that it makes concurrently."""
        return _CONCURRENT.findall(self.sql)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long one wait for a lock may take, and for how long waiting is tried, in seconds."""

    lock: float
    total: float


def read_migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """Every migration of a directory, oldest first. Raises MigrationError for a file of another form."""
    found = []
    for path in sorted(directory.glob("[0-9]*.sql")):
        text = _FORM.fullmatch(path.read_text(encoding="utf-8"))
        if text is None:
            raise MigrationError(f"{path.name} does not begin with `-- migrate:up` or has no `-- migrate:down`.")
        version = path.name.partition("_")[0]
        found.append(Migration(version=version, name=path.name, sql=text[2], in_transaction=text[1] is None))
    return found


async def migrate(
    url: str, patience: Patience, *, say: Callable[[str], None], directory: Path = MIGRATIONS
) -> Sequence[str]:
    """Apply what a database lacks, and make it where there is none; returns the files applied. Raises
    MigrationError."""
    migrations = read_migrations(directory)
    try:
        async with _session(url) as connection, _session(url) as onlooker:
            if await predates_baseline(connection):
                raise MigrationError(PREDATES_BASELINE)
            run = _Run(connection=connection, onlooker=onlooker, patience=patience, say=say)
            await run.take_turn()
            await QUERIES.make_migrations_table(connection)
            applied = {row["version"] async for row in QUERIES.applied_migrations(connection)}
            lacking = [one for one in migrations if one.version not in applied]
            for migration in lacking:
                await run.apply(migration)
            return [one.name for one in lacking]
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(f"DATABASE_URL: the database cannot be migrated: {error}") from error
    except OSError as error:
        raise MigrationError(
            f"DATABASE_URL: PostgreSQL cannot be reached ({type(error).__name__}). Is it running?"
        ) from error


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    named = {"application_name": NAME}
    try:
        connection = await connect(url, timeout=_CONNECT_SECONDS, server_settings=named)
    except asyncpg.InvalidCatalogNameError:
        await _make_database(url)
        connection = await connect(url, timeout=_CONNECT_SECONDS, server_settings=named)
    try:
        # A limit on statements, a role's perhaps, is not meant for the making of an index.
        await set_session(connection, {"statement_timeout": "0"})
        yield connection
    finally:
        with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=_CLOSE_SECONDS)


async def _make_database(url: str) -> None:
    connection = await asyncpg.connect(url, database="postgres", timeout=_CONNECT_SECONDS)
    try:
        name = unquote(urlsplit(url).path.removeprefix("/"))
        await connection.execute(await QUERIES.database_creation(connection, name=name))
    except asyncpg.DuplicateDatabaseError:
        pass  # somebody else made it meanwhile
    finally:
        await connection.close()


@dataclass(kw_only=True, slots=True)
class _Run:
    """One run over a database: the connection that migrates, and another, by which it sees what it waits for."""

    connection: Connection
    onlooker: Connection
    patience: Patience
    say: Callable[[str], None]
    _holders: Sequence[str] = field(default=(), init=False)

    async def take_turn(self) -> None:
        """Wait until nobody else migrates this database. Raises MigrationError."""
        ends = time.monotonic() + self.patience.total
        told = False
        while not await QUERIES.begin_migrating(self.connection, key=_KEY):
            others = [_holder(row) async for row in QUERIES.migrating_sessions(self.onlooker, key=_KEY)]
            if time.monotonic() >= ends:
                raise MigrationError(
                    f"Another process migrates this database: {_listed(others)}. Nothing was done. Wait for it, and "
                    "run this again."
                )
            if not told:
                self.say(f"Waiting for another process that migrates: {_listed(others)}")
            told = True
            await asyncio.sleep(_LOOK_SECONDS)

    async def apply(self, migration: Migration) -> None:
        """Apply one migration, again where it had to give way. Raises MigrationError."""
        first = time.monotonic()
        while True:
            self._holders = ()
            began = time.monotonic()
            try:
                async with self._looking_on():
                    await self._try(migration)
            except _BLOCKED:
                waited = time.monotonic() - first
                if waited >= self.patience.total:
                    raise MigrationError(self._blocked(migration, waited)) from None
                self.say(f"{migration.name} waits for a lock: {_listed(self._holders)}")
                await asyncio.sleep(PAUSE_SECONDS)
            except _CUT_OFF as error:
                raise MigrationError(
                    f"{migration.name}: the connection to PostgreSQL ended. Run this again: it was applied whole, or "
                    "not at all."
                ) from error
            except asyncpg.PostgresError as error:
                raise MigrationError(_failed(migration, error)) from error
            else:
                self.say(f"Applied: {migration.name} in {time.monotonic() - began:.3f} s")
                return

    async def _try(self, migration: Migration) -> None:
        wait = self.patience.lock if migration.in_transaction else max(self.patience.lock, self.patience.total)
        await set_session(self.connection, {"lock_timeout": f"{max(1, round(wait * 1000))}ms"})
        if migration.in_transaction:
            async with self.connection.transaction():
                await self._run(migration)
        else:
            names = migration.concurrent_indexes
            async for row in QUERIES.removals_of_unfinished_indexes(self.connection, names=names):
                await self.connection.execute(row["removal"])
            await self._run(migration)

    async def _run(self, migration: Migration) -> None:
        await self.connection.execute(migration.sql)
        await QUERIES.note_migration(self.connection, version=migration.version)

    def _blocked(self, migration: Migration, waited: float) -> str:
        return (
            f"{migration.name} waited {waited:.1f} s for a lock and was not applied: nothing of it was done, "
            f"those before it are applied. The lock is held: {_listed(self._holders)}. Wait until that has ended, "
            "or end it with pg_terminate_backend, and run this again; MIGRATE_PATIENCE_SECONDS says for how long it is "
            "tried."
        )

    @asynccontextmanager
    async def _looking_on(self) -> AsyncIterator[None]:
        """Keep who holds what we wait for: once the wait is over nobody can tell."""
        pid = await QUERIES.backend_pid(self.connection)
        done = asyncio.Event()

        async def look() -> None:
            while not await _set_within(done, _LOOK_SECONDS):
                holders = [_holder(row) async for row in QUERIES.lock_holders(self.onlooker, pid=pid)]
                self._holders = holders or self._holders

        looking = asyncio.create_task(look())
        try:
            yield
        finally:
            done.set()
            # Where the onlooker's connection broke, nobody is named.
            await asyncio.wait([looking])


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _holder(row: asyncpg.Record) -> str:
    """Who holds a lock, and since when; no statement, which may hold an address."""
    if row["pid"] == 0:
        return "a prepared transaction (pg_prepared_xacts lists them)"
    if row["program"] is None:
        return f"process {row['pid']}"
    origin = f" from {row['address']}" if row["address"] else ""
    since = "" if row["began"] is None else f", since {row['began']:%Y-%m-%d %H:%M:%S}Z ({row['seconds']:.0f} s)"
    return f"process {row['pid']} ({row['program']}{origin}), {row['state'] or 'working'}{since}"


def _failed(migration: Migration, error: Exception) -> str:
    left = "nothing of it was done" if migration.in_transaction else "what is left of its index goes with the next try"
    return f"{migration.name} failed: {left}; those before it are applied. PostgreSQL says: {error}"


def _listed(holders: Sequence[str]) -> str:
    return "; ".join(holders) or "by whom was not seen"
