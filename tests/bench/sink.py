"""A mail server that accepts mail as fast as Python can and discards it; run as a process of its own.

With a delay every reply is sent `delay` seconds after its command, as on a network with that round trip. `STAT` says
how many mails it has taken. SINK=postfix chooses Postfix's smtp-sink instead, which needs three times the CPU a mail.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, ClassVar, cast

import uvloop

from service.standalone.process_guard import spawn

_HELLO = b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 36700160\r\n250 8BITMIME\r\n"
_TAIL = 1024
"""Bytes that may follow the end of data in one packet: the next mail's MAIL, RCPT and DATA."""


class _Sink(asyncio.Protocol):
    taken: ClassVar[int] = 0
    """By all connections."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.rest = b""
        self.in_content = False

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
                _Sink.taken += 1
                replies.append(b"250 2.0.0 Ok: queued as %X\r\n" % _Sink.taken)
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
        if verb == b"STAT":
            return b"250 %d\r\n" % _Sink.taken
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
    """A running sink. `kind` is its name for notes; `taken` says how many mails it has taken so far."""

    port: int
    kind: str
    pid: int
    taken: Callable[[], int]


class _Count:
    """Asks our own sink over a connection that is kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None

    def __call__(self) -> int:
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._connection.recv(200)
        self._connection.sendall(b"STAT\r\n")
        return int(self._connection.recv(200).split()[1])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@contextmanager
def own_sink(*, delay: float = 0.0) -> Iterator[Sink]:
    """The project's own sink. It ends with this process, however that ends."""
    command = [sys.executable, "-m", "tests.bench.sink", "--delay", str(delay)]
    with spawn(command, stop_signal=signal.SIGKILL, output=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with contextlib.closing(_Count(port)) as count:
                yield Sink(port=port, kind="own sink", pid=process.pid, taken=count)
        finally:
            process.kill()


class _PrintedCount:
    """Reads what `smtp-sink -c` prints after each mail: `sess=1 quit=0 mesg=12` and a carriage return."""

    def __init__(self, printed: IO[bytes]) -> None:
        self._printed = printed
        self._last = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while piece := os.read(self._printed.fileno(), 65536):
            *lines, rest = (rest + piece).split(b"\r")
            if lines:
                self._last = int(lines[-1].rpartition(b"=")[2])

    def __call__(self) -> int:
        return self._last


@contextmanager
def smtp_sink() -> Iterator[Sink]:
    """Postfix's smtp-sink. Raises SystemExit when it is not on the PATH."""
    program = shutil.which("smtp-sink")
    if program is None:
        raise SystemExit("SINK=postfix needs smtp-sink on the PATH: it is part of Postfix.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [program, "-c", "-u", "nobody", f"127.0.0.1:{port}", "200"]
    with spawn(command, stop_signal=signal.SIGKILL, output=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            _await_listening(port, process)
            yield Sink(port=port, kind="smtp-sink", pid=process.pid, taken=_PrintedCount(process.stdout))
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
def chosen_sink() -> Iterator[Sink]:
    """Our own sink, or Postfix's with SINK=postfix. Raises SystemExit for another word."""
    name = os.environ.get("SINK") or "own"
    if name not in ("own", "postfix"):
        raise SystemExit(f"SINK is own or postfix: {name!r}")
    with smtp_sink() if name == "postfix" else own_sink() as sink:
        yield sink


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Sink(delay), "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of round trip")
    uvloop.run(_serve(parser.parse_args().delay))
