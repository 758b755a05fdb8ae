"""Which hosts are struck, and when a round broke a guarantee."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from tests.proof.failover.rounds import (
    DEEDS,
    PAIRS,
    PARTS,
    READ_SECONDS,
    RESUME_SECONDS,
    Blow,
    Round,
    longest_gap,
    names_of,
    schedule,
    schedule_pairs,
)

KEPT = Round(
    number=3,
    blows=(Blow(part="primary", deed="cut"),),
    hosts=("pg1",),
    seconds=40.0,
    commit_gap=20.0,
    write_gap=21.0,
    read_gap=1.0,
    send_gap=22.0,
    reads=300,
    isolated=2,
)
TWO = (Blow(part="primary", deed="kill"), Blow(part="gateway", deed="freeze"))


def test_every_part_gets_every_deed_in_turn_and_the_primary_first() -> None:
    every = len(PARTS) * len(DEEDS)
    blows = schedule(2 * every + 1, dice=random.Random(1), can_cut=True)
    assert {blow.part for blow in blows[: len(DEEDS)]} == {"primary"}
    assert set(Counter(blows[: 2 * every]).values()) == {2}
    assert len(blows) == 2 * every + 1
    assert {blow.deed for blow in schedule(every, dice=random.Random(1), can_cut=False)} == {"kill", "freeze"}


def test_pairs_come_in_turn() -> None:
    chosen = schedule_pairs(len(PAIRS) + 1, dice=random.Random(1), can_cut=False)
    assert [(one.part, other.part) for one, other in chosen] == [*PAIRS, PAIRS[0]]
    assert {blow.deed for two in chosen for blow in two} <= {"kill", "freeze"}


def test_each_blow_of_a_round_has_a_host_of_its_own() -> None:
    blows = (Blow(part="gateway", deed="kill"), Blow(part="gateway", deed="freeze"))
    assert sorted(names_of(blows, {"gateway": ["g1", "g2"]}, random.Random(1))) == ["g1", "g2"]


def test_a_gap_is_the_longest_time_without_a_moment_within_the_span() -> None:
    assert longest_gap([1.0, 2.0, 5.0, 6.0, 30.0], 1.5, 7.0) == 3.0
    assert longest_gap([1.0, 9.0], 2.0, 8.0) == 6.0
    assert longest_gap([], 2.0, 8.0) == 6.0
    assert longest_gap([2.5, 3.0], 2.0, 8.0) == 5.0


def test_a_round_that_kept_everything_is_a_line_of_the_table() -> None:
    assert KEPT.violations() == []
    assert KEPT.row().split() == ["3", "cut", "primary", "(pg1)", "20.0", "21.0", "22.0", "1.0", "0/300"]


def test_what_a_round_broke_is_said() -> None:
    late = replace(KEPT, write_gap=KEPT.commit_gap + RESUME_SECONDS + 0.5)
    assert late.violations() == ["round 3, cut primary (pg1): writes resumed 5.5 s after the databases"]
    blind = replace(KEPT, read_gap=READ_SECONDS + 1)
    assert blind.violations() == ["round 3, cut primary (pg1): no query was answered for 6.0 s"]
    torn = replace(KEPT, isolated_done=1)
    assert torn.violations() == ["round 3, cut primary (pg1): an isolated primary acknowledged 1 commits"]


def test_with_two_at_a_time_reads_may_stop_and_writes_resume_all_the_same() -> None:
    two = replace(KEPT, blows=TWO, hosts=("pg1", "gateway2"), read_gap=15.0)
    assert two.violations() == []
    assert "kill primary (pg1) and freeze gateway (gateway2)" in two.row()
    assert replace(two, write_gap=26.0).violations() != []
