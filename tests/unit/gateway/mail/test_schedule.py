"""When a deferred mail is tried again, and how long a troubled relay or destination is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.schedule import pause_step, wait_before_next
from gateway.mail.verdict import LONGEST_ASKED_WAIT, Cause, Outcome, Scope, Verdict


def deferred(*, retry_after: timedelta | None = None, scope: Scope = Scope.MESSAGE, counts: bool = True) -> Verdict:
    return Verdict(
        outcome=Outcome.DEFERRED,
        cause=Cause.GREYLISTED,
        advice="Later.",
        rule="greylisted",
        scope=scope,
        retry_after=retry_after,
        counts=counts,
    )


@pytest.mark.parametrize(
    ("attempt", "minutes"),
    [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 240), (8, 480), (9, 480), (50, 480)],
)
def test_waits_grow_to_eight_hours_and_stay_there(attempt: int, minutes: int) -> None:
    wait = timedelta(minutes=minutes)
    assert wait_before_next(attempt, deferred(), jitter=0.0) == wait
    assert wait_before_next(attempt, deferred(), jitter=1.0) == wait * 1.1
    assert wait_before_next(attempt, deferred(), jitter=-1.0) == wait * 0.9


@pytest.mark.parametrize(
    ("attempt", "asked", "jitter", "expected"),
    [
        (1, timedelta(minutes=10), -1.0, timedelta(minutes=10)),
        (1, timedelta(minutes=10), 1.0, timedelta(minutes=11)),
        (5, timedelta(minutes=10), 0.0, timedelta(hours=1)),
        (1, timedelta(seconds=5), 0.0, timedelta(minutes=1)),
        (1, timedelta(hours=24), 1.0, timedelta(hours=24)),
    ],
)
def test_try_again_in_is_obeyed(attempt: int, asked: timedelta, jitter: float, expected: timedelta) -> None:
    assert wait_before_next(attempt, deferred(retry_after=asked), jitter=jitter) == expected


def test_what_does_not_count_comes_back_as_soon_as_its_pause_ends() -> None:
    verdict = deferred(scope=Scope.RELAY, counts=False, retry_after=timedelta(hours=2))
    assert wait_before_next(7, verdict, jitter=0.0) == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("step", "seconds"),
    [(1, 5), (2, 15), (3, 30), (4, 60), (5, 120), (6, 300), (7, 600), (8, 900), (9, 900), (99, 900)],
)
def test_pauses_grow_to_a_quarter_of_an_hour(step: int, seconds: int) -> None:
    verdict = deferred(scope=Scope.DESTINATION, counts=False)
    assert pause_step(step, verdict, jitter=0.0) == timedelta(seconds=seconds)


def test_a_pause_is_at_least_what_the_server_asked_for() -> None:
    verdict = deferred(scope=Scope.RELAY, counts=False, retry_after=timedelta(hours=1))
    assert pause_step(1, verdict, jitter=-1.0) == timedelta(hours=1)


@given(
    st.integers(1, 32767),
    st.floats(-1, 1),
    st.one_of(st.none(), st.timedeltas(min_value=timedelta(0), max_value=LONGEST_ASKED_WAIT)),
)
def test_no_wait_is_too_early_or_longer_than_a_day(number: int, jitter: float, asked: timedelta | None) -> None:
    for wait in (
        wait_before_next(number, deferred(retry_after=asked), jitter=jitter),
        pause_step(number, deferred(retry_after=asked), jitter=jitter),
    ):
        assert (asked or timedelta(seconds=4)) <= wait <= timedelta(hours=24)
