"""A tree whose sender is measured: the present one or that of an older commit, each with a ledger of its own.

The gateway runs as it does in production, `python -m gateway` of that tree, with fsync, beside a PostgreSQL that has
that tree's tables.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.standalone.process_guard import spawn
from tests.bench.cpu_time import Turn, alone, below, whole
from tests.bench.end_to_end import PAGE
from tests.bench.sink import Sink
from tests.bench.steady import Window, measure_window
from tests.builders import SECRET_KEYS

IN_TREE = Path(__file__).with_name("in_tree.py")
CONNECTIONS = 100
"""More than the sender alone needs: one mail a connection is handed off ahead, and on loopback its commit takes longer
than the delivery. On a network the delivery takes longer, and twenty are enough."""
DRAIN_SECONDS = 40.0
"""Longer than the gateway's own DRAIN_SECONDS."""
LEDGER_SECONDS = 300.0
"""For the longest order: a million messages on a slow machine."""


def gateway_environment(sink: Sink) -> dict[str, str]:
    """Returns the settings of a worker that sends to the sink, without Valkey: the sweep finds the mail."""
    return {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PUBLIC_URL": "https://mail.example.com",
        "DEFAULT_FROM": "Fabrikam <news@fabrikam.com>",
        "RELAY_URL": (
            f"smtp://127.0.0.1:{sink.port}?tls=off&name=sink&connections={CONNECTIONS}&per_connection=100000000"
        ),
        "SECRET_KEYS": SECRET_KEYS,
        "ALLOW_RESERVED_DOMAINS": "1",
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A tree with its running ledger. `name` is that of its rows, `url` its database's."""

    name: str
    path: Path
    sink: Sink
    environment: Mapping[str, str]
    ledger: asyncio.subprocess.Process
    postgres: int
    url: str
    log: Path

    async def sender(self, window: Window) -> Turn:
        """The cost of this tree's sender alone, which is given content and keeps nothing."""
        command: list[str | Path] = [sys.executable, "-P", IN_TREE, "send", str(self.sink.port), str(window.mails)]
        turn, process = await measure_window(
            self.sink,
            window,
            lambda: self._spawn(command, {}),
            lambda pid: {"sender": whole(pid), "sink": alone(self.sink.pid)},
        )
        process.wait()
        return turn

    async def gateway(
        self, window: Window, *, tracked: bool = False, dkim_key: Path | None = None, found: bool = False
    ) -> Turn:
        """The cost of one worker with its PostgreSQL, for a campaign of `window.mails`; `found`: with their search
        rows, which a job writes behind it."""
        await self._ask("search_rows", written=found)
        turn, process = await self._send(window, tracked=tracked, dkim_key=dkim_key)
        _stop(process)
        return turn

    async def peak_memory(self, messages: int) -> float:
        """Returns the most memory, in MiB, that a worker ever held over so many messages."""
        window = Window(before=messages // 10, within=messages // 2, after=messages - messages // 10 - messages // 2)
        _, process = await self._send(window, tracked=False, dkim_key=None)
        status = Path(f"/proc/{process.pid}/status").read_text()
        _stop(process)
        return float(status.partition("VmHWM:")[2].split()[0]) / 1024

    async def _send(
        self, window: Window, *, tracked: bool, dkim_key: Path | None
    ) -> tuple[Turn, subprocess.Popen[bytes]]:
        campaign = await self._ask("campaign", count=window.mails, tracked=tracked, page=PAGE)
        signing = {} if dkim_key is None else {"DKIM_KEYS": f"fabrikam.com:bench:{dkim_key}"}
        turn, process = await measure_window(
            self.sink,
            window,
            lambda: self._spawn([sys.executable, "-m", "gateway"], {"DATABASE_URL": self.url, **signing}),
            lambda pid: {
                "worker": alone(pid),
                "PostgreSQL": whole(self.postgres),
                "signing": below(pid),
                "sink": alone(self.sink.pid),
            },
            lambda: self._ask("wal"),
        )
        recorded = await self._ask("recorded", campaign=campaign, count=window.mails)
        if recorded != window.mails:
            _stop(process)
            raise RuntimeError(f"only {recorded} of {window.mails} are recorded as accepted: {_end_of(self.log)}")
        return turn, process

    def _spawn(self, command: list[str | Path], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return spawn(
                command,
                stop_signal=signal.SIGKILL,
                environment={**self.environment, **more},
                output=log,
                directory=self.path,
            )

    async def _ask(self, order: str, **arguments: Any) -> Any:
        if self.ledger.stdin is not None:
            self.ledger.stdin.write(json.dumps({"order": order, **arguments}).encode() + b"\n")
        return await _answer(self.ledger, self.log)


@asynccontextmanager
async def measured_tree(name: str, path: Path, sink: Sink, *, customers: int) -> AsyncIterator[Tree]:
    """A tree with a ledger of `customers`, which ends with it."""
    environment = {**os.environ, **gateway_environment(sink), "PYTHONPATH": str(path)}
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as directory:
        log = Path(directory, "log")
        ledger = await _start_ledger(path, environment, log, customers)
        try:
            ready = await _answer(ledger, log)
            yield Tree(
                name=name,
                path=path,
                sink=sink,
                environment=environment,
                ledger=ledger,
                postgres=ready["postgres"],
                url=ready["url"],
                log=log,
            )
        finally:
            if ledger.stdin is not None:
                ledger.stdin.close()
            await ledger.wait()


async def _start_ledger(
    path: Path, environment: Mapping[str, str], log: Path, customers: int
) -> asyncio.subprocess.Process:
    """In a session of its own: Ctrl-C reaches this process alone, and the ledger ends with its standard input."""
    errors = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(IN_TREE), "ledger", str(customers)),
            cwd=path,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    finally:
        os.close(errors)


async def _answer(ledger: asyncio.subprocess.Process, log: Path) -> Any:
    assert ledger.stdout is not None
    async with asyncio.timeout(LEDGER_SECONDS):
        line = await ledger.stdout.readline()
    if not line:
        raise RuntimeError(f"the ledger has ended: {_end_of(log)}")
    return json.loads(line)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(DRAIN_SECONDS)
    finally:
        process.kill()
