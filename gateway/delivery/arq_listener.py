"""Listens for wake-ups through arq. Every wake-up is one job that wakes the worker and is over.

Nothing here is needed for delivery: without Valkey the sweep finds the mail seconds later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from arq.worker import Worker as ArqWorker
from arq.worker import func

from gateway.notify.wakeup import WAKEUP_JOB, open_queue

POLL_SECONDS = 0.05
"""How soon a wake-up is noticed; twenty cheap reads a second while idle."""
JOB_SECONDS = 5
"""arq's timeout of a job. Short, since after a killed worker a job's id stays taken for this and ten seconds more."""
CANCEL_AGAIN_SECONDS = 0.05
"""When a task that has not ended is cancelled again."""
LAST_JOBS_SECONDS = 0.5
"""How long a wake-up that was just received may take to end."""


async def listen(redis_url: str, wake: Callable[[], None]) -> None:
    """Call `wake` for every wake-up, until cancelled. Raises what arq raises when Valkey is away."""

    async def woken(ctx: dict[Any, Any]) -> None:
        wake()

    queue = open_queue(redis_url)
    runner = ArqWorker(
        functions=[func(cast(Any, woken), name=WAKEUP_JOB, keep_result=0, timeout=JOB_SECONDS, max_tries=1)],
        redis_pool=queue,
        queue_name=queue.default_queue_name,
        handle_signals=False,
        poll_delay=POLL_SECONDS,
        job_timeout=JOB_SECONDS,
        keep_result=0,
        log_results=False,
        job_serializer=queue.job_serializer,
        job_deserializer=queue.job_deserializer,
    )
    listening = asyncio.create_task(runner.async_run())
    try:
        await asyncio.wait([listening])
        await listening
    finally:
        await end(listening)
        # A wake-up that was just received is still being written off, and would connect anew behind our back.
        if jobs := [job for job in runner.tasks.values() if not job.done()]:
            await asyncio.wait(jobs, timeout=LAST_JOBS_SECONDS)
        await queue.aclose(close_connection_pool=True)


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended, for one that runs arq or redis. In Python 3.11 `asyncio.wait_for`, by which
    redis sends, loses a cancellation that comes as the sending ends: one in seven of arq's runner (measured), which
    then runs on for ever."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
    if not task.cancelled():
        task.exception()  # retrieved, so that asyncio does not log it as never retrieved
