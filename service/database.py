"""The service's access to PostgreSQL: its pools, and the named statements of `queries/*.sql`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter

from gateway.database import DURABLE, PooledConnection, make_pool
from service.errors import Busy, CannotWrite, TooSlow, Unavailable, Unwritable

_ADAPTER: Any = cast(Any, AsyncPGAdapter)()

_FRAGMENT = re.compile(r"^-- fragment: (\w+)\n(?:--.*\n)+((?s:.+?))\n+(?=-- (?:fragment|name): |\Z)", re.MULTILINE)
_FOLDER = Path(__file__).parent / "queries"
_SHARED = _FOLDER / "fragments.sql"


def expand_fragments(text: str, shared: str = "") -> str:
    """SQL with each `{name}` replaced by the `-- fragment: name` of its file, or by one that all share; fragments may
    name earlier ones."""
    fragments = dict(_FRAGMENT.findall(shared))

    def expand(part: str) -> str:
        for name, body in fragments.items():
            part = part.replace(f"{{{name}}}", body)
        return part

    for name, body in _FRAGMENT.findall(text):
        fragments[name] = expand(body)
    return expand(_FRAGMENT.sub("", text))


QUERIES: Any = aiosql.from_str(
    "\n".join(
        expand_fragments(path.read_text(), _SHARED.read_text())
        for path in sorted(_FOLDER.glob("*.sql"))
        if path != _SHARED
    ),
    lambda: _ADAPTER,
    mandatory_parameters=False,
)
"""Every statement of `service/queries`, as `await QUERIES.name(connection, parameter=...)`."""

ONLY_NESTED_LOOPS: Mapping[str, str] = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Every read is a page of at most 101 rows with their joins, by key. A generic plan, made for an average customer of
ten rows, would hash a small table and sort the page."""

FULL = (asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError, asyncpg.PostgresIOError)
"""What PostgreSQL raises when it cannot write, though it answers."""

GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    # Out of memory or connections; and the victim of a deadlock: nothing was written, and a retry may succeed.
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    # The server shut down just as a statement was sent: asyncpg then reads a message it did not expect.
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is down, or goes down during a statement."""


_MAX_PREPARED = 65_536
"""Characters of a statement that is kept prepared: three lists with most of their fields have half as many."""

_ANSWER_SECONDS = 2.0
"""How long after the limit of a statement PostgreSQL may take to say that it was reached; then it is taken for gone."""

_RELEASE_SECONDS = 1.0
"""For the return of a connection to its pool, which may wait for a cancelled statement."""

_CLOSE_SECONDS = 0.3
"""For an orderly end of the connections, when no request uses one any more."""

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any]"
"""A connection acquired from a pool."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A named statement as sent to PostgreSQL: `$1`, `$2` ... for `parameters`, in order."""

    name: str
    sql: str
    parameters: tuple[str, ...]


def statement(name: str) -> Statement:
    """Returns the statement of this name in `service/queries`."""
    return Statement(name=name, sql=getattr(QUERIES, name).sql, parameters=tuple(_ADAPTER.var_sorted[name]))


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn errors of PostgreSQL and asyncpg into ours. Raises Unavailable, CannotWrite, TooSlow or Unwritable."""
    try:
        yield
    except asyncpg.QueryCanceledError as error:
        raise TooSlow("the database took too long: ask for less in one request") from error
    except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError) as error:
        raise Unwritable("a text holds NUL, which cannot be stored or searched for: leave it out") from error
    except asyncpg.DataError as error:
        if isinstance(error.__cause__, UnicodeEncodeError):
            raise Unwritable("a text holds half a surrogate pair: send well-formed Unicode") from error
        raise
    except FULL as error:
        raise CannotWrite("the database cannot write now: try again in a moment") from error
    except GONE as error:
        raise Unavailable("the database went away: try again in a moment") from error


class _Connection(PooledConnection):
    """Ends when PostgreSQL does not answer a statement in time: else a rollback behind it, and its return to the pool,
    would wait as long again."""

    async def execute(self, *args: Any, **options: Any) -> str:
        """A statement without a result."""
        with self._ended_by_silence():
            return await super().execute(*args, **options)

    # asyncpg runs every other statement by it.
    async def _do_execute(self, *args: Any, **options: Any) -> Any:
        with self._ended_by_silence():
            return await super()._do_execute(*args, **options)

    @contextmanager
    def _ended_by_silence(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.terminate()
            raise


async def release(pool: asyncpg.Pool[Any], connection: Connection) -> None:
    """Release a connection. Its statements are done, so a server that goes down now is no error."""
    with suppress(*GONE):
        await pool.release(connection, timeout=_RELEASE_SECONDS)


class LatestRows(Protocol):
    """What reads the newest rows there are: tokens and sessions."""

    async def fetch_latest(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """Returns a statement's rows. Raises Busy, Unavailable or TooSlow."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabasePools:
    """The pools of resolvers: one for queries, which may be a replica's, one for mutations."""

    reading: asyncpg.Pool[Any]
    writing: asyncpg.Pool[Any]
    wait_seconds: float

    async def fetch_latest(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """Returns a statement's rows from the primary: for tokens and sessions, where a replica's lag is too much."""
        async with self._connection(self.writing) as connection:
            return await connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])

    def writing_connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one mutation, without a transaction. Raises Busy, Unavailable or TooSlow."""
        return self._connection(self.writing)

    def reading_connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for a function that only reads. Raises Busy, Unavailable or TooSlow."""
        return self._connection(self.reading)

    @asynccontextmanager
    async def _connection(self, pool: asyncpg.Pool[Any]) -> AsyncIterator[Connection]:
        connection = await self.acquire(pool)
        try:
            with translate_errors():
                yield connection
        finally:
            await release(pool, connection)

    async def acquire(self, pool: asyncpg.Pool[Any]) -> Connection:
        """Returns a connection of this pool within `wait_seconds`. Raises Busy or Unavailable."""
        try:
            # Cheaper than asyncpg's own timeout, which costs as much as the rest of the call.
            async with asyncio.timeout(self.wait_seconds):
                return await pool.acquire()
        except TimeoutError:
            raise Busy("every database connection is in use: try again in a moment") from None
        except GONE as error:
            raise Unavailable("the database cannot be reached: try again in a moment") from error

    async def close(self) -> None:
        """Close both pools."""
        for pool in {id(self.reading): self.reading, id(self.writing): self.writing}.values():
            await _close(pool)

    async def close_reading(self) -> None:
        """Close the pool for queries alone, which is a replica's."""
        await _close(self.reading)


