"""Which hosts are struck when, and what a round came to: no I/O."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

PARTS = (
    "primary", "synchronous standby", "asynchronous standby", "valkey primary", "valkey replica", "service", "gateway",
)  # fmt: skip
DEEDS = ("kill", "freeze", "cut")
"""SIGKILL, SIGSTOP, dropped packets: all processes of a host."""
PAIRS = (
    ("primary", "synchronous standby"),
    ("primary", "asynchronous standby"),
    ("synchronous standby", "asynchronous standby"),
    ("primary", "gateway"),
    ("primary", "service"),
    ("primary", "valkey primary"),
    ("synchronous standby", "gateway"),
    ("gateway", "gateway"),
    ("service", "gateway"),
)
"""Two at a time; two of one part are two hosts."""

RESUME_SECONDS = 5.0
"""Within which writes go on after the databases themselves take commits again."""
READ_SECONDS = 5.0
"""The longest that no query of the history may be answered while one host is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blow:
    """What is done to a host that plays this part now."""

    part: str
    deed: str


def schedule(rounds: int, *, dice: random.Random, can_cut: bool) -> list[Blow]:
    """One blow a round: all that can be done to every part, shuffled, again and again; the primary's first."""
    deeds = DEEDS if can_cut else DEEDS[:2]
    chosen: list[Blow] = []
    while len(chosen) < rounds:
        everything = [Blow(part=part, deed=deed) for part in PARTS for deed in deeds]
        dice.shuffle(everything)
        if not chosen:
            everything.sort(key=lambda blow: blow.part != PARTS[0])
        chosen += everything
    return chosen[:rounds]


def schedule_pairs(rounds: int, *, dice: random.Random, can_cut: bool) -> list[tuple[Blow, Blow]]:
    """Two blows a round: the pairs in turn, each with deeds by chance."""
    deeds = DEEDS if can_cut else DEEDS[:2]
    return [
        (Blow(part=one, deed=dice.choice(deeds)), Blow(part=other, deed=dice.choice(deeds)))
        for one, other in (PAIRS[number % len(PAIRS)] for number in range(rounds))
    ]


def longest_gap(moments: Sequence[float], start: float, end: float) -> float:
    """The longest time without one of these moments (in order) that touches the span from `start` to `end`: from the
    last one before it to the first one after it, and no further than the span at its ends."""
    first, last = bisect_left(moments, start), bisect_right(moments, end)
    points = [start, *moments[first:last], end]
    return max(after - before for before, after in pairwise(points))


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one came to. Gaps in seconds, from the blow until all was well again: without a commit of the databases'
    own, an acknowledged mutation, an answered query, a mail at the mail server. `failed_reads`: queries that no service
    answered. `isolated`: hand-offs and mutations tried on a primary that was cut off, and `isolated_done`, those that
    it acknowledged."""

    number: int
    blows: tuple[Blow, ...]
    hosts: tuple[str, ...]
    seconds: float
    commit_gap: float
    write_gap: float
    read_gap: float
    send_gap: float
    reads: int = 0
    failed_reads: int = 0
    isolated: int = 0
    isolated_done: int = 0

    @property
    def what(self) -> str:
        """What was struck, and how."""
        return " and ".join(
            f"{blow.deed} {blow.part} ({host})" for blow, host in zip(self.blows, self.hosts, strict=True)
        )

    def row(self) -> str:
        """A line of the table."""
        cells = [f"{self.number:4}", f"{self.what:62}", f"{self.commit_gap:8.1f}", f"{self.write_gap:8.1f}"]
        cells += [f"{self.send_gap:8.1f}", f"{self.read_gap:8.1f}", f"{self.failed_reads:5}/{self.reads:<5}"]
        return " ".join(cells)

    def violations(self) -> list[str]:
        """The guarantees that were broken."""
        single = len(self.blows) == 1
        checks = {
            f"writes resumed {self.write_gap - self.commit_gap:.1f} s after the databases": (
                self.write_gap > self.commit_gap + RESUME_SECONDS
            ),
            f"no query was answered for {self.read_gap:.1f} s": single and self.read_gap > READ_SECONDS,
            f"an isolated primary acknowledged {self.isolated_done} commits": self.isolated_done > 0,
        }
        return [f"round {self.number}, {self.what}: {what}" for what, broken in checks.items() if broken]


HEAD = f"{'':4} {'what happened':62} {'database':>8} {'writes':>8} {'sending':>8} {'reads':>8} failed reads"
"""The first line of the table: seconds without each."""


def names_of(blows: Iterable[Blow], roles: dict[str, list[str]], dice: random.Random) -> tuple[str, ...]:
    """A host for each blow, by who plays which part now; each once."""
    chosen: list[str] = []
    for blow in blows:
        chosen.append(dice.choice([name for name in roles[blow.part] if name not in chosen]))
    return tuple(chosen)
