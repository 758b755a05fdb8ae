"""Benchmark rows, and what the results file keeps."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.rows import Row, at_least, cheaper, keep, shown


def test_a_goal_is_a_share_of_the_ceiling() -> None:
    row = at_least("sender", 800.0, unit="messages/s", ceiling=1000.0, goal=0.8)
    assert (row.ratio, row.met) == (0.8, True)
    assert at_least("sender", 799.0, unit="messages/s", ceiling=1000.0, goal=0.8).met is False
    assert "ratio 0.80" in shown(row)
    assert "goal 0.8 met" in shown(row)


def test_a_cost_is_so_many_times_cheaper_than_another() -> None:
    row = cheaper("cpu-plain", 150.0, than=3000.0, goal=30.0)
    assert (row.ratio, row.met) == (20.0, False)
    assert cheaper("cpu-plain", 100.0, than=3000.0, goal=30.0).met is True
    assert cheaper("cpu-plain", 100.0, than=3000.0, goal=None).met is None


def test_results_replace_rows_of_the_same_name_and_keep_the_others(tmp_path: Path) -> None:
    path = tmp_path / ".bench" / "results.json"
    keep([Row(name="a", value=1.0, unit="x"), Row(name="b", value=2.0, unit="x")], path)
    keep([Row(name="a", value=3.0, unit="x")], path)
    assert [(entry["name"], entry["value"]) for entry in json.loads(path.read_text())] == [("b", 2.0), ("a", 3.0)]
    assert set(json.loads(path.read_text())[0]) >= {"name", "value", "unit", "ceiling", "ratio", "goal", "met"}