async def _close(pool: asyncpg.Pool[Any]) -> None:
    # A statement that is cancelled but has not ended holds its connection: on timeout asyncpg terminates it.
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()


_RELEASES: set[asyncio.Task[None]] = set()
"""Running releases: asyncio keeps only a weak reference to a task."""


class Reading:
    """One request's reads, all on one connection, which is acquired and released as needed.

    However many lists a request selects, it takes one connection of the pool, so no request can exhaust it. Statements
    that overlap, or follow each other at once, share an acquire and a release, a third of a short statement's cost.
    """

    def __init__(self, pools: DatabasePools, *, latest: bool = False) -> None:
        """`latest` reads from the primary, where mutations write: a replica may lag."""
        self._pools = pools
        self._pool = pools.writing if latest else pools.reading
        self._lock = asyncio.Lock()
        self._callers = 0
        self._connection: Connection | None = None

    async def fetch(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """Returns the rows of one statement. Raises Busy, Unavailable, TooSlow or Unwritable.

        When the caller is cancelled, asyncpg cancels the statement in PostgreSQL.
        """
        self._callers += 1
        try:
            async with self._lock:
                if self._connection is None:
                    self._connection = await self._pools.acquire(self._pool)
                with translate_errors():
                    return await self._connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])
        finally:
            self._callers -= 1
            if not self._callers and self._connection is not None:
                asyncio.get_running_loop().call_soon(self._release_if_idle)

    def _release_if_idle(self) -> None:
        """Release the connection, unless another statement has started meanwhile."""
        if self._callers or self._connection is None:
            return
        used, self._connection = self._connection, None
        task = asyncio.get_running_loop().create_task(release(self._pool, used))
        _RELEASES.add(task)
        task.add_done_callback(_RELEASES.discard)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolOptions:
    """How the service's pools are: at most `size` connections each, for which a request waits `wait_seconds`;
    PostgreSQL works `statement_seconds` on one statement. Their time zone is UTC, which shaped pages print."""

    size: int = 10
    wait_seconds: float = 5.0
    statement_seconds: float = 15.0

    async def open(self, url: str, name: str, session: Mapping[str, str], *, at_once: int = 1) -> asyncpg.Pool[Any]:
        """A pool; `at_once` is how many connections it opens now."""
        usual = {
            "timezone": "UTC",
            "max_parallel_workers_per_gather": "0",
            "jit": "off",
            "statement_timeout": str(int(self.statement_seconds * 1000)),
        }
        return await make_pool(
            url,
            session={**usual, **session},
            connection_class=_Connection,
            init_size=at_once,
            max_size=self.size,
            command_timeout=self.statement_seconds + _ANSWER_SECONDS,
            max_cacheable_statement_size=_MAX_PREPARED,
            server_settings={"application_name": name},
        )


async def open_pools(url: str, options: PoolOptions | None = None) -> DatabasePools:
    """Returns the pools of the primary."""
    options = options or PoolOptions()
    reading = await options.open(url, "service reads", ONLY_NESTED_LOOPS)
    writing = await options.open(url, "service writes", DURABLE)
    return DatabasePools(reading=reading, writing=writing, wait_seconds=options.wait_seconds)


async def open_replica(address: str, options: PoolOptions) -> asyncpg.Pool[Any]:
    """Returns a pool for queries at a replica, which need not be there yet."""
    return await options.open(address, "service replica reads", ONLY_NESTED_LOOPS, at_once=0)
