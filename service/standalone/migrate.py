"""The ledger's migrations, by the dbmate binary of its wheel; as a program it is `make migrate`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from service.standalone.errors import LaunchError

ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = ("--migrations-dir", str(ROOT / "migrations"), "--no-dump-schema")


def dbmate() -> Path:
    """The program, beside this environment's Python."""
    return Path(sys.executable).parent / "dbmate"


def migrate(url: str) -> None:
    """Create the database if there is none and apply every migration it lacks. Raises LaunchError."""
    command = [str(dbmate()), "--url", _one_host(url), *_OPTIONS, "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise LaunchError(f"The migrations could not be applied: {''.join(last)}")


def _one_host(url: str) -> str:
    """The address of the host that takes writes: dbmate knows no address of several. Raises LaunchError."""
    # Imported here: not before PostgreSQL and Valkey start.
    from gateway.database import cluster_of, primary_address

    try:
        return url if cluster_of(url) is None else asyncio.run(primary_address(url))
    except (OSError, ValueError) as error:
        raise LaunchError(f"DATABASE_URL: {error}") from None


def refuse_old_database(url: str, *, data: Path | None = None) -> None:
    """Raises LaunchError when a version before the first release made the database, the one in `data` where given."""
    # Imported here: not before PostgreSQL and Valkey start.
    from gateway.database import PREDATES_BASELINE, database_predates_baseline

    if not asyncio.run(database_predates_baseline(url)):
        return
    if data is None:
        raise LaunchError(PREDATES_BASELINE)
    raise LaunchError(
        f"{data} was made by a version before the first release and cannot be migrated: remove it, or choose another "
        "directory with DATA=/some/dir."
    )


def main() -> int:
    """Migrate the database of DATABASE_URL, with dbmate's own output; its exit code, or 1 and a sentence."""
    url = os.environ["DATABASE_URL"]
    try:
        refuse_old_database(url)
        environment = {**os.environ, "DATABASE_URL": _one_host(url)}
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run([dbmate(), *_OPTIONS, "up"], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
