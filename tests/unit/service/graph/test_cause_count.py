"""Counts by cause, in an order that does not change."""

from __future__ import annotations

from gateway.mail.verdict import Cause
from service.graph.cause_count import cause_counts


def test_the_most_come_first_and_equally_many_by_the_name_of_the_cause() -> None:
    counts = {Cause.SPAM: 1, None: 1, Cause.BAD_ADDRESS: 1, Cause.TIMEOUT: 3}
    found = [(one.cause, one.messages) for one in cause_counts(counts)]
    assert found == [(Cause.TIMEOUT, 3), (None, 1), (Cause.BAD_ADDRESS, 1), (Cause.SPAM, 1)]
