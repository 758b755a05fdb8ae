"""Runs tests on a copy of the project with one mutation, each time in a fork of this process.

What a test imports from elsewhere is imported here once, which takes longer than most mutants' tests. Nothing of the
project is: a fork imports it from its own copy.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any

import playwright
import pytest

from tests.mutants.mutation import Mutant

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("gateway", "service", "tests")
_COPIED = (*_PARTS, "migrations", "docs", "pyproject.toml", "schema.graphql", "CHANGELOG.md")
_NODE = Path(playwright.__file__).parent / "driver" / "node"
_FOREIGN = f"""
import sys, {", ".join(("tests.conftest", "service.app", "gateway.__main__", "gateway.worker_process"))}
own = {(*_PARTS, "__main__")!r}
print(*(name for name in list(sys.modules) if name.partition(".")[0] not in own))
"""
_QUIET = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "--no-header", "--tb=line")
# Those that we have imported for all are as they are: only the tests' own assertions are rewritten.
_WARNINGS = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
STATEMENT = 0
"""In the place of a function's first line."""
_NOT_RUN = 70
"""The exit code of a fork that could not run its tests at all."""


class Outcome(StrEnum):
    """What became of a mutant."""

    NOTICED = "noticed"
    TOO_SLOW = "too slow"
    SURVIVED = "survived"


@dataclass(kw_only=True)
class Run:
    """Tests under way in a copy of the project, with a mutation or, to see that they pass at all, without."""

    tree: Path
    mutant: Mutant | None
    process: int
    ended: int
    """A pipe that is closed at the other end when the process has ended."""
    until: float


class Runner:
    """Copies of the project, and the servers that all of them use."""

    def __init__(self, directory: Path, *, jobs: int) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        self.free = [_copied(directory / f"copy-{number}") for number in range(jobs)]
        self._processes: set[int] = set()

    def stop(self) -> None:
        """Ends what still runs."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)

    def start(
        self,
        tests: Sequence[str],
        *,
        mutant: Mutant | None = None,
        first: Sequence[str] = (),
        only: Sequence[str] = (),
        seconds: float,
    ) -> Run:
        """Starts tests in a free copy, with `mutant` in it: those named in `first` before others, of those in `only`
        if it names any."""
        tree = self.free.pop()
        if mutant is not None:
            path = tree / mutant.file
            path.write_text(mutant.edit.apply((ROOT / mutant.file).read_text(encoding="utf-8")), encoding="utf-8")
        (tree / "report.json").unlink(missing_ok=True)
        number = next(self._numbers)
        ended, held = os.pipe()
        process = os.fork()
        if process == 0:
            plugin = _Plugin(self._directory, number, tree, first=first, only=only, follows=mutant is None)
            _run_tests(tree, tests, plugin, writes_bytecode=mutant is None)
        os.close(held)
        self._processes.add(process)
        return Run(tree=tree, mutant=mutant, process=process, ended=ended, until=time.monotonic() + seconds)

    def poll(self, run: Run) -> Outcome | None:
        """Returns what became of it, and frees its copy; None while it runs."""
        ended, status = os.waitpid(run.process, os.WNOHANG)
        late = time.monotonic() > run.until
        if not ended and not late:
            return None
        with suppress(ProcessLookupError):
            os.killpg(run.process, signal.SIGKILL)
        if not ended:
            os.waitpid(run.process, 0)
        os.close(run.ended)
        self._processes.discard(run.process)
        if run.mutant is not None:
            # With its old time, so that what was compiled of it is valid again.
            shutil.copy2(ROOT / run.mutant.file, run.tree / run.mutant.file)
        self.free.append(run.tree)
        if not ended:
            return Outcome.TOO_SLOW
        code = os.waitstatus_to_exitcode(status)
        if code in (_NOT_RUN, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise RuntimeError(f"its tests were not run: {run.mutant}\n{output_of(run)}")
        return Outcome.NOTICED if code else Outcome.SURVIVED


def wait_for_any(runs: Collection[Run]) -> None:
    """Waits until one of these has ended, or may have run for too long: for a second at most."""
    select.select([run.ended for run in runs], [], [], 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a run tells of its tests."""

    durations: Mapping[str, float]
    """How long each test took, in seconds."""
    calls: Mapping[str, Sequence[tuple[str, int]]]
    """Of each test, the functions of the project that it ran, each by its file and first line; and the named
    statements, each by its name and STATEMENT."""
    failed: Sequence[str]


def report_of(run: Run) -> Report:
    """Reads what a run that has ended tells; nothing where it was stopped."""
    path = run.tree / "report.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    calls = {test: [(file, line) for file, line in called] for test, called in told.get("calls", {}).items()}
    return Report(durations=told.get("durations", {}), calls=calls, failed=told.get("failed", []))


def output_of(run: Run) -> str:
    """The end of what the tests printed."""
    return (run.tree / "output.txt").read_text(encoding="utf-8", errors="replace")[-3000:]


