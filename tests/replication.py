"""A primary and its streaming standby, of the embedded PostgreSQL's own programs, to be killed, frozen and promoted."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import asyncpg
import httpx

import gateway.settings
import service.settings
from gateway.database import connect
from service.auth.tokens import create_token
from service.standalone.postgres import Postgres, binaries
from service.standalone.process_guard import server_account, spawn
from tests.eventually import eventually
from tests.servers import make_tables, stop
from tests.serving import serve

DATABASE = "mail"


class ReplicatedPair:
    """Two servers, the second a standby of the first. `url` names both, so that the one that takes writes is found."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._places: dict[Postgres, Path] = {}
        self.primary = self._server()
        self.primary.start()
        self.primary.wait_ready()
        make_tables(self.primary.url(DATABASE))
        self.standby = self._make_standby()

    @property
    def url(self) -> str:
        """Both hosts' address: the standby's first, to be passed over."""
        hosts = [str(self._places[server]) for server in (self.standby, self.primary)]
        return f"postgresql://postgres@/{DATABASE}?host={quote(','.join(hosts))}&target_session_attrs=read-write"

    async def make_synchronous(self) -> None:
        """A commit waits for the standby from now on."""
        await run_on(self.primary, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")

        async def synchronous() -> bool:
            found = "select count(*) from pg_stat_replication where sync_state = 'sync'"
            return bool(await ask(self.primary, found))

        await eventually(synchronous, "a synchronous standby")

    async def promote(self) -> None:
        """Make the standby the primary; the old one is left as it is."""
        await run_on(self.standby, "select pg_promote()")
        self.primary, self.standby = self.standby, self.primary

    def rebuild(self) -> None:
        """Replace the standby by a new copy of the primary, in other directories."""
        stop(self.standby.process, signal.SIGKILL)
        self.standby = self._make_standby()

    def stop(self) -> None:
        """End all servers."""
        for server in self._places:
            if server.process is not None and server.process.poll() is None:
                thaw(server)
                stop(server.process, signal.SIGQUIT)

    def _make_standby(self) -> Postgres:
        server = self._server()
        command = [binaries() / "pg_basebackup", "-h", self._places[self.primary], "-U", "postgres", "-D"]
        command += [self._places[server] / "postgres", "-R", "-c", "fast", "-X", "stream", "--no-sync"]
        with (self._directory / "basebackup.log").open("ab") as log:
            code = spawn(
                [str(part) for part in command], stop_signal=signal.SIGKILL, output=log, account=server_account()
            ).wait()
        assert code == 0, (self._directory / "basebackup.log").read_text()
        server.start()
        server.wait_ready()
        return server

    def _server(self) -> Postgres:
        run = self._directory / str(next(self._numbers))
        run.mkdir(mode=0o700)
        made = Postgres(data=run / "postgres", run=run, log=run / "postgres.log", durable=False)
        self._places[made] = run
        return made


@contextmanager
def replicated_pair(directory: Path) -> Iterator[ReplicatedPair]:
    """Two servers below a directory, which end with the block."""
    with tempfile.TemporaryDirectory(prefix="pair-", dir=directory, ignore_cleanup_errors=True) as made:
        pair = ReplicatedPair(Path(made))
        try:
            yield pair
        finally:
            pair.stop()


@asynccontextmanager
async def client_of(
    url: str, settings: gateway.settings.Settings, service_settings: service.settings.Settings, **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client, with a token, of a service on this database."""
    from service.app import create_app

    connection = await connect(url)
    token = await create_token(connection, f"test {uuid4().hex}")
    await connection.close()
    changed = service_settings.model_copy(update={"database_url": url, **changes})
    app = create_app(changed, settings.model_copy(update={"database_url": url}))
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"}
    async with serve(app, changed) as serving, httpx.AsyncClient(base_url=serving.url, headers=headers) as http:
        yield http


async def run_on(server: Postgres, *statements: str) -> None:
    """Run statements on a server, each by itself."""
    connection = await asyncpg.connect(server.url(DATABASE))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def ask(server: Postgres, question: str) -> object:
    """The first value of a statement on a server."""
    connection = await asyncpg.connect(server.url(DATABASE))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def kill(server: Postgres) -> None:
    """As `kill -9` of all its processes: the postmaster's death is noticed by the others."""
    assert server.process is not None
    server.process.kill()
    await asyncio.to_thread(server.process.wait)


def freeze(server: Postgres) -> None:
    """Stop all its processes, as a host that hangs: it takes connections in its kernel, and says nothing."""
    _signal_all(server, signal.SIGSTOP)


def thaw(server: Postgres) -> None:
    """Let a frozen one go on."""
    _signal_all(server, signal.SIGCONT)


def _signal_all(server: Postgres, number: signal.Signals) -> None:
    assert server.process is not None
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for one in [pid, *map(int, children)]:
        with suppress(ProcessLookupError):
            os.kill(one, number)
