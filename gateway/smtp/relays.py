"""Delivers mail to relays: `Relays.submit` sends one envelope and hands on the servers' replies (RFC 5321).

This module chooses a relay and opens connections (TCP, greeting, EHLO, STARTTLS, AUTH; the only importer of
aiosmtplib). `pool` keeps a relay's connections, `connection` runs transactions, `protocol` parses and encodes bytes.
Every reply is kept; a fault is a value beside the replies.
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

from gateway.mail.address import domain_of
from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.verdict import BEFORE_MAIL
from gateway.settings import Relay, TlsMode
from gateway.smtp.connection import Delivery, Receiver, SmtpConnection, TransactionLog, Writer
from gateway.smtp.envelope import Envelope, Peer, Timeouts
from gateway.smtp.pool import Pool, RelayState
from gateway.smtp.protocol import ReplyReader, UnreadableReply, read_reply

__all__ = ["Envelope", "RelayState", "Relays", "Timeouts"]

PLAINTEXT_SECONDS = 600.0
"""Seconds without TLS for an opportunistic relay whose STARTTLS failed, so that not every connection waits for the same
failure again."""

CLOSE_SECONDS = 2.0
"""How long `close` waits for connections to end by themselves."""

utc_now: Callable[[], datetime] = partial(datetime.now, UTC)
"""The default clock."""


class Relays:
    """The relays in order of priority: mail goes to the first that can be reached.

    A relay whose connections fail backs off for a growing time, up to a minute, in which the others go first.
    `on_trouble` is called for every connection that failed while its relay had no other, also where another relay took
    the mail. Create it in a running event loop. Certificates are verified against the system's authorities
    (`SSL_CERT_FILE` names others), except for opportunistic TLS, where RFC 7435 prefers unverified encryption to none,
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
        self._protocols: set[_RelayProtocol] = set()
        self._pools: list[Pool] = []
        for relay in relays:
            dialer = _Dialer(
                relay=relay,
                hostname=hostname,
                timeouts=timeouts or Timeouts(),
                clock=clock,
                tls=tls_context(relay),
                protocols=self._protocols,
            )
            self._pools.append(Pool(relay, dial=dialer.dial, on_trouble=on_trouble))

    def width(self, avoid: frozenset[str] = frozenset()) -> int:
        """Returns how many `deliver` calls to keep in flight: one in transaction and one pipelined, for each connection
        of the relay that mail goes to now, without those in `avoid`."""
        usable = [pool for pool in self._pools if pool.relay.name not in avoid] or self._pools
        return 2 * next((pool for pool in usable if not pool.backing_off), usable[0]).relay.connections

    @property
    def widest(self) -> int:
        """The maximum of `width`."""
        return 2 * max(pool.relay.connections for pool in self._pools)

    def states(self) -> tuple[RelayState, ...]:
        """Returns the state of every relay, in order of priority."""
        return tuple(pool.state for pool in self._pools)

    async def deliver(
        self,
        envelope: Envelope,
        *,
        avoid: frozenset[str] = frozenset(),
        via_relay: str | None = None,
    ) -> Exchange:
        """`submit`, and wait for the exchange. Raises CancelledError only.

        Cancelling closes the connection, which leaves unknown whether the server took the mail: a caller that has
        handed off a mail shields this call (`asyncio.shield`) and waits for its result while it drains.
        """
        result: asyncio.Future[Exchange] = self._loop.create_future()
        submitted = self.submit(envelope, result, avoid=avoid, via_relay=via_relay)
        try:
            return await result
        except asyncio.CancelledError:
            submitted.cancel()
            raise

    def submit(
        self,
        envelope: Envelope,
        result: Receiver,
        *,
        avoid: frozenset[str] = frozenset(),
        via_relay: str | None = None,
        log: TransactionLog | None = None,
    ) -> Submitted:
        """Send one mail to one recipient; `result` gets the exchange, whatever the outcome, perhaps at once.

        `avoid` names relays that must not be used, `via_relay` the only one that may be. When no connection to a relay
        can be opened the next one is tried; if all fail, the first one's exchange is the result. `log` is told what
        the transaction comes to.
        """
        pools = self._candidates(avoid, via_relay)
        if not pools:
            text = "No relay may be used for this mail."
            result.set_result(self._unsent(FaultKind.NO_RELAY, text, relay=via_relay or ""))
        submitted = Submitted(envelope, result, pools, log)
        if pools:
            submitted.try_next()
        return submitted

    def withhold(self, *, relays: frozenset[str], domains: frozenset[str]) -> None:
        """Begin no mail more by these relays, until called without them, and none of what waits now for these domains;
        what is on its way goes on. Mail for another relay that may take it goes there; all other gets NO_RELAY."""
        for pool in self._pools:  # all of them first: no mail of one is to go by another that is paused, too
            pool.withhold(self._paused if pool.relay.name in relays else None)
        for pool in self._pools:
            pool.end_withheld()
        for pool in self._pools if domains else ():
            for delivery in pool.call_back(lambda waiting: domain_of(waiting.envelope.recipient) in domains):
                # Its domain is paused: no other relay takes it either.
                result = delivery.result.receiver if isinstance(delivery.result, Submitted) else delivery.result
                if not result.done():
                    result.set_result(self._unsent(FaultKind.NO_RELAY, "Its domain is paused.", relay=""))

    def _paused(self, pool: Pool) -> Exchange:
        return self._unsent(FaultKind.NO_RELAY, "The relay is paused.", relay=pool.relay.name)

    async def close(self) -> None:
        """End every connection: idle ones with QUIT, busy ones at once. Unfinished deliveries get CANCELLED."""
        for pool in self._pools:  # all of them first: no mail of one is to go by another
            pool.refuse(lambda pool: self._unsent(FaultKind.CANCELLED, "The gateway stopped.", relay=pool.relay.name))
        for pool in self._pools:
            pool.close()
        try:
            if self._protocols:
                await asyncio.wait([protocol.closed for protocol in self._protocols], timeout=CLOSE_SECONDS)
        finally:  # also when cancelled: no connection is left open
            for protocol in list(self._protocols):
                protocol.abort()
        await asyncio.sleep(0)

    def _candidates(self, avoid: frozenset[str], via_relay: str | None) -> list[Pool]:
        pools = self._pools
        if avoid or via_relay is not None:
            pools = [pool for pool in pools if pool.relay.name not in avoid and via_relay in (None, pool.relay.name)]
        return sorted(pools, key=lambda pool: pool.backing_off) if len(pools) > 1 else pools

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


