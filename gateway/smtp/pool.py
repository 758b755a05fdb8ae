"""One relay's connections: opened while mail waits, reused, replaced when they die, never more than the relay's limit.

There is one queue a relay. A connection takes the next message when it is idle, or when it can pipeline it behind the
current one. Messages returned by dead connections go first, to connections opened afterwards.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.mail.response import Exchange
from gateway.settings import Relay
from gateway.smtp.connection import Delivery, SmtpConnection

MAX_BACKOFF = 60.0
"""Seconds after failed connections: until then none is opened while others work, and other relays are preferred."""

Dial = Callable[["Pool"], Awaitable[SmtpConnection | Exchange]]
"""Opens a connection for a pool; returns it ready for mail, or how it failed. Raises CancelledError only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayState:
    """One relay's state, for metrics. `last_failure` is of the latest connection that failed, `last_unsolicited` the
    latest reply to no command (an unsolicited 421). A successful connection clears both."""

    name: str
    connected: int
    connecting: int
    idle: int
    waiting: int
    failures: int
    last_failure: Exchange | None
    last_unsolicited: str | None


class Pool:
    """The connections of one relay. `submit` does not block; the result is set on the delivery."""

    def __init__(self, relay: Relay, *, dial: Dial, on_trouble: Callable[[Exchange], None] | None = None) -> None:
        self.relay = relay
        self._dial = dial
        self._on_trouble = on_trouble
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Delivery] = deque()
        self._returned: deque[Delivery] = deque()
        self._open: set[SmtpConnection] = set()
        self._idle: list[SmtpConnection] = []
        self._can_pipeline: dict[SmtpConnection, None] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._connecting = 0
        self._opened = 0
        self._failures = 0
        self._backoff_until = 0.0
        self._last_failure: Exchange | None = None
        self._last_unsolicited: str | None = None
        self._closed_with: Callable[[Pool], Exchange] | None = None
        self._withheld_with: Callable[[Pool], Exchange] | None = None
        self.reports_refused = False
        """Whether the relay offers DSN and takes mail only without: until the process ends, none is asked for."""

    # ---- called by the relays

    def submit(self, delivery: Delivery) -> None:
        """Queue a message for an idle connection, a new one, or one that can pipeline it."""
        self._waiting.append(delivery)
        if (unsent := self._closed_with or self._withheld_with) is not None:
            self._finish_all(unsent(self))
        elif self._idle:
            self._idle.pop().wake()
        elif self._may_open():
            self._open_one()
        elif self._can_pipeline:
            self._can_pipeline.popitem()[0].wake()

    def cancel(self, delivery: Delivery) -> None:
        """Cancel a message whose caller was cancelled."""
        if delivery.connection is not None:
            delivery.connection.cancel(delivery)
        for queue in (self._waiting, self._returned):
            if delivery in queue:
                queue.remove(delivery)

    @property
    def backing_off(self) -> bool:
        """Whether the relay has no connection and the latest one failed recently: other relays are preferred."""
        return not self._open and self._loop.time() < self._backoff_until

    @property
    def state(self) -> RelayState:
        """The relay's state now."""
        return RelayState(
            name=self.relay.name,
            connected=len(self._open),
            connecting=self._connecting,
            idle=len(self._idle),
            waiting=len(self._waiting) + len(self._returned),
            failures=self._failures,
            last_failure=self._last_failure,
            last_unsolicited=self._last_unsolicited,
        )

    def refuse(self, unsent: Callable[[Pool], Exchange]) -> None:
        """Messages that are submitted from now on get the result of `unsent`, as do those queued when it closes."""
        self._closed_with = unsent

    def withhold(self, unsent: Callable[[Pool], Exchange] | None) -> None:
        """Begin no message more: those that come get the result of `unsent`, until this is called with None, and those
        that wait with `end_withheld`. What is in transaction, or pipelined behind it, goes on."""
        self._withheld_with = unsent

    def end_withheld(self) -> None:
        """End what waits here though nothing is begun any more."""
        if self._withheld_with is not None:
            self._finish_all(self._withheld_with(self))

    def call_back(self, is_meant: Callable[[Delivery], bool]) -> list[Delivery]:
        """Returns the waiting messages that are meant, which wait no more."""
        found = [delivery for delivery in (*self._returned, *self._waiting) if is_meant(delivery)]
        for delivery in found:
            (self._returned if delivery in self._returned else self._waiting).remove(delivery)
        return found

    def close(self) -> None:
        """End every connection. Call `refuse` before."""
        for task in self._dials:
            task.cancel()
        for connection in list(self._open):
            connection.stop()
        if self._closed_with is not None:
            self._finish_all(self._closed_with(self))

    # ---- called by connections (`connection.ConnectionOwner`)

    def next_number(self) -> int:
        """Returns the number of a connection that has become ready."""
        self._opened += 1
        return self._opened

    def next_delivery(self, connection: SmtpConnection, *, pipelined: bool) -> Delivery | None:
        """Returns a message that a dead connection returned, to a connection opened later; else the oldest queued.

        A message for which a connection is being opened is not pipelined: the current one may take ten minutes.
        """
        self._can_pipeline.pop(connection, None)
        if pipelined and self._connecting >= len(self._waiting) + len(self._returned):
            return None
        if self._returned and self._returned[0].min_connection <= connection.number:
            return self._returned.popleft()
        while self._waiting:
            delivery = self._waiting.popleft()
            if not delivery.result.done():
                return delivery
        return None

    def on_idle(self, connection: SmtpConnection) -> None:
        """The connection has become idle."""
        self._idle.append(connection)

    def on_can_pipeline(self, connection: SmtpConnection) -> None:
        """The connection can pipeline a message."""
        self._can_pipeline[connection] = None

    def on_reports_refused(self, connection: SmtpConnection) -> None:
        """The relay took a mail only without the options that ask for reports."""
        self.reports_refused = True

    def on_closed(
        self, connection: SmtpConnection, returned: list[Delivery], unsolicited: str | None, *, broke: bool
    ) -> None:
        """The connection has ended; the messages it returned wait for one that is opened from now on. One that `broke`
        under a mail while the others are busy is replaced at once: the next mail for it is being claimed meanwhile."""
        self._open.discard(connection)
        self._can_pipeline.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)
        if unsolicited:
            self._last_unsolicited = unsolicited
        for delivery in reversed(returned):
            if not delivery.result.done():
                delivery.min_connection = self._opened + 1
                self._returned.appendleft(delivery)
        self.end_withheld()
        while self._may_open():
            self._open_one()
        if broke and self._open and not self._idle and self._may_dial():
            self._open_one()

    # ---- connections

    def _may_open(self) -> bool:
        """Whether more messages wait than connections are being opened, and another may be."""
        return self._connecting < len(self._waiting) + len(self._returned) and self._may_dial()

    def _may_dial(self) -> bool:
        """Whether the limit and the backoff allow another connection."""
        if self._closed_with is not None or len(self._open) + self._connecting >= self.relay.connections:
            return False
        # A returned message cannot use an older connection, so one is opened for it without backoff.
        return not self._open or bool(self._returned) or self._loop.time() >= self._backoff_until

    def _open_one(self) -> None:
        self._connecting += 1
        task = self._loop.create_task(self._connect())
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _connect(self) -> None:
        opened = await self._dial(self)
        self._connecting -= 1
        if isinstance(opened, Exchange):
            self._on_dial_failed(opened)
            return
        self._open.add(opened)
        self._failures = 0
        self._backoff_until = 0.0
        self._last_failure = self._last_unsolicited = None
        opened.wake()

    def _on_dial_failed(self, exchange: Exchange) -> None:
        """Leave the queue to other connections where there are any; else every queued message gets this failure."""
        self._failures += 1
        self._backoff_until = self._loop.time() + min(MAX_BACKOFF, 0.5 * 2 ** min(self._failures, 10))
        self._last_failure = exchange
        # With other connections up, the server only limits their number: that is no failure of the relay.
        if self._on_trouble is not None and not self._open:
            self._on_trouble(exchange)
        if self._open or self._connecting:
            self._waiting.extendleft(reversed(self._returned))
            self._returned.clear()
            for connection in self._idle[: len(self._waiting)]:
                self._idle.remove(connection)
                connection.wake()
            for connection in list(self._can_pipeline)[: len(self._waiting)]:
                connection.wake()
        else:
            self._finish_all(exchange)

    def _finish_all(self, exchange: Exchange) -> None:
        waiting = [*self._returned, *self._waiting]
        self._returned.clear()
        self._waiting.clear()
        for delivery in waiting:
            delivery.finish(exchange)
