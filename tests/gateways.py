"""Gateways as processes of their own, to be killed: nothing of them is settled by a lease."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.settings import Settings
from tests.builders import SECRET_KEYS
from tests.smtp_server import SmtpServer

LEASE_SECONDS = 3600
"""Nothing here is settled by a lease."""


class Gateways:
    """Starts and kills them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self, *, workers: int = 1) -> None:
        command = [sys.executable, "-m", "gateway", "--workers", str(workers)]
        started = await asyncio.create_subprocess_exec(*command, env=self.environment, start_new_session=True)
        self.running.append(started)

    async def kill(self) -> None:
        """All of a gateway's processes at once."""
        for process in self.running:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


def gateway_environment(settings: Settings, relay_url: str, **more: str) -> dict[str, str]:
    """The environment of a gateway's process: the test run's own, settings of the test, and `more`."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "DEFAULT_FROM": settings.default_from,
        "RELAY_URL": relay_url,
        "SECRET_KEYS": SECRET_KEYS,
        "ALLOW_RESERVED_DOMAINS": "1",
        "SWEEP_SECONDS": "0.1",
        "RECORDER_DIR": str(settings.recorder_dir),
        **more,
    }


@pytest.fixture
async def gateways(settings: Settings, smtp_server: SmtpServer, tmp_path: Path) -> AsyncIterator[Gateways]:
    made = Gateways(
        gateway_environment(
            settings,
            f"{smtp_server.url}&connections=1",
            LEASE_SECONDS=str(LEASE_SECONDS),
            RECORDER_DIR=str(tmp_path / "recorders"),
        )
    )
    yield made
    await made.kill()
