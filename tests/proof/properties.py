"""Every test that tries few examples or screens in `make test`, with as many as it takes to rely on it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.examples import PROOF

TESTS = Path(__file__).parents[1]
MORE = re.compile(r"^from tests\.(examples|looks) import", re.MULTILINE)
"""In a test file: it tries more of them in a proof."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PropertyRun:
    """What pytest said of so many files."""

    files: int
    status: int

    def report(self) -> str:
        """A line."""
        return f"tests of {self.files} files, with the examples and screens of a proof: exit status {self.status}"

    def violations(self) -> list[str]:
        """Whether some failed: which and why stands above."""
        return ["a test failed with the examples or screens of a proof"] if self.status != 0 else []


async def prove_properties() -> PropertyRun:
    """Run them, two files at a time."""
    files = sorted(str(path) for path in TESTS.rglob("test_*.py") if MORE.search(path.read_text()))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *files),
        env={**os.environ, PROOF: "1"},
    )
    return PropertyRun(files=len(files), status=await process.wait())
