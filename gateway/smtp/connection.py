"""The transactions of one SMTP connection, from after its greeting, TLS and login until it closes (RFC 5321, RFC 2920).

Where the server offers PIPELINING, MAIL, RCPT and DATA are sent in one write, and those of the next message in the same
write as the end of data of this one; else they are sent one by one. Either way:

- `_current` is the message in its transaction; `_pipelined` the next one, whose commands are sent and its content not;
- every reply belongs to one step of one message; a reply that no step expects, or that cannot belong to it, ends the
  connection, so that no reply is ever attributed to another message;
- when the connection ends, `_current` gets an exchange with what is known, and `_pipelined`, of which no content was
  sent, is returned to the pool.

No I/O but `transport.write`: the pool chooses the next message, the protocol in `relays.py` passes on what arrives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.mail.verdict import BEFORE_MAIL
from gateway.smtp.envelope import Envelope, Peer, Timeouts, mail_options, report_options
from gateway.smtp.protocol import (
    MAX_SHOWN,
    ReplyReader,
    UnreadableReply,
    as_text,
    dot_stuffed,
    mail_command,
    pipelined_commands,
    rcpt_command,
    read_reply,
)

PIECE = 128 * 1024
"""Bytes of content per write. Longer content is written in pieces, each when the one before was sent, so that a large
mail is not buffered twice and it is known that its final dot has not been sent."""


class TransactionLog(Protocol):
    """Keeps what one mail's transaction has come to, should this process die: the flight recorder's slot."""

    def mark_dot(self) -> None:
        """The next write holds the final dot: from now on the server may take the mail."""

    def mark_answered(self, exchange: Exchange) -> None:
        """The transaction is over, and this is what came of it."""


class Receiver(Protocol):
    """Who a delivery's exchange goes to: a future, or anything that wants to be called with it.

    It is called amid what the connection does: it may take its time only to note what came, and submits nothing to the
    same relay before the loop's next turn.
    """

    def done(self) -> bool:
        """Whether the exchange has come, or nobody waits for it any more."""
        raise NotImplementedError

    def set_result(self, exchange: Exchange, /) -> object:
        """Take the exchange. Never raises."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One envelope to deliver; `result` gets its exchange. `log` is told of the dot before it is written, and of the
    exchange when it arrives.

    A message returned by a dead connection is retried once, on a connection opened later: `retried` says that this has
    happened, `min_connection` is the number of the first connection of its pool that may take it. `without_reports`:
    its options were refused once, and those that ask for reports are left out.
    """

    envelope: Envelope
    result: Receiver
    log: TransactionLog | None = None
    connection: SmtpConnection | None = None
    retried: bool = False
    min_connection: int = 0
    without_reports: bool = False
    started_at: datetime = field(init=False)
    started_monotonic: float = field(init=False)
    options: str = field(init=False)
    rcpt_options: str = field(init=False)
    earlier: list[Response] = field(init=False)
    replies: list[Response] = field(init=False)
    decided: Response | None = field(init=False)
    dot_sent: bool = field(init=False)

    def begin(self, started_at: datetime, started_monotonic: float) -> None:
        """Reset the state, since its first command is sent now; replies of an earlier, dead connection do not count."""
        self.started_at = started_at
        self.started_monotonic = started_monotonic
        self.options = self.rcpt_options = ""
        self.earlier = []
        self.replies = []
        self.decided = None
        self.dot_sent = False

    def begin_again(self) -> None:
        """Its options were refused: the same without those that ask for reports. `earlier` keeps what was said."""
        self.options = self.rcpt_options = ""
        self.earlier, self.replies = self.replies, []
        self.decided = None
        self.dot_sent = False

    @property
    def options_refused(self) -> bool:
        """Whether the server refused it with a code that may mean the options which ask for reports."""
        decided = self.decided
        if not self.rcpt_options or decided is None or decided.stage not in (Stage.MAIL, Stage.RCPT):
            return False
        return decided.code in _OPTIONS_REFUSED

    def mark_dot(self) -> None:
        """The next write holds the final dot."""
        if self.log is not None:
            self.log.mark_dot()
        self.dot_sent = True

    def finish(self, exchange: Exchange) -> None:
        """Set the result, unless the caller was cancelled."""
        self.connection = None
        # A failure before MAIL is no answer to this mail: another relay may take it.
        if self.log is not None and exchange.stage not in BEFORE_MAIL:
            self.log.mark_answered(exchange)
        if not self.result.done():
            self.result.set_result(exchange)


class ConnectionOwner(Protocol):
    """Supplies a connection with messages and is notified of its state: the pool."""

    def next_delivery(self, connection: SmtpConnection, *, pipelined: bool) -> Delivery | None:
        """Returns the next message for this connection: to send now, or `pipelined` behind the current one."""

    def on_idle(self, connection: SmtpConnection) -> None:
        """The connection has no message."""

    def on_can_pipeline(self, connection: SmtpConnection) -> None:
        """The connection waits for a reply and can pipeline another message's commands meanwhile."""

    def on_reports_refused(self, connection: SmtpConnection) -> None:
        """The server took a mail only without the options that ask for reports, though it offers them."""

    def on_closed(
        self, connection: SmtpConnection, returned: list[Delivery], unsolicited: str | None, *, broke: bool
    ) -> None:
        """The connection has ended; `returned` messages were not begun. `unsolicited`: a reply that belongs to none."""


