"""Counts that stopped somewhere say so."""

from __future__ import annotations

import pytest

from gateway.campaigns.counts import Count, CountPrecision


@pytest.mark.parametrize(("found", "value", "precision"), [(0, 0, "EXACT"), (10, 10, "EXACT"), (11, 10, "AT_LEAST")])
def test_what_was_counted_to_one_more_than_a_limit_is_exact_up_to_it(found: int, value: int, precision: str) -> None:
    assert Count.up_to(10, found) == Count(value=value, precision=CountPrecision(precision))
