"""A fast mail server that notes each mail when its dot has come, before it answers: `python -m tests.proof.sink LOG`.

A line a mail: return path, recipient, code of the answer. Recipients whose address begins with `refused` are refused at
RCPT; after the dot, a mail to those with `later` is put off once, and one to those with `spam` refused once. With
`--authority FILE` it speaks TLS from the first byte and writes there whom to trust. It prints its port, and ends with
its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

from tests.proof.counts import attempt_of
from tests.proof.recorder_counts import Try
from tests.smtp_server import certificate_authority, server_tls

REFUSED, LATER, SPAM = "refused", "later", "spam"
_ONCE = {LATER.encode(): (451, b"451 4.3.0 later"), SPAM.encode(): (554, b"554 5.7.1 message looks like spam")}
_HELLO = b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 36700160\r\n250 8BITMIME\r\n"


class _Session(asyncio.Protocol):
    """One connection. `answered` are the mails that were put off or refused once."""

    def __init__(self, log: int, answered: set[bytes]) -> None:
        self.log = log
        self.answered = answered
        self.rest = bytearray()
        self.scanned = 0
        self.in_content = False
        self.sender = self.recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports have no common base class
        self.transport.write(b"220 sink.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.rest += data
        replies: list[bytes] = []
        while (reply := self._content() if self.in_content else self._line()) is not None:
            replies.append(reply)
        if replies:
            self.transport.write(b"".join(replies))

    def _content(self) -> bytes | None:
        """The answer to a content that is complete."""
        end = self.rest.find(b"\r\n.\r\n", max(0, self.scanned - 4))
        if end < 0:
            self.scanned = len(self.rest)
            return None
        del self.rest[: end + 5]
        self.in_content, self.scanned = False, 0
        mail = self.sender.partition(b".")[2]  # the message, without the number of the attempt
        once = next((one for word, one in _ONCE.items() if self.recipient.startswith(word)), None)
        code, words = (250, b"250 2.0.0 taken") if once is None or mail in self.answered else once
        if code != 250:
            self.answered.add(mail)
        os.write(self.log, b"%s %s %d\n" % (self.sender, self.recipient, code))
        return words + b"\r\n"

    def _line(self) -> bytes | None:
        """The answer to a command that is complete."""
        end = self.rest.find(b"\n")
        if end < 0:
            return None
        line = bytes(self.rest[:end])
        del self.rest[: end + 1]
        verb = line[:4].upper()
        address = line.partition(b"<")[2].partition(b">")[0]
        match verb:
            case b"MAIL":
                self.sender, self.recipient = address, b""
                return b"250 2.1.0 Ok\r\n"
            case b"RCPT" if address.startswith(REFUSED.encode()):
                return b"550 5.1.1 unknown\r\n"
            case b"RCPT":
                self.recipient = address
                return b"250 2.1.5 Ok\r\n"
            case b"DATA" if self.recipient:
                self.in_content = True
                return b"354 End data with <CR><LF>.<CR><LF>\r\n"
            case b"DATA":
                return b"503 5.5.1 no recipient\r\n"
            case b"EHLO":
                return _HELLO
        return b"221 2.0.0 Bye\r\n" if verb == b"QUIT" else b"250 2.0.0 Ok\r\n"


@dataclass(kw_only=True, slots=True)
class Sink:
    """A running one, and what it has noted: `received` to the dot, `taken` of them."""

    url: str
    log: Path
    received: list[Try] = field(default_factory=list)
    taken: list[Try] = field(default_factory=list)
    _read: int = 0

    def read(self) -> int:
        """Reads what is new; returns how many mails were received in all."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            sender, recipient, code = line.split(" ")
            one = (*attempt_of(sender), recipient)
            self.received.append(one)
            if code == "250":
                self.taken.append(one)
        return len(self.received)


@contextmanager
def recording_sink(directory: Path, *, tls: bool, address: str = "127.0.0.1") -> Iterator[Sink]:
    """A sink of its own process, at this address, until the end."""
    log = directory / "received.txt"
    log.touch()
    options = ["--authority", str(directory / "authority.pem")] if tls else []
    command = [sys.executable, "-m", "tests.proof.sink", str(log), "--address", address, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Sink(url=f"{'smtps' if tls else 'smtp'}://{address}:{port}?name=main", log=log)
        finally:
            process.kill()


async def _serve(log: Path, address: str, context: ssl.SSLContext | None) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    answered: set[bytes] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(descriptor, answered), address, 0, ssl=context, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--authority", type=Path)
    chosen = parser.parse_args()
    secured = None
    if chosen.authority is not None:
        secured = server_tls("localhost", "127.0.0.1")
        chosen.authority.write_bytes(certificate_authority().cert_pem.bytes())
    uvloop.run(_serve(chosen.log, chosen.address, secured))