class Writer(Protocol):
    """What a connection needs of an asyncio transport."""

    def write(self, data: bytes | memoryview) -> None:
        """Send data."""

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more; `connection_lost` follows."""
        raise NotImplementedError

    def close(self) -> None:
        """Close when all data is sent."""

    def abort(self) -> None:
        """Close at once."""


@dataclass(slots=True, eq=False)
class _Step:
    """What a reply responds to. After `success_code` the transaction goes on; `timeout_index` selects its time limit.

    `cache` holds parsed short replies: most servers send the same ones to every MAIL, RCPT and DATA.
    """

    timeout_index: int
    stage: Stage
    success_code: int
    cached: bool = True
    cache: dict[bytes, Response] = field(default_factory=dict)

    def read(self, raw: bytes) -> Response:
        """Parse a reply that is not cached. Raises UnreadableReply."""
        response = read_reply(raw, self.stage)
        if self.cached and len(raw) < 128:
            if len(self.cache) >= 256:
                self.cache.clear()
            self.cache[raw] = response
        return response


_MAIL = _Step(0, Stage.MAIL, 250)
_RCPT = _Step(1, Stage.RCPT, 250)
_DATA = _Step(2, Stage.DATA, 354)
_CONTENT = _Step(3, Stage.CONTENT, 0, cached=False)
_END_OF_DATA = _Step(4, Stage.END_OF_DATA, 250, cached=False)
_RSET = _Step(0, Stage.MAIL, 0)
_ALL_COMMANDS = (_MAIL, _RCPT, _DATA)
_OPTIONS_REFUSED = frozenset({501, 504, 555})
"""Codes for an option that the server does not know (RFC 5321 4.1.1.11) or whose value it cannot read."""


class SmtpConnection:
    """One connection's transactions. `number` counts a pool's connections. All calls come from the event loop.

    One timer a connection checks, every quarter of the shortest timeout, whether the deadline has passed. A connection
    sends QUIT when it was idle for `idle_seconds` or has served `max_messages` messages.
    """

    def __init__(
        self,
        *,
        number: int,
        peer: Peer,
        transport: Writer,
        owner: ConnectionOwner,
        timeouts: Timeouts,
        idle_seconds: float,
        max_messages: int,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], datetime],
    ) -> None:
        self.number = number
        self.peer = peer
        self.served = 0
        self.closed = False
        self._reused = False
        self._transport = transport
        self._owner = owner
        self._idle_seconds = idle_seconds
        self._max_messages = max_messages
        self._loop = loop
        self._now = now
        self._reader = ReplyReader()
        # What the next replies belong to: the current message's steps, then those of the pipelined one.
        self._expected: deque[_Step] = deque()
        self._current: Delivery | None = None
        self._pipelined: Delivery | None = None
        # Messages that the server refused with options which ask for reports, to be tried without.
        self._again: deque[Delivery] = deque()
        self._reports = peer.dsn
        self._unsent: memoryview | None = None
        self._paused = False
        self._needs_rset = False
        self._close_after_current = False
        self._limits = (timeouts.mail, timeouts.rcpt, timeouts.data, timeouts.content, timeouts.end_of_data)
        self._deadline = loop.time() + idle_seconds
        self._check_seconds = min(*self._limits, idle_seconds, 20.0) / 4
        self._timer = loop.call_later(self._check_seconds, self._check_deadline)

    # ---- called by the pool

    def wake(self) -> None:
        """A message is waiting: begin it, or pipeline it behind the current one."""
        if self.closed:
            return
        if self._current is None:
            self._begin_next()
        elif (commands := self._pipeline_next()) is not None:
            self._write(commands)

    def cancel(self, delivery: Delivery) -> None:
        """The caller was cancelled: close the connection, so that no reply is attributed to another message.

        Where the message is only pipelined behind another, that one is finished first.
        """
        if delivery is self._current:
            self._fail(FaultKind.CANCELLED, "The delivery was cancelled.")
        elif delivery is self._pipelined:
            self._pipelined = None
            self._close_after_current = True
        elif delivery in self._again:
            self._again.remove(delivery)

    def stop(self) -> None:
        """Close: with QUIT when idle, else at once, with CANCELLED for the current message."""
        if self.closed:
            return
        if self._current is None:
            self._quit()
        else:
            self._fail(FaultKind.CANCELLED, "The gateway stopped.")

    # ---- called by the protocol

    def data_received(self, data: bytes) -> None:
        """Match each reply in the data to the step that expects it."""
        expected = self._expected
        try:
            replies = self._reader.feed(data)
            for raw in replies:
                if self.closed:
                    return
                if not expected:
                    self._fail(FaultKind.PROTOCOL, "The server sent a reply to no command.", unsolicited=as_text(raw))
                    return
                step = expected[0]
                response = step.cache.get(raw) or step.read(raw)
                expected.popleft()
                current = self._current
                if response.code != step.success_code or current is None:
                    self._on_unusual_reply(step, response)
                    continue
                current.replies.append(response)
                if step is _END_OF_DATA:
                    self._finish_current(current, step.stage)
                elif step is _DATA:
                    self._on_data_accepted(current)
                elif not self.peer.pipelining:
                    self._send_next_command(current, step)
            if self._reader.fault is not None:
                raise self._reader.fault
        except UnreadableReply as fault:
            self._fail(FaultKind.PROTOCOL, f"The server's reply could not be read: {fault}.", words=fault.text)
            return
        if replies and not self.closed and not (expected and expected[0] is _CONTENT):
            self._set_deadline()

    def connection_lost(self, error: Exception | None) -> None:
        """The transport has closed."""
        if self.closed:
            return
        text = f"The connection broke: {error}." if error else "The server closed the connection."
        self._fail(FaultKind.DROPPED, text, words=self._unfinished_words())

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """The transport's buffer is sent: the server reads again."""
        self._paused = False
        if self._unsent is not None:
            self._set_deadline()
            self._send_piece()

    # ---- beginning

    def _begin_next(self) -> None:
        delivery = self._take_delivery(pipelined=False)
        if delivery is None:
            self._reused = True
            self._owner.on_idle(self)
            return
        self._current = delivery
        commands = self._first_commands(delivery)
        if self._needs_rset:
            self._needs_rset = False
            self._expected.appendleft(_RSET)
            commands = b"RSET\r\n" + commands
        self._write(commands)
        self._set_deadline()

    def _pipeline_next(self) -> bytes | None:
        """Returns the commands of a message to pipeline behind the current one's content, or None."""
        if not self.peer.pipelining or self._pipelined is not None or self._close_after_current:
            return None
        if self._current is None or not self._current.dot_sent or self.served + 1 >= self._max_messages:
            return None
        delivery = self._take_delivery(pipelined=True)
        if delivery is None:
            self._owner.on_can_pipeline(self)
            return None
        self._pipelined = delivery
        return self._first_commands(delivery)

    def _take_delivery(self, *, pipelined: bool) -> Delivery | None:
        while (delivery := self._next_delivery(pipelined=pipelined)) is not None:
            options = mail_options(delivery.envelope, self.peer)
            if isinstance(options, str):
                delivery.options = options
                if self._reports and not delivery.without_reports:
                    wanted, delivery.rcpt_options = report_options(delivery.envelope)
                    delivery.options += wanted
                delivery.connection = self
                return delivery
            delivery.finish(self._exchange(delivery, Stage.MAIL, options))
        return None

    def _next_delivery(self, *, pipelined: bool) -> Delivery | None:
        if self._again:
            delivery = self._again.popleft()
            delivery.begin_again()
            return delivery
        next_one = self._owner.next_delivery(self, pipelined=pipelined)
        if next_one is not None:
            next_one.begin(self._now(), self._loop.time())
        return next_one

    def _first_commands(self, delivery: Delivery) -> bytes:
        """Returns the commands to send: all three with PIPELINING (RFC 2920 3.1), else MAIL; expects their replies."""
        envelope = delivery.envelope
        if not self.peer.pipelining:
            self._expected.append(_MAIL)
            return mail_command(envelope.return_path, delivery.options)
        self._expected.extend(_ALL_COMMANDS)
        return pipelined_commands(envelope.return_path, delivery.options, envelope.recipient, delivery.rcpt_options)

    # ---- replies

    def _on_unusual_reply(self, step: _Step, response: Response) -> None:
        """A reply other than the success code: a negative one, another 2xx, or one that cannot belong to the step."""
        current, code = self._current, response.code
        if step is _RSET:
            if code != 250:
                self._fail(FaultKind.DROPPED, "The server refused RSET.", unsolicited=response.text)
            return
        if current is None:
            return
        current.replies.append(response)
        if code >= 400:
            self._on_negative(current, step, response)
        elif code < 300 and step is _END_OF_DATA:
            self._finish_current(current, step.stage)
        elif code < 300 and step in (_MAIL, _RCPT):
            if not self.peer.pipelining:
                self._send_next_command(current, step)
        else:
            text = f"{code} is no reply to {step.stage}: the replies are out of sync."
            self._fail(FaultKind.PROTOCOL, text, stage=step.stage)

    def _on_negative(self, delivery: Delivery, step: _Step, response: Response) -> None:
        """4xx or 5xx. With pipelining the replies up to DATA's are still to come; 421 closes the connection at once."""
        if delivery.decided is None:
            delivery.decided = response
        if response.code == 421:
            self._on_421(delivery, response)
        elif step is _CONTENT:
            # Sent before it had the whole content: how it treats the rest is unknown.
            self._current = None
            delivery.finish(self._exchange(delivery, step.stage, None))
            self._fail(FaultKind.PROTOCOL, "The server replied in the middle of the content.")
        elif step is _END_OF_DATA:
            self._finish_current(delivery, step.stage)
        elif step is _DATA or not self.peer.pipelining:
            self._needs_rset = True
            self._finish_current(delivery, step.stage)

    def _send_next_command(self, delivery: Delivery, after: _Step) -> None:
        following = _RCPT if after is _MAIL else _DATA
        self._expected.append(following)
        if following is _RCPT:
            self._write(rcpt_command(delivery.envelope.recipient, delivery.rcpt_options))
        else:
            self._write(b"DATA\r\n")

    def _on_421(self, delivery: Delivery, response: Response) -> None:
        """The server closes the connection (RFC 5321 4.2.3): its last reply, whatever else was pending."""
        if not self._was_dead(delivery, response.stage):
            self._current = None
            delivery.finish(self._exchange(delivery, response.stage, None))
        self._fail(FaultKind.DROPPED, "The server closed the channel.", stage=response.stage, unsolicited=response.text)

    def _finish_current(self, delivery: Delivery, stage: Stage) -> None:
        self.served += 1
        self._reused = True
        self._current = None
        if delivery.options_refused:
            delivery.without_reports = True
            self._again.append(delivery)
        else:
            delivery.finish(self._exchange(delivery, stage, None))
        if self._close_after_current:
            self._fail(FaultKind.CANCELLED, "A delivery was cancelled.")
        elif self._pipelined is not None:
            self._current, self._pipelined = self._pipelined, None
        elif self.served >= self._max_messages:
            self._quit()
        else:
            self._begin_next()

    # ---- content

    def _on_data_accepted(self, delivery: Delivery) -> None:
        if delivery.without_reports and self._reports and delivery.decided is None:
            self._reports = False
            self._owner.on_reports_refused(self)
        if delivery.decided is not None:
            # Every recipient was refused, yet the server expects content: RFC 2920 3.1 asks for a lone dot.
            self._expected.append(_END_OF_DATA)
            self._write(b".\r\n")
        else:
            self._expected.append(_CONTENT)
            # The caller of the mail that was finished just before submits its next one in this turn of the loop: its
            # commands are then sent in the same write as the content.
            self._loop.call_soon(self._send_content)

    def _send_content(self) -> None:
        delivery = self._current
        if self.closed or delivery is None or self._transport.is_closing():
            return
        content = dot_stuffed(delivery.envelope.content)
        if len(content) > PIECE:
            self._unsent = memoryview(content)
            self._send_piece()
        else:
            self._expected[-1] = _END_OF_DATA
            delivery.mark_dot()
            self._transport.write(b"".join((content, b".\r\n", self._pipeline_next() or b"")))
        self._set_deadline()

    def _send_piece(self) -> None:
        """Write pieces while the transport accepts them, then the final dot."""
        unsent = self._unsent
        delivery = self._current
        if unsent is None or delivery is None:
            return
        while not (self._paused or self.closed or self._transport.is_closing()):
            if not unsent:
                self._unsent = None
                self._expected[-1] = _END_OF_DATA
                delivery.mark_dot()
                self._transport.write(b".\r\n" + (self._pipeline_next() or b""))
                self._set_deadline()
                return
            self._transport.write(unsent[:PIECE])
            self._unsent = unsent = unsent[PIECE:]

    # ---- ending

    def _exchange(self, delivery: Delivery, stage: Stage, fault: Fault | None) -> Exchange:
        replies = delivery.replies
        if fault is None and delivery.decided is not None:
            stage = delivery.decided.stage
        return Exchange(
            replies=(*delivery.earlier, *replies),
            response=delivery.decided or (replies[-1] if replies else None),
            fault=fault,
            stage=stage,
            dot_sent=delivery.dot_sent,
            relay=self.peer.relay,
            host=self.peer.host,
            tls=self.peer.tls,
            started_at=delivery.started_at,
            took_ms=round((self._loop.time() - delivery.started_monotonic) * 1000),
        )

    def _was_dead(self, delivery: Delivery, stage: Stage) -> bool:
        """Whether this reused connection was dead before this message: then it is retried on another, once."""
        return self._reused and not delivery.retried and stage is Stage.MAIL and len(delivery.replies) <= 1

    def _fail(
        self,
        kind: FaultKind,
        text: str,
        *,
        stage: Stage | None = None,
        words: str | None = None,
        unsolicited: str | None = None,
    ) -> None:
        """Close at once. The current message gets the fault, with what the server said that is no reply to it, unless
        this connection was dead before it began."""
        if self.closed:
            return
        self._close(flush=False)
        current, pipelined = self._current, self._pipelined
        broke = current is not None or stage is not None  # a mail that was answered 421 is no more the current one
        returned = []
        if current is not None:
            stage = stage or self._stage()
            if kind is FaultKind.DROPPED and self._was_dead(current, stage):
                current.retried = True
                returned.append(current)
            else:
                fault = Fault(kind=kind, stage=stage, text=text, words=words or unsolicited)
                current.finish(self._exchange(current, stage, fault))
        if pipelined is not None:
            returned.append(pipelined)
        returned += self._again
        self._again.clear()
        self._current = self._pipelined = None
        for delivery in returned:
            delivery.connection = None
        self._owner.on_closed(self, returned, unsolicited, broke=broke)

    def _stage(self) -> Stage:
        """Returns the stage of the current message."""
        return self._expected[0].stage if self._expected else Stage.MAIL

    def _quit(self) -> None:
        """Send QUIT and close without waiting for its reply, which could change nothing."""
        self._write(b"QUIT\r\n")
        self._close(flush=True)
        again = list(self._again)
        self._again.clear()
        for delivery in again:
            delivery.connection = None
        self._owner.on_closed(self, again, None, broke=False)

    def _close(self, *, flush: bool) -> None:
        self.closed = True
        self._timer.cancel()
        self._unsent = None
        if flush:
            self._transport.close()
        else:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        """Send a command, unless the connection is closing: `connection_lost` follows, and uvloop would raise."""
        if not self._transport.is_closing():
            self._transport.write(data)

    # ---- time

    def _set_deadline(self) -> None:
        limit = self._limits[self._expected[0].timeout_index] if self._expected else self._idle_seconds
        self._deadline = self._loop.time() + limit

    def _check_deadline(self) -> None:
        if self.closed:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_later(self._check_seconds, self._check_deadline)
        elif self._current is None:
            self._quit()
        else:
            stage = self._stage()
            text = f"The server did not answer {stage} within {self._limits[self._expected[0].timeout_index]:g} s."
            self._fail(FaultKind.TIMEOUT, text, stage=stage, words=self._unfinished_words())

    def _unfinished_words(self) -> str | None:
        """What came of a reply that never ended; None: nothing."""
        return as_text(self._reader.unfinished)[:MAX_SHOWN] or None
