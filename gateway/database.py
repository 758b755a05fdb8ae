"""The gateway's way to PostgreSQL: a pool, and the named statements of `queries/*.sql`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid4

import aiosql
import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from gateway.cluster import Cluster, Standing, split_hosts

if TYPE_CHECKING:
    _Asyncpg: TypeAlias = asyncpg.Connection[Any]
else:
    _Asyncpg = asyncpg.Connection  # generic in its stubs alone

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection of a pool, or one of its own."""

ConnectionOrPool: TypeAlias = "Connection | asyncpg.Pool[asyncpg.Record]"
"""What one single statement may run on: a pool lends a connection for it."""

QUERIES: Any = aiosql.from_path(Path(__file__).parent / "queries", "asyncpg", mandatory_parameters=False)
"""Every statement of `gateway/queries`, as `await QUERIES.name(connection, parameter=...)`."""

_FRAGMENT = re.compile(r"^-- fragment: (\w+)\n(?:--.*\n)+((?s:.+?))\s*(?=^-- fragment: |\Z)", re.MULTILINE)
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragments:
    """The fragments of a file of `queries`, of which statements are put together: `{part}` stands for another one's
    text, `:name` for a parameter. No value enters the text."""

    texts: Mapping[str, str]

    @classmethod
    def of(cls, *files: str) -> Fragments:
        """Those of some `queries/FILE.sql`."""
        folder = Path(__file__).parent / "queries"
        texts = [(folder / f"{file}.sql").read_text(encoding="utf-8") for file in files]
        return cls(texts={name: text for one in texts for name, text in _FRAGMENT.findall(one)})

    def parameters(self, name: str) -> tuple[str, ...]:
        """The parameters of a fragment, each once, in order."""
        return tuple(dict.fromkeys(_PARAMETER.findall(self.texts[name])))

    def fill(self, name: str, parts: Mapping[str, str], places: Mapping[str, str]) -> str:
        """Returns a fragment with its parts and with the places (`$1`) of its parameters. Raises KeyError."""
        placed = _PARAMETER.sub(lambda found: places[found[1]], self.texts[name])
        return _PART.sub(lambda found: parts[found[1]], placed)


async def prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    """Read and write json and jsonb as Python values."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_json, decoder=orjson.loads)


def _json(value: Any) -> str:
    """Values, dataclasses and all, as PostgreSQL reads them: one parameter for a group of rows costs a tenth of an
    array a column, each element of which asyncpg looks at (measured)."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> str:
    if isinstance(value, UUID):  # asyncpg's own kind, which orjson does not know
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


