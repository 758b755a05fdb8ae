"""`make proof-failover`: ROUNDS (10) blows at one host each, PAIRS (3) at two, under load; SEED changes which.

PATRONI=0 has the proof's own script promote, as where Patroni or etcd is absent. KEEP=1 keeps all logs. Ctrl-C
ends the rounds after the one under way, and counts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.proof.failover.databases import Databases, why_not
from tests.proof.failover.places import find_places
from tests.proof.failover.proof import prove_failover
from tests.proof.failover.scripted import ScriptedDatabases


def main() -> int:
    """Run, print the table and the count; returns 1 when a guarantee was broken."""
    if absent := "PATRONI=0" if os.environ.get("PATRONI") == "0" else why_not():
        print(f"Patroni is skipped, and the proof's own script promotes: {absent}")
    rounds, pairs = int(os.environ.get("ROUNDS") or 10), int(os.environ.get("PAIRS") or 3)
    places, why = find_places()
    print("each host in a network namespace" if not why else f"hosts at loopback addresses, nothing cut off: {why}")
    directory = Path(tempfile.mkdtemp(prefix="cp-", dir="/tmp"))
    try:
        result = asyncio.run(
            prove_failover(
                rounds=rounds,
                pairs=pairs,
                places=places,
                databases=ScriptedDatabases if absent else Databases,
                directory=directory,
                seed=int(os.environ.get("SEED") or 1),
            )
        )
    finally:
        places.close()
        if os.environ.get("KEEP") == "1":
            print(f"the logs are in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    print(result.report())
    violations = result.violations()
    for guarantee in violations:
        print(f"VIOLATED: {guarantee}", file=sys.stderr)
    print("every guarantee held" if not violations else "violated")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
