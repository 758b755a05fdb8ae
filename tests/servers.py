"""The servers that tests and benchmarks start and end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres


def stop(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    """Ends one server, and waits for it."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def make_tables(url: str) -> None:
    """Migrates a database, also for callers inside an event loop, which stands still meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(migrate, url).result()


@contextmanager
def migrated_postgres(run: Path, database: str, *, durable: bool = False, buffers: str = "128MB") -> Iterator[Postgres]:
    """PostgreSQL 18 in this directory, run by the launcher's code; `durable`: with fsync. `database` has our tables."""
    server = Postgres(data=run / "postgres", run=run, log=run / "postgres.log", durable=durable, buffers=buffers)
    try:
        server.start()
        server.wait_ready()
        make_tables(server.url(database))
        yield server
    finally:
        stop(server.process, signal.SIGQUIT)
