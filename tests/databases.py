"""Databases of their own for tests: made ahead, since copying a template takes as long as many a test."""

from __future__ import annotations

import asyncio
import itertools
import os
import queue
import threading

import asyncpg

from service.standalone.postgres import Postgres

AHEAD = 2
"""Databases that are ready: tests take them one after the other, some in quick succession."""
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 120
"""For a database, on a busy machine and after a test that ended the server's connections."""


class Databases:
    """Makes copies of a template, in a thread of its own."""

    def __init__(self, postgres: Postgres, template: str) -> None:
        self._postgres = postgres
        self._template = template
        self._numbers = itertools.count()
        self._ready: queue.Queue[str] = queue.Queue(AHEAD)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="databases", daemon=True)
        self._thread.start()

    async def take(self) -> str:
        """Returns the name of a database that nobody else has. Raises queue.Empty when none came in time."""
        return await asyncio.to_thread(self._ready.get, timeout=_PATIENCE_SECONDS)

    async def drop(self, name: str) -> None:
        """Drop a database. It is done in the test's own loop: connections that the test left open are ended by the
        server, and closed in the loop they belong to."""
        await self._administer(f"drop database {name} with (force)")

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        # PostgreSQL keeps what a first connection learns of the catalogue in a file, which the copies have then, too.
        await (await asyncpg.connect(self._postgres.url(self._template))).close()
        while not self._stopping.is_set():
            # Several processes may share a server (`make mutants`).
            name = f"test_{os.getpid()}_{next(self._numbers)}"
            await self._make(name)
            while not self._stopping.is_set() and not self._offered(name):
                pass

    def _offered(self, name: str) -> bool:
        try:
            self._ready.put(name, timeout=_LOOK_SECONDS)
        except queue.Full:
            return False
        return True

    async def _make(self, name: str) -> None:
        """Make a database, again where a test has ended the connection or the server."""
        while not self._stopping.is_set():
            try:
                return await self._administer(f"create database {name} template {self._template} strategy file_copy")
            except asyncpg.DuplicateDatabaseError:
                return None  # made just before the connection was lost
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self._postgres.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
