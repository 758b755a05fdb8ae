"""A server whose write-ahead log is archived, backed up and restored by the files of `deploy/postgresql`."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres, binaries
from service.standalone.process_guard import server_account, spawn
from tests.deploy_kit import DEPLOY
from tests.eventually import eventually
from tests.replication import DATABASE, ask, kill
from tests.servers import stop

SCRIPTS = DEPLOY / "postgresql"


class ArchivedServer:
    """A server at one address, which goes on from its files or from a copy of them."""

    def __init__(self, directory: Path) -> None:
        self._run = directory
        self._restored = 0
        self.backups = directory / "backup"
        self._archive = self.backups / "wal"
        self._archive.mkdir(parents=True)
        self.server = self._server("first")
        self._start()
        migrate(self.url)

    @property
    def url(self) -> str:
        """Its database, before and after a restore."""
        return self.server.url(DATABASE)

    async def archive(self) -> None:
        """Archive its log from now on, by the settings of the deploy kit."""
        settings = (SCRIPTS / "archiving.conf").read_text(encoding="utf-8")
        script, archive = str(SCRIPTS / "archive-wal"), str(self._archive)
        settings = settings.replace("/opt/customer-emails/deploy/postgresql/archive-wal", f"sh {script}")
        self._append("postgresql.conf", settings.replace("/backup/wal", archive))
        stop(self.server.process, signal.SIGINT)
        self._start()

    def back_up(self, *, keep: int = 8) -> Path:
        """Copy it as the timer does; returns the copy."""
        environment = {**os.environ, "PATH": f"{binaries()}:{os.environ['PATH']}"}
        environment |= {"PGHOST": str(self._run), "PGUSER": "postgres"}
        output = self._run / "base-backup.log"
        with output.open("wb") as log:
            process = spawn(
                ["/bin/sh", SCRIPTS / "base-backup", self.backups, str(keep)],
                stop_signal=signal.SIGKILL, environment=environment, output=log, account=server_account(),
            )  # fmt: skip
            assert process.wait() == 0, output.read_text()
        return Path(output.read_text().splitlines()[-1])

    async def lose(self) -> None:
        """Kill it when all of its log is archived: it does not come back."""
        last = await ask(self.server, "select pg_walfile_name(pg_switch_wal())")

        async def archived() -> bool:
            return (self._archive / str(last)).exists()

        await eventually(archived, "the last segment in the archive")
        await kill(self.server)

    def restore(self, backup: Path, *, to: datetime) -> None:
        """Put the copy in its place and have it recover to a moment, as docs/operations.md says; returns when it takes
        writes."""
        self._restored += 1
        self.server = self._server(f"restored-{self._restored}")
        subprocess.run(["cp", "-a", backup, self._data], check=True)
        recovery = f"restore_command = 'cp {self._archive}/%f %p'\n"
        recovery += f"recovery_target_time = '{to.isoformat()}'\nrecovery_target_action = 'promote'\n"
        self._append("postgresql.auto.conf", recovery)
        (self._data / "recovery.signal").touch()
        self._start()

    def stop(self) -> None:
        """End it."""
        stop(self.server.process, signal.SIGQUIT)

    def _server(self, name: str) -> Postgres:
        self._data = self._run / name
        return Postgres(data=self._data, run=self._run, log=self._run / "postgres.log", durable=False)

    def _append(self, name: str, settings: str) -> None:
        with (self._data / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{settings}")

    def _start(self) -> None:
        self.server.start()
        self.server.wait_ready()


@contextmanager
def archived_server(directory: Path) -> Iterator[ArchivedServer]:
    """One below a directory, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="archived-", dir=directory, ignore_cleanup_errors=True) as made:
        server = ArchivedServer(Path(made))
        try:
            yield server
        finally:
            server.stop()
