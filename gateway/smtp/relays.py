"""Mail to the relays: `Relays.deliver` takes one envelope and says what the servers said (RFC 5321).

This file opens connections (the only importer of aiosmtplib: TCP, greeting, EHLO, STARTTLS, AUTH) and chooses among
relays. `relay_pool.py` keeps a relay's connections, `conversation.py` drives transactions, `wire.py` reads and writes
bytes. Every reply is kept; a fault is a value that stands beside the replies.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPHeloError, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.settings import Relay, TlsMode
from gateway.smtp.connection import Conversation, Delivery, Writer
from gateway.smtp.envelope import Envelope, Peer, Timeouts
from gateway.smtp.pool import Pool, RelayState
from gateway.smtp.protocol import ReplyReader, UnreadableReply, read_reply

__all__ = ["Envelope", "RelayState", "Relays", "Timeouts"]

BEFORE_MAIL = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})

PLAIN_AFTER_FAILED_TLS = 600.0
"""Seconds for which an opportunistic relay whose STARTTLS failed is used in clear, so that not every connection waits
for the same failure again."""

FAREWELL_SECONDS = 2.0
"""How long `close` waits for connections to end by themselves."""


utc_now: Callable[[], datetime] = partial(datetime.now, UTC)
"""The clock."""


class Relays:
    """The relays, first come first: mail goes to the first that can be reached.

    A relay whose connections fail rests for a growing while (up to a minute) and is then tried after the others.
    `on_trouble` hears of every connection that failed while its relay had no other, also where another relay took the
    mail. Make it in a running event loop. Certificates are verified against the system's authorities
    (`SSL_CERT_FILE` names others), but for opportunistic TLS, where RFC 7435 prefers unverified encryption to none,
    and for relays with `verify=0`.
    """

    def __init__(
        self,
        relays: Sequence[Relay],
        *,
        hostname: str,
        timeouts: Timeouts | None = None,
        clock: Callable[[], datetime] = utc_now,
        on_trouble: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._lines: set[_Line] = set()
        self._pools: list[Pool] = []
        for relay in relays:
            dialer = _Dialer(
                relay=relay,
                hostname=hostname,
                timeouts=timeouts or Timeouts(),
                clock=clock,
                tls=tls_context(relay),
                lines=self._lines,
            )
            self._pools.append(Pool(relay, dial=dialer.dial, on_trouble=on_trouble))

    def width(self, avoid: frozenset[str] = frozenset()) -> int:
        """How many `deliver` calls to keep in flight: one on the wire and one ahead, for each connection of the relay
        that mail now goes to, those in `avoid` left out."""
        usable = [pool for pool in self._pools if pool.relay.name not in avoid] or self._pools
        return 2 * next((pool for pool in usable if not pool.rests), usable[0]).relay.connections

    @property
    def widest(self) -> int:
        """The most that `width` may be."""
        return 2 * max(pool.relay.connections for pool in self._pools)

    def states(self) -> tuple[RelayState, ...]:
        """Every relay as it is now, in order of priority."""
        return tuple(pool.state for pool in self._pools)

    async def deliver(
        self, envelope: Envelope, *, avoid: frozenset[str] = frozenset(), via_relay: str | None = None
    ) -> Exchange:
        """Send one mail to one recipient; what was said, whatever came of it.

        `avoid` names relays that must not be used, `only` the one that must. Where no connection to a relay can be
        had the next one is tried; if none can, the answer is the first one's. Never raises for mail trouble.
        Cancelling closes the connection, and nobody knows then whether the server took the mail: a caller that has
        handed off a mail shields this call (`asyncio.shield`) and waits for its answer while it drains.
        """
        first: Exchange | None = None
        for pool in self._candidates(avoid, via_relay):
            answer: asyncio.Future[Exchange] = self._loop.create_future()
            delivery = Delivery(envelope, answer)
            pool.submit(delivery)
            try:
                exchange = await answer
            except asyncio.CancelledError:
                pool.cancel(delivery)
                raise
            if exchange.stage not in BEFORE_MAIL:
                return exchange
            first = first or exchange
        return first or self._unsent(FaultKind.NO_RELAY, "No relay may be used for this mail.", relay=via_relay or "")

    async def close(self) -> None:
        """End every connection: idle ones with QUIT, busy ones at once. Deliveries not answered get CANCELLED."""
        for pool in self._pools:
            pool.close(lambda pool: self._unsent(FaultKind.CANCELLED, "The gateway stopped.", relay=pool.relay.name))
        try:
            if self._lines:
                await asyncio.wait([line.gone for line in self._lines], timeout=FAREWELL_SECONDS)
        finally:  # whoever has no patience for farewells leaves no connection behind, either
            for line in list(self._lines):
                line.abort()
        await asyncio.sleep(0)

    def _candidates(self, avoid: frozenset[str], via_relay: str | None) -> list[Pool]:
        pools = self._pools
        if avoid or via_relay is not None:
            pools = [pool for pool in pools if pool.relay.name not in avoid and via_relay in (None, pool.relay.name)]
        return sorted(pools, key=lambda pool: pool.rests) if len(pools) > 1 else pools

    def _unsent(self, kind: FaultKind, text: str, *, relay: str) -> Exchange:
        return Exchange(
            replies=(),
            response=None,
            fault=Fault(kind=kind, stage=Stage.CONNECT, text=text),
            stage=Stage.CONNECT,
            dot_sent=False,
            relay=relay,
            host=None,
            tls=None,
            started_at=self._clock(),
            took_ms=0,
        )


def tls_context(relay: Relay) -> ssl.SSLContext | None:
    """How a relay's TLS is verified; None where it has none. TLS 1.2 or newer. Reads the system's authorities."""
    if relay.tls is TlsMode.OFF:
        return None
    if relay.tls is not TlsMode.OPPORTUNISTIC and relay.verify:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Line(SMTPProtocol):
    """aiosmtplib's protocol with our own reading: replies cut right, kept whole, and none taken for another.

    Until `conversation` is set, upstream's commands run one by one and `heard` keeps what was said; from then on
    everything that comes is the conversation's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[SMTPProtocol], None]) -> None:
        super().__init__(loop=loop, connection_lost_callback=on_lost)
        self.reader = ReplyReader()
        self.stage = Stage.GREETING
        self.heard: list[Response] = []
        self.unreadable: UnreadableReply | None = None
        self.conversation: Conversation | None = None
        self.gone: asyncio.Future[None] = loop.create_future()
        self.peer: tuple[Any, ...] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = transport.get_extra_info("peername")

    def data_received(self, data: bytes) -> None:
        if self.conversation is not None:
            self.conversation.received(data)
            return
        try:
            for raw in self.reader.feed(data):
                self._hear(raw)
        except UnreadableReply as fault:
            self._break(fault)

    def _hear(self, raw: bytes) -> None:
        waiter = self._response_waiter
        if waiter is None or waiter.done() or not self._response_pending:
            raise UnreadableReply("the server spoke unasked", raw)
        response = read_reply(raw, self.stage)
        self.heard.append(response)
        waiter.set_result(SMTPResponse(response.code, response.text))

    def _break(self, fault: UnreadableReply) -> None:
        self.unreadable = self.unreadable or fault
        self.abort()
        if self._response_waiter is not None and not self._response_waiter.done():
            self._set_response_exception(self._response_waiter, SMTPServerDisconnected(str(fault)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.gone.done():
            self.gone.set_result(None)
        if self.conversation is not None:
            self.conversation.lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.conversation is not None:
            self.conversation.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.conversation is not None:
            self.conversation.resume()

    def abort(self) -> None:
        """Close now; there may be nothing to close."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()
        # Amid a handshake nobody else would say so.
        if not self.gone.done():
            self.gone.set_result(None)


class _Smtp(SMTP):
    """aiosmtplib's client on a `_Line`, a limit a stage. It connects, greets, secures and logs in: no more."""

    def __init__(
        self, relay: Relay, *, hostname: str, timeouts: Timeouts, tls: ssl.SSLContext | None, lines: set[_Line]
    ) -> None:
        implicit = relay.tls is TlsMode.IMPLICIT
        super().__init__(
            hostname=relay.host,
            port=relay.port,
            local_hostname=hostname,
            use_tls=implicit,
            start_tls=False,
            tls_context=tls,
            timeout=timeouts.hello,
        )
        self.relay = relay
        self.timeouts = timeouts
        self.line: _Line | None = None
        self.lines = lines
        self.stage = Stage.CONNECT
        self.securing = False

    async def _create_connection(self, timeout: float | None) -> SMTPResponse:
        loop = asyncio.get_running_loop()
        line = _Line(loop, self._on_connection_lost)
        connecting = loop.create_connection(
            lambda: line,
            host=self.relay.host,
            port=self.relay.port,
            ssl=self.tls_context if self.use_tls else None,
            ssl_handshake_timeout=self.timeouts.connect if self.use_tls else None,
        )
        async with asyncio.timeout(self.timeouts.connect):
            self.transport, _ = await connecting
        self.protocol = self.line = line
        self.lines.add(line)
        line.gone.add_done_callback(lambda _: self.lines.discard(line))
        self.enter(Stage.GREETING)
        response = await line.read_response(timeout=self.timeouts.greeting)
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)
        return response

    def enter(self, stage: Stage) -> None:
        """What happens from here on happens at this stage."""
        self.stage = stage
        if self.line is not None:
            self.line.stage = stage

    async def hello(self) -> None:
        """EHLO, or HELO where the server does not know that (RFC 5321 3.2). Raises aiosmtplib's errors."""
        self.enter(Stage.EHLO)
        try:
            await self.ehlo()
        except SMTPHeloError as refusal:
            if refusal.code // 100 != 5 or self.line is None or not self.is_connected:
                raise
            self.line.heard.pop()
            await self.helo()

    def hang_up(self) -> None:
        """Close now, in whatever state."""
        if self.line is not None:
            self.line.abort()
        self.close()


class _Unfit(Exception):
    """The server does not offer what the relay's settings require."""

    def __init__(self, kind: FaultKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(kw_only=True, slots=True)
class _Dialer:
    """Opens one relay's connections."""

    relay: Relay
    hostname: str
    timeouts: Timeouts
    clock: Callable[[], datetime]
    tls: ssl.SSLContext | None
    lines: set[_Line]
    plain_until: float = field(default=0.0)

    async def dial(self, pool: Pool) -> Conversation | Exchange:
        """A connection ready for mail, or how it failed.

        Opportunistic TLS that fails leaves a connection that nobody may trust: a fresh one is made, in clear.
        """
        loop = asyncio.get_running_loop()
        opportunistic = self.relay.tls is TlsMode.OPPORTUNISTIC and loop.time() >= self.plain_until
        client = self._client()
        opened = await self._open(client, pool, secure=opportunistic or self.relay.tls is TlsMode.STARTTLS)
        if opportunistic and client.securing and isinstance(opened, Exchange):
            self.plain_until = loop.time() + PLAIN_AFTER_FAILED_TLS
            opened = await self._open(self._client(), pool, secure=False)
        return opened

    def _client(self) -> _Smtp:
        return _Smtp(self.relay, hostname=self.hostname, timeouts=self.timeouts, tls=self.tls, lines=self.lines)

    async def _open(self, client: _Smtp, pool: Pool, *, secure: bool) -> Conversation | Exchange:
        started_at, begun = self.clock(), asyncio.get_running_loop().time()
        try:
            await client.connect()
            await client.hello()
            if secure:
                await self._secure(client)
            if self.relay.username is not None:
                await self._log_in(client, self.relay.username, self.relay.password or "")
            return self._converse(client, pool)
        except asyncio.CancelledError:
            client.hang_up()
            raise
        except (SMTPException, OSError, UnicodeError, _Unfit) as error:
            failure = self._failure(client, error, started_at, begun)
            client.hang_up()
            return failure

    async def _secure(self, client: _Smtp) -> None:
        """STARTTLS, and EHLO again (RFC 3207)."""
        client.enter(Stage.STARTTLS)
        if not client.supports_extension("starttls"):
            if self.relay.tls is TlsMode.OPPORTUNISTIC:
                return
            raise _Unfit(FaultKind.TLS, "The server does not offer STARTTLS, which this relay's settings require.")
        client.securing = True
        await client.starttls()
        if client.line is not None and client.line.reader.unfinished:
            raise _Unfit(FaultKind.TLS, "The server's bytes in clear came after its consent to STARTTLS.")
        await client.hello()
        client.securing = False

    async def _log_in(self, client: _Smtp, username: str, password: str) -> None:
        """AUTH by PLAIN, else LOGIN: one try, since a second wrong one may lock the account."""
        client.enter(Stage.AUTH)
        if "plain" in client.server_auth_methods:
            await client.auth_plain(username, password)
        elif "login" in client.server_auth_methods:
            await client.auth_login(username, password)
        else:
            raise _Unfit(
                FaultKind.PROTOCOL, "The server offers neither AUTH PLAIN nor LOGIN, and the relay has a login."
            )

    def _converse(self, client: _Smtp, pool: Pool) -> Conversation:
        line = client.line
        if line is None or line.transport is None or line.transport.is_closing():
            raise SMTPServerDisconnected("The server closed the connection.")
        offers = client.esmtp_extensions
        limit = offers.get("size", "").strip()
        peer = Peer(
            relay=self.relay.name,
            host=host_of(self.relay, line),
            tls=tls_of(line),
            pipelining="pipelining" in offers,
            eight_bit="8bitmime" in offers,
            smtputf8="smtputf8" in offers,
            size="size" in offers,
            # RFC 1870 4: 0 is no limit; what is no number of up to 20 digits is none that we know.
            size_limit=(int(limit) or None) if limit.isdecimal() and len(limit) <= 20 else None,
        )
        line.conversation = Conversation(
            number=pool.next_number(),
            peer=peer,
            transport=cast(Writer, line.transport),
            supply=pool,
            timeouts=self.timeouts,
            idle_seconds=self.relay.idle_seconds,
            limit=self.relay.per_connection,
            loop=asyncio.get_running_loop(),
            now=self.clock,
        )
        return line.conversation

    def _failure(self, client: _Smtp, error: Exception, started_at: datetime, begun: float) -> Exchange:
        line = client.line
        heard = tuple(line.heard) if line is not None else ()
        refused = next((reply for reply in heard if reply.code >= 400), None)
        fault = None
        if refused is None or not isinstance(error, SMTPResponseException):
            kind, text = explain(error, client.stage, line.unreadable if line is not None else None)
            fault = Fault(kind=kind, stage=client.stage, text=f"{self.relay.host}:{self.relay.port}: {text}")
        return Exchange(
            replies=heard,
            response=refused or (heard[-1] if heard else None),
            fault=fault,
            stage=client.stage,
            dot_sent=False,
            relay=self.relay.name,
            host=host_of(self.relay, line),
            tls=tls_of(line),
            started_at=started_at,
            took_ms=round((asyncio.get_running_loop().time() - begun) * 1000),
        )


def explain(error: Exception, stage: Stage, unreadable: UnreadableReply | None) -> tuple[FaultKind, str]:
    """A connection's failure in our words."""
    if unreadable is not None:
        return FaultKind.PROTOCOL, f"The server's reply could not be read: {unreadable}. It said: {unreadable.words}"
    match error:
        case _Unfit():
            return error.kind, str(error)
        case TimeoutError():
            return FaultKind.TIMEOUT, f"No answer in time at {stage}."
        case socket.gaierror():
            return FaultKind.DNS, f"The relay's name cannot be resolved: {error.strerror}."
        case UnicodeError():
            return FaultKind.DNS, f"The relay's name is none that the DNS can hold: {error}."
        case ssl.SSLError():
            return FaultKind.TLS, f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}."
        case OSError() if stage is Stage.CONNECT:
            return FaultKind.CONNECT, f"No connection: {error.strerror or error}."
        case _ if stage is Stage.STARTTLS:
            return FaultKind.TLS, f"TLS failed: {error}."
        case OSError():
            return FaultKind.DROPPED, f"The server closed the connection at {stage}."
    return FaultKind.PROTOCOL, f"The server is out of step at {stage}: {error}."


def host_of(relay: Relay, line: _Line | None) -> str:
    """`name[address]:port`; the address where a connection was made and the name is not it."""
    address = line.peer[0] if line is not None and line.peer else relay.host
    return f"{relay.host}:{relay.port}" if address == relay.host else f"{relay.host}[{address}]:{relay.port}"


def tls_of(line: _Line | None) -> str | None:
    """`TLSv1.3`; None in clear."""
    secured = line.transport.get_extra_info("ssl_object") if line is not None and line.transport is not None else None
    return secured.version() if secured is not None else None
