"""The forms of a statement that reads a range: what is left out of its text is really there."""

from __future__ import annotations

import pytest

from service.finding.sources import FOUND, in_order, upwards


@pytest.mark.parametrize("name", FOUND)
def test_a_single_range_is_read_without_sorting_and_either_way(name: str) -> None:
    newest_first = FOUND[name]
    assert newest_first.sql.count("where r.passes order by r.id desc") == 1
    assert "where r.passes order by" not in in_order(newest_first).sql
    assert " desc" in newest_first.sql
    assert " desc" not in upwards(in_order(newest_first)).sql
    assert in_order(newest_first).parameters == newest_first.parameters
