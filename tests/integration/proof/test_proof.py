"""A short crash proof; `make proof` runs a long one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.proof.proof import DISRUPTIONS, prove


async def test_whatever_dies_no_mail_is_lost_and_none_is_sent_twice_by_guess() -> None:
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = await prove(mails=1000, disruptions=len(DISRUPTIONS), directory=Path(directory), seed=7)

    print(counts.report())
    assert counts.violations() == []
    assert counts.undecided == 0
    assert counts.statuses["ACCEPTED"] > 700
    # The run was not too easy: workers died with mail in flight, and some mail did arrive twice
    assert set(counts.disruptions) >= {disrupt.__name__.replace("_", " ") for disrupt in DISRUPTIONS}
    assert counts.mails_accepted_twice > 0
    assert counts.ledger.lost
