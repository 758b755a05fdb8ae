"""How long to wait before a retry, and how long to pause a failing relay or destination. Pure: jitter is an argument.

When to give up is decided by the deadline (`outbox.expires_at`), not here.
"""

from __future__ import annotations

from datetime import timedelta

from gateway.mail.verdict import LONGEST_ASKED_WAIT, Verdict

# Early tries catch greylisting (most ask for one to five minutes); late ones outlast an evening's outage.
RETRY_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240, 480))

# A dropped connection is often back in seconds; a server that stays away is tried four times an hour, which costs it
# nothing and lets mail flow again within a quarter of an hour of its return.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300, 600, 900))

# Spreads what failed together, so that it is not retried together.
JITTER = 0.1


def wait_before_next(attempt: int, verdict: Verdict, *, jitter: float) -> timedelta:
    """Returns how long a deferred message waits after its attempt `attempt` (1 is the first).

    1, 5, 15, 30 minutes, 1, 2, 4, 8 hours, then every 8 hours, each +-10 % by `jitter` in [-1, 1]; never less than
    the server asked for, never more than a day. A verdict that does not count waits the shortest pause: the pause of
    its relay or destination, not this wait, holds it back, and another relay may take it at once.
    """
    if not verdict.counts:
        return spread(PAUSES[0], jitter)
    return _at_least(_step(RETRY_WAITS, attempt), verdict.retry_after, jitter)


def pause_step(step: int, verdict: Verdict, *, jitter: float) -> timedelta:
    """Returns how long a relay or destination is paused after its `step`th failure in a row (1 is the first).

    5, 15, 30 seconds, 1, 2, 5, 10, then every 15 minutes, each +-10 % by `jitter` in [-1, 1]; never less than the
    server asked for, never more than a day. One success puts the step back to 0. The reason to show is the
    verdict's advice.
    """
    return _at_least(_step(PAUSES, step), verdict.retry_after, jitter)


def spread(wait: timedelta, jitter: float) -> timedelta:
    """Returns `wait` +-10 %: `jitter` is in [-1, 1]."""
    return wait * (1 + JITTER * jitter)


def _step(steps: tuple[timedelta, ...], number: int) -> timedelta:
    return steps[min(max(number, 1), len(steps)) - 1]


def _at_least(wait: timedelta, requested: timedelta | None, jitter: float) -> timedelta:
    spread_wait = spread(wait, jitter)
    if requested is None:
        return spread_wait
    # A retry must not come earlier than the server asked for, so that is spread upwards only.
    return min(max(spread_wait, requested * (1 + JITTER * (jitter + 1) / 2)), LONGEST_ASKED_WAIT)
