"""Short proofs; `make proof` runs long ones."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proof.campaigns import prove_campaigns
from tests.proof.proof import DISRUPTIONS, prove
from tests.proof.recorder import DEEDS, prove_deed, violations_of


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


@pytest.mark.parametrize("name", ["kills at random moments", "drain without database, with a journal"])
async def test_of_killed_workers_no_mail_is_queued_again_whose_dot_the_server_saw(name: str) -> None:
    [deed] = [deed for deed in DEEDS if deed.name == name]
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        trial = await prove_deed(replace(deed, least=3, mails=600), kills=3, directory=Path(directory) / "run", seed=7)

    print(trial.report())
    assert violations_of(deed, trial) == []
    assert trial.kills >= 3
    assert trial.settled


async def test_whatever_dies_while_a_person_decides_every_recipient_of_a_campaign_is_accounted_for() -> None:
    with tempfile.TemporaryDirectory(prefix="cp-", dir="/tmp") as directory:
        counts = await prove_campaigns(recipients=2000, disruptions=9, directory=Path(directory), seed=7)

    print(counts.report())
    assert counts.violations() == []
    # The run was not too easy
    assert counts.retried > 0
    assert set(counts.disruptions) >= {"kill", "pause", "resume", "retry and kill", "kill postgres"}
    assert counts.totals["left_out"] > 0
