"""Every property test that tries few examples in `make test`, with as many as it takes to rely on it."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.examples import PROOF

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class PropertyRun:
    """What pytest said of so many files."""

    files: int
    status: int

    def report(self) -> str:
        """A line."""
        return f"property tests of {self.files} files, with the examples of a proof: exit status {self.status}"

    def violations(self) -> list[str]:
        """Whether some failed: which and why stands above."""
        return ["a property test failed"] if self.status != 0 else []


async def prove_properties() -> PropertyRun:
    """Run them, two files at a time."""
    files = sorted(str(path) for path in TESTS.rglob("test_*.py") if "tests.examples" in path.read_text())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *files),
        env={**os.environ, PROOF: "1"},
    )
    return PropertyRun(files=len(files), status=await process.wait())
