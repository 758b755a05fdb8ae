"""A host: its place, its directory, the programs that run there, and what may happen to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from service.standalone import process_guard
from service.standalone.process_guard import DEFAULT_GUARD, Account
from tests.eventually import eventually
from tests.proof.failover.places import Place, Places

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program of a host; it is started again when it ends by itself, as by a supervisor."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account = Account.SELF


@dataclass(kw_only=True, slots=True)
class Host:
    """One of the proof's hosts. All its processes have its directory, or one below it, as their own."""

    name: str
    place: Place
    places: Places
    directory: Path
    programs: list[Program] = field(default_factory=list)
    up: bool = False
    restarts: int = 0
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Its IP address."""
        return self.place.address

    def start(self) -> None:
        """Start its programs; call it from the main thread."""
        self.up = True
        for program in self.programs:
            self._start(program)

    def supervise(self) -> None:
        """Start again what has ended by itself."""
        if self.up:
            for program in self.programs:
                if self._running[program.name].poll() is not None:
                    self.restarts += 1
                    self._start(program)

    def _start(self, program: Program) -> None:
        guarded = [sys.executable, "-I", "-S", process_guard.__file__, "SIGKILL", str(os.getpid())]
        guarded += [program.account, DEFAULT_GUARD, *map(str, program.command)]
        with (self.directory / f"{program.name}.log").open("ab") as log:
            self._running[program.name] = subprocess.Popen(
                [*self.place.prefix, *guarded],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **program.environment},
                cwd=self.directory,
                start_new_session=True,
            )

    # ---- what may happen to it

    async def kill(self) -> None:
        """SIGKILL for all its processes, as when the power fails."""
        self.up = False
        await eventually(self._is_dead, f"the end of {self.name}", seconds=30)
        for process in self._running.values():
            process.wait()

    def _is_dead(self) -> bool:
        self._signal(signal.SIGKILL)
        return not any(True for _ in self._pids())

    async def freeze(self) -> None:
        """SIGSTOP for all its processes, as a host that hangs: its kernel takes connections, nobody answers."""
        self.up = False
        for _ in range(2):  # what was being forked
            self._signal(signal.SIGSTOP)
            await asyncio.sleep(0)

    async def cut(self) -> None:
        """Drop every packet from it and to it."""
        self.places.cut(self.place)

    def heal(self, deed: str) -> None:
        """Undo what happened."""
        if deed == "kill":
            self.start()
        elif deed == "freeze":
            self._signal(signal.SIGCONT)
            self.up = True
        else:
            self.places.join(self.place)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> Iterator[int]:
        """All its living processes: those in its directory, also what daemons forked."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    here = Path(os.readlink(entry / "cwd"))
                except OSError:
                    continue
                if here.is_relative_to(self.directory):
                    yield int(entry.name)
