"""`make proof`: the crash proof at length; MAILS, DISRUPTIONS and SEED change it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.proof.proof import prove


def main() -> int:
    """Run, print the counts; returns 1 when a guarantee was violated."""
    seed = int(os.environ.get("SEED", "1"))
    mails = int(os.environ.get("MAILS", "50000"))
    disruptions = int(os.environ.get("DISRUPTIONS", "42"))
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = asyncio.run(prove(mails=mails, disruptions=disruptions, directory=Path(directory), seed=seed))
    print(counts.report())
    violations = counts.violations()
    for guarantee in violations:
        print(f"VIOLATED: {guarantee}", file=sys.stderr)
    print("every guarantee held" if not violations else f"violated with seed {seed}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
