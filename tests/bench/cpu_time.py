"""CPU time of processes and of their trees, as Linux's /proc tells it, and what a mail costs in it.

Other programs on the machine change rates, but hardly the time that a program needs of a processor: what is judged is
therefore CPU time a mail. `/proc/<pid>/stat` counts in ticks of 10 ms, so thousands of mails are needed.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process. `own` is its user and system time, `ended` that of the children it has waited for; in seconds."""

    pid: int
    parent: int
    own: float
    ended: float


Processes = Mapping[int, Process]
Part = Callable[[Processes], float]
"""The CPU seconds that one part of what is measured has needed so far."""


def parse_stat(line: str, ticks: int) -> Process:
    """Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)); `ticks` a second. A program's name may hold anything."""
    pid, _, rest = line.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    user, system, ended_user, ended_system = (int(fields[at]) for at in range(11, 15))
    return Process(
        pid=int(pid), parent=int(fields[1]), own=(user + system) / ticks, ended=(ended_user + ended_system) / ticks
    )


def read_processes(proc: Path = PROC) -> Processes:
    """Returns all processes of this moment. Raises RuntimeError where there is no /proc."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = []
    for path in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found.append(parse_stat(path.read_text(errors="replace"), ticks))
    if not found:
        raise RuntimeError("CPU time is read from /proc, which Linux alone has")
    return {process.pid: process for process in found}


def tree(processes: Processes, root: int) -> list[Process]:
    """Returns a process and all below it. Raises RuntimeError when it has ended."""
    if root not in processes:
        raise RuntimeError(f"process {root} has ended while it was measured")
    found, parents = [processes[root]], {root}
    while parents:
        children = [process for process in processes.values() if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return found


def whole(pid: int) -> Part:
    """A process with all below it, those that have ended included."""
    return lambda processes: sum(process.own + process.ended for process in tree(processes, pid))


def alone(pid: int) -> Part:
    """A process without those below it."""
    return lambda processes: tree(processes, pid)[0].own


def below(pid: int) -> Part:
    """What a process has started, without itself."""
    return lambda processes: whole(pid)(processes) - alone(pid)(processes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What was measured once: microseconds of CPU a mail of each part, the rate, and bytes of WAL a mail."""

    parts: Mapping[str, float]
    rate: float
    wal: float | None = None

    @property
    def cost(self) -> float:
        """Microseconds of CPU a mail, all parts together."""
        return sum(self.parts.values())


def turn_between(
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    mails: int,
    seconds: float,
    wal: float | None = None,
) -> Turn:
    """Returns the cost a mail from two readings of the parts, in CPU seconds."""
    parts = {name: (after[name] - before[name]) / mails * 1e6 for name in after}
    return Turn(parts=parts, rate=mails / seconds, wal=None if wal is None else wal / mails)


def middle(turns: Sequence[Turn]) -> Turn:
    """Returns the turn of the median cost, whole, so that its parts add up; of an even number the cheaper one."""
    return sorted(turns, key=lambda turn: turn.cost)[(len(turns) - 1) // 2]


def described(turns: Sequence[Turn]) -> str:
    """Returns the parts, the rate and the spread of several turns, for a row's note."""
    turn = middle(turns)
    said = [", ".join(f"{name} {cost:,.0f}" for name, cost in turn.parts.items())]
    if len(turns) > 1:
        said.append(f"{min(each.cost for each in turns):,.0f} to {max(each.cost for each in turns):,.0f}")
    said.append(f"{turn.rate:,.0f}/s")
    if turn.wal is not None:
        said.append(f"WAL {turn.wal / 1000:.1f} KB a mail")
    return "; ".join(said)


def python_build(arguments: str | None = None, version: str | None = None) -> str:
    """Returns Python's version and whether it was built with profile-guided optimisation, worth about a tenth.

    `arguments` are those of its configure script, None for those of the interpreter that runs.
    """
    given = sysconfig.get_config_var("CONFIG_ARGS") if arguments is None else arguments
    optimised = "--enable-optimizations" in (given or "")
    return f"Python {version or platform.python_version()} built {'with' if optimised else 'without'} PGO"
