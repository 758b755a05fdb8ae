"""`make proof`: the crash proof at length; MAILS, DEEDS and SEED change it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.proof.proof import prove


def main() -> int:
    """Run, print the counts, answer 1 when a promise did not hold."""
    seed = int(os.environ.get("SEED", "1"))
    mails = int(os.environ.get("MAILS", "50000"))
    deeds = int(os.environ.get("DEEDS", "42"))
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = asyncio.run(prove(mails=mails, deeds=deeds, directory=Path(directory), seed=seed))
    print(counts.words())
    broken = counts.broken()
    for promise in broken:
        print(f"BROKEN: {promise}", file=sys.stderr)
    print("every promise held" if not broken else f"seed {seed} broke it")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
