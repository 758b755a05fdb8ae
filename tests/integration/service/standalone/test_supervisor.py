"""The supervisor of `make run`, over processes that need no database."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from service.standalone.supervisor import Stopped, Supervisor
from tests.eventually import eventually


class Ends:
    """A server that ends by itself, as the demo does."""

    name = "demo"
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", ""])


async def test_what_may_end_by_itself_leaves_no_zombie_and_is_not_started_again() -> None:
    # Given a server that may end, under a supervisor
    said: list[str] = []
    supervisor, server = Supervisor(said.append), Ends()
    supervisor.start(server, once=True)
    first = server.process
    assert first is not None
    watching = asyncio.create_task(asyncio.to_thread(supervisor.run))
    # When it has ended, then its exit is read, which is what ends a zombie
    try:
        await eventually(lambda: first.returncode is not None, "the exit that was read")
    finally:
        supervisor.stopping = True
        with pytest.raises(Stopped):
            await watching
        first.wait()
    assert (first.returncode, server.process is first, said) == (0, True, [])
