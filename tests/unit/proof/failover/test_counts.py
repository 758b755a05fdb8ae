"""The count at the end of the failover proof: each guarantee can be broken, and is then reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.proof.campaign_counts import MailingCount
from tests.proof.failover.counts import Tally
from tests.proof.failover.proof import Result
from tests.proof.recorder_counts import Ledger, Trial, Try

WHO = "a@x.example"
CAMPAIGN = UUID(int=9)


def one(number: int, attempt: int = 1) -> Try:
    return UUID(int=number), attempt, WHO


# Two single mails, one of which arrived twice and says so; a campaign of one.
LEDGER = Ledger(
    statuses={(UUID(int=n), WHO): "ACCEPTED" for n in range(3)},
    accepted=frozenset({one(0), one(1, 2), one(2)}),
    refused=frozenset(),
    uncertain=frozenset({one(1)}),
)
TRIAL = Trial(
    name="failover",
    recipients=3,
    kills=0,
    received=[one(0), one(1), one(1, 2), one(2)],
    taken=[one(0), one(1), one(1, 2), one(2)],
    ledger=LEDGER,
    settled=[],
    killed_at={},
    seconds=0.0,
)
KEPT = Tally(
    acknowledged=frozenset({UUID(int=0), UUID(int=1)}),
    campaigns={CAMPAIGN: 1},
    messages={UUID(int=0): None, UUID(int=1): None, UUID(int=2): CAMPAIGN},
    mailings=(MailingCount(finished=True, launched=1, counted={"accepted": 1}, recounted={"accepted": 1}),),
    trial=TRIAL,
)


def test_rounds_that_ended_early_are_counted_and_reported() -> None:
    whole = Result(rounds=(), tally=KEPT, unexpected=(), restarts=0, mails_a_second=200.0, repeated={})
    assert whole.violations() == []
    cut_short = replace(whole, ended="everything well did not come within 180 s: Valkeys: not")
    assert cut_short.violations() == ["the rounds ended early: everything well did not come within 180 s: Valkeys: not"]
    assert "lost 0 and 0, made up 0" in cut_short.report()


def test_what_was_kept_is_not_reported() -> None:
    assert KEPT.violations() == []
    assert "lost 0 and 0, made up 0" in KEPT.report()
    assert "took 4, of them 1 again; unlabelled duplicates 0" in KEPT.report()


@pytest.mark.parametrize(
    ("changes", "guarantee"),
    [
        ({"acknowledged": KEPT.acknowledged | {UUID(int=7)}}, "every acknowledged mutation is in the ledger"),
        ({"campaigns": {CAMPAIGN: 2}}, "every acknowledged mutation is in the ledger"),
        ({"campaigns": {}}, "nothing is in the ledger that was not acknowledged"),
        ({"acknowledged": frozenset({UUID(int=0)})}, "nothing is in the ledger that was not acknowledged"),
        (
            {"mailings": (replace(KEPT.mailings[0], recounted={"accepted": 2}),)},
            "launched = accepted + uncertain + left out and so on, counted and recounted",
        ),
    ],
)
def test_what_the_ledger_lacks_or_has_too_much_is_reported(changes: dict[str, Any], guarantee: str) -> None:
    assert violations_with(changes) == [guarantee]


@pytest.mark.parametrize(
    ("changes", "guarantee"),
    [
        (
            {"ledger": replace(LEDGER, accepted=LEDGER.accepted | {one(1)}, uncertain=frozenset())},
            "no mail arrived twice unless its first try is UNCERTAIN",
        ),
        ({"received": [*TRIAL.received, one(0)]}, "no attempt reached the mail server twice"),
        (
            {"ledger": replace(LEDGER, accepted=LEDGER.accepted | {one(2, 2)})},
            "what the server took is accepted or uncertain, and what is accepted it took",
        ),
        (
            {"ledger": replace(LEDGER, statuses=LEDGER.statuses | {(UUID(int=2), WHO): "QUEUED"})},
            "every mail was decided",
        ),
    ],
)
def test_what_contradicts_the_mail_server_is_reported(changes: dict[str, Any], guarantee: str) -> None:
    assert violations_with({"trial": replace(TRIAL, **changes)}) == [guarantee]


def violations_with(changes: dict[str, Any]) -> list[str]:
    return replace(KEPT, **changes).violations()
