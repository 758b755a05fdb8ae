"""How many examples a property test tries: few in `make test`, many in `make proof ONLY=properties`."""

from __future__ import annotations

import os

PROOF = "PROOF"
"""Set in the environment of the tests that `make proof` runs."""


def examples(usual: int, *, proof: int) -> int:
    """`usual` of them, or as many as a proof takes."""
    return proof if os.environ.get(PROOF) else usual
