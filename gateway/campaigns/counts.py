"""How many there are of something, and how surely that is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CountPrecision(StrEnum):
    """How surely something was counted. SQL: `count_precision`."""

    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"
    ESTIMATE = "ESTIMATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """A number of rows; `AT_LEAST`: counting stopped there."""

    value: int
    precision: CountPrecision

    @classmethod
    def up_to(cls, most: int, found: int) -> Count:
        """Of rows that were counted to one more than `most`."""
        if found > most:
            return cls(value=most, precision=CountPrecision.AT_LEAST)
        return cls(value=found, precision=CountPrecision.EXACT)
