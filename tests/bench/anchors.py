"""Other senders, for comparison: Postfix's smtp-source, nodemailer's pool, and the sender one would write first.

All send mails of the same size to the same sink over 20 connections. The first two keep nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from arq import create_pool
from arq.connections import RedisSettings

from service.standalone.process_guard import spawn
from service.standalone.valkey import Valkey
from tests.bench.commits import ROOT
from tests.bench.cpu_time import Part, Turn, alone, whole
from tests.bench.end_to_end import PARAGRAPH
from tests.bench.naive_sender import CONNECTIONS, TABLE
from tests.bench.raw_client import CONTENT
from tests.bench.sink import Sink
from tests.bench.steady import Window, measure_window
from tests.servers import stop

HTML = "\n".join([PARAGRAPH] * 67)
"""Made into a mail, about 8 KiB like the gateway's."""
NODEMAILER = Path(__file__).with_name("nodemailer_pool.cjs")
FIND_NODEMAILER = "require('nodemailer')"


def why_no_smtp_source() -> str | None:
    """Returns why Postfix's smtp-source cannot be measured; None when it can."""
    return None if shutil.which("smtp-source") else "smtp-source is not on the PATH; it is part of Postfix"


def why_no_nodemailer() -> str | None:
    """Returns why nodemailer cannot be measured; None when it can. It is looked for as Node does, from `tests/bench`
    upwards and in NODE_PATH."""
    if shutil.which("node") is None:
        return "node is not on the PATH"
    found = subprocess.run(["node", "-e", FIND_NODEMAILER], cwd=NODEMAILER.parent, capture_output=True, check=False)
    if found.returncode != 0:
        return "node finds no nodemailer: install it anywhere and name its node_modules with NODE_PATH"
    return None


def _start(command: list[str | Path], more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return spawn(
        [shutil.which(command[0]) or command[0], *command[1:]],
        stop_signal=signal.SIGKILL,
        environment={**os.environ, "MAIL_HTML": HTML, **(more or {})},
        output=subprocess.DEVNULL,
        directory=ROOT,
    )


async def _until_it_ends(sink: Sink, window: Window, command: list[str | Path]) -> Turn:
    turn, process = await measure_window(
        sink, window, lambda: _start(command), lambda pid: {"sender": whole(pid), "sink": alone(sink.pid)}
    )
    process.wait()
    return turn


async def smtp_source(sink: Sink, window: Window) -> Turn:
    """The cost of Postfix's smtp-source, which does not pipeline."""
    options = ["-d", "-s", str(CONNECTIONS), "-l", str(len(CONTENT)), "-m", str(window.mails), f"127.0.0.1:{sink.port}"]
    return await _until_it_ends(sink, window, ["smtp-source", *options])


async def nodemailer(sink: Sink, window: Window) -> Turn:
    """The cost of nodemailer's pool."""
    return await _until_it_ends(sink, window, ["node", NODEMAILER, str(sink.port), str(window.mails)])


@dataclass(frozen=True, kw_only=True, slots=True)
class NaiveSender:
    """The servers of `naive_sender`: a table on a durable PostgreSQL, and Valkey."""

    sink: Sink
    url: str
    postgres: int
    valkey: Valkey

    async def measure(self, window: Window) -> Turn:
        """The cost of one arq worker with its servers; its jobs are there before."""
        await self._enqueue(window.mails)
        turn, process = await measure_window(self.sink, window, self._worker, self._parts)
        process.terminate()
        process.wait()
        return turn

    async def _enqueue(self, mails: int) -> None:
        connection = await asyncpg.connect(self.url)
        rows = await connection.fetch(
            "insert into mail (recipient, name) select 'r' || n || '@x.test', 'Customer ' || n"
            " from generate_series(1, $1::integer) n returning id, recipient, name",
            mails,
        )
        await connection.close()
        queue = await create_pool(RedisSettings.from_dsn(self.valkey.url()))
        for row in rows:
            await queue.enqueue_job("send_mail", *row)
        await queue.aclose()

    def _worker(self) -> subprocess.Popen[bytes]:
        return _start(
            [sys.executable, "-m", "arq", "tests.bench.naive_sender.WorkerSettings"],
            {
                "REDIS_URL": self.valkey.url(),
                "DATABASE_URL": self.url,
                "SMTP_PORT": str(self.sink.port),
            },
        )

    def _parts(self, pid: int) -> Mapping[str, Part]:
        queue = self.valkey.process.pid if self.valkey.process else 0
        return {
            "worker": whole(pid),
            "PostgreSQL": whole(self.postgres),
            "Valkey": whole(queue),
            "sink": alone(self.sink.pid),
        }


@asynccontextmanager
async def naive_sender(sink: Sink, server_url: str, postgres: int) -> AsyncIterator[NaiveSender]:
    """Its Valkey, and a database of its own on a PostgreSQL server that is idle meanwhile."""
    connection = await asyncpg.connect(server_url)
    await connection.execute("create database naive")
    await connection.close()
    url = urlsplit(server_url)._replace(path="/naive").geturl()
    connection = await asyncpg.connect(url)
    await connection.execute(TABLE)
    await connection.close()
    with tempfile.TemporaryDirectory(prefix="naive-", dir="/tmp") as directory:
        valkey = Valkey(run=Path(directory), log=Path(directory, "valkey.log"), data=None)
        valkey.start()
        try:
            valkey.wait_ready()
            yield NaiveSender(sink=sink, url=url, postgres=postgres, valkey=valkey)
        finally:
            stop(valkey.process, signal.SIGTERM)
