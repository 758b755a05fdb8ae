"""Which selections are asked often: a general statement is prepared already, an exact one runs faster."""

from __future__ import annotations

from collections.abc import Hashable

WINDOW = 1_000
"""Reads after which counting begins anew."""
OFTEN = 20
"""Of the reads of one window: at most 50 selections are asked so often, and their exact statements, with those of the
window before, fit in the 100 that asyncpg keeps prepared on a connection."""


class Usage:
    """Counts selections by their hashes. A collision makes an exact statement of a rare selection: nothing is wrong."""

    def __init__(self, *, window: int = WINDOW, often: int = OFTEN) -> None:
        self._window = window
        self._often = often
        self._reads = 0
        self._counts: dict[int, int] = {}
        self._usual: frozenset[int] = frozenset()

    def is_often(self, asked: Hashable) -> bool:
        """Count one read of this selection; whether it is asked often, in this window or the last."""
        key = hash(asked)
        self._reads += 1
        count = self._counts[key] = self._counts.get(key, 0) + 1
        often = count >= self._often or key in self._usual
        if self._reads >= self._window:
            self._usual = frozenset(one for one, times in self._counts.items() if times >= self._often)
            self._reads, self._counts = 0, {}
        return often
