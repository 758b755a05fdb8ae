"""Serves an ASGI application on a real socket, by the service's own server, in the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass

from starlette.applications import Starlette

from service.server import DrainingServer, build_server, listen
from service.settings import Settings, read_settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """A server that listens on `host:port`."""

    server: DrainingServer
    host: str
    port: int

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.host}:{self.port}"


def transport_settings() -> Settings:
    """Returns settings for applications without a database."""
    return read_settings(
        database_url="postgresql://nowhere/", public_url="http://mail.example", drain_seconds=2, drain_notice_seconds=0
    )


@contextlib.asynccontextmanager
async def serve(app: Starlette, settings: Settings) -> AsyncIterator[Serving]:
    """Serves until the block ends, then drains."""
    ready = asyncio.Event()
    listening = listen("127.0.0.1", 0)
    host, port = listening.getsockname()
    server = build_server(app, settings, on_ready=ready.set)
    running = asyncio.create_task(_run(server, listening))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if running.done():
            await running
        yield Serving(server=server, host=host, port=port)
    finally:
        waiting.cancel()
        server.should_exit = True
        await running


async def _run(server: DrainingServer, listening: object) -> None:
    @contextlib.contextmanager
    def leave_signals() -> Generator[None, None, None]:
        yield

    server.capture_signals = leave_signals  # type: ignore[method-assign]  # signals are pytest's
    await server.serve(sockets=[listening])  # type: ignore[list-item]  # any socket serves
