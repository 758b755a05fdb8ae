"""The crash proof in small; `make proof` runs it at length."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.proof.proof import prove


async def test_whatever_dies_nothing_is_lost_and_nothing_is_sent_twice_by_guess() -> None:
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = await prove(mails=1000, deeds=7, directory=Path(directory), seed=7)

    print(counts.shown())
    assert counts.broken() == []
    assert counts.queued == 0
    assert counts.statuses["ACCEPTED"] > 700
