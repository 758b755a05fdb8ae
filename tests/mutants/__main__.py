"""`make mutants`: tries a sample of mutants, prints the score and those that no test noticed. Returns 1 below a goal.

MINUTES=20 ends it; SAMPLE=200 of each part, chosen by SEED=1; JOBS=2 at a time; ONLY='gateway/outbox service/auth', or
one line of a file: ONLY=gateway/outbox/claim.py:70.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.mutation import Group, Mutant, mutants_of, read_explained, read_plan
from tests.mutants.python_source import function_at
from tests.mutants.running import (
    ROOT,
    STATEMENT,
    Outcome,
    Report,
    Run,
    Runner,
    output_of,
    report_of,
    running,
    wait_for_any,
)
from tests.mutants.sql_source import name_at

Trial = tuple[str, Mutant, tuple[str, ...]]
"""A mutant, the part that it counts for, and the tests that must notice it."""


@dataclass(kw_only=True)
class Score:
    """What became of the mutants of one part."""

    of: int
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def tried(self) -> int:
        """How many were tried."""
        return self.outcomes.total()

    @property
    def noticed(self) -> float:
        """The share that a test noticed."""
        return 1 - self.outcomes[Outcome.SURVIVED] / self.tried if self.tried else 0.0


def covering(file: str, group: Group, root: Path) -> tuple[str, ...]:
    """The tests of a file: those of its name first, unit before integration."""
    path = Path(file)
    own = [
        pattern
        for kind in ("unit", "integration")
        for pattern in (
            f"tests/{kind}/{path.parent}/test_{path.stem}.py",
            f"tests/{kind}/{path.parent}/test_{path.stem}_*.py",
        )
    ]
    if path.suffix == ".js":
        own = [f"tests/unit/service/page/{path.stem}.test.js"]
    found = [str(each.relative_to(root)) for pattern in (*own, *group.tests) for each in sorted(root.glob(pattern))]
    return tuple(dict.fromkeys(found))


def trials_of(groups: Sequence[Group], *, only: str) -> Iterator[Trial]:
    """Yields every mutant of the plan that is not explained."""
    explained = read_explained(ROOT)
    for group in groups:
        for file in group.files:
            if file.startswith(tuple(place.partition(":")[0] for place in only.split() or [""])):
                tests = covering(file, group, ROOT)
                yield from (
                    (group.part, mutant, tests)
                    for mutant in mutants_of(ROOT, file)
                    if mutant.key not in explained and is_meant(mutant, only.split())
                )


def is_meant(mutant: Mutant, places: Sequence[str]) -> bool:
    """Whether one of these names its file, how that begins, or exactly its line; or there are none."""
    line = f"{mutant.file}:{mutant.line}"
    return not places or any(line == place if ":" in place else line.startswith(place) for place in places)


def chosen(trials: Sequence[Trial], *, sample: int, seed: int) -> list[Trial]:
    """A sample of each part: every file in turn, so that a long file of rules is not most of it."""
    picked: list[Trial] = []
    for part in sorted({part for part, _, _ in trials}):
        files: dict[str, list[Trial]] = {}
        for trial in trials:
            if trial[0] == part:
                files.setdefault(trial[1].file, []).append(trial)
        for of_file in files.values():
            random.Random(seed).shuffle(of_file)
        in_turn = itertools.chain.from_iterable(itertools.zip_longest(*files.values()))
        picked += [trial for trial in in_turn if trial is not None][:sample]
    random.Random(seed).shuffle(picked)
    return picked


class Order:
    """Which tests can notice a mutant, and which are likely to: most fail in the first of a hundred tests."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        """How long each test takes without a mutant, in seconds."""
        self._by_function: dict[tuple[str, int], list[str]] = {}
        self._noticed: dict[str, list[tuple[int, str]]] = {}

    def add(self, report: Report) -> None:
        """Takes what tests without a mutant ran."""
        self.took |= report.durations
        for test, called in report.calls.items():
            for function in called:
                self._by_function.setdefault(function, []).append(test)

    def noticed(self, mutant: Mutant, report: Report) -> None:
        """Takes which test failed with a mutant: it is likely to fail with the next one nearby."""
        self._noticed.setdefault(mutant.file, []).extend((mutant.line, test) for test in report.failed)

    def of(self, mutant: Mutant) -> list[str]:
        """Returns the tests that noticed mutants nearby, then those that run the function, then those that noticed
        others; of each those without a database first."""
        noticed = sorted(self._noticed.get(mutant.file, []), key=lambda each: abs(each[0] - mutant.line))
        steps = ([test for _, test in noticed[:3]], self.running(mutant), [test for _, test in noticed[3:]])
        ordered = (sorted(step, key=lambda test: test.startswith("tests/integration")) for step in steps)
        return list(dict.fromkeys(itertools.chain.from_iterable(ordered)))

    def seconds(self, tests: Sequence[str]) -> float:
        """Returns how long these tests, or those in these files, take without a mutant."""
        return sum(took for test, took in self.took.items() if test in tests or test.partition("::")[0] in tests)

    def running(self, mutant: Mutant) -> list[str]:
        """Returns the tests that run the function or statement of a mutant: no other can notice it. Empty where every
        test may."""
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        if mutant.file.endswith(".sql"):
            return self._by_function.get((name_at(text, mutant.line), STATEMENT), [])
        function = function_at(text, mutant.line) if mutant.file.endswith(".py") else None
        return self._by_function.get((mutant.file, function), []) if function else []


def check_that_tests_pass(runner: Runner, trials: Sequence[Trial]) -> Order:
    """Returns which tests run what without a mutant, and for how long. Ends the program when one fails."""
    files = sorted({test for _, _, tests in trials for test in tests if test.endswith(".py")})
    shares = [share for number in range(len(runner.free)) if (share := files[number :: len(runner.free)])]
    under_way = [runner.start(share, seconds=3600) for share in shares]
    order = Order()
    while under_way:
        wait_for_any(under_way)
        for run in list(under_way):
            outcome = runner.poll(run)
            if outcome is not None:
                under_way.remove(run)
                order.add(report_of(run))
                if outcome is not Outcome.SURVIVED:
                    sys.exit(f"A test fails without a mutant:\n{output_of(run)}")
    return order


def try_all(runner: Runner, trials: Sequence[Trial], scores: Mapping[str, Score], *, until: float) -> list[Mutant]:
    """Tries mutants until the time is over; returns those that survived."""
    order = check_that_tests_pass(runner, trials)
    survivors: list[Mutant] = []
    waiting = list(trials)
    under_way: list[tuple[str, Run]] = []
    while under_way or (waiting and time.monotonic() < until):
        while waiting and runner.free and time.monotonic() < until:
            part, mutant, tests = waiting.pop(0)
            only = order.running(mutant)
            # A machine may be busy; a mutant that loops for ever is stopped all the same.
            seconds = 60 + 5 * order.seconds(only or tests)
            run = runner.start(tests, mutant=mutant, first=order.of(mutant), only=only, seconds=seconds)
            under_way.append((part, run))
        wait_for_any([run for _, run in under_way])
        for part, run in list(under_way):
            outcome = runner.poll(run)
            if outcome is not None:
                under_way.remove((part, run))
                scores[part].outcomes[outcome] += 1
                if run.mutant is not None:
                    order.noticed(run.mutant, report_of(run))
                    if outcome is Outcome.SURVIVED:
                        survivors.append(run.mutant)
                        print(run.mutant, flush=True)
    return survivors


def main() -> int:
    """Try, print, judge."""
    began = time.monotonic()

    def setting(name: str, usual: str) -> str:
        return os.environ.get(name) or usual

    goals, groups = read_plan(ROOT)
    trials = list(trials_of(groups, only=setting("ONLY", "")))
    picked = chosen(trials, sample=int(setting("SAMPLE", "200")), seed=int(setting("SEED", "1")))
    scores = {part: Score(of=sum(each == part for each, _, _ in trials)) for part in goals}
    print(f"{len(picked)} of {len(trials)} mutants; those that no test notices:", flush=True)
    with running({test for _, _, tests in picked for test in tests}, jobs=int(setting("JOBS", "2"))) as runner:
        try_all(runner, picked, scores, until=began + 60 * float(setting("MINUTES", "20")))
    met = True
    for part, score in scores.items():
        if score.tried:
            met = met and score.noticed >= goals[part]
            print(
                f"{part}: {score.noticed:.1%} of {score.tried} tried were noticed (goal {goals[part]:.0%}), of which"
                f" {score.outcomes[Outcome.TOO_SLOW]} since their tests did not end; there are {score.of}"
            )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
