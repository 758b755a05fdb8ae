"""Runs `python -m service` as a process of its own, with the settings of a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from service.settings import Settings
from tests.builders import SECRET_KEYS

ROOT = Path(__file__).parents[1]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Returns the environment of the process: its settings, and nothing of the test run's environment but PATH."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "DEFAULT_FROM": "Fabrikam Installers <hello@fabrikam.example>",
        "RELAY_URL": "smtp://127.0.0.1:1",
        "SECRET_KEYS": SECRET_KEYS,
        "ALLOW_RESERVED_DOMAINS": "1",
        "DRAIN_SECONDS": "5",
        "DRAIN_NOTICE_SECONDS": "0.3",
        **more,
    }


def free_port() -> int:
    """Returns a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A service that listens at `url`. `log` has its log lines so far."""

    process: asyncio.subprocess.Process
    url: str
    port: int
    log: list[bytes] = field(default_factory=list)


@contextlib.asynccontextmanager
async def running(*arguments: str, env: dict[str, str], code: Path = ROOT) -> AsyncIterator[Running]:
    """Starts the service, waits until it is ready, stops it when the block ends. `code` is where its packages are."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        "--port",
        str(port),
        *arguments,
        cwd=code,
        env=env,
        stderr=asyncio.subprocess.PIPE,
    )
    made = Running(process=process, url=f"http://127.0.0.1:{port}", port=port)
    reading = asyncio.create_task(_read(process, made.log))
    try:
        await until_ready(made)
        yield made
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await reading


async def until_ready(service: Running) -> None:
    """Waits until `/readyz` returns 200, for at most a minute."""
    async with asyncio.timeout(60), httpx.AsyncClient() as http:
        while True:
            assert service.process.returncode is None, b"".join(service.log).decode()
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{service.url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def _read(process: asyncio.subprocess.Process, log: list[bytes]) -> None:
    if process.stderr is not None:
        async for line in process.stderr:
            log.append(line)
