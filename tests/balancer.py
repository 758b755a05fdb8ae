"""A balancer before services: new connections go to those whose `/readyz` is 200, in turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

_LOOK_SECONDS = 0.05


@dataclass(kw_only=True, slots=True)
class Balancer:
    """Passes bytes on to the ports of services on this machine. It never repeats what it has passed on."""

    backends: set[int]
    _ready: set[int] = field(default_factory=set)
    _turn: int = 0

    async def watch(self) -> None:
        """Ask every service again and again whether it is ready."""
        async with httpx.AsyncClient(headers={"Connection": "close"}) as http:
            while True:
                asked = sorted(self.backends)
                found = await asyncio.gather(*(self._is_ready(http, port) for port in asked))
                self._ready = {port for port, ready in zip(asked, found, strict=True) if ready}
                await asyncio.sleep(_LOOK_SECONDS)

    def is_ready(self, count: int) -> bool:
        """Whether so many services are ready."""
        return len(self._ready) >= count

    async def _is_ready(self, http: httpx.AsyncClient, port: int) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        return False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        self._turn += 1
        ready = sorted(self._ready & self.backends)
        for number in range(len(ready)):
            port = ready[(self._turn + number) % len(ready)]
            with contextlib.suppress(ConnectionRefusedError):
                passed, back = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(_pass_on(reader, back), _pass_on(passed, writer))
                return
        writer.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


@asynccontextmanager
async def balanced(*ports: int) -> AsyncIterator[tuple[Balancer, str]]:
    """A balancer before the services at these ports, and its URL."""
    balancer = Balancer(backends=set(ports))
    watching = asyncio.create_task(balancer.watch())
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    try:
        yield balancer, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        watching.cancel()
        await asyncio.wait([watching])
