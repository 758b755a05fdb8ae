"""Starts the servers, restarts those that exit, and stops them in order."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from service.standalone.errors import LaunchError
from service.standalone.migrate import ROOT
from service.standalone.process_guard import spawn

_MIN_BACKOFF = 0.5
_MAX_BACKOFF = 30.0
"""Seconds before a restart: doubled each time, so that a server that cannot run does not keep the machine busy."""
_STABLE_SECONDS = 60.0
"""A server that ran this long has its backoff reset."""
_TICK_SECONDS = 0.5
_STDIN = 0


class Stopped(Exception):
    """The launcher was asked to stop: Ctrl-C, SIGTERM, or a closed terminal."""


class Server(Protocol):
    """What is supervised: `start` starts or restarts it, `process` is the latest process."""

    process: subprocess.Popen[bytes] | None

    @property
    def name(self) -> str:
        """The name on the terminal and of the log."""

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal for an orderly shutdown."""

    def start(self) -> None:
        """Start the process; returns at once."""


class PythonServer:
    """One of our own programs, `python -m module`, which writes to `log` (or to the terminal without one)."""

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path | None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._module = tuple(module)
        self._environment = environment
        self._pass_fds = tuple(pass_fds)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; returns at once."""
        command = [sys.executable, "-m", *self._module]
        output = None if self.log is None else os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self.process = spawn(
                command,
                stop_signal=self.stop_signal,
                environment=self._environment,
                output=output,
                pass_fds=self._pass_fds,
                directory=ROOT,
            )
        finally:
            if output is not None:
                os.close(output)

    def last_log_line(self) -> str:
        """Returns the last line of its log, and where the log is."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log and self.log.exists() else []
        return f"{lines[-1] if lines else 'no output'} (see {self.log})"


class _Supervised:
    """One server with its backoff; `restart_at` is set while it waits to be restarted."""

    def __init__(self, server: Server, *, once: bool) -> None:
        self.server = server
        self.once = once
        self.backoff = _MIN_BACKOFF
        self.started_at = time.monotonic()
        self.restart_at: float | None = None


class Supervisor:
    """Starts servers, restarts those that exit, stops all in the reverse order of their start. `say` prints a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._supervised: list[_Supervised] = []
        self._reader, self._writer = os.pipe()
        self.stopping = False
        self._at_terminal = os.isatty(_STDIN)
        for descriptor in (self._reader, self._writer):
            os.set_blocking(descriptor, False)

    def listen(self) -> None:
        """Install signal handlers: SIGINT, SIGTERM and SIGHUP end `wait_until` and `run` with Stopped."""
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        # A child's exit only has to wake `_sleep`.
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            # A second signal: stop at once.
            for supervised in self._supervised:
                if supervised.server.process is not None:
                    _kill(supervised.server.process)
        self.stopping = True

    def start(self, server: Server, *, once: bool = False) -> None:
        """Start a server and keep it running; with `once` it may end by itself."""
        server.start()
        self._supervised.append(_Supervised(server, once=once))

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, alive: Sequence[PythonServer] = ()) -> bool:
        """Whether the condition became true in time. Raises Stopped; LaunchError if a server of `alive` exits first."""
        ends = time.monotonic() + seconds
        while not condition():
            if self.stopping:
                raise Stopped
            for server in alive:
                if server.process is not None and server.process.poll() is not None:
                    raise LaunchError(f"The {server.name} did not start: {server.last_log_line()}")
            if time.monotonic() > ends:
                return False
            self._sleep(0.03)
        return True

    def run(self) -> None:
        """Restart what exits, until asked to stop. Raises Stopped."""
        while not self.stopping:
            for supervised in self._supervised:
                self._restart_if_exited(supervised)
            self._sleep(_TICK_SECONDS)
            # When make leads the session, the SIGHUP of a closed window reaches make alone, which waits for us.
            self.stopping |= self._at_terminal and not os.isatty(_STDIN)
        raise Stopped

    def _restart_if_exited(self, supervised: _Supervised) -> None:
        now, process = time.monotonic(), supervised.server.process
        if supervised.restart_at is not None:
            if now >= supervised.restart_at:
                supervised.restart_at, supervised.started_at = None, now
                supervised.server.start()
            return
        # Polled in any case: one that may end by itself would stay a zombie.
        if process is None or process.poll() is None or supervised.once:
            return
        if now - supervised.started_at > _STABLE_SECONDS:
            supervised.backoff = _MIN_BACKOFF
        self._say(f"{supervised.server.name} ended (exit code {process.returncode}); starting it again")
        supervised.restart_at = now + supervised.backoff
        supervised.backoff = min(supervised.backoff * 2, _MAX_BACKOFF)

    def _sleep(self, seconds: float) -> None:
        select.select([self._reader], [], [], seconds)
        try:
            os.read(self._reader, 512)
        except BlockingIOError:
            return

    def stop(self, names: Sequence[str], *, seconds: float) -> None:
        """Signal these servers, all at once; kill those that have not exited in time."""
        self.stopping = True
        chosen = [one.server for one in reversed(self._supervised) if one.server.name in names]
        for server in chosen:
            if server.process is not None and server.process.poll() is None:
                server.process.send_signal(server.stop_signal)
        ends = time.monotonic() + seconds
        for server in chosen:
            if server.process is None:
                continue
            try:
                server.process.wait(max(0.05, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{server.name} did not stop in time and was killed")
                _kill(server.process)
                server.process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a server's process group: with a guard process between, the server is its child."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