class Submitted:
    """One mail on its way: to the first of `pools` to which a connection can be had."""

    __slots__ = ("_delivery", "_envelope", "_first", "_log", "_pools", "_result", "_tried")

    def __init__(
        self, envelope: Envelope, result: Receiver, pools: Sequence[Pool], log: TransactionLog | None = None
    ) -> None:
        self._envelope = envelope
        self._result = result
        self._pools = pools
        self._log = log
        self._tried = 0
        self._first: Exchange | None = None
        self._delivery: Delivery | None = None

    @property
    def receiver(self) -> Receiver:
        """Who gets the exchange in the end."""
        return self._result

    def try_next(self) -> None:
        """Submit it to the next pool."""
        # The answer of the only pool is the result: nothing need stand between.
        self._delivery = Delivery(self._envelope, self if len(self._pools) > 1 else self._result, self._log)
        self._pools[self._tried].submit(self._delivery)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        if self._delivery is not None:
            self._pools[self._tried].cancel(self._delivery)

    def done(self) -> bool:
        """Whether nobody waits for it any more (`Receiver`)."""
        return self._result.done()

    def set_result(self, exchange: Exchange) -> None:
        """One pool's answer: where its relay could not be reached, the next one is tried (`Receiver`)."""
        self._first = self._first or exchange
        if exchange.stage not in BEFORE_MAIL:
            self._result.set_result(exchange)
        elif self._tried + 1 < len(self._pools):
            self._tried += 1
            self.try_next()
        else:
            self._result.set_result(self._first)


