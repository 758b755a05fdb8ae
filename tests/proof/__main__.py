"""`make proof`: the crash proof at length, poisoned recipients, the flight recorder, mail that comes back, campaigns,
and property tests with many examples.

MAILS, DISRUPTIONS and SEED change the first, GOOD_MAILS the second, KILLS and DEED (a part of a trial's name) the
third, REPORTED, DISRUPTIONS and SEED the fourth, KILLS, RECIPIENTS and SEED the fifth, which FULL=1 makes as large as
the promise is; ONLY=crash, poison, recorder, inbound, campaigns or properties runs one of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Protocol

from tests.proof.campaigns import prove_campaigns
from tests.proof.inbound import prove_inbound
from tests.proof.poison import prove_poison
from tests.proof.proof import prove
from tests.proof.properties import prove_properties
from tests.proof.recorder import prove_recorder


class Result(Protocol):
    """What a proof counted."""

    def report(self) -> str: ...
    def violations(self) -> list[str]: ...


def main() -> int:
    """Run, print the counts; returns 1 when a guarantee was violated."""
    only = os.environ.get("ONLY", "")
    violations: list[str] = []
    for name, run in PROOFS.items():
        if only not in ("", name):
            continue
        with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
            counts = asyncio.run(run(Path(directory)))
        print(counts.report())
        violations += counts.violations()
    for guarantee in violations:
        print(f"VIOLATED: {guarantee}", file=sys.stderr)
    print("every guarantee held" if not violations else f"violated with seed {seed()}")
    return 1 if violations else 0


def seed() -> int:
    """Returns the seed of what is broken when."""
    return int(os.environ.get("SEED", "1"))


def crash(directory: Path) -> Coroutine[None, None, Result]:
    """The crash proof."""
    mails, disruptions = int(os.environ.get("MAILS", "50000")), int(os.environ.get("DISRUPTIONS", "42"))
    return prove(mails=mails, disruptions=disruptions, directory=directory, seed=seed())


def poison(directory: Path) -> Coroutine[None, None, Result]:
    """The poisoned recipients, and the relay that is broken for all."""
    return prove_poison(mails=int(os.environ.get("GOOD_MAILS", "1000")), broken=100, directory=directory)


def recorder(directory: Path) -> Coroutine[None, None, Result]:
    """The trials of the flight recorder."""
    kills, deed = int(os.environ.get("KILLS", "30")), os.environ.get("DEED", "")
    return prove_recorder(kills=kills, directory=directory, seed=seed(), only=deed)


def inbound(directory: Path) -> Coroutine[None, None, Result]:
    """The proof of mail that comes back."""
    messages, disruptions = int(os.environ.get("REPORTED", "6000")), int(os.environ.get("DISRUPTIONS", "40"))
    return prove_inbound(messages=messages, disruptions=disruptions, directory=directory, seed=seed())


def campaigns(directory: Path) -> Coroutine[None, None, Result]:
    """The proof of campaigns that a person decides about while things break."""
    full = os.environ.get("FULL") == "1"
    recipients = int(os.environ.get("RECIPIENTS", "100000" if full else "10000"))
    disruptions = int(os.environ.get("KILLS", "200" if full else "40"))
    return prove_campaigns(recipients=recipients, disruptions=disruptions, directory=directory, seed=seed())


def properties(directory: Path) -> Coroutine[None, None, Result]:
    """The property tests."""
    return prove_properties()


PROOFS = {
    "crash": crash,
    "poison": poison,
    "recorder": recorder,
    "inbound": inbound,
    "campaigns": campaigns,
    "properties": properties,
}

if __name__ == "__main__":
    sys.exit(main())
