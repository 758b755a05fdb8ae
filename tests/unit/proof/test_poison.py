"""The proof of poisoned recipients notices each broken guarantee."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.proof.poison import KINDS, MAX_LOSS, PoisonCounts

HELD = PoisonCounts(
    rates=((100.0, 96.0), (100.0, 50.0), (100.0, 99.0)),
    failures=dict.fromkeys(KINDS, 5),
    held_up=(),
    retried=0,
    paused=0,
    broken={"ACCEPTED": 100},
    unrecorded=0,
)


def test_a_run_that_held_everything_violates_nothing() -> None:
    assert HELD.violations() == []
    assert "median loss 4.0%" in HELD.report()


@pytest.mark.parametrize(
    "values",
    [
        {"rates": ((100.0, 100 * (1 - MAX_LOSS)),)},
        {"failures": dict.fromkeys(KINDS, 5) | {"421 to RCPT": 2}},
        {"held_up": ("421 to RCPT",)},
        {"retried": 1},
        {"paused": 1},
        {"broken": {"ACCEPTED": 99, "REFUSED": 1}},
        {"unrecorded": 1},
    ],
)
def test_each_broken_guarantee_is_named(values: dict[str, Any]) -> None:
    assert len(replace(HELD, **values).violations()) == 1
