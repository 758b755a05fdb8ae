"""The supervisor of `make run`, over processes that need no database."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from service.standalone.supervisor import Stopped, Supervisor


class Ends:
    """A server that ends by itself, as the demo does."""

    name = "demo"
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", ""])


def test_what_may_end_by_itself_leaves_no_zombie_and_is_not_started_again() -> None:
    # Given a server that may end, under a supervisor
    said: list[str] = []
    supervisor, server = Supervisor(said.append), Ends()
    supervisor.start(server, once=True)
    first = server.process

    # When it has ended, and the supervisor was there to see
    def stop_when_reaped() -> None:
        deadline = time.monotonic() + 30
        while first is not None and first.returncode is None and time.monotonic() < deadline:
            time.sleep(0.01)
        supervisor.stopping = True

    watcher = threading.Thread(target=stop_when_reaped)
    watcher.start()
    with pytest.raises(Stopped):
        supervisor.run()
    watcher.join()
    # Then its exit was read, which is what ends a zombie
    assert (first is not None and first.returncode, server.process is first, said) == (0, True, [])
