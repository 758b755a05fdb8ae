"""Grouped commits: callers await, one statement serves all who wait. A group is formed by the callers that wait, never
by a timer: alone, a caller goes at once; under load, the next group forms while the last one commits. Large groups are
what makes a row cheap, so a second one goes beside the first only when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Batcher(Generic[Asked, Answer]):
    """Turns single calls into groups for `run`, which returns a group's results in its order.

    At most `largest` a group: the ledger's cost a row is flat from 200 on. While one commits, the next one forms, and
    waits unless it is full; at most `at_once` at a time. An error of `run` is raised to every caller of that group.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]],
        *,
        largest: int = 200,
        at_once: int = 2,
        seen: Callable[[int], object] | None = None,
    ) -> None:
        self._run = run
        self._largest = largest
        self._at_once = at_once
        self._seen = seen
        self._waiting: deque[tuple[Asked, asyncio.Future[Answer]]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._planned = False

    async def __call__(self, asked: Asked) -> Answer:
        """Wait for the result of one call. Raises what `run` raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer))
        if not self._planned and self._may_start():
            # After this turn of the loop: callers that become ready in it join the group.
            self._planned = True
            loop.call_soon(self._start)
        return await answer

    def _may_start(self) -> bool:
        running = len(self._running)
        return running == 0 or (running < self._at_once and len(self._waiting) >= self._largest)

    def _start(self) -> None:
        self._planned = False
        while self._waiting and self._may_start():
            count = min(self._largest, len(self._waiting))
            group = [self._waiting.popleft() for _ in range(count)]
            task = asyncio.get_running_loop().create_task(self._serve(group))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _serve(self, group: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        if self._seen is not None:
            self._seen(len(group))
        try:
            answers = await self._run([asked for asked, _ in group])
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()
