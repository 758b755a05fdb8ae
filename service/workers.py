"""Several processes behind one listening socket, watched by a parent that serves nothing itself.

The socket stays open in the parent, so that connections wait in it and none is lost while a worker restarts. SIGHUP
restarts the workers in turn, each successor ready before its predecessor drains; SIGTERM and SIGINT drain them all.
A worker that dies is replaced; a parent that dies takes its workers along (they see the end of their stdin).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

_log = logging.getLogger("service.workers")
READY = b"ready\n"
START_SECONDS = 60.0
"""A worker that is not ready after this has failed."""
_REST = 1.0
"""Seconds before a worker that died is replaced."""
_LATE = 5.0
"""Seconds beyond its drain time after which a worker is killed."""


class Worker:
    """One child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, command: Sequence[str], listening: socket.socket) -> Worker:
        """A new worker; it is not ready yet."""
        process = await asyncio.create_subprocess_exec(
            *command,
            str(listening.fileno()),
            pass_fds=(listening.fileno(),),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C reaches the parent alone, which drains its workers in order.
            start_new_session=True,
        )
        return cls(process)

    async def ready(self) -> bool:
        """Wait until it serves; False when it died or took too long."""
        if self.process.stdout is None:
            return False
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self.process.stdout.readline() == READY
        except TimeoutError:
            return False

    async def stop(self, drain_seconds: float) -> None:
        """Drain it; kill it when that takes too long."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(drain_seconds + _LATE):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Supervisor:
    """Keeps `count` workers alive until it is told to stop. `command` is a worker's, without the socket's number."""

    def __init__(self, command: Sequence[str], listening: socket.socket, *, count: int, drain_seconds: float) -> None:
        self._command = command
        self._listening = listening
        self._count = count
        self._drain_seconds = drain_seconds
        self._workers: list[Worker] = []
        self._stopping = asyncio.Event()
        self._restarting = asyncio.Event()

    async def run(self) -> int:
        """Serve until a signal; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restarting.set)
        try:
            if not await self._start_all():
                _log.error("no worker could start: see their words above")
                return 1
            while not self._stopping.is_set():
                await self._watch()
            return 0
        finally:
            await asyncio.gather(*(worker.stop(self._drain_seconds) for worker in self._workers))

    async def _start_all(self) -> bool:
        """Whether any of them serves; those that do not are ended, and replaced like any that dies."""
        self._workers = [await Worker.start(self._command, self._listening) for _ in range(self._count)]
        ready = await asyncio.gather(*(worker.ready() for worker in self._workers))
        await asyncio.gather(
            *(worker.stop(0) for worker, is_ready in zip(self._workers, ready, strict=True) if not is_ready)
        )
        return any(ready)

    async def _watch(self) -> None:
        """Until something happens: told to stop, told to restart, or a worker died."""
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
        for place, old in enumerate(list(self._workers)):
            new = await Worker.start(self._command, self._listening)
            if not await new.ready():
                _log.error("a new worker failed to start: the old ones serve on")
                await new.stop(0)
                return
            self._workers[place] = new
            await old.stop(self._drain_seconds)
            if self._stopping.is_set():
                return

    async def _replace_dead(self) -> None:
        for place, worker in enumerate(list(self._workers)):
            if worker.process.returncode is None:
                continue
            _log.warning("worker %d ended with %s: replaced", worker.process.pid, worker.process.returncode)
            new = await Worker.start(self._command, self._listening)
            self._workers[place] = new
            if not await new.ready():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_REST):
                        await self._stopping.wait()


def worker_command() -> list[str]:
    """How this program starts a worker: the number of the listening socket follows."""
    return [sys.executable, "-m", "service", "--worker"]
