"""A scriptable SMTP server: records every connection, command and message, and plays every fault.

    async with SmtpServer() as server:
        server.script(rcpt={"bad@x.test": Reply(550, "5.1.1 unknown")}, after_dot=[Drop(), Reply(451, "4.3.0 later")])
        ...
        await server.accepted(1)
        assert server.messages[0].recipients == ("good@x.test",)

What may be scripted, by keyword: `greeting ehlo helo starttls handshake auth mail rcpt data body after_dot rset noop
quit`. A value is one play (every time), a list (the first time, the second time, ..., then as usual; None: as usual), a
mapping (by recipient; at `mail` by sender), or a function of the `Point`. `connection=2` limits a script to the
second connection. The newest script with a play for the point wins.

It is strict about client errors: a nested MAIL, RCPT without MAIL and bytes sent before TLS are errors. Usual replies
name their address, so that a reply attributed to the wrong mail is detected.

`python -m tests.smtp_server --port 2525 --accepted FILE` runs it as a process of its own, for tests whose gateway is
one too; it appends one JSON line a message it took.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import random
import re
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal, Self

import pytest
import trustme

from gateway.settings import Relay, TlsMode

PATIENCE_SECONDS = 60.0
UNREAD_OCTETS = 65_536
"""What a connection takes while it is not read: else the system may hold the whole of a large mail, and its sender
wait for the answer, before the server has come to the octet where it is to break off."""
"""How long an awaited event may take before the test fails: far more than a loaded machine needs."""

DEFAULT_KEYWORDS = ("PIPELINING", "SIZE 36700160", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")

# ---- plays -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; a line break in the text makes it multi-line. `delay` seconds, or until `when` is set, pass first."""

    code: int
    text: str = ""
    delay: float = 0.0
    when: asyncio.Event | None = None
    then: Play | None = None

    @property
    def wire(self) -> bytes:
        """As sent: `250-first`, `250 last`; a reply without text is the code alone."""
        *first, last = self.text.split("\n")
        lines = [f"{self.code}-{line}\r\n" for line in first]
        lines.append(f"{self.code} {last}\r\n" if last else f"{self.code}\r\n")
        return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Raw:
    """Any bytes in place of a reply: garbage, mixed codes, half a line."""

    wire: bytes
    then: Play | None = None

    @property
    def code(self) -> int | None:
        """The code of the last whole line, as a lenient client would read it."""
        lines = self.wire.split(b"\n")[:-1]
        return int(lines[-1][:3]) if lines and lines[-1][:3].isdigit() else None


@dataclass(frozen=True, slots=True)
class Endless:
    """The same bytes repeatedly, until the client closes."""

    wire: bytes = b"250-and another thing\r\n"


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without a reply. `reset`: by RST. `after_bytes`: at `body`, once that much has arrived.

    After the dot the mail counts as taken unless `taken` is False: the sender cannot know which.
    """

    reset: bool = False
    after_bytes: int = 0
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Silence:
    """Send nothing, keep reading, and wait for the client to close."""


Play = Reply | Raw | Endless | Drop | Silence

Scripted = Play | Sequence[Play | None] | Mapping[str, Any] | Callable[["Point"], Play | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The point in a session at which a play is chosen."""

    stage: str
    connection: int
    key: str
    sender: str
    recipients: tuple[str, ...]
    line: str


# ---- records ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command line as it came. `at` is the event loop's time in seconds."""

    connection: int
    line: str
    at: float

    @property
    def verb(self) -> str:
        """MAIL, RCPT, DATA, ..."""
        return self.line.split(" ", 1)[0].split(":", 1)[0].upper()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMessage:
    """One message received to its dot. `content` is without dot-stuffing, `wire` as received, both without the dot."""

    connection: int
    sender: str
    recipients: tuple[str, ...]
    options: str
    content: bytes
    wire: bytes
    taken: bool
    code: int | None
    at: float


