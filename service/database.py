"""The service's way to PostgreSQL: its pools, and the named statements of `queries/*.sql`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter

from gateway.database import prepare_connection
from service.errors import Busy, TooSlow, Unavailable, Unwritable

_ADAPTER: Any = cast(Any, AsyncPGAdapter)()

_FRAGMENT = re.compile(r"^-- fragment: (\w+)\n(?:--.*\n)+((?s:.+?))\n+(?=-- (?:fragment|name): )", re.MULTILINE)


def expand_fragments(text: str) -> str:
    """SQL with each `{name}` replaced by the `-- fragment: name` of its file; fragments may name earlier ones."""
    fragments: dict[str, str] = {}

    def expand(part: str) -> str:
        for name, body in fragments.items():
            part = part.replace(f"{{{name}}}", body)
        return part

    for name, body in _FRAGMENT.findall(text):
        fragments[name] = expand(body)
    return expand(_FRAGMENT.sub("", text))


QUERIES: Any = aiosql.from_str(
    "\n".join(expand_fragments(path.read_text()) for path in sorted((Path(__file__).parent / "queries").glob("*.sql"))),
    lambda: _ADAPTER,
    mandatory_parameters=False,
)
"""Every statement of `service/queries`, as `await QUERIES.name(connection, parameter=...)`."""

NO_HINTS: Mapping[str, str] = {}
ONLY_NESTED_LOOPS: Mapping[str, str] = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""Every read is a page of at most 101 rows and what hangs on them, by key. A plan made for any customer must not hash a
small table, and then sort the page, because the average customer has ten rows."""

GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # The server's farewell met a statement that was just being sent: asyncpg then sees an answer it did not expect.
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is not there, or leaves in the middle."""


_LONGEST_PREPARED = 65_536
"""Characters: three lists with most of their fields are one statement of half as much, better planned once."""

_CLOSE_SECONDS = 0.3
"""For connections to say goodbye; no request is left that uses one."""

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any]"
"""A connection on loan from a pool."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A named statement as PostgreSQL gets it: `$1` for each of `parameters`, in order."""

    name: str
    sql: str
    parameters: tuple[str, ...]


def statement(name: str) -> Statement:
    """The statement of this name in `service/queries`."""
    return Statement(name=name, sql=getattr(QUERIES, name).sql, parameters=tuple(_ADAPTER.var_sorted[name]))


async def _keep_state(_: asyncpg.Connection[Any]) -> None:
    """No reset round trip between requests: reads set nothing on their connection (a sixth of the rate)."""


@contextmanager
def plain_words() -> Iterator[None]:
    """Say in our words what PostgreSQL refused. Raises Unavailable, TooSlow or Unwritable."""
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
    except GONE as error:
        raise Unavailable("the database went away: try again in a moment") from error


async def give_back(pool: asyncpg.Pool[Any], connection: Connection) -> None:
    """Return a connection. What it was taken for is done: a server that leaves just now spoils nothing of it."""
    with suppress(*GONE):
        await pool.release(connection)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabasePools:
    """What resolvers read and write through: one pool for queries, one for mutations."""

    reading: asyncpg.Pool[Any]
    writing: asyncpg.Pool[Any]
    wait_seconds: float

    async def fetch_latest(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """As `fetch`, on a writing connection: never behind, as a replica may be. Tokens and sessions are read so."""
        async with self._connection(self.writing) as connection:
            return await connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])

    @asynccontextmanager
    async def writing_connection(self) -> AsyncIterator[Connection]:
        """A connection for one mutation; doors open their own transactions. Raises Busy, Unavailable or TooSlow."""
        async with self._connection(self.writing) as connection:
            yield connection

    @asynccontextmanager
    async def reading_connection(self) -> AsyncIterator[Connection]:
        """A connection for a door that only reads. Raises Busy, Unavailable or TooSlow."""
        async with self._connection(self.reading) as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self, pool: asyncpg.Pool[Any]) -> AsyncIterator[Connection]:
        connection = await self.acquire(pool)
        try:
            with plain_words():
                yield connection
        finally:
            await give_back(pool, connection)

    async def acquire(self, pool: asyncpg.Pool[Any]) -> Connection:
        """A connection of this pool within `wait_seconds`. Raises Busy or Unavailable."""
        try:
            # asyncpg's own timeout costs as much as the rest.
            async with asyncio.timeout(self.wait_seconds):
                return await pool.acquire()
        except TimeoutError:
            raise Busy("every database connection is in use: try again in a moment") from None
        except GONE as error:
            raise Unavailable("the database cannot be reached: try again in a moment") from error

    async def close(self) -> None:
        """Give every connection back."""
        for pool in {id(self.reading): self.reading, id(self.writing): self.writing}.values():
            # A statement that is cancelled but not yet ended holds its connection: asyncpg then terminates it.
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await pool.close()


_GIVEN_BACK: set[asyncio.Task[None]] = set()
"""On their way: a task that nobody holds may vanish."""


class Reading:
    """One request's reads, over one connection at a time.

    However many lists a request asks for at once, it takes one place in the pool: no request can empty it, and
    statements that overlap, or follow on each other without a wait, share the way there and back, a third of what a
    short statement costs.
    """

    def __init__(self, pools: DatabasePools, *, latest: bool = False) -> None:
        """`latest` reads where mutations write: a replica may be behind."""
        self._pools = pools
        self._pool = pools.writing if latest else pools.reading
        self._turn = asyncio.Lock()
        self._callers = 0
        self._connection: Connection | None = None

    async def fetch(self, wanted: Statement, **values: Any) -> list[asyncpg.Record]:
        """The rows of one statement. Raises Busy, Unavailable, TooSlow or Unwritable.

        A cancelled caller cancels the statement in PostgreSQL (asyncpg does, when its task is cancelled).
        """
        self._callers += 1
        try:
            async with self._turn:
                if self._connection is None:
                    self._connection = await self._pools.acquire(self._pool)
                with plain_words():
                    return await self._connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])
        finally:
            self._callers -= 1
            if not self._callers and self._connection is not None:
                asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        """Give the connection back, unless the caller went straight on to its next statement."""
        if self._callers or self._connection is None:
            return
        used, self._connection = self._connection, None
        task = asyncio.get_running_loop().create_task(give_back(self._pool, used))
        _GIVEN_BACK.add(task)
        task.add_done_callback(_GIVEN_BACK.discard)


async def open_pools(
    url: str, *, read_url: str | None = None, size: int = 10, wait_seconds: float = 5.0, statement_seconds: float = 15.0
) -> DatabasePools:
    """Pools of at most `size` connections each. Instants are read and written in UTC: shaped pages print them so."""

    async def pool(
        address: str, name: str, planning: Mapping[str, str] = NO_HINTS, **options: Any
    ) -> asyncpg.Pool[Any]:
        return await asyncpg.create_pool(
            address,
            min_size=1,
            max_size=size,
            init=prepare_connection,
            command_timeout=statement_seconds + 5,
            max_cacheable_statement_size=_LONGEST_PREPARED,
            server_settings={
                "application_name": name,
                "timezone": "UTC",
                "max_parallel_workers_per_gather": "0",
                "jit": "off",
                "statement_timeout": str(int(statement_seconds * 1000)),
                **planning,
            },
            **options,
        )

    reading = await pool(read_url or url, "service reads", planning=ONLY_NESTED_LOOPS, reset=_keep_state)
    return DatabasePools(reading=reading, writing=await pool(url, "service writes"), wait_seconds=wait_seconds)
