"""`make mutants`: tries a sample of mutants, prints the score and those that no test noticed. Returns 1 below a goal.

MINUTES=20 ends it; SAMPLE=200 of each part, chosen by SEED=1; JOBS=2 at a time; ONLY='gateway/outbox service/auth'.
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
from tests.mutants.running import ROOT, Outcome, Run, Runner, durations_of, output_of, running, wait_for_any

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
            if file.startswith(tuple(only.split() or [""])):
                tests = covering(file, group, ROOT)
                yield from (
                    (group.part, mutant, tests) for mutant in mutants_of(ROOT, file) if mutant.key not in explained
                )


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


def check_that_tests_pass(runner: Runner, trials: Sequence[Trial]) -> Mapping[str, float]:
    """Returns how long each file of tests takes without a mutant, in seconds. Ends the program when one fails."""
    files = sorted({test for _, _, tests in trials for test in tests if test.endswith(".py")})
    shares = [share for number in range(len(runner.free)) if (share := files[number :: len(runner.free)])]
    under_way = [runner.start(share, seconds=3600) for share in shares]
    took: dict[str, float] = {}
    while under_way:
        wait_for_any(under_way)
        for run in list(under_way):
            outcome = runner.poll(run)
            if outcome is not None:
                under_way.remove(run)
                took |= durations_of(run)
                if outcome is not Outcome.SURVIVED:
                    sys.exit(f"A test fails without a mutant:\n{output_of(run)}")
    return took


def try_all(runner: Runner, trials: Sequence[Trial], scores: Mapping[str, Score], *, until: float) -> list[Mutant]:
    """Tries mutants until the time is over; returns those that survived."""
    took = check_that_tests_pass(runner, trials)
    survivors: list[Mutant] = []
    waiting = list(trials)
    under_way: list[tuple[str, Run]] = []
    while under_way or (waiting and time.monotonic() < until):
        while waiting and runner.free and time.monotonic() < until:
            part, mutant, tests = waiting.pop(0)
            # A machine may be busy; a mutant that loops for ever is stopped all the same.
            seconds = 60 + 5 * sum(took.get(test, 0.0) for test in tests)
            under_way.append((part, runner.start(tests, mutant=mutant, seconds=seconds)))
        wait_for_any([run for _, run in under_way])
        for part, run in list(under_way):
            outcome = runner.poll(run)
            if outcome is not None:
                under_way.remove((part, run))
                scores[part].outcomes[outcome] += 1
                if outcome is Outcome.SURVIVED and run.mutant is not None:
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
