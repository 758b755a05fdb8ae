"""Positions in PostgreSQL's write-ahead log: what is written, what a replica has replayed, and who may be read."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

CONSISTENCY_COOKIE = "consistency"
CONSISTENCY_SECONDS = 600
"""For which a browser names the position of its last write: far longer than a replica that is read from lags."""
MAX_TRAIL = 600
"""Positions of the primary that are remembered, each with its moment: two and a half minutes of writing."""

_WRITTEN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def read_position(text: str) -> int | None:
    """Returns a position from PostgreSQL's spelling, `16/B374D848`; None for what is none."""
    found = _WRITTEN.fullmatch(text.strip())
    return None if found is None else int(found[1], 16) << 32 | int(found[2], 16)


def write_position(position: int) -> str:
    """Returns a position as PostgreSQL spells it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def position_cookie(position: str) -> str:
    """Returns the cookie by which a browser names a position, as it is spelled, with its next queries."""
    return f"{CONSISTENCY_COOKIE}={position}; Path=/graphql; Max-Age={CONSISTENCY_SECONDS}; HttpOnly; SameSite=Lax"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaState:
    """How far a replica has replayed, and for how many seconds the primary has had something that it has not."""

    replayed: int
    lag_seconds: float


def choose(states: Sequence[ReplicaState | None], *, wanted: int, max_lag: float, turn: int) -> int | None:
    """Which replica is read next: one that answers (else it is None), lags no more than `max_lag` seconds and has
    replayed what is wanted; in turn where there are several. None when the primary must be asked."""
    able = [
        number
        for number, state in enumerate(states)
        if state is not None and state.lag_seconds <= max_lag and state.replayed >= wanted
    ]
    return able[turn % len(able)] if able else None


class PrimaryTrail:
    """Where the primary was, and when: by that a replica's lag is told in seconds, also while nothing is written."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, int]] = deque(maxlen=MAX_TRAIL)

    def note(self, now: float, position: int) -> None:
        """The primary was at this position now."""
        if not self._noted or position > self._noted[-1][1]:
            self._noted.append((now, position))

    def lag(self, now: float, replayed: int) -> float:
        """Seconds since the primary had something that is not replayed; 0 when it has nothing more."""
        return next((now - moment for moment, position in self._noted if position > replayed), 0.0)
