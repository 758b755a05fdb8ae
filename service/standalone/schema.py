"""`make schema`: writes migrations/schema.sql and schema.graphql, each from its one source."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from service.standalone.errors import LaunchError
from service.standalone.migrate import ROOT, migrate
from service.standalone.postgres import Postgres, binaries

LEDGER = ROOT / "migrations" / "schema.sql"
GRAPH = ROOT / "schema.graphql"


def dbmate() -> Path:
    """The program, beside this environment's Python."""
    return Path(sys.executable).parent / "dbmate"


def dump_ledger(url: str) -> str:
    """The schema of a migrated database as dbmate dumps it, without what differs between runs and builds."""
    with tempfile.NamedTemporaryFile(suffix=".sql") as file:
        options = ["--url", url, "--migrations-dir", str(ROOT / "migrations"), "--schema-file", file.name]
        environment = os.environ | {"PATH": f"{binaries()}{os.pathsep}{os.environ.get('PATH', '')}"}
        done = subprocess.run(
            [dbmate(), *options, "dump"], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode != 0:
            raise LaunchError(f"The ledger's schema could not be dumped: {done.stderr.strip()}")
        lines = Path(file.name).read_text().splitlines()
    varying = ("\\restrict", "\\unrestrict", "-- Dumped ")
    return "\n".join(line for line in lines if not line.startswith(varying)).strip() + "\n"


def export_graph() -> str:
    """The GraphQL schema as the service serves it."""
    from service.graph.schema import schema

    return schema.as_str().strip() + "\n"


def main() -> int:
    """Start a throw-away PostgreSQL, migrate it, write both files."""
    with tempfile.TemporaryDirectory(prefix="ce-", dir="/tmp") as directory:
        run = Path(directory)
        server = Postgres(data=run / "postgres", run=run, log=run / "postgres.log", durable=False)
        try:
            server.start()
            server.wait_ready()
            migrate(server.url("schema"))
            LEDGER.write_text(dump_ledger(server.url("schema")))
            GRAPH.write_text(export_graph())
        except LaunchError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            if server.process is not None:
                server.process.send_signal(signal.SIGQUIT)
                server.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
