"""Runs `python -m gateway --inbound` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.builders import SECRET_KEYS
from tests.inbound import BOUNCES, PATIENCE_SECONDS, REPLIES

COMMAND = (sys.executable, "-m", "gateway", "--inbound")


def environment(database_url: str, **more: str) -> dict[str, str]:
    """Returns the environment of the process: any free ports, and nothing of the test run's environment but PATH."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "http://mail.example",
        "DEFAULT_FROM": "Fabrikam Installers <hello@fabrikam.example>",
        "RELAY_URL": "smtp://127.0.0.1:1",
        "SECRET_KEYS": SECRET_KEYS,
        "ALLOW_RESERVED_DOMAINS": "1",
        "BOUNCE_DOMAIN": BOUNCES,
        "REPLY_DOMAIN": REPLIES,
        "REPLY_MAILBOXES": "office",
        "INBOUND_SMTP": "0",
        "INBOUND_LMTP": "0",
        "DRAIN_SECONDS": "5",
        **more,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A listener that listens. `log` has its log lines."""

    process: asyncio.subprocess.Process
    smtp: int
    lmtp: int
    log: list[bytes] = field(default_factory=list)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def running(env: dict[str, str]) -> AsyncIterator[Running]:
    """Starts the listener, waits until it listens, kills it when the block ends."""
    process = await asyncio.create_subprocess_exec(*COMMAND, env=env, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(60):
            ports = await _ports(process.stderr)
        made = Running(process=process, smtp=ports.get("smtp", 0), lmtp=ports.get("lmtp", 0))
        reading = asyncio.create_task(_keep(process.stderr, made.log))
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if reading is not None:
            await reading


async def _ports(stderr: asyncio.StreamReader) -> dict[str, Any]:
    lines = []
    while line := await stderr.readline():
        lines.append(line)
        if b"listening" in line:
            found: dict[str, Any] = json.loads(line)
            return found
    raise AssertionError(b"".join(lines).decode())


async def _keep(stderr: asyncio.StreamReader, log: list[bytes]) -> None:
    while line := await stderr.readline():
        log.append(line)
