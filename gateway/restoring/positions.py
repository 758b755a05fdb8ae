"""How far a ledger has come, as gateways remember it outside of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

LONGEST = 1000
"""Octets of a position that was kept: more is none of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerPosition:
    """A position that a ledger has reached: `number` counts up within an `era`, which two ledgers share only if one is
    the other's copy and had it then. `at` is PostgreSQL's clock."""

    ledger: UUID
    era: UUID
    number: int
    at: datetime

    @classmethod
    def of(cls, row: Any) -> LedgerPosition:
        """A row of `ledger_position`."""
        return cls(ledger=row["ledger"], era=row["era"], number=row["number"], at=row["at"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """A position and where it was kept, in words for a person."""

    position: LedgerPosition
    place: str


def pack(position: LedgerPosition) -> bytes:
    """A position as it is kept."""
    return orjson.dumps({"era": str(position.era), "number": position.number, "at": position.at})


def unpack(packed: bytes, ledger: UUID) -> LedgerPosition | None:
    """The position of this ledger that was kept; None for what is none."""
    if len(packed) > LONGEST:
        return None
    try:
        kept = orjson.loads(packed)
        number, at = kept["number"], datetime.fromisoformat(kept["at"])
        if type(number) is not int or not 0 < number < 1 << 63 or at.tzinfo is None:
            return None
        return LedgerPosition(ledger=ledger, era=UUID(kept["era"]), number=number, at=at)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
