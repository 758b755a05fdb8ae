"""Benchmark rows: a value, its ceiling from the same run, and a goal for their ratio.

    @bench("sender")
    async def sender(size: Size) -> Row: ...

Modules of this package that register rows are found by `python -m tests.bench`. Values of different machines
cannot be compared; ratios can.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

RESULTS = Path(".bench/results.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One figure. `ratio` is value / ceiling unless given; `met` None where there is no goal.

    `note` says what the ceiling is and how to read the value, above all `sink-bound`.
    """

    name: str
    value: float
    unit: str
    ceiling: float | None = None
    ratio: float | None = None
    goal: float | None = None
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The size of a benchmark: at most `messages`, and about `seconds` in all."""

    messages: int
    seconds: float


SHORT = Size(messages=100_000, seconds=60.0)
FULL = Size(messages=1_000_000, seconds=600.0)

Measure = Callable[[Size], Awaitable[Row | list[Row]]]
ROWS: dict[str, Measure] = {}


def bench(name: str) -> Callable[[Measure], Measure]:
    """Register a benchmark of one or more rows; `ONLY=name` runs those whose name starts so."""

    def register(measure: Measure) -> Measure:
        if name in ROWS:
            raise ValueError(f"two benchmarks are named {name}")
        ROWS[name] = measure
        return measure

    return register


def at_least(name: str, value: float, *, unit: str, ceiling: float, goal: float, note: str = "") -> Row:
    """Returns a row whose goal is a share of its ceiling."""
    ratio = value / ceiling
    return Row(name=name, value=value, unit=unit, ceiling=ceiling, ratio=ratio, goal=goal, met=ratio >= goal, note=note)


def at_most(name: str, value: float, *, unit: str, ceiling: float, goal: float, note: str = "") -> Row:
    """Returns a row that is to stay below a multiple of its ceiling."""
    return replace(at_least(name, value, unit=unit, ceiling=ceiling, goal=goal, note=note), met=value / ceiling <= goal)


def cheaper(name: str, cost: float, *, than: float, goal: float | None, note: str = "") -> Row:
    """Returns a row of CPU us a mail beside another sender's: `ratio` says how many times cheaper ours is."""
    ratio = than / cost
    met = None if goal is None else ratio >= goal
    return Row(name=name, value=cost, unit="us a mail", ceiling=than, ratio=ratio, goal=goal, met=met, note=note)


def measure(name: str, size: Size, runner: Callable[..., Row | list[Row]] = asyncio.run) -> list[Row]:
    """Run one benchmark; returns its rows."""

    async def run() -> Row | list[Row]:
        return await ROWS[name](size)

    rows = runner(run())
    return rows if isinstance(rows, list) else [rows]


def shown(row: Row) -> str:
    """Returns a row as a line for the terminal."""
    parts = [f"{row.name:<28} {row.value:>12,.1f} {row.unit}"]
    if row.ceiling is not None:
        parts.append(f"ceiling {row.ceiling:,.1f}")
    if row.ratio is not None:
        parts.append(f"ratio {row.ratio:.2f}")
    if row.goal is not None:
        parts.append(f"goal {row.goal:g} {'met' if row.met else 'NOT met'}")
    return "  ".join([*parts, row.note])


def keep(rows: list[Row], path: Path = RESULTS) -> None:
    """Write rows to the results file: a row of the same name is replaced, the others stay."""
    path.parent.mkdir(exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else []
    names = {row.name for row in rows}
    results = [entry for entry in kept if entry["name"] not in names] + [asdict(row) for row in rows]
    path.write_text(json.dumps(results, indent=2) + "\n")
