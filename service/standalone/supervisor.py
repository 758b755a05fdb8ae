"""Keeps the servers running, and ends them in order."""

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

from service.standalone.migrate import ROOT
from service.standalone.tether import spawn
from service.standalone.trouble import LaunchError

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
"""Between restarts of one server: doubled each time, so that a broken one does not keep the machine busy."""
_STEADY_SECONDS = 60.0
"""A server that ran this long starts again from the first wait."""
_TICK_SECONDS = 0.5
_STDIN = 0


class Stopped(Exception):
    """Somebody asked the launcher to stop (Ctrl-C, SIGTERM, or a closed terminal)."""


class Server(Protocol):
    """What is supervised: `start` begins it (again), `process` is its latest life."""

    process: subprocess.Popen[bytes] | None

    @property
    def name(self) -> str:
        """What the terminal and the log call it."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What makes it end in good order."""

    def start(self) -> None:
        """Begin it; returns at once."""


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
        kept_open: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._module = tuple(module)
        self._environment = environment
        self._kept_open = tuple(kept_open)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin it; returns at once."""
        command = [sys.executable, "-m", *self._module]
        output = None if self.log is None else os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self.process = spawn(
                command,
                stop_signal=self.stop_signal,
                environment=self._environment,
                output=output,
                pass_fds=self._kept_open,
                directory=ROOT,
            )
        finally:
            if output is not None:
                os.close(output)

    def last_words(self) -> str:
        """The last line of its log, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log and self.log.exists() else []
        return f"{lines[-1] if lines else 'it said nothing'} ({self.log} says more)"


class _Life:
    """One server, how often it fell, and when it may rise."""

    def __init__(self, server: Server, *, once: bool) -> None:
        self.server = server
        self.once = once
        self.wait = _FIRST_WAIT
        self.began = time.monotonic()
        self.due: float | None = None


class Supervisor:
    """Starts servers, restarts those that fall, stops all in the reverse order of their start."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lives: list[_Life] = []
        self._reader, self._writer = os.pipe()
        self.stopping = False
        self._at_terminal = os.isatty(_STDIN)
        for descriptor in (self._reader, self._writer):
            os.set_blocking(descriptor, False)

    def listen(self) -> None:
        """From here on, signals end `wait_until` and `watch` with Stopped; a child's end wakes them."""
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            # Asked twice: whoever asks is out of patience.
            for life in self._lives:
                if life.server.process is not None:
                    _kill(life.server.process)
        self.stopping = True

    def start(self, server: Server, *, once: bool = False) -> None:
        """Begin a server, and keep it running from now on; `once` lets it end by itself."""
        server.start()
        self._lives.append(_Life(server, once=once))

    def wait_until(self, condition: Callable[[], bool], *, seconds: float, alive: PythonServer | None = None) -> bool:
        """Whether it came true in time. Raises Stopped, and LaunchError when the server it hangs on ends first."""
        ends = time.monotonic() + seconds
        while not condition():
            if self.stopping:
                raise Stopped
            if alive is not None and alive.process is not None and alive.process.poll() is not None:
                raise LaunchError(f"The {alive.name} did not start: {alive.last_words()}")
            if time.monotonic() > ends:
                return False
            self._sleep(0.03)
        return True

    def watch(self) -> None:
        """Until somebody asks to stop: restart what falls. Raises Stopped."""
        while not self.stopping:
            for life in self._lives:
                self._tend(life)
            self._sleep(_TICK_SECONDS)
            # A make that leads the session waits for us, and keeps the hang-up of a closed window to itself.
            self.stopping |= self._at_terminal and not os.isatty(_STDIN)
        raise Stopped

    def _tend(self, life: _Life) -> None:
        now, process = time.monotonic(), life.server.process
        if life.due is not None:
            if now >= life.due:
                life.due, life.began = None, now
                life.server.start()
            return
        if life.once or process is None or process.poll() is None:
            return
        if now - life.began > _STEADY_SECONDS:
            life.wait = _FIRST_WAIT
        self._say(f"{life.server.name} ended (exit code {process.returncode}); starting it again")
        life.due, life.wait = now + life.wait, min(life.wait * 2, _LONGEST_WAIT)

    def _sleep(self, seconds: float) -> None:
        select.select([self._reader], [], [], seconds)
        try:
            os.read(self._reader, 512)
        except BlockingIOError:
            return

    def stop(self, names: Sequence[str], *, seconds: float) -> None:
        """Ask these to end, all at once; what has not ended in time is killed."""
        self.stopping = True
        chosen = [life.server for life in reversed(self._lives) if life.server.name in names]
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
                self._say(f"{server.name} did not end in time and was killed")
                _kill(server.process)
                server.process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with a guard's child: each leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
