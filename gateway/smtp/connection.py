"""The transactions of one SMTP connection, from after its greeting, TLS and login until it closes (RFC 5321, RFC 2920).

Where the server offers PIPELINING, MAIL, RCPT and DATA leave in one write, and those of the next message ride behind
the end of data of this one; else they go one by one. Either way:

- `current` is the message the server is busy with; `ahead` the one whose commands ride behind it, content unsent;
- every reply is expected by one stage of one message; one that nobody expects, or that cannot be the answer, ends
  the connection, so none is ever paired with another message;
- when the connection ends, `current` gets what is known, and `ahead`, of which no content has left, goes back.

No I/O but `transport.write`; the pool decides what is sent next, the protocol in `smtp.py` says what comes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.smtp.envelope import Envelope, Peer, Timeouts, declared
from gateway.smtp.protocol import (
    KEPT_OF_UNREADABLE,
    ReplyReader,
    UnreadableReply,
    all_commands,
    mail_command,
    rcpt_command,
    read_reply,
    readable,
    transparent,
)

PIECE = 128 * 1024
"""Bytes of a content written at once. A longer content leaves in pieces, each when the one before has left, so that
one large mail does not fill the memory twice and we know that its dot has not left yet."""


class Delivery:
    """One envelope on its way, until `answer` is set.

    `not_before` is the number of the first connection of its pool that may take it: what comes back from a dead
    connection goes to a fresh one. `moved`: that has happened, and does not happen twice.
    """

    __slots__ = (
        "answer",
        "begun",
        "decided",
        "dot_sent",
        "envelope",
        "holder",
        "moved",
        "not_before",
        "options",
        "replies",
        "started_at",
    )

    def __init__(self, envelope: Envelope, answer: asyncio.Future[Exchange]) -> None:
        self.envelope = envelope
        self.answer = answer
        self.holder: Conversation | None = None
        self.moved = False
        self.not_before = 0

    def begin(self, started_at: datetime, begun: float) -> None:
        """Its first command leaves now; what an earlier, dead connection said of it is not its answer."""
        self.started_at = started_at
        self.begun = begun
        self.options = ""
        self.replies: list[Response] = []
        self.decided: Response | None = None
        self.dot_sent = False

    def finish(self, exchange: Exchange) -> None:
        """Say what came of it; to nobody where the caller has gone away."""
        self.holder = None
        if not self.answer.done():
            self.answer.set_result(exchange)


class Supply(Protocol):
    """Where conversations get their messages, and whom they tell how they are: the pool."""

    def next_for(self, conversation: Conversation, *, rides: bool) -> Delivery | None:
        """The next message this conversation may send: now, or when it `rides` behind another's."""

    def rests_now(self, conversation: Conversation) -> None:
        """It has nothing to do."""

    def could_take(self, conversation: Conversation) -> None:
        """It waits for a reply and could send another message's commands meanwhile."""

    def ended(self, conversation: Conversation, returned: list[Delivery], words: str | None) -> None:
        """It is over; `returned` messages have not been begun. `words`: what it said to nobody in particular."""


