"""One relay's connections: opened as mail waits, reused, replaced when they die, and never more than allowed.

A message waits in one queue a relay. A connection takes its next when it has nothing to do, or when it can let it ride
behind the one before. What dead connections give back goes to connections made afterwards, before all else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.mail.response import Exchange
from gateway.settings import Relay
from gateway.smtp.connection import Conversation, Delivery

LONGEST_REST = 60.0
"""Seconds after a failed connection in which no further one is tried while others work, and other relays go first."""

Dial = Callable[["Pool"], Awaitable[Conversation | Exchange]]
"""Opens a connection for a pool: ready for mail, or how it failed. Never raises but CancelledError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayState:
    """One relay as it is now, for metrics and `/readyz`. `last_failure` is of the latest connection that failed;
    `last_words` what the relay said to nobody in particular (an unsolicited 421). Both are kept until a success."""

    name: str
    connected: int
    connecting: int
    idle: int
    waiting: int
    failures: int
    last_failure: Exchange | None
    last_words: str | None


class Pool:
    """The connections of one relay. `submit` never blocks; the answer comes through the delivery."""

    def __init__(self, relay: Relay, *, dial: Dial, on_trouble: Callable[[Exchange], None] | None = None) -> None:
        self.relay = relay
        self._dial = dial
        self._on_trouble = on_trouble
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Delivery] = deque()
        self._fresh: deque[Delivery] = deque()
        self._open: set[Conversation] = set()
        self._idle: list[Conversation] = []
        self._could_take: dict[Conversation, None] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._connecting = 0
        self._numbers = 0
        self._failures = 0
        self._rests_until = 0.0
        self._last_failure: Exchange | None = None
        self._last_words: str | None = None
        self._farewell: Callable[[Pool], Exchange] | None = None

    # ---- what the relays ask

    def submit(self, delivery: Delivery) -> None:
        """Send this as soon as a connection can: an idle one, a new one, or behind another's mail."""
        self._waiting.append(delivery)
        if self._farewell is not None:
            self._answer_all(self._farewell(self))
        elif self._idle:
            self._idle.pop().wake()
        elif self._may_open():
            self._open_one()
        elif self._could_take:
            self._could_take.popitem()[0].wake()

    def cancel(self, delivery: Delivery) -> None:
        """Its caller has gone away."""
        if delivery.holder is not None:
            delivery.holder.abandon(delivery)
        for queue in (self._waiting, self._fresh):
            if delivery in queue:
                queue.remove(delivery)

    @property
    def rests(self) -> bool:
        """Whether its latest connection failed a short while ago and none lives: let another relay go first."""
        return not self._open and self._loop.time() < self._rests_until

    @property
    def state(self) -> RelayState:
        """For metrics."""
        return RelayState(
            name=self.relay.name,
            connected=len(self._open),
            connecting=self._connecting,
            idle=len(self._idle),
            waiting=len(self._waiting) + len(self._fresh),
            failures=self._failures,
            last_failure=self._last_failure,
            last_words=self._last_words,
        )

    def close(self, farewell: Callable[[Pool], Exchange]) -> None:
        """End every connection; what still waits is answered with the farewell."""
        self._farewell = farewell
        for task in self._dials:
            task.cancel()
        for conversation in list(self._open):
            conversation.stop()
        self._answer_all(farewell(self))

    # ---- what conversations ask and tell (`conversation.Supply`)

    def next_number(self) -> int:
        """The number of a connection that is ready now."""
        self._numbers += 1
        return self._numbers

    def next_for(self, conversation: Conversation, *, rides: bool) -> Delivery | None:
        """What came back from dead connections first, to connections younger than that; then whoever waits longest.

        For whom a connection is being opened rides behind nobody: the one in front may be answered in ten minutes.
        """
        self._could_take.pop(conversation, None)
        if rides and self._connecting >= len(self._waiting) + len(self._fresh):
            return None
        if self._fresh and self._fresh[0].not_before <= conversation.number:
            return self._fresh.popleft()
        while self._waiting:
            delivery = self._waiting.popleft()
            if not delivery.answer.done():
                return delivery
        return None

    def rests_now(self, conversation: Conversation) -> None:
        """It is idle."""
        self._idle.append(conversation)

    def could_take(self, conversation: Conversation) -> None:
        """It can let a message ride."""
        self._could_take[conversation] = None

    def ended(self, conversation: Conversation, returned: list[Delivery], words: str | None) -> None:
        """It is gone; what it gives back waits for a connection that is made from now on."""
        self._open.discard(conversation)
        self._could_take.pop(conversation, None)
        if conversation in self._idle:
            self._idle.remove(conversation)
        if words:
            self._last_words = words
        for delivery in reversed(returned):
            if not delivery.answer.done():
                delivery.not_before = self._numbers + 1
                self._fresh.appendleft(delivery)
        while self._may_open():
            self._open_one()

    # ---- connections

    def _may_open(self) -> bool:
        """Whether somebody waits whom no connection attempt is for, and the relay and its last failure allow one."""
        if len(self._open) + self._connecting >= self.relay.connections:
            return False
        if self._farewell is not None or self._connecting >= len(self._waiting) + len(self._fresh):
            return False
        # What came back from a dead connection may go to no older one: it has its connection tried at once.
        return not self._open or bool(self._fresh) or self._loop.time() >= self._rests_until

    def _open_one(self) -> None:
        self._connecting += 1
        task = self._loop.create_task(self._connect())
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _connect(self) -> None:
        opened = await self._dial(self)
        self._connecting -= 1
        if isinstance(opened, Exchange):
            self._failed(opened)
            return
        self._open.add(opened)
        self._failures = 0
        self._rests_until = 0.0
        self._last_failure = self._last_words = None
        opened.wake()

    def _failed(self, exchange: Exchange) -> None:
        """Where other connections work, they do it all; else everybody who waits hears how this one failed."""
        self._failures += 1
        self._rests_until = self._loop.time() + min(LONGEST_REST, 0.5 * 2 ** min(self._failures, 10))
        self._last_failure = exchange
        # A server that only grants fewer connections than we would like is in no trouble.
        if self._on_trouble is not None and not self._open:
            self._on_trouble(exchange)
        if self._open or self._connecting:
            self._waiting.extendleft(reversed(self._fresh))
            self._fresh.clear()
            for conversation in self._idle[: len(self._waiting)]:
                self._idle.remove(conversation)
                conversation.wake()
            for conversation in list(self._could_take)[: len(self._waiting)]:
                conversation.wake()
        else:
            self._answer_all(exchange)

    def _answer_all(self, exchange: Exchange) -> None:
        everybody = [*self._fresh, *self._waiting]
        self._fresh.clear()
        self._waiting.clear()
        for delivery in everybody:
            delivery.finish(exchange)
