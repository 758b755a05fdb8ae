"""The files of another commit, beside which the present ones are measured."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The present tree."""


def _git(*arguments: str) -> bytes:
    """Raises SystemExit with git's own words."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"OLD names a commit of this repository: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def short_name(commit: str) -> str:
    """Returns a commit's short hash. Raises SystemExit when there is no such commit."""
    return _git("rev-parse", "--short", "--verify", f"{commit}^{{commit}}").decode().strip()


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """The files of a commit in a directory that is removed at the end; git's own records of worktrees stay as they
    are, so that nothing is left there either when this process is killed. Raises SystemExit when there is none."""
    archive = _git("archive", "--format=tar", short_name(commit))
    with tempfile.TemporaryDirectory(prefix="old-commit-", dir="/tmp") as directory:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(directory, filter="data")
        yield Path(directory)