def tls_context(relay: Relay) -> ssl.SSLContext | None:
    """Returns a relay's TLS context, for TLS 1.2 or newer; None without TLS. Reads the system's authorities."""
    if relay.tls is TlsMode.OFF:
        return None
    if relay.tls is not TlsMode.OPPORTUNISTIC and relay.verify:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _RelayProtocol(SMTPProtocol):
    """aiosmtplib's protocol with our own parser: replies are kept whole, and an unsolicited one is an error.

    Until `connection` is set, aiosmtplib's commands run one by one and `replies` collects what arrives; from then on
    all data goes to the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[SMTPProtocol], None]) -> None:
        super().__init__(loop=loop, connection_lost_callback=on_lost)
        self.reader = ReplyReader()
        self.stage = Stage.GREETING
        self.replies: list[Response] = []
        self.unreadable: UnreadableReply | None = None
        self.connection: SmtpConnection | None = None
        self.closed: asyncio.Future[None] = loop.create_future()
        self.peer: tuple[Any, ...] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = transport.get_extra_info("peername")

    def data_received(self, data: bytes) -> None:
        if self.connection is not None:
            self.connection.data_received(data)
            return
        try:
            for raw in self.reader.feed(data):
                self._on_reply(raw)
            if self.reader.fault is not None:
                raise self.reader.fault
        except UnreadableReply as fault:
            self._fail(fault)

    def _on_reply(self, raw: bytes) -> None:
        waiter = self._response_waiter
        if waiter is None or waiter.done() or not self._response_pending:
            raise UnreadableReply("the server sent a reply to no command", raw)
        response = read_reply(raw, self.stage)
        self.replies.append(response)
        waiter.set_result(SMTPResponse(response.code, response.text))

    def _fail(self, fault: UnreadableReply) -> None:
        self.unreadable = self.unreadable or fault
        self.abort()
        if self._response_waiter is not None and not self._response_waiter.done():
            self._set_response_exception(self._response_waiter, SMTPServerDisconnected(str(fault)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)
        if self.connection is not None:
            self.connection.connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.connection is not None:
            self.connection.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.connection is not None:
            self.connection.resume_writing()

    def abort(self) -> None:
        """Close at once, if it is open."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()
        # During a handshake `connection_lost` is not called.
        if not self.closed.done():
            self.closed.set_result(None)


class _Client(SMTP):
    """aiosmtplib's client on a `_RelayProtocol`, with a time limit a stage: connects, EHLO, STARTTLS, AUTH."""

    def __init__(self, dialer: _Dialer) -> None:
        super().__init__(
            hostname=dialer.relay.host,
            port=dialer.relay.port,
            local_hostname=dialer.hostname,
            use_tls=dialer.relay.tls is TlsMode.IMPLICIT,
            start_tls=False,
            tls_context=dialer.tls,
            timeout=dialer.timeouts.hello,
        )
        self.dialer = dialer
        self.smtp_protocol: _RelayProtocol | None = None
        self.stage = Stage.CONNECT
        self.securing = False

    async def _create_connection(self, timeout: float | None) -> SMTPResponse:
        loop = asyncio.get_running_loop()
        protocol = _RelayProtocol(loop, self._on_connection_lost)
        connecting = loop.create_connection(
            lambda: protocol,
            host=self.dialer.relay.host,
            port=self.dialer.relay.port,
            ssl=self.tls_context if self.use_tls else None,
            ssl_handshake_timeout=self.dialer.timeouts.connect if self.use_tls else None,
        )
        async with asyncio.timeout(self.dialer.timeouts.connect):
            self.transport, _ = await connecting
        self.protocol = self.smtp_protocol = protocol
        self.dialer.protocols.add(protocol)
        protocol.closed.add_done_callback(lambda _: self.dialer.protocols.discard(protocol))
        self.enter(Stage.GREETING)
        response = await protocol.read_response(timeout=self.dialer.timeouts.greeting)
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)
        return response

    def enter(self, stage: Stage) -> None:
        """Set the stage of the replies that follow."""
        self.stage = stage
        if self.smtp_protocol is not None:
            self.smtp_protocol.stage = stage

    async def hello(self) -> None:
        """EHLO, or HELO where the server does not know that (RFC 5321 3.2). Raises aiosmtplib's errors."""
        self.enter(Stage.EHLO)
        try:
            await self.ehlo()
        except SMTPHeloError as refusal:
            if refusal.code // 100 != 5 or self.smtp_protocol is None or not self.is_connected:
                raise
            self.smtp_protocol.replies.pop()
            await self.helo()

    def abort(self) -> None:
        """Close at once, in any state."""
        if self.smtp_protocol is not None:
            self.smtp_protocol.abort()
        self.close()


