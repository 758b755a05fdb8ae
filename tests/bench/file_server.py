"""The ceiling of the listener for received mail: aiosmtpd with a handler that stores each mail in a file.

It does what a careful program does before it answers 250: write, fsync, rename, in a thread. It checks no recipient and
keeps no envelope.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Files:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self._number += 1
        assert isinstance(envelope.content, bytes)
        await asyncio.to_thread(_store, self._directory / f"{self._number}.eml", envelope.content)
        return "250 2.0.0 Ok"


def _store(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


async def _serve(directory: Path) -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    handler = _Files(directory)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="file.test", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
