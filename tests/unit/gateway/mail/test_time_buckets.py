"""Buckets of times: the middle of each stands for all that is in it, within 5 %."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.time_buckets import GROWTH, seconds_of


@given(st.integers(1, 30_000_000_000))
def test_a_middle_is_within_five_percent_of_every_time(ms: int) -> None:
    bucket = min(255, math.floor(math.log(ms) / math.log(GROWTH)))
    assert abs(seconds_of(bucket) * 1000 - ms) <= 0.05 * ms
