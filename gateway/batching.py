"""Grouped commits: single calls are collected into batches, each served by one statement.

A batch is formed by the calls that are waiting, never by a timer: a single call runs at once; under load the next batch
forms while the last one commits. Large batches are what makes a row cheap, so a second one runs beside the first only
when it is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Collects single calls into batches for `run`, which returns a batch's results in its order.

    A batch has at most `max_size` items: the database's cost a row is flat from 200 on. At most `max_concurrent` run at
    a time. An error of `run` is raised to every caller of that batch. `on_batch` is called with each batch's size.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        max_size: int = 200,
        max_concurrent: int = 2,
        on_batch: Callable[[int], object] | None = None,
    ) -> None:
        self._run = run
        self._max_size = max_size
        self._max_concurrent = max_concurrent
        self._on_batch = on_batch
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._start_planned = False

    async def __call__(self, item: Item) -> Result:
        """Wait for the result of one item. Raises what `run` raises."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, result))
        if not self._start_planned and self._may_start():
            # After this turn of the loop: callers that become ready in it join the batch.
            self._start_planned = True
            loop.call_soon(self._start)
        return await result

    def _may_start(self) -> bool:
        running = len(self._running)
        return running == 0 or (running < self._max_concurrent and len(self._waiting) >= self._max_size)

    def _start(self) -> None:
        self._start_planned = False
        while self._waiting and self._may_start():
            count = min(self._max_size, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            task = asyncio.get_running_loop().create_task(self._serve(batch))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _serve(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        if self._on_batch is not None:
            self._on_batch(len(batch))
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start()
