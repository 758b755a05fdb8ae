"""A server ends with the process that started it, and runs as the right user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from service.standalone import postgres
from service.standalone.postgres import Postgres
from service.standalone.process_guard import DEFAULT_GUARD, Account, Guard, spawn
from tests.servers import stop

PARENT = """
import signal, sys
from service.standalone.process_guard import Guard, spawn
child = spawn([sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"],
              stop_signal=signal.SIGTERM, guard=Guard(sys.argv[1]))
signal.pause()
"""


SEVEN = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print('up', flush=True)
signal.pause()
"""


@pytest.mark.parametrize("guard", [DEFAULT_GUARD, Guard.PROCESS])
def test_a_server_ends_with_the_process_that_started_it(guard: Guard) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, guard], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    family = psutil.Process(parent.pid).children(recursive=True)
    assert family
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_guard_process_forwards_signals_and_returns_its_childs_exit_code() -> None:
    reader, writer = os.pipe()
    guard = spawn([sys.executable, "-c", SEVEN], stop_signal=signal.SIGTERM, guard=Guard.PROCESS, output=writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as output:
        assert output.readline() == b"up\n"
        guard.send_signal(signal.SIGINT)
        assert guard.wait(10) == 7
    assert guard.stdin is not None
    guard.stdin.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to change to")
def test_postgresql_runs_as_nobody_where_root_has_no_user_namespaces(
    run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "server_account", lambda: Account.NOBODY)
    place = run_directory / "as-nobody"
    (place / "run").mkdir(parents=True)
    run_directory.chmod(0o711)
    server = Postgres(data=place / "postgres", run=place / "run", log=place / "postgres.log", durable=False)
    try:
        server.start()
        server.wait_ready()
        assert server.process is not None
        assert psutil.Process(server.process.pid).uids().effective == 65534
    finally:
        stop(server.process, signal.SIGQUIT)