class _Unusable(Exception):
    """The server cannot be used with the relay's settings: no STARTTLS, no known AUTH mechanism."""

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
    protocols: set[_RelayProtocol]
    plaintext_until: float = field(default=0.0)

    async def dial(self, pool: Pool) -> SmtpConnection | Exchange:
        """Returns a connection ready for mail, or how it failed.

        After a failed opportunistic STARTTLS the connection cannot be trusted: another is opened, without TLS.
        """
        loop = asyncio.get_running_loop()
        opportunistic = self.relay.tls is TlsMode.OPPORTUNISTIC and loop.time() >= self.plaintext_until
        client = _Client(self)
        opened = await self._open(client, pool, secure=opportunistic or self.relay.tls is TlsMode.STARTTLS)
        if opportunistic and client.securing and isinstance(opened, Exchange):
            self.plaintext_until = loop.time() + PLAINTEXT_SECONDS
            opened = await self._open(_Client(self), pool, secure=False)
        return opened

    async def _open(self, client: _Client, pool: Pool, *, secure: bool) -> SmtpConnection | Exchange:
        started_at, started_monotonic = self.clock(), asyncio.get_running_loop().time()
        try:
            await client.connect()
            await client.hello()
            if secure:
                await self._secure(client)
            if self.relay.username is not None:
                await self._log_in(client, self.relay.username, self.relay.password or "")
            return self._ready_connection(client, pool)
        except asyncio.CancelledError:
            client.abort()
            raise
        except (SMTPException, OSError, UnicodeError, _Unusable) as error:
            failure = self._failed_exchange(client, error, started_at, started_monotonic)
            client.abort()
            return failure

    async def _secure(self, client: _Client) -> None:
        """STARTTLS, and EHLO again (RFC 3207)."""
        client.enter(Stage.STARTTLS)
        if not client.supports_extension("starttls"):
            if self.relay.tls is TlsMode.OPPORTUNISTIC:
                return
            raise _Unusable(FaultKind.TLS, "The server does not offer STARTTLS, which this relay's settings require.")
        client.securing = True
        await client.starttls()
        if client.smtp_protocol is not None and client.smtp_protocol.reader.unfinished:
            raise _Unusable(FaultKind.TLS, "The server sent unencrypted data after it had accepted STARTTLS.")
        await client.hello()
        client.securing = False

    async def _log_in(self, client: _Client, username: str, password: str) -> None:
        """AUTH PLAIN, else LOGIN: one try, since a second wrong password may lock the account."""
        client.enter(Stage.AUTH)
        if "plain" in client.server_auth_methods:
            await client.auth_plain(username, password)
        elif "login" in client.server_auth_methods:
            await client.auth_login(username, password)
        else:
            raise _Unusable(
                FaultKind.PROTOCOL, "The server offers neither AUTH PLAIN nor LOGIN, and the relay has a login."
            )

    def _ready_connection(self, client: _Client, pool: Pool) -> SmtpConnection:
        protocol = client.smtp_protocol
        if protocol is None or protocol.transport is None or protocol.transport.is_closing():
            raise SMTPServerDisconnected("The server closed the connection.")
        offers = client.esmtp_extensions
        limit = offers.get("size", "").strip()
        peer = Peer(
            relay=self.relay.name,
            host=host_of(self.relay, protocol),
            tls=tls_of(protocol),
            pipelining="pipelining" in offers,
            eight_bit="8bitmime" in offers,
            smtputf8="smtputf8" in offers,
            size="size" in offers,
            # RFC 1870 4: 0 means no limit. Anything but a number of up to 20 digits is ignored.
            size_limit=(int(limit) or None) if limit.isdecimal() and len(limit) <= 20 else None,
            dsn="dsn" in offers and not pool.reports_refused,
        )
        protocol.connection = SmtpConnection(
            number=pool.next_number(),
            peer=peer,
            transport=cast(Writer, protocol.transport),
            owner=pool,
            timeouts=self.timeouts,
            idle_seconds=self.relay.idle_seconds,
            max_messages=self.relay.per_connection,
            loop=asyncio.get_running_loop(),
            now=self.clock,
        )
        return protocol.connection

    def _failed_exchange(
        self, client: _Client, error: Exception, started_at: datetime, started_monotonic: float
    ) -> Exchange:
        protocol = client.smtp_protocol
        replies = tuple(protocol.replies) if protocol is not None else ()
        refused = next((reply for reply in replies if reply.code >= 400), None)
        fault = None
        if refused is None or not isinstance(error, SMTPResponseException):
            kind, text = describe_failure(error, client.stage, protocol.unreadable if protocol is not None else None)
            fault = Fault(kind=kind, stage=client.stage, text=f"{self.relay.host}:{self.relay.port}: {text}")
        return Exchange(
            replies=replies,
            response=refused or (replies[-1] if replies else None),
            fault=fault,
            stage=client.stage,
            dot_sent=False,
            relay=self.relay.name,
            host=host_of(self.relay, protocol),
            tls=tls_of(protocol),
            started_at=started_at,
            took_ms=round((asyncio.get_running_loop().time() - started_monotonic) * 1000),
        )


