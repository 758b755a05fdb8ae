"""When a mailing goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingSchedule:
    """When a mailing goes, as was asked: at once where nothing is set, else one of the first three.

    `send_at`: at this moment, for everybody. `local_time`: at this time, without offset, in each customer's own zone.
    `after_days` and `after_minutes`: so long after the launch or the event, and with `not_before` not before this time
    of the customer's day.
    """

    send_at: datetime | None = None
    local_time: datetime | None = None
    after_days: int | None = None
    after_minutes: int | None = None
    not_before: time | None = None
