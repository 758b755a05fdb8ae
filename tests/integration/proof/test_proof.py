"""The crash proof in small; `make proof` runs it at length."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.proof.proof import DEEDS, prove


async def test_whatever_dies_nothing_is_lost_and_nothing_is_sent_twice_by_guess() -> None:
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = await prove(mails=1000, deeds=len(DEEDS), directory=Path(directory), seed=7)

    print(counts.words())
    assert counts.broken() == []
    assert counts.waiting == 0
    assert counts.statuses["ACCEPTED"] > 700
    # Nothing was spared: workers were lost amid their work, and some mail did come twice.
    assert set(counts.deeds) >= {deed.__name__.replace("_", " ") for deed in DEEDS}
    assert counts.mails_taken_twice > 0
    assert counts.shown.lost
