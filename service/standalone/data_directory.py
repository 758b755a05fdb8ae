"""The one directory that holds everything: database, queue, keys, token, logs, and the demo's inbox."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.standalone.errors import LaunchError

_LONGEST_RUN = 107 - len("/.s.PGSQL.5432.lock")
"""A socket's path ends at 107 bytes (sun_path)."""
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""PostgreSQL reads a list here, so that a comma, a space or a quote would need its own escapes."""
_RUNNING = "running.json"
_LAST_RUN_SECONDS = 15.0
"""Longer than the servers of a killed launcher take to end."""
_LONGEST_LOG = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What runs in a data directory: its database, and where browsers find it."""

    database_url: str
    public_url: str
    path: Path

    @property
    def token(self) -> str:
        """The API token that was made at the first start."""
        return (self.path / "token").read_text().strip()


def running_in(path: Path) -> Running | None:
    """Returns what runs in this directory; None when nothing does, or it is not ready yet."""
    try:
        lock = os.open(path / "lock", os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            written = json.loads((path / _RUNNING).read_text())
            return Running(database_url=written["database_url"], public_url=written["public_url"], path=path)
        finally:
            os.close(lock)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LaunchError(f"{path} cannot be read ({error.strerror}): ask as the user who runs it.") from None
    return None


class DataDirectory:
    """Locked for one launcher: while it is open, nobody else runs servers on it.

    The lock is inherited by every server (`lock_fd`), so that one whose launcher was killed still holds it until it
    has ended, and the next start waits for that instead of meeting it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock_fd = -1
        self._outside: Path | None = None
        self._published = False

    def open(self) -> None:
        """Make it where it is missing, and lock it. Raises LaunchError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("log", "inbox", "outgoing", "journal"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            self.lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LaunchError(
                f"{self.path} cannot be written ({error.strerror}): choose another directory, as in "
                "`make run DATA=/some/dir`."
            ) from None
        if self.path.stat().st_uid != os.geteuid():
            raise LaunchError(
                f"{self.path} belongs to another user: run as that user, or choose another directory, as in "
                "`make run DATA=/some/dir`."
            )
        self._lock()
        self._unpublish()
        self._rotate_logs()

    def _lock(self) -> None:
        ends = time.monotonic() + _LAST_RUN_SECONDS
        while True:
            try:
                fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(self.lock_fd, 20, 0).decode(errors="replace").strip()
                if _lives(holder) or time.monotonic() > ends:
                    raise LaunchError(
                        f"{self.path} is in use by another `make run` (process {holder or 'unknown'}): stop that one, "
                        "or choose another directory, as in `make run DATA=/some/dir`."
                    ) from None
                time.sleep(0.05)
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, str(os.getpid()).encode(), 0)

    def log(self, name: str) -> Path:
        """Where the server of this name writes."""
        return self.path / "log" / f"{name}.log"

    def _rotate_logs(self) -> None:
        for log in (self.path / "log").glob("*.log"):
            if log.stat().st_size > _LONGEST_LOG:
                log.replace(log.with_suffix(".log.1"))

    def secret_keys(self) -> str:
        """SECRET_KEYS of this directory's ledger, made once: its addresses and links hang on them."""
        return self.keep("secret_keys", lambda: "k1:" + base64.b64encode(secrets.token_bytes(32)).decode())

    def keep(self, name: str, make: Callable[[], str]) -> str:
        """The text of a file for the owner alone (0600), made when it is missing."""
        path = self.path / name
        if not path.exists():
            self._write(path, make())
        return path.read_text().strip()

    def _write(self, path: Path, text: str) -> None:
        """Write a file for the owner alone, whole or not at all."""
        fresh = path.with_name(path.name + ".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)

    def publish(self, running: Running) -> None:
        """Say what runs here, for `make link` and `make token` (`running_in`), until `leave`."""
        addresses = {"database_url": running.database_url, "public_url": running.public_url}
        self._write(self.path / _RUNNING, json.dumps(addresses))
        self._published = True

    def _unpublish(self) -> None:
        (self.path / _RUNNING).unlink(missing_ok=True)

    def run_directory(self) -> Path:
        """For sockets: `run` in here, or where that path is too long or odd, one in the temporary directory."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= _LONGEST_RUN and _PLAIN.fullmatch(str(inside)):
            _make_run(inside)
            return inside
        mark = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        self._outside = outside = Path(tempfile.gettempdir()) / f"customer-emails-{os.geteuid()}-{mark}"
        _make_run(outside)
        found = outside.lstat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o077 or outside.is_symlink():
            raise LaunchError(f"{outside} belongs to somebody else or is open to others: remove it and start again.")
        return outside

    def leave(self) -> None:
        """Remove what lies outside of it, when the servers have ended, and what says that they run. The lock ends with
        the process."""
        if self._published:
            self._unpublish()
        if self._outside is not None:
            with contextlib.suppress(OSError):  # somebody else's, or a server that was killed left its socket
                self._outside.rmdir()


def _make_run(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise LaunchError(f"{path} is no directory, and sockets need one there: remove it and start again.") from None
    except OSError as error:
        raise LaunchError(f"{path} cannot be made ({error.strerror}): mend that and start again.") from None


def _lives(pid: str) -> bool:
    """Whether the launcher that wrote this still runs."""
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