@dataclass(kw_only=True, slots=True)
class Connection:
    """One connection of a client, open or closed."""

    number: int
    opened_at: float
    closed_at: float | None = None
    tls: str | None = None
    login: str | None = None
    commands: list[Command] = field(default_factory=list)
    received_bytes: int = 0
    reads: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Rule:
    scripted: Scripted
    connection: int | None
    used: dict[int, int] = field(default_factory=dict)

    def choose(self, point: Point) -> Play | None:
        if self.connection not in (None, point.connection):
            return None
        chosen: Any = self.scripted
        while chosen is not None and not isinstance(chosen, Play):
            if isinstance(chosen, Mapping):
                chosen = chosen.get(point.key)
            elif callable(chosen):
                chosen = chosen(point)
            else:
                turn = self.used.get(id(chosen), 0)
                self.used[id(chosen)] = turn + 1
                chosen = chosen[turn] if turn < len(chosen) else None
        return chosen


# ---- certificates ----------------------------------------------------------------------------------------------


@cache
def certificate_authority() -> trustme.CA:
    """One authority a test run."""
    return trustme.CA()


def server_tls(*names: str) -> ssl.SSLContext:
    """A server's TLS context with a certificate for these names (wrong names make a bad certificate)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate_authority().issue_cert(*names).configure_cert(context)
    return context


# ---- the server ------------------------------------------------------------------------------------------------


class _HangUp(Exception):
    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("hang up")
        self.reset = reset


class SmtpServer:
    """Listens on loopback from `async with` on; `port` is free then, and connections end with it.

    `pace`: `separate` writes every reply by itself, `coalesced` all that answer one packet in one write, `bytewise`
    a byte at a time. `tls`: `starttls` or `implicit`; `certificate_for` are the certificate's names. `logins` are the
    accepted user names and passwords of AUTH PLAIN and LOGIN.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        keywords: Sequence[str] = DEFAULT_KEYWORDS,
        tls: Literal["implicit", "starttls"] | None = None,
        certificate_for: Sequence[str] = ("localhost", "127.0.0.1"),
        logins: Mapping[str, str] | None = None,
        pace: str = "separate",
        keep_content: bool = True,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.keywords = list(keywords)
        self.tls = tls
        self.tls_context = server_tls(*certificate_for) if tls else None
        self.logins = dict(logins or {})
        self.auth_methods = "PLAIN LOGIN"
        self.pace = pace
        self.keep_content = keep_content
        self.connections: list[Connection] = []
        self.commands: list[Command] = []
        self.messages: list[ReceivedMessage] = []
        self._rules: dict[str, list[_Rule]] = {}
        self._sessions: dict[int, _Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._server: asyncio.Server | None = None
        self.on_message: Callable[[ReceivedMessage], None] = lambda message: None

    async def __aenter__(self) -> Self:
        context = self.tls_context if self.tls == "implicit" else None
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=context, backlog=512)
        for each in self._server.sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_OCTETS)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop listening and cut every connection: from now on the port refuses."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- scripting

    def script(self, *, connection: int | None = None, **stages: Any) -> None:
        """Play these (`Scripted`) at the named stages from now on; the module's docstring says how."""
        for stage, scripted in stages.items():
            if stage not in _STAGES:
                raise ValueError(f"{stage} is none of {', '.join(_STAGES)}")
            self._rules.setdefault(stage, []).append(_Rule(scripted, connection))

    def forget_scripts(self) -> None:
        """Behave as usual again."""
        self._rules.clear()

    def choose(self, point: Point) -> Play | None:
        """The play of the newest script that has one for this point."""
        for rule in reversed(self._rules.get(point.stage, ())):
            if (play := rule.choose(point)) is not None:
                return play
        return None

    async def say(self, wire: bytes, *, connection: int) -> None:
        """Write without a command, for example an unsolicited 421."""
        await self._sessions[connection].say_now(wire)

    async def hang_up(self, connection: int | None = None, *, wire: bytes = b"") -> None:
        """Close one connection, or all, after these last bytes; returns when they are closed."""
        for number in [connection] if connection else list(self._sessions):
            # It may have ended during the wait for another.
            if (session := self._sessions.get(number)) is None:
                continue
            if wire:
                await session.say_now(wire)
            session.close(reset=False)
            await self.closed(number)

    # -- what happened

    @property
    def taken(self) -> list[ReceivedMessage]:
        """The messages that the server has accepted."""
        return [message for message in self.messages if message.taken]

    @property
    def open_connections(self) -> list[int]:
        """Numbers of the open connections."""
        return list(self._sessions)

    def verbs(self, connection: int | None = None) -> list[str]:
        """The commands so far, without their arguments."""
        return [command.verb for command in self.commands if connection in (None, command.connection)]

    async def until(self, condition: Callable[[], bool], what: str = "the awaited event") -> None:
        """Wait until the condition is true; checked after every event. Fails after PATIENCE_SECONDS, with `what`."""
        if condition():
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((condition, waiter))
        try:
            await asyncio.wait_for(waiter, PATIENCE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{what} did not happen; commands so far: {self.verbs()[-30:]}") from None

    async def accepted(self, count: int) -> None:
        """Wait until this many messages have been accepted."""
        await self.until(lambda: len(self.taken) >= count, f"message {count} taken")

    async def received(self, count: int) -> None:
        """Wait until this many messages were received to their dot, accepted or not."""
        await self.until(lambda: len(self.messages) >= count, f"message {count} received")

    async def connected(self, count: int) -> None:
        """Wait until this many connections were made."""
        await self.until(lambda: len(self.connections) >= count, f"connection {count} made")

    async def closed(self, number: int) -> None:
        """Wait until connection `number` has ended."""
        await self.until(
            lambda: len(self.connections) >= number and self.connections[number - 1].closed_at is not None,
            f"connection {number} closed",
        )

    async def command_received(self, verb: str, count: int = 1) -> None:
        """Wait until a command was received this often."""
        await self.until(lambda: self.verbs().count(verb) >= count, f"{verb} number {count} received")

    def happened(self) -> None:
        """Check every waiting condition again."""
        for condition, waiter in self._waiters:
            if not waiter.done() and condition():
                waiter.set_result(None)
        self._waiters = [entry for entry in self._waiters if not entry[1].done()]

    # -- for settings

    def relay(self, **options: Any) -> Relay:
        """Settings of a relay that is this server; opportunistic TLS unless the server or the options say else."""
        mode = {"implicit": TlsMode.IMPLICIT, "starttls": TlsMode.STARTTLS, None: TlsMode.OPPORTUNISTIC}[self.tls]
        usual: dict[str, Any] = {"name": "main", "host": self.host, "port": self.port, "tls": mode}
        return Relay(**(usual | options))

    @property
    def url(self) -> str:
        """The same as a RELAY_URL."""
        scheme = {"implicit": "smtps", "starttls": "smtp+starttls", None: "smtp"}[self.tls]
        return f"{scheme}://{self.host}:{self.port}?name=main"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number = len(self.connections) + 1
        record = Connection(number=number, opened_at=asyncio.get_running_loop().time())
        self.connections.append(record)
        session = _Session(self, record, reader, writer)
        self._sessions[number] = session
        self.happened()
        try:
            await session.run()
        except asyncio.CancelledError:
            session.close(reset=False)
        finally:
            record.closed_at = asyncio.get_running_loop().time()
            del self._sessions[number]
            self._tasks.discard(task)
            self.happened()


_STAGES = (
    *("greeting", "ehlo", "helo", "starttls", "handshake", "auth"),
    *("mail", "rcpt", "data", "body", "after_dot", "rset", "noop", "quit"),
)
_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>\s*(.*)", re.IGNORECASE)


class _Session:
    """One connection's SMTP session."""

    def __init__(
        self, server: SmtpServer, record: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.record = record
        self.reader = reader
        self.writer = writer
        self.buffer = bytearray()
        self.unsent = bytearray()
        self.greeted = False
        self.line = ""
        self.reset_transaction()
        peer = writer.get_extra_info("socket")
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._note_tls()

    def reset_transaction(self) -> None:
        self.in_transaction = False
        self.sender = ""
        self.options = ""
        self.recipients: list[str] = []
        self.refused: list[str] = []

    async def run(self) -> None:
        """Runs the session; closes the connection however it ends."""
        reset = False
        try:
            await self.play("greeting", Reply(220, "scripted.test ESMTP"))
            while (line := await self._read_line()) is not None:
                await self._obey(line)
        except _HangUp as hang_up:
            reset = hang_up.reset
            if not reset:
                with contextlib.suppress(_HangUp, ConnectionError):
                    await self._flush()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self.close(reset=reset)

    def close(self, *, reset: bool) -> None:
        """Close, by FIN or by RST."""
        if reset:
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()

    # -- reading

    async def _read_line(self) -> str | None:
        while (end := self.buffer.find(b"\n")) < 0:
            if not await self._fill():
                return None
        line = bytes(self.buffer[:end]).rstrip(b"\r").decode("utf-8", "backslashreplace")
        del self.buffer[: end + 1]
        command = Command(connection=self.record.number, line=line, at=asyncio.get_running_loop().time())
        self.record.commands.append(command)
        self.server.commands.append(command)
        self.server.happened()
        return line

    async def _fill(self) -> bool:
        await self._flush()
        data = await self.reader.read(1 << 18)
        self.buffer += data
        self.record.received_bytes += len(data)
        if self.server.keep_content:
            self.record.reads.append(data)
        return bool(data)

    async def _read_body(self) -> bytes:
        play = self.server.choose(self.point("body"))
        if isinstance(play, Reply | Raw | Silence):
            await self._fill()
            await self.perform(play)
        scanned = 0
        while True:
            if isinstance(play, Drop) and len(self.buffer) >= play.after_bytes:
                await self._flush()
                raise _HangUp(reset=play.reset)
            if self.buffer.startswith(b".\r\n"):
                del self.buffer[:3]
                return b""
            if (end := self.buffer.find(b"\r\n.\r\n", max(0, scanned - 4))) >= 0:
                body = bytes(self.buffer[: end + 2])
                del self.buffer[: end + 5]
                return body
            scanned = len(self.buffer)
            if not await self._fill():
                raise _HangUp

    async def _wait_for_close(self) -> None:
        await self._flush()
        while await self.reader.read(1 << 18):
            pass
        raise _HangUp

    # -- writing

    async def say(self, wire: bytes) -> None:
        self.unsent += wire
        if self.server.pace == "separate":
            await self._flush()

    async def say_now(self, wire: bytes) -> None:
        self.unsent += wire
        await self._flush()

    async def _flush(self) -> None:
        wire, self.unsent = bytes(self.unsent), bytearray()
        step = 1 if self.server.pace == "bytewise" else len(wire) or 1
        for start in range(0, len(wire), step):
            if self.writer.is_closing():
                raise _HangUp
            self.writer.write(wire[start : start + step])
            if step == 1:
                await asyncio.sleep(0)
        await self.writer.drain()

    # -- playing

    def point(self, stage: str, key: str | None = None) -> Point:
        """Returns the current point; the key is the first recipient, accepted or refused, unless given."""
        named = [*self.recipients, *self.refused]
        return Point(
            stage=stage,
            connection=self.record.number,
            key=key if key is not None else (named[0] if named else ""),
            sender=self.sender,
            recipients=tuple(self.recipients),
            line=self.line,
        )

    async def play(self, stage: str, usual: Reply, key: str | None = None) -> int | None:
        """Perform the script's play, else the usual reply; returns the code sent, or None."""
        return await self.perform(self.server.choose(self.point(stage, key)) or usual)

    async def perform(self, play: Play) -> int | None:
        """Perform one play and what follows it; returns the code sent, or None."""
        match play:
            case Drop():
                raise _HangUp(reset=play.reset)
            case Silence():
                await self._wait_for_close()
            case Endless():
                while not self.writer.is_closing():
                    await self.say_now(play.wire)
                    # Draining a buffer that is not full gives way to nobody, and the client may live in this loop.
                    await asyncio.sleep(0)
                raise _HangUp
            case Reply():
                await self._wait_for(play)
        assert isinstance(play, Reply | Raw)
        await self.say(play.wire)
        if play.then is not None:
            await self.perform(play.then)
        return play.code

    async def _wait_for(self, reply: Reply) -> None:
        if reply.delay or (reply.when is not None and not reply.when.is_set()):
            await self._flush()
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.when is not None:
            await reply.when.wait()

    # -- commands

    async def _obey(self, line: str) -> None:
        self.line = line
        verb, _, argument = line.partition(" ")
        match verb.upper():
            case "EHLO":
                await self._ehlo(argument)
            case "HELO":
                self.greeted = True
                self.reset_transaction()
                await self.play("helo", Reply(250, "scripted.test"))
            case "STARTTLS":
                await self._starttls()
            case "AUTH":
                await self._auth(argument)
            case "MAIL":
                await self._mail(argument)
            case "RCPT":
                await self._rcpt(argument)
            case "DATA":
                await self._data()
            case "RSET":
                self.reset_transaction()
                await self.play("rset", Reply(250, "2.0.0 forgotten"))
            case "NOOP":
                await self.play("noop", Reply(250, "2.0.0 nothing done"))
            case "QUIT":
                await self.play("quit", Reply(221, "2.0.0 bye"))
                raise _HangUp
            case _:
                await self.say(Reply(500, "5.5.2 unknown command").wire)

    async def _ehlo(self, name: str) -> None:
        keywords = list(self.server.keywords)
        if self.server.tls == "starttls" and self.record.tls is None:
            keywords.append("STARTTLS")
        if self.server.logins:
            keywords.append(f"AUTH {self.server.auth_methods}")
        self.greeted = True
        self.reset_transaction()
        await self.play("ehlo", Reply(250, "\n".join([f"scripted.test greets {name}", *keywords])))

    async def _starttls(self) -> None:
        if await self.play("starttls", Reply(220, "2.0.0 go ahead")) != 220:
            return
        await self._flush()
        if (play := self.server.choose(self.point("handshake"))) is not None:
            await self.perform(play)
            await self._flush()
        if self.buffer:
            raise AssertionError(f"bytes came before TLS: {bytes(self.buffer)!r}")
        assert self.server.tls_context is not None, "give SmtpServer tls='starttls'"
        await self.writer.start_tls(self.server.tls_context)
        self.greeted = False
        self._note_tls()

    def _note_tls(self) -> None:
        secured = self.writer.get_extra_info("ssl_object")
        self.record.tls = secured.version() if secured is not None else None

    async def _auth(self, argument: str) -> None:
        method, _, initial = argument.partition(" ")
        words = [initial] if initial else []
        wanted = {"PLAIN": 1, "LOGIN": 2}.get(method.upper(), 0)
        while len(words) < wanted:
            await self.say(b"334 \r\n")
            words.append(await self._read_line() or "")
        login = tuple(_unbase64(words[0]).split("\0")[1:]) if wanted == 1 else tuple(_unbase64(word) for word in words)
        right = len(login) == 2 and self.server.logins.get(login[0]) == login[1]
        usual = Reply(235, "2.7.0 welcome") if right else Reply(535, "5.7.8 wrong user name or password")
        if await self.play("auth", usual, key=login[0] if login else "") == 235:
            self.record.login = login[0]

    async def _mail(self, argument: str) -> None:
        match = _PATH.match(argument)
        if match is None:
            return await self.say(Reply(501, "5.5.4 MAIL FROM:<address>").wire)
        if not self.greeted or self.in_transaction:
            return await self.say(Reply(503, "5.5.1 nested MAIL, or no EHLO").wire)
        sender, options = match[1], match[2]
        if (await self.play("mail", Reply(250, f"2.1.0 <{sender}> ok"), key=sender) or 0) // 100 == 2:
            self.in_transaction, self.sender, self.options = True, sender, options
        return None

    async def _rcpt(self, argument: str) -> None:
        match = _PATH.match(argument)
        if match is None:
            return await self.say(Reply(501, "5.5.4 RCPT TO:<address>").wire)
        if not self.in_transaction:
            return await self.say(Reply(503, "5.5.1 RCPT without MAIL").wire)
        recipient = match[1]
        code = await self.play("rcpt", Reply(250, f"2.1.5 <{recipient}> ok"), key=recipient)
        (self.recipients if (code or 0) // 100 == 2 else self.refused).append(recipient)
        return None

    async def _data(self) -> None:
        usual = Reply(354, "go ahead") if self.recipients else Reply(503, "5.5.1 DATA without a good RCPT")
        if await self.play("data", usual) != 354:
            return
        wire = await self._read_body()
        content = wire[1:] if wire.startswith(b".") else wire
        content = content.replace(b"\r\n.", b"\r\n")
        names = " ".join(f"<{recipient}>" for recipient in self.recipients)
        usual = Reply(250, f"2.0.0 {names} taken") if self.recipients else Reply(554, "5.5.1 no good recipient")
        play = self.server.choose(self.point("after_dot")) or usual
        self._note_message(play, content, wire)
        self.reset_transaction()
        await self.perform(play)

    def _note_message(self, play: Play, content: bytes, wire: bytes) -> None:
        code = play.code if isinstance(play, Reply | Raw) else None
        message = ReceivedMessage(
            connection=self.record.number,
            sender=self.sender,
            recipients=tuple(self.recipients),
            options=self.options,
            content=content if self.server.keep_content else b"",
            wire=wire if self.server.keep_content else b"",
            taken=bool(self.recipients) and (play.taken if isinstance(play, Drop) else code is None or code < 400),
            code=code,
            at=asyncio.get_running_loop().time(),
        )
        self.server.messages.append(message)
        if message.taken:
            self.server.on_message(message)
        self.server.happened()


def _unbase64(text: str) -> str:
    return base64.b64decode(text).decode()


# ---- fixtures --------------------------------------------------------------------------------------------------


@pytest.fixture
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """A scriptable SMTP server that offers PIPELINING, SIZE, 8BITMIME and SMTPUTF8, without TLS."""
    async with SmtpServer() as server:
        yield server


@pytest.fixture
def trusted_authority(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Makes this process (and its children) trust the test authority, as a deployment trusts its own: SSL_CERT_FILE."""
    with NamedTemporaryFile(suffix=".pem") as file:
        path = Path(file.name)
        path.write_bytes(certificate_authority().cert_pem.bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        yield path


# ---- a process of its own ----------------------------------------------------------------------------------------


def random_faults(chance: float, seed: int) -> Callable[[Point], Play | None]:
    """Returns a script that at each stage, with this probability, breaks the connection or defers the mail."""
    dice = random.Random(seed)
    closing = Reply(421, "4.3.2 closing", then=Drop())
    ways: tuple[Play, ...] = (Drop(), Drop(reset=True), Reply(451, "4.3.0 later"), closing)

    def choose(point: Point) -> Play | None:
        if dice.random() >= chance:
            return None
        return dice.choice(ways)

    return choose


async def _serve_forever(arguments: argparse.Namespace) -> None:
    server = SmtpServer(port=arguments.port, keep_content=False)
    faults = random_faults(arguments.faults, arguments.seed)
    if arguments.faults:
        server.script(mail=faults, rcpt=faults, data=faults, after_dot=faults)
    with contextlib.ExitStack() as files:
        if arguments.accepted:
            lines = files.enter_context(Path(arguments.accepted).open("a", buffering=1))  # noqa: ASYNC230 - before serving
            server.on_message = lambda message: _write_line(lines, message)
        async with server:
            print(f"listening on {server.host}:{server.port}", flush=True)
            await asyncio.Event().wait()


def _write_line(lines: Any, message: ReceivedMessage) -> None:
    taken = {"sender": message.sender, "recipients": message.recipients, "code": message.code, "at": time.time()}
    lines.write(json.dumps(taken) + "\n")


def main() -> None:
    """Serve until killed; prints the port to standard output first."""
    parser = argparse.ArgumentParser(description="A scriptable SMTP server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--accepted", help="append one JSON line a message taken")
    parser.add_argument("--faults", type=float, default=0.0, help="chance of a fault at each stage of a transaction")
    parser.add_argument("--seed", type=int, default=1)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve_forever(parser.parse_args()))


if __name__ == "__main__":
    main()
