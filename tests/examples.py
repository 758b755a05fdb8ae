"""How much a test tries: few examples in `make test`, many in `make proof ONLY=properties`."""

from __future__ import annotations

import os

PROOF = "PROOF"
"""Set in the environment of the tests that `make proof` runs."""


def proving() -> bool:
    """Whether these are the tests of a proof, which may take long."""
    return bool(os.environ.get(PROOF))


def examples(usual: int, *, proof: int) -> int:
    """`usual` of them, or as many as a proof takes."""
    return proof if proving() else usual
