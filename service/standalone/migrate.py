"""The ledger's migrations, by the dbmate binary of its wheel: the same command as `make migrate`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.standalone.errors import LaunchError

ROOT = Path(__file__).resolve().parents[2]


def dbmate() -> Path:
    """The program, beside this environment's Python."""
    return Path(sys.executable).parent / "dbmate"


def migrate(url: str) -> None:
    """Make the database if there is none and apply every migration it lacks. Raises LaunchError."""
    options = ["--url", url, "--migrations-dir", str(ROOT / "migrations"), "--no-dump-schema"]
    done = subprocess.run([dbmate(), *options, "up"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise LaunchError(f"The migrations could not be applied: {''.join(last)}")
