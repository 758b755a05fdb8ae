"""A listener for received mail in this process, and a client that sends it octets as they are written."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.inbound.addresses import Addresses
from gateway.inbound.admission import Admission, ListenerLimits
from gateway.inbound.listener import Listener, Reception, Store, Timeouts
from gateway.inbound.smtp_session import SessionLimits
from gateway.inbound.store import InboundSource, Received
from gateway.mail.message import MessageRef
from gateway.mail.tracking import return_path
from tests.builders import KEYRING

BOUNCES = "bounce.fabrikam.example"
REPLIES = "reply.fabrikam.example"
TOKEN = return_path(KEYRING, BOUNCES, MessageRef(customer_id=42, message_id=UUID(int=7)))
OFFICE = f"office@{REPLIES}"
PATIENCE_SECONDS = 60.0

ADDRESSES = Addresses(keyring=KEYRING, bounce_domain=BOUNCES, reply_domain=REPLIES, mailboxes=("office",))


@dataclass
class MemoryStore:
    """Keeps mail in a list. `error` is raised instead; `gate`, where it is set, is waited for."""

    mails: list[Received] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event | None = None

    async def __call__(self, mail: Received) -> None:
        """Keep one."""
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.mails.append(mail)


class Client:
    """Sends octets as they are given, reads whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def reply(self) -> str:
        """The next reply, its lines joined; empty when the connection is closed."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := (await self._reader.readline()).decode():
                assert line.endswith("\r\n"), line
                lines.append(line.removesuffix("\r\n"))
                if line[3:4] != "-":
                    break
        return "\n".join(lines)

    def send(self, octets: bytes) -> None:
        """Send without waiting."""
        self._writer.write(octets)

    async def say(self, *commands: str | bytes) -> str:
        """Send commands one by one; returns the last reply."""
        reply = ""
        for command in commands:
            self.send((command.encode() if isinstance(command, str) else command) + b"\r\n")
            reply = await self.reply()
        return reply

    async def rest(self) -> str:
        """Everything that comes until the listener closes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return (await self._reader.read()).decode(errors="replace")
            except ConnectionResetError:
                return ""

    async def begin(self, *recipients: str, hello: str = "EHLO") -> str:
        """From the greeting to the reply to DATA."""
        await self.reply()
        return await self.say(
            f"{hello} client.example", "MAIL FROM:<>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"
        )

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Change to TLS after the reply to STARTTLS."""
        await self._writer.start_tls(context, server_hostname="localhost")

    def end(self) -> None:
        """Say that no more comes."""
        self._writer.write_eof()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[Client]:
    """A client, connected."""
    client = Client(*await asyncio.open_connection("127.0.0.1", port, limit=1_048_576))
    try:
        yield client
    finally:
        client.close()


def reception(store: Store, **changes: Any) -> Reception:
    """What a listener needs. Keywords: those of `Reception`, `SessionLimits` or `ListenerLimits`."""
    session = {name: changes.pop(name) for name in SessionLimits.__slots__ if name in changes}
    shared = {name: changes.pop(name) for name in ListenerLimits.__slots__ if name in changes}
    timeouts = {name: changes.pop(name) for name in Timeouts.__slots__ if name in changes}
    return Reception(
        hostname="mx.fabrikam.example",
        addresses=ADDRESSES,
        limits=SessionLimits(**{"max_octets": 65_536, **session}),
        admission=Admission(ListenerLimits(**shared), clock=time.monotonic),
        store=store,
        timeouts=Timeouts(**timeouts),
        **changes,
    )


@contextlib.asynccontextmanager
async def listening(store: Store, source: InboundSource = InboundSource.SMTP, **changes: Any) -> AsyncIterator[int]:
    """A listener on a free port, which it yields."""
    listener = Listener(reception(store, **changes))
    port = await listener.open(source, "127.0.0.1", 0)
    try:
        yield port
    finally:
        await listener.drain(0.1)