async def set_session(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set what a new connection's session needs, for as long as it lives."""
    await QUERIES.set_session(connection, names=list(settings), settings=list(settings.values()))


class PooledConnection(_Asyncpg):
    """A connection of a pool that notes when its server takes only reads: a primary that was demoted under it."""

    expire_pool: Callable[[], Awaitable[None]] | None = None
    """Has all of the pool's connections opened anew."""
    _reads_only = False

    async def execute(self, *args: Any, **options: Any) -> str:
        """A statement without a result."""
        with self._noting_demotion():
            return await super().execute(*args, **options)

    # asyncpg runs every other statement by it.
    async def _do_execute(self, *args: Any, **options: Any) -> Any:
        with self._noting_demotion():
            return await super()._do_execute(*args, **options)  # type: ignore[misc]  # not in its stubs

    @contextmanager
    def _noting_demotion(self) -> Iterator[None]:
        try:
            yield
        except asyncpg.ReadOnlySQLTransactionError:
            self._reads_only = True
            raise

    async def leave_demoted(self) -> None:
        """Have the pool's connections opened anew, perhaps to another server, where this one takes only reads."""
        if self._reads_only and self.expire_pool is not None:
            self._reads_only = False
            await self.expire_pool()


async def keep_connection(connection: Any) -> None:
    """What a connection's return to the pool does: nothing, unless its server takes only reads. Ours carry no state but
    their settings (advisory locks end with their transaction), and the usual reset undoes those and costs a round trip
    each time."""
    if isinstance(connection, PooledConnection):
        await connection.leave_demoted()


DURABLE = {"synchronous_commit": "on"}
"""What is acknowledged is on the disk, and on a synchronous standby's, whatever the server's default is: `set_session`
raises it to this much, and leaves `remote_apply` as it is."""

WORKER_SETTINGS = {
    # "Handed off" must be on the disk before a byte is sent.
    **DURABLE,
    # The engine's statements are the same all day, and must not change their plans with the outbox's size at the
    # moment of an ANALYZE: one plan each, by index where there is one.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}
"""What the worker's connections ask of PostgreSQL."""


AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # The server went away just as a statement was sent: asyncpg's connection is in a state that it did not expect.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    # Nothing was written, through no fault of the rows: a deadlock's victim, a lock not had, a statement cancelled.
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.QueryCanceledError,
    TimeoutError,
)
"""What says that PostgreSQL cannot be reached or cannot write: a matter of waiting, not of the row."""


_SHARED_SECONDS = 10
"""For finding out whether sessions are shared."""

BASELINE = "20261129010000"
"""The first migration of the first release. It replaced those before it and does not continue them."""

PREDATES_BASELINE = (
    "DATABASE_URL: this database was made by a version before the first release and cannot be migrated: "
    "use an empty one."
)


async def predates_baseline(connection: Connection) -> bool:
    """Whether a version before the first release made the database, which nothing migrates. False when it is empty."""
    try:
        return bool(await QUERIES.predates_baseline(connection, baseline=BASELINE))
    except asyncpg.UndefinedTableError:
        return False


@cache
def cluster_of(url: str) -> Cluster | None:
    """The hosts of this address, one for all of the process; None where it names a single one."""
    return Cluster(url, standing=_standing) if len(split_hosts(url)) > 1 else None


async def _standing(connection: Connection) -> Standing:
    row = await QUERIES.standing(connection)
    return Standing(writable=row["writable"], timeline=row["timeline"])


async def connect(url: str, **options: Any) -> asyncpg.Connection[Any]:
    """A connection of its own, of several hosts to the one that takes writes; `options` are those of `asyncpg.connect`.
    Raises what that raises, ConnectionError when no host takes writes."""
    cluster = cluster_of(url)
    return await (asyncpg.connect(url, **options) if cluster is None else cluster.connect(**options))


async def primary_address(url: str) -> str:
    """The address of the host that takes writes, for what knows one host alone; the same where it names one. Raises
    ConnectionError when none does."""
    cluster = cluster_of(url)
    if cluster is None:
        return url
    connection = await cluster.connect()
    await connection.close()
    return str(cluster.primary)


@asynccontextmanager
async def following_primary(url: str) -> AsyncIterator[None]:
    """While the block runs, connections to a host of this address end as soon as another takes the writes. With one
    host it costs nothing: connections end when it does."""
    cluster = cluster_of(url)
    if cluster is None:
        yield
        return
    following = asyncio.create_task(cluster.follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.wait([following])


async def database_predates_baseline(url: str) -> bool:
    """The same by a connection of its own. False when there is none: the caller's next step reports why."""
    try:
        connection = await connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        return False
    try:
        return await predates_baseline(connection)
    finally:
        await connection.close()


SHARED_SESSIONS = (
    "what stands before PostgreSQL gives one session to several clients (pgbouncer in transaction or "
    "statement mode?), which would cross their statements: use session mode, or PostgreSQL's own address."
)


async def sessions_are_shared(url: str) -> bool:
    """Whether one client's session is given to others between transactions, as two clients find out together. False
    when there is no connection: the caller's next step reports why."""
    try:
        async with asyncio.timeout(_SHARED_SECONDS), _one_connection(url) as first, _one_connection(url) as second:
            return await _share_a_session(first, second, mark=uuid4().hex)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as error:
        return "statement pooling mode" in str(error)  # which takes no transaction


async def _share_a_session(first: Connection, second: Connection, *, mark: str) -> bool:
    async with first.transaction():
        await set_session(first, {"customer_emails.session": mark})
    async with second.transaction():  # takes the session that was used last, or leaves none but another for the first
        if await QUERIES.session_mark(second) == mark:
            return True
        async with first.transaction():
            return bool(await QUERIES.session_mark(first) != mark)


@asynccontextmanager
async def _one_connection(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection whose statements have no names, which others might have given to other statements."""
    connection = await connect(url, timeout=_SHARED_SECONDS, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close()


async def why_unusable(url: str) -> str | None:
    """Returns why neither service nor gateway can use this database, in a sentence; None when they can, or it cannot be
    reached."""
    if await sessions_are_shared(url):
        return f"DATABASE_URL: {SHARED_SESSIONS}"
    return PREDATES_BASELINE if await database_predates_baseline(url) else None


async def make_pool(
    url: str,
    *,
    session: Mapping[str, str],
    connection_class: type[PooledConnection] = PooledConnection,
    check: Callable[[Connection], Awaitable[None]] | None = None,
    **options: Any,
) -> asyncpg.Pool[Any]:
    """A pool whose connections set `session`, go to the host that takes writes, and leave one that does no more; a new
    one for which `check` raises is not used. `options` are those of `asyncpg.create_pool`."""

    async def begin(connection: PooledConnection) -> None:
        connection.expire_pool = pool.expire_connections
        await prepare_connection(connection)
        await set_session(connection, session)
        if check is not None:
            await check(connection)

    arguments: dict[str, Any] = {
        "connect": connect,
        "connection_class": connection_class,
        # One to begin with, and no floor: asyncpg logs a traceback for each try to restore it while PostgreSQL is away.
        "init_size": 1,
        "min_size": 0,
        "init": begin,
        "reset": keep_connection,
    }
    pool: asyncpg.Pool[Any] = asyncpg.create_pool(url, **{**arguments, **options})
    await pool
    return pool


async def open_pool(
    url: str,
    *,
    size: int,
    name: str,
    settings: Mapping[str, str] | None = None,
    check: Callable[[Connection], Awaitable[None]] | None = None,
) -> asyncpg.Pool[Any]:
    """A pool of at most `size` connections; `name` is what PostgreSQL shows as application_name, `settings` what else
    its sessions set, `check` what is asked of each new one."""
    return await make_pool(
        url,
        check=check,
        session={"max_parallel_workers_per_gather": "0", "jit": "off"} | dict(settings or {}),
        max_size=size,
        command_timeout=60,
        server_settings={"application_name": name},
    )
