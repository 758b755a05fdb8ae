"""The history of campaigns: what a change was, and what it became."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.campaigns.history import differences


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1, "b": [1]}, {"a": 1, "b": [1]}, {}),
        ({"a": 1, "b": 2}, {"a": 1, "b": None}, {"b": {"was": 2, "is": None}}),
        ({"l": ["x"]}, {"l": ["x", "y"]}, {"l": {"was": ["x"], "is": ["x", "y"]}}),
        ({"m": {"k": 1, "o": 2}}, {"m": {"k": 1, "n": 3}}, {"m": {"was": {"o": 2}, "is": {"n": 3}}}),
        ({}, {"new": 1}, {"new": {"was": None, "is": 1}}),
    ],
)
def test_only_what_changed_is_told(before: dict[str, Any], after: dict[str, Any], told: dict[str, Any]) -> None:
    assert differences(before, after) == told
