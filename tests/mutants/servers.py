"""PostgreSQL and Valkey for all mutants of a run: started once, until standard input ends."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres
from service.standalone.valkey import Valkey
from tests.servers import stop


def postgres_in(directory: Path) -> Postgres:
    """The server of this directory, started or not."""
    return Postgres(data=directory / "postgres", run=directory, log=directory / "postgres.log", durable=False)


def valkey_in(directory: Path) -> Valkey:
    """The same of Valkey."""
    return Valkey(run=directory, log=directory / "valkey.log", data=None)


def main() -> None:
    """Starts both in the directory named on the command line, says that they are ready, and waits."""
    postgres, valkey = postgres_in(Path(sys.argv[1])), valkey_in(Path(sys.argv[1]))
    try:
        for server in (postgres, valkey):
            server.start()
            server.wait_ready()
        migrate(postgres.url("template_mail"))
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        stop(postgres.process, signal.SIGQUIT)
        stop(valkey.process, signal.SIGTERM)


if __name__ == "__main__":
    main()
