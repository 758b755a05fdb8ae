"""Several transactions whose statements run in a chosen order: one statement at a time, and what waits for a lock is
left to wait while the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from tests.eventually import eventually

TURN = {"fetch", "fetchrow", "fetchval", "execute"}


class Killed(Exception):
    """What a statement raises whose process was killed before it."""


class Stepped:
    """A connection that runs each statement when it is this one's turn; its `killed_at`-th fails, as do all after it.
    Begin and commit are no statements here: PostgreSQL locks nothing by them."""

    def __init__(self, connection: Any, *, killed_at: int | None) -> None:
        self._connection = connection
        self._turns = asyncio.Semaphore(0)
        self._left = killed_at

    def __getattr__(self, name: str) -> Any:
        return self._run(getattr(self._connection, name)) if name in TURN else getattr(self._connection, name)

    def step(self) -> None:
        """Lets the next statement run."""
        self._turns.release()

    def _run(self, statement: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*arguments: Any, **options: Any) -> Any:
            await self._turns.acquire()
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise Killed
            return await statement(*arguments, **options)

        return run


Deed = Callable[[Any], Awaitable[Any]]


async def interleave(
    pool: asyncpg.Pool[Any],
    deeds: Sequence[tuple[Deed, int | None]],
    turns: Sequence[int],
    *,
    ignored: tuple[type, ...],
) -> None:
    """Does all of these, each on a connection of its own and killed at its statement of that number: a statement each
    in the order of `turns`, by their places, then the rest as it comes. Raises what is not `ignored`; the victim of a
    deadlock is tried again, as workers and callers do."""
    connections = [await pool.acquire() for _ in deeds]
    stepped = [Stepped(one, killed_at=kill) for one, (_, kill) in zip(connections, deeds, strict=True)]
    tasks = [asyncio.create_task(_persist(deed, one, ignored)) for (deed, _), one in zip(deeds, stepped, strict=True)]
    try:
        for turn in turns:
            stepped[turn % len(stepped)].step()
            await _settled(pool)
        while not all(task.done() for task in tasks):
            for one in stepped:
                one.step()
            await _settled(pool)
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in connections:
            await pool.release(connection)


async def _persist(deed: Deed, connection: Stepped, ignored: tuple[type, ...]) -> None:
    while True:
        try:
            await deed(connection)
        except asyncpg.DeadlockDetectedError:
            continue
        except (Killed, *ignored):  # type: ignore[misc]  # classes of exceptions all of them
            return
        else:
            return


async def _settled(pool: asyncpg.Pool[Any]) -> None:
    """Waits until every statement has ended, or waits for a lock."""

    async def none_runs() -> bool:
        return not await pool.fetchval(
            "select count(*) from pg_stat_activity a where a.datname = current_database() and a.state = 'active'"
            " and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'"
            " and cardinality(pg_blocking_pids(a.pid)) = 0"
        )

    await eventually(none_runs, "the statement")