@contextmanager
def running(tests: Collection[str], *, jobs: int) -> Iterator[Runner]:
    """The runner, with what these tests need: modules of others, and servers that end with it."""
    # What ends this run ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = Path(tempfile.mkdtemp(prefix="ce-m-", dir="/tmp"))
    try:
        if any(test.endswith(".py") for test in tests):
            _import_what_tests_need()
        with _servers(directory) if any(test.startswith("tests/integration") for test in tests) else nullcontext():
            runner = Runner(directory, jobs=jobs)
            try:
                yield runner
            finally:
                runner.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _servers(directory: Path) -> Iterator[None]:
    servers = subprocess.Popen(
        [sys.executable, "-m", "tests.mutants.servers", directory],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert servers.stdin is not None
    assert servers.stdout is not None
    try:
        assert servers.stdout.readline().strip() == b"ready", "the servers did not start"
        yield
    finally:
        servers.stdin.close()
        servers.wait(30)


def _copied(tree: Path) -> Path:
    tree.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name)
        else:
            shutil.copy2(source, tree / name)
    return tree


def _import_what_tests_need() -> None:
    names = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FOREIGN], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.split():
        with suppress(ImportError):
            importlib.import_module(name)


def _run_tests(tree: Path, tests: Sequence[str], plugin: _Plugin, *, writes_bytecode: bool) -> None:
    """The forked process: runs the tests of the copy, and ends with pytest's code."""
    code = _NOT_RUN
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with open(tree / "output.txt", "wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.chdir(tree)
        sys.dont_write_bytecode = not writes_bytecode
        sys.path[:] = [str(tree), *(path for path in sys.path if path not in ("", str(ROOT)))]
        for name in [name for name in sys.modules if name.partition(".")[0] in _PARTS]:
            del sys.modules[name]
        scripts = [test for test in tests if test.endswith(".js")]
        code = _run_scripts(scripts) if scripts else int(pytest.main([*_QUIET, *_WARNINGS, *tests], plugins=[plugin]))
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run_scripts(scripts: Sequence[str]) -> int:
    options = ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test-reporter=dot"]
    return next((1 for script in scripts if subprocess.run([_NODE, *options, script], check=False).returncode), 0)


class _Plugin:
    """Gives the tests the servers of the run, and databases that no other run has; says what they did."""

    def __init__(
        self, servers: Path, number: int, tree: Path, *, first: Sequence[str], only: Sequence[str], follows: bool
    ) -> None:
        self._servers = servers
        self._number = number
        self._tree = str(tree)
        self._ranks = {test: rank for rank, test in enumerate(first)}
        self._only = frozenset(only)
        self._follows = follows
        self._durations: Counter[str] = Counter()
        self._calls: dict[str, set[tuple[str, int]]] = {}
        self._failed: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        """Returns a server for its fixture; None, which lets pytest set up any other."""
        if fixturedef.argname not in ("postgres", "valkey"):
            return None
        from tests.mutants import servers

        find = servers.postgres_in if fixturedef.argname == "postgres" else servers.valkey_in
        found = find(self._servers)
        fixturedef.cached_result = (found, fixturedef.cache_key(request), None)
        return found

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Puts first the tests that are likely to notice, and leaves out those that cannot."""
        items[:] = [item for item in items if not self._only or item.nodeid in self._only]
        items.sort(key=lambda item: self._ranks.get(item.nodeid, len(self._ranks)))

    def pytest_collection_finish(self) -> None:
        """Databases are numbered from here on."""
        from tests import conftest

        conftest._numbers = itertools.count(self._number * 1000)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, object, object]:
        """Follows which functions of the project each test runs, when there is no mutant."""
        if self._follows:
            called = self._calls.setdefault(item.nodeid, set())
            skipped = len(self._tree) + 1
            inside = (self._tree + "/gateway/", self._tree + "/service/")

            def follow(frame: FrameType, event: str, _argument: object) -> None:
                code = frame.f_code
                if event != "call":
                    return
                if code.co_filename.startswith(inside):
                    called.add((code.co_filename[skipped:], code.co_firstlineno))
                # What sends statements: aiosql by name, and the service's pools, some of several joined pages.
                if code.co_name == "maybe_order_params":
                    called.add((frame.f_locals["query_name"], STATEMENT))
                elif "wanted" in code.co_varnames and code.co_filename.endswith("service/database.py"):
                    called.update((name, STATEMENT) for name in re.findall(r"\w+", frame.f_locals["wanted"].name))

            sys.setprofile(follow)
        try:
            return (yield)
        finally:
            if self._follows:
                sys.setprofile(None)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Adds up how long each test takes, and notes what failed."""
        self._durations[report.nodeid] += report.duration
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Writes what was noted."""
        calls = {test: sorted(called) for test, called in self._calls.items()}
        told = {"durations": self._durations, "calls": calls, "failed": self._failed}
        Path("report.json").write_text(json.dumps(told), encoding="utf-8")
