"""A week's tables, and when they count as held."""

from __future__ import annotations

from tests.bench.rows import Row
from tests.bench.vacuum import ALWAYS, Table, rows


def week(*shares: int, octets: tuple[int, ...] | None = None) -> list[dict[str, Table]]:
    sizes = octets or tuple(100_000 for _ in shares)
    return [
        {"hit": Table(live=1000, dead=ALWAYS + each, vacuums=1, octets=size, age=500)}
        for each, size in zip(shares, sizes, strict=True)
    ]


def judged(own: list[dict[str, Table]]) -> tuple[Row, Row]:
    dead, octets = rows("hit", own, week(10, 20, 30, 40))
    return dead, octets


def test_dead_rows_that_stay_below_the_goal_and_rows_of_one_size_are_held() -> None:
    dead, octets = judged(week(90, 10, 20, 15))
    assert (dead.value, dead.ceiling, dead.met) == (0.02, 0.04, True)
    assert (octets.value, octets.ratio, octets.met) == (100.0, 1.0, True)


def test_dead_rows_or_sizes_that_rise_after_the_third_day_are_not() -> None:
    dead, octets = judged(week(10, 10, 10, 31, octets=(1000, 1000, 1000, 1200)))
    assert (dead.met, octets.met) == (False, False)
    assert "0.010, 0.010, 0.010, 0.031" in dead.note
