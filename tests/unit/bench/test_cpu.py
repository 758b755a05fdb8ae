"""The rows of CPU a mail: what is measured against what, and which goal judges it."""

from __future__ import annotations

import pytest

from tests.bench.cpu import Measured, Plan, is_late, rows_of
from tests.bench.cpu_time import Turn
from tests.bench.rows import Row

SENDER = {"sender": 24.0, "sink": 15.0}
PLAIN = {"worker": 60.0, "PostgreSQL": 30.0, "signing": 0.0, "sink": 20.0}
RSA = {"worker": 100.0, "PostgreSQL": 40.0, "signing": 250.0, "sink": 20.0}


def turns(*costs: dict[str, float]) -> list[Turn]:
    return [Turn(parts=cost, rate=9000.0) for cost in costs]


def named(rows: list[Row], name: str) -> Row:
    (row,) = [row for row in rows if row.name == name]
    return row


def test_the_whole_is_judged_against_the_sender_alone() -> None:
    rows = rows_of(Measured(trees={"present": {"sender": turns(SENDER), "plain": turns(PLAIN)}}), "own sink")
    row = named(rows, "cpu-plain")
    assert (row.value, row.ceiling, row.met) == (110.0, 39.0, True)
    assert row.ratio == pytest.approx(39 / 110)
    assert "worker 60, PostgreSQL 30" in row.note
    assert "own sink" in row.note


def test_a_whole_that_is_too_dear_does_not_meet_its_goal() -> None:
    rows = rows_of(Measured(trees={"present": {"sender": turns(SENDER), "plain": turns(RSA)}}), "")
    assert named(rows, "cpu-plain").met is False


def test_without_the_sender_alone_there_is_no_ratio() -> None:
    row = named(rows_of(Measured(trees={"present": {"plain": turns(PLAIN)}}), ""), "cpu-plain")
    assert (row.value, row.ratio, row.met) == (110.0, None, None)


def test_rsa_is_parted_into_the_bare_signature_and_the_rest() -> None:
    measured = Measured(
        trees={"present": {"sender": turns(SENDER), "rsa": turns(RSA)}}, signatures={"rsa": [250.0, 240.0, 270.0]}
    )
    rows = rows_of(measured, "")
    signature, rest = named(rows, "cpu-rsa-signature"), named(rows, "cpu-rsa-rest")
    assert (signature.value, signature.ceiling, signature.ratio, signature.met) == (
        410.0,
        250.0,
        250 / 410,
        True,
    )
    assert (rest.value, rest.ceiling, rest.met) == (160.0, 39.0, True)


def test_other_senders_are_so_many_times_dearer() -> None:
    measured = Measured(
        trees={"present": {"plain": turns(PLAIN), "tracked": turns(PLAIN)}},
        others={"naive": turns({"worker": 3300.0}), "smtp-source": turns({"sender": 55.0})},
    )
    rows = rows_of(measured, "")
    naive, postfix = named(rows, "cpu-plain-naive"), named(rows, "cpu-plain-smtp-source")
    assert (named(rows, "cpu-naive").value, naive.ratio, naive.met) == (3300.0, 30.0, True)
    assert (postfix.ratio, postfix.met) == (0.5, False)
    assert named(rows, "cpu-tracked-naive").met is None


def test_an_older_commit_is_compared_turn_by_turn() -> None:
    dearer = PLAIN | {"worker": 115.0}
    measured = Measured(trees={"present": {"plain": turns(PLAIN, PLAIN)}, "d4a6e81": {"plain": turns(dearer, PLAIN)}})
    row = named(rows_of(measured, ""), "cpu-plain-since")
    assert (row.value, row.ceiling, row.ratio) == (110.0, 110.0, 1.0)
    assert row.note.startswith("d4a6e81: ")
    assert "turn by turn 1.00 to 1.50" in row.note


def test_all_is_measured_three_times_unless_something_else_is_said() -> None:
    plan = Plan.read({"KINDS": "", "TURNS": "", "OLD": ""})
    assert (plan.turns, plan.old, plan.hurries) == (3, None, True)
    assert {"sender", "plain", "found", "tracked", "ed25519", "rsa", "smtp-source", "nodemailer", "naive"} == set(
        plan.kinds
    )
    assert Plan.read({"KINDS": "plain rsa", "TURNS": "5", "OLD": "HEAD~1"}) == Plan(
        kinds=("plain", "rsa"), turns=5, old="HEAD~1", hurries=False
    )


@pytest.mark.parametrize("said", [{"KINDS": "plane"}, {"TURNS": "0"}, {"TURNS": "many"}])
def test_what_cannot_be_measured_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="|".join(said)):
        Plan.read(said)


@pytest.mark.parametrize(
    ("elapsed", "done", "late"), [(500.0, 0, False), (100.0, 1, False), (110.0, 1, True), (140.0, 2, True)]
)
def test_no_turn_begins_that_would_end_too_late(elapsed: float, done: int, late: bool) -> None:
    assert is_late(elapsed, turns=done, limit=205.0) is late
