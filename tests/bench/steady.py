"""CPU time between two moments of a load that has begun before the first and goes on after the second.

The sink says how many mails it has taken at both: what a program needs to start, and to end, is not counted.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.bench.cpu_time import Part, Turn, read_processes, turn_between
from tests.bench.sink import Sink

LOOK_SECONDS = 0.02
"""Between looks at the sink's count: two hundred mails at ten thousand a second, and the count is what is reckoned
with."""
STUCK_SECONDS = 60.0
"""Without a single mail: a start takes two, on a machine that is busy ten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """How many mails are sent before, within and after what is measured."""

    before: int
    within: int
    after: int

    @property
    def mails(self) -> int:
        """All that must be sent."""
        return self.before + self.within + self.after


def window_of(within: int) -> Window:
    """Returns a window with enough around it: for a start, and for what is on its way at its end."""
    return Window(before=max(100, within // 5), within=within, after=max(100, within // 10))


async def until_taken(sink: Sink, count: int, process: subprocess.Popen[bytes]) -> int:
    """Waits until the sink has taken `count` mails; returns how many it has. Raises RuntimeError when `process` ends
    before, or nothing moves."""
    taken, moved = sink.taken(), time.monotonic()
    while taken < count:
        if process.poll() is not None and sink.taken() < count:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} after {taken} mails, {count} awaited")
        if time.monotonic() - moved > STUCK_SECONDS:
            raise RuntimeError(f"nothing was sent for {STUCK_SECONDS:.0f} seconds, after {taken} of {count} mails")
        await asyncio.sleep(LOOK_SECONDS)
        last, taken = taken, sink.taken()
        moved = time.monotonic() if taken > last else moved
    return taken


async def measure_window(
    sink: Sink,
    window: Window,
    start: Callable[[], subprocess.Popen[bytes]],
    parts: Callable[[int], Mapping[str, Part]],
    wal: Callable[[], Awaitable[int]] | None = None,
) -> tuple[Turn, subprocess.Popen[bytes]]:
    """Start a program that sends `window.mails`, and measure the window; returns its cost, and the program, which has
    sent all and still runs or not. `parts` says what to measure, given its process id."""
    begun = sink.taken()
    process = start()
    try:
        costs = parts(process.pid)

        async def reading(mails: int) -> tuple[int, float, dict[str, float], int]:
            taken = await until_taken(sink, begun + mails, process)
            processes = read_processes()
            written = await wal() if wal is not None else 0
            return taken, time.monotonic(), {name: part(processes) for name, part in costs.items()}, written

        mails_then, then, before, wal_then = await reading(window.before)
        mails_now, now, after, wal_now = await reading(window.before + window.within)
        turn = turn_between(
            before,
            after,
            mails=mails_now - mails_then,
            seconds=now - then,
            wal=None if wal is None else float(wal_now - wal_then),
        )
        await until_taken(sink, begun + window.mails, process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return turn, process
