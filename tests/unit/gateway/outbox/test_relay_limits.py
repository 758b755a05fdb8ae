"""A relay's standing: whether mail needs a permit, and until when it may not be used, each limit at its edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.outbox.relay_limits import RelayStanding

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)


def standing(**values: Any) -> RelayStanding:
    usual: dict[str, Any] = {
        "name": "main",
        "usable": True,
        "paused_until": None,
        "paused_why": None,
        "paused_by": None,
        "stopped_at": None,
        "stopped_why": None,
        "seen_at": NOON,
        "per_minute": None,
        "per_day": None,
        "cap_today": None,
        "sent_today": 0,
        "next_permit_at": None,
        "read_at": NOON,
        "tomorrow": TOMORROW,
        "pause_step": 0,
        "warm_up_start": None,
        "warm_up_factor": None,
        "warm_up_from": None,
        "limited_by": None,
        "limited_at": None,
    }
    return RelayStanding(**(usual | values))


@pytest.mark.parametrize(
    ("values", "until"),
    [
        ({}, None),
        # The day's cap: one below it, at it, and above it
        ({"cap_today": 3, "sent_today": 2}, None),
        ({"cap_today": 3, "sent_today": 3}, TOMORROW),
        ({"cap_today": 3, "sent_today": 4}, TOMORROW),
        # The next permit: due now, a moment later, and without a rate
        ({"per_minute": 6.0, "next_permit_at": NOON}, None),
        ({"per_minute": 6.0, "next_permit_at": LATER}, LATER),
        ({"per_minute": 6.0}, None),
        ({"next_permit_at": LATER}, None),
        # A pause before limits; a stop has no end that is known
        ({"usable": False, "paused_until": LATER, "cap_today": 3, "sent_today": 3}, LATER),
        ({"usable": False, "stopped_at": NOON, "paused_until": LATER}, None),
        # A person's pause, which only a person ends
        ({"usable": False, "paused_by": "Kim", "cap_today": 3, "sent_today": 3}, None),
    ],
)
def test_until_when_a_relay_may_not_be_used(values: dict[str, Any], until: datetime | None) -> None:
    assert standing(**values).waits_until == until


@pytest.mark.parametrize(
    ("values", "metered"), [({}, False), ({"per_minute": 6.0}, True), ({"cap_today": 0}, True), ({"per_day": 5}, False)]
)
def test_mail_needs_a_permit_under_a_rate_or_a_days_cap(values: dict[str, Any], metered: bool) -> None:
    assert standing(**values).metered is metered
