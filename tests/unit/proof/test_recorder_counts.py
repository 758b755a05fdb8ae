"""The checks of the flight recorder's proof: each guarantee can be broken, and is then reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.proof.counts import CONNECTIONS
from tests.proof.recorder import Deed, RecorderProof, violations_of
from tests.proof.recorder_counts import ENOUGH, Ledger, Settled, Trial, Try, read_settled

WHO = "a@x.example"


def one(number: int, attempt: int = 1) -> Try:
    return UUID(int=number), attempt, WHO


# One was accepted; one uncertain though the server has it; one uncertain and tried once more; one refused.
LEDGER = Ledger(
    statuses={(UUID(int=n), WHO): status for n, status in enumerate(["ACCEPTED", "UNCERTAIN", "ACCEPTED", "REFUSED"])},
    accepted=frozenset({one(0), one(2, 2)}),
    refused=frozenset({one(3)}),
    uncertain=frozenset({one(1), one(2)}),
)
SETTLED = Settled(worker="w", at=101.0, answered=ENOUGH, queued=10, uncertain=2)


def trial(**values: Any) -> Trial:
    usual: dict[str, Any] = {
        "name": "trial",
        "recipients": 4,
        "kills": 1,
        "received": [one(0), one(1), one(2), one(2, 2)],
        "taken": [one(0), one(1), one(2), one(2, 2)],
        "ledger": LEDGER,
        "settled": [SETTLED],
        "killed_at": {"w": 100.0},
        "seconds": 1.0,
    }
    return Trial(**(usual | values))


def ledger(**values: Any) -> dict[str, Any]:
    return {"ledger": replace(LEDGER, **values)}


def test_what_was_kept_is_not_reported() -> None:
    kept = trial()
    assert kept.violations(lease=15.0) == []
    assert kept.old_rule == ENOUGH + 12
    assert "settled after 1.00 s" in kept.report()
    assert RecorderProof(trials=((Deed(name="trial"), kept),)).violations() == []


MANY = frozenset(one(number) for number in range(100, 100 + ENOUGH))


@pytest.mark.parametrize(
    ("values", "guarantee"),
    [
        ({"recipients": 5}, "1 mails are lost"),
        ({"received": [one(0), one(0), one(1), one(2)]}, "1 mails were queued again after the server saw their dot"),
        (ledger(uncertain=frozenset({one(1)})), "1 duplicates are not labelled"),
        ({"taken": [one(0), one(0), one(1), one(2), one(2, 2)]}, "1 duplicates are not labelled"),
        ({"taken": [one(1), one(2), one(2, 2)]}, "1 attempts contradict the server"),
        (ledger(accepted=frozenset({one(2, 2)})), "1 attempts contradict the server"),
        (ledger(refused=frozenset({one(1)})), "1 attempts contradict the server"),
        ({"received": [one(0), one(2), one(2, 2)], "taken": [one(0), one(2), one(2, 2)]}, "the server saw only 1"),
        (ledger(uncertain=LEDGER.uncertain | MANY), "are more than a quarter of"),
        (ledger(uncertain=LEDGER.uncertain | MANY), f"are more than {CONNECTIONS}"),
        ({"settled": [replace(SETTLED, uncertain=CONNECTIONS + 1)]}, "a worker left more than"),
        ({"killed_at": {"w": 80.0}}, "1 of 1 deaths were settled later than a lease"),
    ],
)
def test_a_broken_guarantee_is_reported(values: dict[str, Any], guarantee: str) -> None:
    assert any(guarantee in violation for violation in trial(**values).violations(lease=15.0))


def test_where_recorders_are_not_believed_the_old_bound_holds() -> None:
    values = ledger(uncertain=LEDGER.uncertain | MANY)
    assert trial(believed=False, killed_at={"w": 80.0}, **values).violations(lease=15.0) == []


def test_a_negative_control_must_see_a_duplicate() -> None:
    control = Deed(name="control", control=True)
    assert violations_of(control, trial(received=[one(0), one(0)])) == []
    assert violations_of(control, trial()) == ["control: the rig saw no duplicate"]


def test_what_workers_settled_is_read_from_their_log(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "at": "1970-01-01T00:01:41.000+00:00",
        "message": "a worker's mail is settled by its flight recorder",
        "worker": "w",
        "answered": ENOUGH,
        "queued": 10,
        "uncertain": 2,
    }
    monkeypatch.setattr(Path, "read_text", lambda path: f"{json.dumps(said)}\nanother line\n")
    assert read_settled(Path("log")) == [SETTLED]
