"""A mail server that accepts mail as fast as Python can and discards it; run as a process of its own.

Without a delay Postfix's smtp-sink is used instead, when it is on the PATH. With one, every reply is sent `delay`
seconds after its command, as on a network with that round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import uvloop

_HELLO = b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 36700160\r\n250 8BITMIME\r\n"
_TAIL = 1024
"""Bytes that may follow the end of data in one packet: the next mail's MAIL, RCPT and DATA."""


class _Sink(asyncio.Protocol):
    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.rest = b""
        self.in_content = False
        self.taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports have no common base class
        self.transport.write(b"220 sink.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        stream = self.rest + data if self.rest else data
        replies: list[bytes] = []
        position = 0
        while True:
            if self.in_content:
                # A client sends one content and waits for the next 354, so its end is near the end of the data.
                end = stream.find(b"\r\n.\r\n", max(position, len(stream) - _TAIL))
                if end < 0:
                    position = max(position, len(stream) - 4)
                    break
                position = end + 5
                self.in_content = False
                self.taken += 1
                replies.append(b"250 2.0.0 Ok: queued as %X\r\n" % self.taken)
            else:
                end = stream.find(b"\n", position)
                if end < 0:
                    break
                replies.append(self.obey(stream[position : position + 4].upper()))
                position = end + 1
        self.rest = stream[position:]
        if replies:
            self.say(b"".join(replies))

    def obey(self, verb: bytes) -> bytes:
        if verb in (b"MAIL", b"RCPT"):
            return b"250 2.1.0 Ok\r\n" if verb == b"MAIL" else b"250 2.1.5 Ok\r\n"
        if verb == b"DATA":
            self.in_content = True
            return b"354 End data with <CR><LF>.<CR><LF>\r\n"
        if verb == b"EHLO":
            return _HELLO
        return b"221 2.0.0 Bye\r\n" if verb == b"QUIT" else b"250 2.0.0 Ok\r\n"

    def say(self, wire: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.write, wire)
        else:
            self.transport.write(wire)

    def write(self, wire: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(wire)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sink:
    """A running sink. `kind` is its name for notes."""

    port: int
    kind: str


@contextmanager
def own_sink(*, delay: float = 0.0) -> Iterator[Sink]:
    """The project's own sink."""
    command = [sys.executable, "-m", "tests.bench.sink", "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Sink(port=int(process.stdout.readline()), kind="own sink")
        finally:
            process.kill()


@contextmanager
def smtp_sink() -> Iterator[Sink]:
    """Postfix's smtp-sink, which must be on the PATH."""
    program = shutil.which("smtp-sink")
    assert program is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "200"]) as process:
        try:
            _await_listening(port, process)
            yield Sink(port=port, kind="smtp-sink")
        finally:
            process.kill()


def _await_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise RuntimeError(f"smtp-sink ended with {process.wait(timeout=0.01)}")
    raise RuntimeError("smtp-sink does not listen")


@contextmanager
def postfix_or_own_sink() -> Iterator[Sink]:
    """smtp-sink when it is on the PATH, else our own."""
    with smtp_sink() if shutil.which("smtp-sink") else own_sink() as sink:
        yield sink


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Sink(delay), "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of round trip")
    uvloop.run(_serve(parser.parse_args().delay))
