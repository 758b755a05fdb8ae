"""A worker's end: what is told to end ends, whatever its libraries lose of it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.delivery.arq_listener import end


class Deaf:
    """Runs for ever, and loses so many cancellations."""

    def __init__(self, loses: int) -> None:
        self.loses = loses

    async def run(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not self.loses:
                    raise
                self.loses -= 1


@pytest.mark.parametrize("loses", [0, 1, 3])
async def test_a_task_that_loses_cancellations_is_ended_all_the_same(loses: int) -> None:
    task = asyncio.create_task(Deaf(loses).run())
    await asyncio.sleep(0)

    await asyncio.wait_for(end(task), 10)

    assert task.cancelled()


async def test_a_task_that_has_ended_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task

    await end(task)

    assert task.result() == "done"
