"""Grouped calls: who waits rides together, nobody waits for a timer, an error reaches everybody of its group."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.batching import Batcher


class Store:
    """Answers ten times what it is asked, when it is let."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, asked: Sequence[int]) -> list[int]:
        self.groups.append(list(asked))
        self.begun.set()
        await self.open.wait()
        if 13 in asked:
            raise ValueError("thirteen")
        return [number * 10 for number in asked]


async def test_a_lone_caller_goes_at_once_and_callers_of_one_moment_go_together() -> None:
    store = Store()
    grouped = Batcher(store.run)

    assert await grouped(1) == 10
    assert list(await asyncio.gather(grouped(2), grouped(3), grouped(4))) == [20, 30, 40]

    assert store.groups == [[1], [2, 3, 4]]


async def test_the_next_group_forms_while_others_are_on_their_way_and_has_a_limit() -> None:
    store = Store()
    store.open.clear()
    grouped = Batcher(store.run, largest=3, at_once=1)
    first = asyncio.create_task(grouped(0))
    await store.begun.wait()
    waiting = [asyncio.create_task(grouped(number)) for number in range(1, 6)]
    await asyncio.sleep(0)

    store.open.set()

    assert await first == 0
    assert await asyncio.gather(*waiting) == [10, 20, 30, 40, 50]
    assert store.groups == [[0], [1, 2, 3], [4, 5]]


async def test_an_error_is_everybodys_of_that_group_and_nobody_elses() -> None:
    store = Store()
    grouped = Batcher(store.run)

    answers = await asyncio.gather(grouped(12), grouped(13), return_exceptions=True)

    assert [type(answer) for answer in answers] == [ValueError, ValueError]
    assert await grouped(14) == 140


async def test_a_caller_that_goes_away_leaves_the_others_their_answers() -> None:
    store = Store()
    store.open.clear()
    grouped = Batcher(store.run)
    gone, stays = asyncio.create_task(grouped(1)), asyncio.create_task(grouped(2))
    await store.begun.wait()

    gone.cancel()
    store.open.set()

    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays == 20
