"""pgbouncer before a test's PostgreSQL: the real program, in the mode that a test names."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from service.standalone.process_guard import server_account, spawn
from tests.eventually import eventually
from tests.service_process import free_port

PGBOUNCER = shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


@asynccontextmanager
async def pgbouncer(sockets: Path, directory: Path, *, mode: str) -> AsyncIterator[int]:
    """The port at which it listens, until the block ends; `sockets` is where PostgreSQL's is."""
    port = free_port()
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={sockets} user=postgres\n[pgbouncer]\nauth_type = any\npool_mode = {mode}\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\ndefault_pool_size = 40\n"
    )
    with (directory / "pgbouncer.log").open("wb") as log:
        # It refuses to run as root, as PostgreSQL does.
        process = spawn(
            [PGBOUNCER or "", configuration], stop_signal=signal.SIGTERM, output=log, account=server_account()
        )
    try:
        await eventually(partial(_listens, port))
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
