"""A proxy before PostgreSQL that loses answers: what was asked is done, and its client never hears so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class CuttingProxy:
    """Passes bytes on to a server's socket. The answer to what a client sends with `marker` in it, or to what it sends
    next with `then` in it, is not passed on, once: the connection ends when the server has answered."""

    socket: Path
    marker: bytes | None = None
    then: bytes | None = None
    lost: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        server_reader, server_writer = await asyncio.open_unix_connection(self.socket)
        cut = asyncio.Event()
        try:
            answers = asyncio.create_task(self._pass_answers(server_reader, writer, cut))
            await self._pass_questions(reader, server_writer, cut)
            await answers
        finally:
            for one in (writer, server_writer):
                one.close()

    async def _pass_questions(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        marked = False
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.marker is not None and self.marker in data and self.then is not None:
                    marked, self.marker = True, None
                elif (marked and self.then is not None and self.then in data) or (
                    self.marker is not None and self.marker in data
                ):
                    marked, self.marker = False, None
                    self.lost += 1
                    cut.set()
                server.write(data)
                await server.drain()
        if server.can_write_eof() and not cut.is_set():
            server.write_eof()

    async def _pass_answers(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if cut.is_set():
                    client.transport.abort()
                    return
                client.write(data)
                await client.drain()
        client.close()


@asynccontextmanager
async def cutting_proxy(directory: Path) -> AsyncIterator[tuple[CuttingProxy, int]]:
    """A proxy before the server whose socket lies in a directory, and its port."""
    proxy = CuttingProxy(directory / ".s.PGSQL.5432")
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
