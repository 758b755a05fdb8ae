"""When a worker tries again: the waits between attempts, and the pauses of relays and destinations."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway.mail.schedule import wait_before_next
from gateway.mail.verdict import Verdict
from gateway.outbox.trouble import PauseStep, usual_pause

SCAN_SECONDS = 30.0
"""How often leases and deadlines are scanned, at the longest: one worker reads the whole outbox then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrySchedule:
    """The waits a worker keeps. `wait` is of one mail, by attempt and verdict; `pause` of a relay or destination, by
    step; `scan_seconds` the time between two scans of the outbox. Tests and proofs shorten them."""

    wait: Callable[[int, Verdict], timedelta]
    pause: PauseStep = usual_pause
    scan_seconds: float = SCAN_SECONDS


def default_schedule(jitter: Callable[[], float]) -> RetrySchedule:
    """The waits and pauses of `gateway.mail.schedule`; `jitter` returns numbers in [-1, 1]."""
    return RetrySchedule(wait=lambda attempt, verdict: wait_before_next(attempt, verdict, jitter=jitter()))


def random_jitter() -> float:
    """In [-1, 1]: spreads retries of mail that failed together."""
    return random.uniform(-1, 1)  # noqa: S311  nothing secret depends on it
