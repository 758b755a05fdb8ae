"""Several worker processes on one listening socket, supervised by a parent that serves no requests itself.

The parent keeps the socket open, so that connections wait in its backlog while a worker restarts. SIGHUP restarts the
workers in turn, each new one ready before the old one drains; SIGTERM and SIGINT drain them all. A worker that dies is
replaced; when the parent dies its workers drain (their stdin ends).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_log = logging.getLogger("service.workers")
READY = b"ready\n"
START_SECONDS = 60.0
"""A worker that is not ready after this time has failed to start."""
_RESTART_SECONDS = 1.0
"""Between a worker that failed to start and the next try."""
_KILL_SECONDS = 5.0
"""Beyond its drain time, after which a worker is killed."""


@dataclass(slots=True)
class Worker:
    """One worker process, seen from the parent."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, command: Sequence[str], listening: socket.socket, place: int) -> Worker:
        """Start the worker of a place; returns before it is ready."""
        process = await asyncio.create_subprocess_exec(
            *command,
            str(listening.fileno()),
            "--place",
            str(place),
            pass_fds=(listening.fileno(),),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # So that Ctrl-C reaches the parent alone, which drains its workers.
            start_new_session=True,
        )
        return cls(process)

    async def ready(self) -> bool:
        """Wait until it serves; False when it exited or took longer than `START_SECONDS`."""
        if self.process.stdout is None:
            return False
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self.process.stdout.readline() == READY
        except TimeoutError:
            return False

    async def stop(self, drain_seconds: float) -> None:
        """Drain it; kill it when that takes longer than `drain_seconds`."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(drain_seconds + _KILL_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Keeps `count` workers running until a signal. `command` starts a worker; the socket's number is appended, and the
    worker's place among them."""

    command: Sequence[str]
    listening: socket.socket
    count: int
    drain_seconds: float
    _workers: list[Worker] = field(default_factory=list, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _restarting: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self) -> int:
        """Serve until a signal; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restarting.set)
        try:
            if not await self._start_all():
                _log.error("no worker could start: see the log above")
                return 1
            while not self._stopping.is_set():
                await self._wait_for_change()
            return 0
        finally:
            await asyncio.gather(*(worker.stop(self.drain_seconds) for worker in self._workers))

    async def _start_all(self) -> bool:
        """Start all workers; whether any serves. Those that do not are ended, and replaced like any that exits."""
        self._workers = [await Worker.start(self.command, self.listening, place) for place in range(self.count)]
        ready = await asyncio.gather(*(worker.ready() for worker in self._workers))
        await asyncio.gather(
            *(worker.stop(0) for worker, is_ready in zip(self._workers, ready, strict=True) if not is_ready)
        )
        return any(ready)

    async def _wait_for_change(self) -> None:
        """Wait for a signal or a worker's exit, then restart or replace workers."""
        waits: list[asyncio.Task[Any]] = [
            *(asyncio.create_task(event.wait()) for event in (self._stopping, self._restarting)),
            *(asyncio.create_task(worker.process.wait()) for worker in self._workers),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._stopping.is_set():
            return
        if self._restarting.is_set():
            self._restarting.clear()
            await self._restart_in_turn()
        await self._replace_dead()

    async def _restart_in_turn(self) -> None:
        for index, old in enumerate(list(self._workers)):
            new = await Worker.start(self.command, self.listening, index)
            if not await new.ready():
                _log.error("a new worker failed to start: the old workers keep serving")
                await new.stop(0)
                return
            self._workers[index] = new
            await old.stop(self.drain_seconds)
            if self._stopping.is_set():
                return

    async def _replace_dead(self) -> None:
        for index, worker in enumerate(list(self._workers)):
            if worker.process.returncode is None:
                continue
            _log.warning(
                "worker %d exited with code %s, starting another", worker.process.pid, worker.process.returncode
            )
            new = await Worker.start(self.command, self.listening, index)
            self._workers[index] = new
            if not await new.ready():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_RESTART_SECONDS):
                        await self._stopping.wait()


def worker_command(directory: str) -> list[str]:
    """Returns the command that starts a worker, to which the number of the listening socket and the worker's place are
    appended. In `directory` workers tell each other their metrics."""
    return [sys.executable, "-m", "service", "--metrics-directory", directory, "--worker"]