class Writer(Protocol):
    """What a conversation needs of a transport."""

    def write(self, data: bytes | memoryview) -> None:
        """Send."""

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more; that the connection is lost will be said."""
        raise NotImplementedError

    def close(self) -> None:
        """Close when all is sent."""

    def abort(self) -> None:
        """Close now."""


class _Step:
    """What a reply is expected to. `usual` is the code that lets the transaction go on, `index` its limit's.

    `known` are short replies read before: most servers say the same to every MAIL, RCPT and DATA.
    """

    __slots__ = ("index", "known", "remembers", "stage", "usual")

    def __init__(self, index: int, stage: Stage, usual: int, *, remembers: bool = True) -> None:
        self.index = index
        self.stage = stage
        self.usual = usual
        self.remembers = remembers
        self.known: dict[bytes, Response] = {}

    def read(self, raw: bytes) -> Response:
        """A reply not known yet. Raises UnreadableReply."""
        response = read_reply(raw, self.stage)
        if self.remembers and len(raw) < 128:
            if len(self.known) >= 256:
                self.known.clear()
            self.known[raw] = response
        return response


_MAIL = _Step(0, Stage.MAIL, 250)
_RCPT = _Step(1, Stage.RCPT, 250)
_DATA = _Step(2, Stage.DATA, 354)
_CONTENT = _Step(3, Stage.CONTENT, 0, remembers=False)
_END_OF_DATA = _Step(4, Stage.END_OF_DATA, 250, remembers=False)
_RSET = _Step(0, Stage.MAIL, 0)
_BURST = (_MAIL, _RCPT, _DATA)


class Conversation:
    """One connection's transactions. `number` counts a pool's connections. The event loop calls everything.

    One timer a connection: it looks every quarter of the shortest timeout whether `deadline` has passed. A connection
    that is idle for `idle_seconds`, or has served `most` messages, says QUIT.
    """

    def __init__(
        self,
        *,
        number: int,
        peer: Peer,
        transport: Writer,
        supply: Supply,
        timeouts: Timeouts,
        idle_seconds: float,
        limit: int,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], datetime],
    ) -> None:
        self.number = number
        self.peer = peer
        self.served = 0
        self.ended = False
        self._reused = False
        self._transport = transport
        self._supply = supply
        self._idle_seconds = idle_seconds
        self._most = limit
        self._loop = loop
        self._now = now
        self._reader = ReplyReader()
        # What the next replies answer: the current message's steps, then those of the one ahead.
        self._expected: deque[_Step] = deque()
        self._current: Delivery | None = None
        self._ahead: Delivery | None = None
        self._unsent: memoryview | None = None
        self._paused = False
        self._needs_rset = False
        self._last_one = False
        self._limits = (timeouts.mail, timeouts.rcpt, timeouts.data, timeouts.content, timeouts.end_of_data)
        self._deadline = loop.time() + idle_seconds
        self._look_every = min(*self._limits, idle_seconds, 20.0) / 4
        self._timer = loop.call_later(self._look_every, self._look)

    # ---- what the pool asks

    def wake(self) -> None:
        """There is a message waiting: begin it, or let it ride behind the one whose reply we wait for."""
        if self.ended:
            return
        if self._current is None:
            self._begin_next()
        elif (commands := self._ride()) is not None:
            self._write(commands)

    def abandon(self, delivery: Delivery) -> None:
        """The caller has gone away: no reply may ever be taken for another's, so the connection closes.

        Where the message only rides behind another, that one's reply is waited for first.
        """
        if delivery is self._current:
            self._end(FaultKind.CANCELLED, "The delivery was given up.")
        elif delivery is self._ahead:
            self._ahead = None
            self._last_one = True

    def stop(self) -> None:
        """Close: politely when idle, else at once with CANCELLED for the message under way."""
        if self.ended:
            return
        if self._current is None:
            self._retire()
        else:
            self._end(FaultKind.CANCELLED, "The gateway stopped.")

    # ---- what the connection says

    def received(self, data: bytes) -> None:
        """Bytes came: give each reply to the step that expects it."""
        expected = self._expected
        try:
            replies = self._reader.feed(data)
            for raw in replies:
                if self.ended:
                    return
                if not expected:
                    self._end(FaultKind.PROTOCOL, "The server spoke unasked.", words=readable(raw))
                    return
                step = expected[0]
                response = step.known.get(raw) or step.read(raw)
                expected.popleft()
                current = self._current
                if response.code != step.usual or current is None:
                    self._on_other(step, response)
                    continue
                current.replies.append(response)
                if step is _END_OF_DATA:
                    self._finish_current(current, step.stage)
                elif step is _DATA:
                    self._on_go_ahead(current)
                elif not self.peer.pipelining:
                    self._send_next_command(current, step)
        except UnreadableReply as fault:
            self._end(FaultKind.PROTOCOL, f"The server's reply could not be read: {fault}.", words=fault.words)
            return
        if replies and not self.ended and not (expected and expected[0] is _CONTENT):
            self._set_deadline()

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.ended:
            return
        text = f"The connection broke: {error}." if error else "The server closed the connection."
        self._end(FaultKind.DROPPED, text, words=self._unfinished_words())

    def pause(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resume(self) -> None:
        """The transport's buffer has left: the server takes what we send."""
        self._paused = False
        if self._unsent is not None:
            self._set_deadline()
            self._send_piece()

    # ---- beginning

    def _begin_next(self) -> None:
        delivery = self._take(rides=False)
        if delivery is None:
            self._reused = True
            self._supply.rests_now(self)
            return
        self._current = delivery
        commands = self._first_commands(delivery)
        if self._needs_rset:
            self._needs_rset = False
            self._expected.appendleft(_RSET)
            commands = b"RSET\r\n" + commands
        self._write(commands)
        self._set_deadline()

    def _ride(self) -> bytes | None:
        """The commands of a message that rides behind the current one's content, or None."""
        if not self.peer.pipelining or self._ahead is not None or self._last_one or self.served + 1 >= self._most:
            return None
        if self._current is None or not self._current.dot_sent:
            return None
        delivery = self._take(rides=True)
        if delivery is None:
            self._supply.could_take(self)
            return None
        self._ahead = delivery
        return self._first_commands(delivery)

    def _take(self, *, rides: bool) -> Delivery | None:
        while (delivery := self._supply.next_for(self, rides=rides)) is not None:
            delivery.begin(self._now(), self._loop.time())
            options = declared(delivery.envelope, self.peer)
            if isinstance(options, str):
                delivery.options = options
                delivery.holder = self
                return delivery
            delivery.finish(self._exchange(delivery, Stage.MAIL, options))
        return None

    def _first_commands(self, delivery: Delivery) -> bytes:
        """All three where the server takes them at once (RFC 2920 3.1), else MAIL; and what replies are expected."""
        envelope = delivery.envelope
        if not self.peer.pipelining:
            self._expected.append(_MAIL)
            return mail_command(envelope.return_path, delivery.options)
        self._expected.extend(_BURST)
        return all_commands(envelope.return_path, delivery.options, envelope.recipient)

    # ---- replies

    def _on_other(self, step: _Step, response: Response) -> None:
        """A reply that is not the usual one: it ends something, or cannot be the answer to what was asked."""
        current, code = self._current, response.code
        if step is _RSET:
            if code != 250:
                self._end(FaultKind.DROPPED, "The server would not forget a transaction (RSET).", words=response.text)
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
            text = f"{code} is no reply to {step.stage}: the conversation is out of step."
            self._end(FaultKind.PROTOCOL, text, stage=step.stage)

    def _on_negative(self, delivery: Delivery, step: _Step, response: Response) -> None:
        """4xx or 5xx. Pipelined, the replies up to DATA's are still to come; 421 closes the channel at once."""
        if delivery.decided is None:
            delivery.decided = response
        if response.code == 421:
            self._on_421(delivery, response)
        elif step is _CONTENT:
            # Said before it had all: nobody knows what it would make of the rest.
            self._current = None
            delivery.finish(self._exchange(delivery, step.stage, None))
            self._end(FaultKind.PROTOCOL, "The server replied amid the content.")
        elif step is _END_OF_DATA:
            self._finish_current(delivery, step.stage)
        elif step is _DATA or not self.peer.pipelining:
            self._needs_rset = True
            self._finish_current(delivery, step.stage)

    def _send_next_command(self, delivery: Delivery, after: _Step) -> None:
        following = _RCPT if after is _MAIL else _DATA
        self._expected.append(following)
        command = rcpt_command(delivery.envelope.recipient) if following is _RCPT else b"DATA\r\n"
        self._write(command)

    def _on_421(self, delivery: Delivery, response: Response) -> None:
        """The server closes the channel (RFC 5321 4.2.3): its last word, whatever else we had asked."""
        if not self._died_before(delivery, response.stage):
            self._current = None
            delivery.finish(self._exchange(delivery, response.stage, None))
        self._end(FaultKind.DROPPED, "The server closed the channel.", stage=response.stage, words=response.text)

    def _finish_current(self, delivery: Delivery, stage: Stage) -> None:
        self.served += 1
        self._reused = True
        self._current = None
        delivery.finish(self._exchange(delivery, stage, None))
        if self._last_one:
            self._end(FaultKind.CANCELLED, "A delivery was given up.")
        elif self._ahead is not None:
            self._current, self._ahead = self._ahead, None
        elif self.served >= self._most:
            self._retire()
        else:
            self._begin_next()

    # ---- content

    def _on_go_ahead(self, delivery: Delivery) -> None:
        if delivery.decided is not None:
            # Every recipient was refused, yet the server waits for a content: RFC 2920 3.1 has a lone dot for it.
            self._expected.append(_END_OF_DATA)
            self._write(b".\r\n")
        else:
            self._expected.append(_CONTENT)
            # Whoever got the reply just before this one asks for more in this very turn of the loop: that mail's
            # commands then leave in the same write as the content.
            self._loop.call_soon(self._send_content)

    def _send_content(self) -> None:
        delivery = self._current
        if self.ended or delivery is None or self._transport.is_closing():
            return
        content = transparent(delivery.envelope.content)
        if len(content) > PIECE:
            self._unsent = memoryview(content)
            self._send_piece()
        else:
            self._expected[-1] = _END_OF_DATA
            delivery.dot_sent = True
            self._transport.write(b"".join((content, b".\r\n", self._ride() or b"")))
        self._set_deadline()

    def _send_piece(self) -> None:
        """Pieces while the transport takes them; the dot once they have left."""
        unsent = self._unsent
        delivery = self._current
        if unsent is None or delivery is None:
            return
        while not (self._paused or self.ended or self._transport.is_closing()):
            if not unsent:
                self._unsent = None
                self._expected[-1] = _END_OF_DATA
                delivery.dot_sent = True
                self._transport.write(b".\r\n" + (self._ride() or b""))
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
            replies=tuple(replies),
            response=delivery.decided or (replies[-1] if replies else None),
            fault=fault,
            stage=stage,
            dot_sent=delivery.dot_sent,
            relay=self.peer.relay,
            host=self.peer.host,
            tls=self.peer.tls,
            started_at=delivery.started_at,
            took_ms=round((self._loop.time() - delivery.begun) * 1000),
        )

    def _died_before(self, delivery: Delivery, stage: Stage) -> bool:
        """Whether this connection, used before, was dead before it heard of this message: try another, once."""
        return self._reused and not delivery.moved and stage is Stage.MAIL and len(delivery.replies) <= 1

    def _end(self, kind: FaultKind, text: str, *, stage: Stage | None = None, words: str | None = None) -> None:
        """Close at once. The current message gets the fault, unless this connection was dead before it began."""
        if self.ended:
            return
        self._close(polite=False)
        current, ahead = self._current, self._ahead
        returned = []
        if current is not None:
            stage = stage or self._stage()
            if kind is FaultKind.DROPPED and self._died_before(current, stage):
                current.moved = True
                returned.append(current)
            else:
                current.finish(self._exchange(current, stage, Fault(kind=kind, stage=stage, text=text, words=words)))
        if ahead is not None:
            returned.append(ahead)
        self._current = self._ahead = None
        for delivery in returned:
            delivery.holder = None
        self._supply.ended(self, returned, words)

    def _stage(self) -> Stage:
        """Where the current message stands."""
        return self._expected[0].stage if self._expected else Stage.MAIL

    def _retire(self) -> None:
        """QUIT, and close without waiting for the answer: there is nothing left that it could change."""
        self._write(b"QUIT\r\n")
        self._close(polite=True)
        self._supply.ended(self, [], None)

    def _close(self, *, polite: bool) -> None:
        self.ended = True
        self._timer.cancel()
        self._unsent = None
        if polite:
            self._transport.close()
        else:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        """Send a command, unless the connection is gone: that will be said, and uvloop raises."""
        if not self._transport.is_closing():
            self._transport.write(data)

    # ---- time

    def _set_deadline(self) -> None:
        limit = self._limits[self._expected[0].index] if self._expected else self._idle_seconds
        self._deadline = self._loop.time() + limit

    def _look(self) -> None:
        if self.ended:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_later(self._look_every, self._look)
        elif self._current is None:
            self._retire()
        else:
            stage = self._stage()
            text = f"The server did not answer {stage} within {self._limits[self._expected[0].index]:g} s."
            self._end(FaultKind.TIMEOUT, text, stage=stage, words=self._unfinished_words())

    def _unfinished_words(self) -> str | None:
        """What came of a reply that never ended."""
        return readable(self._reader.unfinished[:KEPT_OF_UNREADABLE]) or None
