"""The listener for mail that comes back: SMTP and LMTP over TCP, with STARTTLS (RFC 5321, 2033, 3207).

aiosmtpd gives a connection its life, its timer and its change to TLS. What it reads, we read ourselves
(`smtp_stream`, `smtp_commands`, `smtp_session`): its own parser takes a lone LF for the end of a command, logs
addresses, and fails on some of what a client may send.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from aiosmtpd.smtp import SMTP

from gateway.errors import LedgerFull, LedgerUnavailable
from gateway.inbound.addresses import Addresses
from gateway.inbound.admission import Admission, client_of
from gateway.inbound.smtp_session import RefusedFor, SessionLimits, SmtpSession, Step, Then, too_large
from gateway.inbound.smtp_stream import BareLineEnding, CommandLines, Content, LineTooLong
from gateway.inbound.store import InboundSource, Received
from gateway.telemetry.metrics import INBOUND_ACCEPTED, INBOUND_BYTES, INBOUND_CONNECTIONS, INBOUND_REFUSED

log = logging.getLogger("gateway.inbound")

Store: TypeAlias = Callable[[Received], Awaitable[None]]
"""Stores a mail; returns when it is on the disk. Raises LedgerUnavailable, LedgerFull."""

_READ = 65_536
"""Octets taken from the socket at a time."""
_SWALLOWED = 2
"""So many times INBOUND_MAX_BYTES are read of a mail that is too large: senders expect the answer after its dot."""
_LINGER_SECONDS = 2.0
_BACKLOG = 100
_BARE = "550 5.6.0 A CR or LF stands alone: end lines with CR LF. Closing"
_NO_MEMORY = "452 4.3.1 Too much mail at the moment, try again"
_CLOSING = "421 4.3.2 The server is going down, try again"


class _HangUp(Exception):
    """The connection is over; everything is said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds. `idle`: without a command (RFC 5321 4.5.3.2.7 asks for five minutes) or without a piece of a mail;
    `content`: for one mail from the answer to DATA to its dot, however it trickles in."""

    idle: float = 300.0
    content: float = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reception:
    """What every connection of a listener shares."""

    hostname: str
    addresses: Addresses
    limits: SessionLimits
    admission: Admission
    store: Store
    tls: ssl.SSLContext | None = None
    timeouts: Timeouts = Timeouts()


class InboundConnection(SMTP):
    """One connection of a client."""

    line_length_limit = _READ  # above twice that in its buffer, the transport is paused

    def __init__(
        self, reception: Reception, source: InboundSource, *, open_connections: set[InboundConnection]
    ) -> None:
        super().__init__(
            None,
            hostname=reception.hostname,
            tls_context=reception.tls,
            timeout=reception.timeouts.idle,
            loop=asyncio.get_running_loop(),
        )
        self._reception = reception
        self._source = source
        self._open = open_connections
        self._lines = CommandLines()
        self._replies: list[str] = []
        self._client = ""
        self._stopping = self._said_all = False
        self._waits_for_command = False
        self._session = SmtpSession(
            source=source,
            hostname=reception.hostname,
            addresses=reception.addresses,
            limits=reception.limits,
            offers_tls=reception.tls is not None,
            permit=self._permit,
        )

    # ---- aiosmtpd's life of a connection

    async def _handle_client(self) -> None:
        """The task of the connection; aiosmtpd starts it, and cancels it when the connection is lost."""
        peer: Any = self.transport.get_extra_info("peername") if self.transport is not None else None
        self._client = client_of(str(peer[0])) if peer else ""
        admitted = self._reception.admission.connect(self._client)
        self._open.add(self)
        INBOUND_CONNECTIONS.labels(self._source).inc()
        try:
            await self._serve(admitted=admitted)
        except (_HangUp, OSError):
            pass
        except Exception:
            log.exception("a connection of the inbound listener failed")
            self._replies.append("421 4.3.0 Something went wrong here, try again")
            with contextlib.suppress(ConnectionError):
                await self._flush()
        finally:
            if admitted:
                self._reception.admission.disconnect(self._client)
            self._open.discard(self)
            INBOUND_CONNECTIONS.labels(self._source).dec()
            self._close()

    def eof_received(self) -> bool:
        """The client sends no more: what it sent is still answered. aiosmtpd would end the task at once."""
        super(SMTP, self).eof_received()
        return self._tls_protocol is None  # TLS knows no connection that is closed on one side

    def _timeout_cb(self) -> None:
        if not self._said_all:
            self._refuse(RefusedFor.SESSION_LIMIT)
            self._writer.write(b"421 4.4.2 Nothing came for too long, closing\r\n")
        self._close()

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    # ---- replies

    def _refuse(self, reason: RefusedFor) -> None:
        INBOUND_REFUSED.labels(self._source, reason).inc()

    def _reply(self, step: Step) -> None:
        """Keep a reply for the next write: those to commands that came together go together (RFC 2920 3.2)."""
        if step.reply:
            self._replies.append(step.reply)
        if step.refused is not None:
            self._refuse(step.refused)

    async def _flush(self) -> None:
        if self._replies:
            self._writer.write("".join(f"{reply}\r\n" for reply in self._replies).encode())
            self._replies.clear()
            await self._writer.drain()

    async def _hang_up(self, step: Step, *, linger: bool = True) -> NoReturn:
        """Send the last reply. What the client is still sending is read and dropped for a moment (`linger`): a socket
        that is closed before its octets are read resets the connection, and the client would not see the reply."""
        self._reply(step)
        await self._flush()
        self._said_all = True
        if linger and self._tls_protocol is None and not self._writer.is_closing():
            self._writer.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_SECONDS):
                    while await self._reader.read(_READ):
                        pass
        raise _HangUp

    # ---- one connection, from the greeting to its end

    async def _serve(self, *, admitted: bool) -> None:
        if not admitted or not self._reception.admission.count(self._client):
            reason = RefusedFor.RATE if admitted else RefusedFor.CONNECTIONS
            step = Step(reply="421 4.7.0 Too many connections, try again later", refused=reason)
            await self._hang_up(step, linger=False)  # it has not sent anything yet, and there are too many
        self._replies.append(self._session.greeting)
        while True:
            step = self._session.obey(await self._next_line())
            match step.then:
                case Then.COMMAND:
                    self._reply(step)
                case Then.CLOSE:
                    await self._hang_up(step)
                case Then.STARTTLS:
                    await self._start_tls()
                case Then.CONTENT:
                    await self._take_mail(step)

    def _permit(self, size: int | None) -> Step | None:
        admission = self._reception.admission
        if self._stopping:
            return Step(reply=_CLOSING, then=Then.CLOSE)
        if not admission.count(self._client):
            return Step(reply="450 4.7.1 Too much mail in this minute, try again later", refused=RefusedFor.RATE)
        if not admission.has_memory(size or 0):
            return Step(reply=_NO_MEMORY, refused=RefusedFor.MEMORY)
        return None

    async def _next_line(self) -> bytes:
        try:
            while (line := self._lines.next_line()) is None:
                await self._flush()
                if self._stopping:
                    await self._hang_up(Step(reply=_CLOSING))
                self._lines.feed(await self._read_command())
            return line
        except BareLineEnding:
            await self._hang_up(Step(reply=_BARE, refused=RefusedFor.LINE_ENDING))
        except LineTooLong:
            reply = "500 5.5.2 That line is too long. Closing"
            await self._hang_up(Step(reply=reply, refused=RefusedFor.COMMAND))

    async def _read_command(self) -> bytes:
        self._waits_for_command = True
        try:
            return await self._read()
        finally:
            self._waits_for_command = False

    async def _read(self) -> bytes:
        self._reset_timeout()
        octets = await self._reader.read(_READ)
        if not octets:
            raise _HangUp
        return octets

    async def _start_tls(self) -> None:
        """Change to TLS. What came in clear behind the command is not to be taken for a part of it (RFC 3207 4.2)."""
        if self._lines.pending:
            reply = "503 5.5.1 Nothing may follow STARTTLS before its reply. Closing"
            await self._hang_up(Step(reply=reply, refused=RefusedFor.COMMAND))
        await self._flush()
        try:
            await super().smtp_STARTTLS("")
        except Exception:  # aiosmtpd's own error for a handshake that failed; there is nobody to tell
            raise _HangUp from None
        self._session.begin_tls()

    # ---- one mail

    async def _take_mail(self, step: Step) -> None:
        if self._lines.pending:
            reply = "503 5.5.1 Nothing may follow DATA before its reply. Closing"
            await self._hang_up(Step(reply=reply, refused=RefusedFor.COMMAND))
        self._reply(step)
        await self._flush()
        mail = _Incoming(Content(self._reception.limits.max_octets), self._reception.admission)
        try:
            async with asyncio.timeout(self._reception.timeouts.content):
                await self._read_content(mail)
            answer = await self._store(mail)
        except TimeoutError:
            await self._hang_up(Step(reply="421 4.4.2 That mail takes too long", refused=RefusedFor.SESSION_LIMIT))
        except BareLineEnding:
            await self._hang_up(Step(reply=_BARE, refused=RefusedFor.LINE_ENDING))
        finally:
            mail.release()
        self._answer_mail(answer)
        self._session.end_mail(stored=answer.refused is None)

    async def _read_content(self, mail: _Incoming) -> None:
        """Read to the dot. Raises BareLineEnding."""
        most = _SWALLOWED * self._reception.limits.max_octets
        while (rest := mail.feed(await self._read())) is None:
            if mail.content.size > most:
                await self._hang_up(self._refused(mail.refused or RefusedFor.TOO_LARGE))
        self._lines.feed(rest)

    async def _store(self, mail: _Incoming) -> Step:
        """Store a mail that came whole; returns the answer to its dot."""
        if mail.refused is not None:
            return self._refused(mail.refused)
        raw = mail.content.octets()
        try:
            await self._reception.store(Received(raw=raw, envelopes=self._session.envelopes))
        except LedgerFull:
            return self._refused(RefusedFor.DISK)
        except LedgerUnavailable:
            return self._refused(RefusedFor.DATABASE)
        INBOUND_ACCEPTED.labels(self._source).inc()
        INBOUND_BYTES.labels(self._source).inc(len(raw))
        return Step(reply="250 2.0.0 Stored")

    def _refused(self, reason: RefusedFor) -> Step:
        replies = {
            RefusedFor.TOO_LARGE: too_large(self._reception.limits.max_octets),
            RefusedFor.MEMORY: _NO_MEMORY,
            RefusedFor.DISK: "452 4.3.1 The disk is full, try again",
            RefusedFor.DATABASE: "451 4.3.0 It cannot be stored at the moment, try again",
        }
        return Step(reply=replies[reason], refused=reason)

    def _answer_mail(self, answer: Step) -> None:
        """SMTP has one answer to a mail, LMTP one for each recipient that was accepted (RFC 2033 4.2)."""
        self._reply(answer)
        if self._source is InboundSource.LMTP:
            self._replies += [answer.reply] * (len(self._session.envelopes) - 1)

    # ---- the end

    def stop(self) -> None:
        """End when the present mail is answered; at once where there is none."""
        self._stopping = True
        if self._waits_for_command:
            self._writer.write(f"{_CLOSING}\r\n".encode())
            self._close()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task of the connection, for as long as it lasts."""
        return self._handler_coroutine


