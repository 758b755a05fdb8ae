"""Batched calls: calls that wait share a batch, none waits for a timer, an error reaches every call of its batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.batching import Batcher


class Store:
    """Multiplies by ten, while `open` is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.open.wait()
        if 13 in items:
            raise ValueError("thirteen")
        return [number * 10 for number in items]


async def test_a_single_call_runs_at_once_and_calls_of_one_moment_share_a_batch() -> None:
    store = Store()
    batcher = Batcher(store.run)

    assert await batcher(1) == 10
    assert list(await asyncio.gather(batcher(2), batcher(3), batcher(4))) == [20, 30, 40]

    assert store.batches == [[1], [2, 3, 4]]


async def test_the_next_batch_forms_while_another_runs_and_has_a_limit() -> None:
    store = Store()
    store.open.clear()
    batcher = Batcher(store.run, max_size=3, max_concurrent=1)
    first = asyncio.create_task(batcher(0))
    await store.begun.wait()
    waiting = [asyncio.create_task(batcher(number)) for number in range(1, 6)]
    await asyncio.sleep(0)

    store.open.set()

    assert await first == 0
    assert await asyncio.gather(*waiting) == [10, 20, 30, 40, 50]
    assert store.batches == [[0], [1, 2, 3], [4, 5]]


async def test_an_error_reaches_every_call_of_its_batch_and_no_other() -> None:
    store = Store()
    batcher = Batcher(store.run)

    results = await asyncio.gather(batcher(12), batcher(13), return_exceptions=True)

    assert [type(result) for result in results] == [ValueError, ValueError]
    assert await batcher(14) == 140


async def test_a_cancelled_call_leaves_the_others_their_results() -> None:
    store = Store()
    store.open.clear()
    batcher = Batcher(store.run)
    cancelled, other = asyncio.create_task(batcher(1)), asyncio.create_task(batcher(2))
    await store.begun.wait()

    cancelled.cancel()
    store.open.set()

    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await other == 20
