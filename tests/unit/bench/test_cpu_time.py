"""CPU time: lines of /proc, trees of processes, costs a mail, and what the interpreter was built with."""

from __future__ import annotations

import pytest

from tests.bench.cpu_time import (
    Process,
    Turn,
    alone,
    below,
    described,
    middle,
    parse_stat,
    python_build,
    turn_between,
    whole,
)

STAT = (
    "4242 (odd) name (x) S 17 4242 4242 0 -1 4194560 1500 900 0 0 120 30 400 50 20 0 1 0 8000 220000000 5000"
    " 18446744073709551615 1 1 0 0 0 0 0 16781312 82952 0 0 0 17 1 0 0 0 0 0\n"
)


def process(pid: int, parent: int, own: float, ended: float = 0.0) -> Process:
    return Process(pid=pid, parent=parent, own=own, ended=ended)


PROCESSES = {
    each.pid: each
    for each in (
        process(1, 0, 9.0, 9.0),
        process(10, 1, 1.0, 0.5),
        process(11, 10, 2.0),
        process(12, 11, 4.0, 0.25),
        process(20, 1, 100.0),
    )
}


def turn(rate: float = 1000.0, wal: float | None = None, **parts: float) -> Turn:
    return Turn(parts=parts, rate=rate, wal=wal)


def test_a_line_of_proc_is_read_whatever_the_program_is_called() -> None:
    assert parse_stat(STAT, ticks=100) == Process(pid=4242, parent=17, own=1.5, ended=4.5)
    assert parse_stat(STAT, ticks=1000).own == 0.15


def test_a_tree_counts_all_below_it_and_the_children_that_have_ended() -> None:
    assert whole(10)(PROCESSES) == 1.0 + 0.5 + 2.0 + 4.0 + 0.25
    assert alone(10)(PROCESSES) == 1.0
    assert below(10)(PROCESSES) == 0.5 + 2.0 + 4.0 + 0.25


def test_a_child_that_ends_between_two_readings_is_counted_once() -> None:
    ended = {10: process(10, 1, 1.0, 0.5 + 2.0 + 4.0 + 0.25)}
    assert whole(10)(ended) == whole(10)(PROCESSES)


def test_a_process_that_has_ended_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="process 99 has ended"):
        whole(99)(PROCESSES)


def test_the_cost_a_mail_is_what_the_parts_needed_between_two_readings() -> None:
    measured = turn_between(
        {"worker": 1.0, "sink": 0.5}, {"worker": 1.9, "sink": 0.7}, mails=10_000, seconds=2.0, wal=19e6
    )
    assert measured.parts == pytest.approx({"worker": 90.0, "sink": 20.0})
    assert measured.cost == pytest.approx(110.0)
    assert (measured.rate, measured.wal) == (5000.0, 1900.0)


@pytest.mark.parametrize(
    ("costs", "found"), [([30.0, 10.0, 20.0], 20.0), ([30.0, 10.0], 10.0), ([5.0], 5.0), ([4.0, 1.0, 3.0, 2.0], 2.0)]
)
def test_the_middle_turn_is_one_that_was_measured(costs: list[float], found: float) -> None:
    assert middle([turn(worker=cost) for cost in costs]).cost == found


def test_a_note_names_parts_spread_rate_and_wal() -> None:
    turns = [
        turn(rate=rate, wal=1900.0, worker=cost, sink=10.0) for rate, cost in ((7.0, 80.0), (8.0, 90.0), (9.0, 70.0))
    ]
    assert described(turns) == "worker 80, sink 10; 80 to 100; 7/s; WAL 1.9 KB a mail"
    assert described([turn(worker=80.0)]) == "worker 80; 1,000/s"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'--prefix=/usr' '--enable-optimizations' '--with-lto'", "Python 3.11.7 built with PGO"),
        ("'--prefix=/usr' '--enable-shared'", "Python 3.11.7 built without PGO"),
        ("", "Python 3.11.7 built without PGO"),
    ],
)
def test_the_build_of_python_is_told(arguments: str, said: str) -> None:
    assert python_build(arguments, "3.11.7") == said
    assert python_build().startswith("Python 3.")
