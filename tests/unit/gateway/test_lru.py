"""The bounded cache."""

from __future__ import annotations

from gateway.lru import LruCache


def test_what_was_unused_for_longest_goes_first() -> None:
    recent = LruCache[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 3)
