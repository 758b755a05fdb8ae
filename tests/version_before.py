"""The code as it was before the newest migration: what still runs while an upgrade is under way."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.conventions.sources import ROOT


def commit_before_the_newest_migration() -> str:
    """The newest tag of before the newest migration; while there is none, the commit before the one that added it, or
    the last one where it is not committed yet. `OLD` names another. Skips the test where git cannot tell."""
    if named := os.environ.get("OLD"):
        return named
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git repository: the code before the newest migration is not here")
    newest = max(path.name for path in (ROOT / "migrations").glob("2*.sql"))
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", f"migrations/{newest}")
    before = _git("rev-parse", "--verify", "--quiet", f"{added}^" if added else "HEAD")
    if before is None:
        pytest.skip(f"git has no commit before {newest} here, as in a shallow clone")
    return _git("describe", "--tags", "--abbrev=0", before) or before


def unpack(commit: str, directory: Path) -> Path:
    """The files of a commit, below this directory."""
    packed = subprocess.run(
        ["git", "archive", commit, "gateway", "service", "migrations"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory


def _git(*arguments: str) -> str | None:
    """What git says, or None where it finds nothing."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None