class _Incoming:
    """A mail that is being received, and the memory that is taken for it."""

    def __init__(self, content: Content, admission: Admission) -> None:
        self.content = content
        self.refused: RefusedFor | None = None
        """Why it will not be stored, known before its end."""
        self._admission = admission
        self._reserved = 0

    def feed(self, octets: bytes) -> bytes | None:
        """As `Content.feed`, as long as there is memory."""
        rest = self.content.feed(octets)
        if self.refused is None:
            self.refused = self._grow()
            if self.refused is not None:
                self.content.drop()
                self.release()
        return rest

    def _grow(self) -> RefusedFor | None:
        if self.content.too_large:
            return RefusedFor.TOO_LARGE
        grown = max(self.content.size - self._reserved, 0)
        if not self._admission.reserve(grown):
            return RefusedFor.MEMORY
        self._reserved += grown
        return None

    def release(self) -> None:
        """Give the memory back."""
        self._admission.release(self._reserved)
        self._reserved = 0


class Listener:
    """Ports that mail is taken at."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._servers: list[asyncio.Server] = []
        self._connections: set[InboundConnection] = set()

    async def open(self, source: InboundSource, host: str, port: int) -> int:
        """Listen; returns the port, which the system chooses for 0. Raises OSError."""
        server = await asyncio.get_running_loop().create_server(
            lambda: InboundConnection(self._reception, source, open_connections=self._connections),
            host,
            port,
            backlog=_BACKLOG,
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def drain(self, seconds: float) -> None:
        """Take no more connections, answer the mails that are on their way for at most so long, and end."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.stop()
        tasks = [task for connection in self._connections if (task := connection.task) is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
