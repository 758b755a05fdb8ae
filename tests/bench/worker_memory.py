"""The memory of a worker that sends a campaign."""

from __future__ import annotations

from tests.bench.commits import ROOT
from tests.bench.rows import Row, Size, at_most, bench
from tests.bench.sink import chosen_sink
from tests.bench.trees import measured_tree


@bench("worker-memory")
async def memory(size: Size) -> Row:
    """The peak memory of a sending worker; the goal is below 150 MiB."""
    with chosen_sink() as sink:
        async with measured_tree("present", ROOT, sink, customers=size.messages) as tree:
            peak = await tree.peak_memory(size.messages)
    note = f"peak of the whole process over {size.messages:,} messages"
    return at_most("worker-memory", peak, unit="MiB", ceiling=150.0, goal=1.0, note=note)