def describe_failure(error: Exception, stage: Stage, unreadable: UnreadableReply | None) -> tuple[FaultKind, str]:
    """Returns the kind and the description of a failure to connect."""
    if unreadable is not None:
        return FaultKind.PROTOCOL, f"The server's reply could not be read: {unreadable}. It sent: {unreadable.text}"
    match error:
        case _Unusable():
            return error.kind, str(error)
        case TimeoutError():
            return FaultKind.TIMEOUT, f"No answer in time at {stage}."
        case socket.gaierror():
            return FaultKind.DNS, f"The relay's name cannot be resolved: {error.strerror}."
        case UnicodeError():
            return FaultKind.DNS, f"The relay's name is not a valid DNS name: {error}."
        case ssl.SSLError():
            return FaultKind.TLS, f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}."
        case OSError() if stage is Stage.CONNECT:
            return FaultKind.CONNECT, f"No connection: {error.strerror or error}."
        case _ if stage is Stage.STARTTLS:
            return FaultKind.TLS, f"TLS failed: {error}."
        case OSError():
            return FaultKind.DROPPED, f"The server closed the connection at {stage}."
    return FaultKind.PROTOCOL, f"Unexpected reply at {stage}: {error}."


def host_of(relay: Relay, protocol: _RelayProtocol | None) -> str:
    """Returns `name[address]:port`; without the address before a connection, or where it is the name."""
    address = protocol.peer[0] if protocol is not None and protocol.peer else relay.host
    return f"{relay.host}:{relay.port}" if address == relay.host else f"{relay.host}[{address}]:{relay.port}"


def tls_of(protocol: _RelayProtocol | None) -> str | None:
    """Returns the TLS version, such as `TLSv1.3`; None without TLS."""
    transport = protocol.transport if protocol is not None else None
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    return ssl_object.version() if ssl_object is not None else None
