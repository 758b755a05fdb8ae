"""Buckets of times to acceptance: each is a tenth wider than the one before. SQL: `time_bucket`."""

from __future__ import annotations

import math

GROWTH = 1.1
"""How many times wider than the one before: the middle is within 5 % of all that is in it."""


def seconds_of(bucket: int) -> float:
    """The middle of a bucket, in seconds; the first begins at a millisecond."""
    return math.pow(GROWTH, bucket + 0.5) / 1000
