"""Positions of the write-ahead log: spelled as PostgreSQL does, and what they say of replicas."""

from __future__ import annotations

import pytest

from service.positions import PrimaryTrail, ReplicaState, choose, read_position, write_position


@pytest.mark.parametrize("text", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "0/16B3748"])
def test_a_position_is_read_and_written_as_postgresql_spells_it(text: str) -> None:
    position = read_position(text)
    assert position is not None
    assert write_position(position) == text


@pytest.mark.parametrize("text", ["", "16", "16/", "G/1", "123456789/0", "1/2/3", "-1/0"])
def test_what_is_no_position_is_none(text: str) -> None:
    assert read_position(text) is None


def test_a_replica_is_read_that_has_what_is_wanted_and_lags_little() -> None:
    def at(replayed: int, lag: float = 0.0) -> ReplicaState:
        return ReplicaState(replayed=replayed, lag_seconds=lag)

    states = [at(100), None, at(200, lag=5.0), at(300, lag=11.0)]
    # In turn, those that are able
    assert [choose(states, wanted=0, max_lag=10, turn=turn) for turn in range(4)] == [0, 2, 0, 2]
    # Only the one that is far enough; the farthest lags too much
    assert {choose(states, wanted=101, max_lag=10, turn=turn) for turn in range(4)} == {2}
    assert choose(states, wanted=201, max_lag=10, turn=0) is None
    assert choose(states, wanted=201, max_lag=20, turn=0) == 3
    # None at all
    assert choose([None], wanted=0, max_lag=10, turn=0) is None
    assert choose([], wanted=0, max_lag=10, turn=0) is None


def test_lag_is_the_time_since_the_primary_had_what_a_replica_has_not() -> None:
    trail = PrimaryTrail()
    assert trail.lag(0.0, 7) == 0.0
    for moment, position in ((1.0, 100), (2.0, 200), (3.0, 200), (4.0, 300)):
        trail.note(moment, position)
    assert trail.lag(10.0, 300) == 0.0
    assert trail.lag(10.0, 299) == 6.0
    # It was there since two, though looked at again at three
    assert trail.lag(10.0, 100) == 8.0
    assert trail.lag(10.0, 0) == 9.0
