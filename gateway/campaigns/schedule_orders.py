"""When a mailing shall go, as somebody asks for it: read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.campaign import CampaignKind
from gateway.mail.field_checks import invalid
from gateway.mail.mailing_schedule import MailingSchedule, first_due

MAX_AFTER_MINUTES = 24 * 60
"""Minutes beside the days: more of them are days."""

_LOCAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_TIME_OF_DAY = re.compile(r"\d{2}:\d{2}")

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OffsetOrder:
    """So long after the launch or the event; not before `local_time` ("09:00") of the customer's day."""

    days: int = 0
    minutes: int = 0
    local_time: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleOrder:
    """When a mailing shall go: at once where nothing is set. `at_local_time` looks like "2026-12-01T09:00"."""

    at: datetime | None = None
    at_local_time: str | None = None
    after: OffsetOrder | None = None


AT_ONCE = ScheduleOrder()
"""At the launch, or the event."""


def read_schedule(order: ScheduleOrder, kind: CampaignKind, now: datetime, path: Path) -> MailingSchedule:
    """Returns the schedule that is meant, by the database's clock.

    Raises Refusal, or Refusals of all that is wrong with it, their paths beginning with `path`: INVALID for what is no
    time, or no time of an event-based campaign; SCHEDULE_INVALID for what is past everywhere, or too far ahead.
    """
    found = RefusalCollector()
    given = {"at": order.at, "atLocalTime": order.at_local_time, "after": order.after}
    named = [name for name, value in given.items() if value is not None]
    with found.check():
        if len(named) > 1:
            raise invalid("Give one of at, atLocalTime and after.", *path)
        if kind is CampaignKind.EVENT_BASED and named and named != ["after"]:
            raise invalid("An event-based campaign's mail goes at the event, or so long `after` it.", *path, named[0])
    schedule = MailingSchedule()
    with found.check():
        schedule = _read(order, path)
    found.raise_any()
    try:
        first_due(schedule, now)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, (*path, *named)) from None
    return schedule


def _read(order: ScheduleOrder, path: Path) -> MailingSchedule:
    if order.at_local_time is not None:
        return MailingSchedule(local_time=_read_local_time(order.at_local_time, (*path, "atLocalTime")))
    if order.after is None:
        return MailingSchedule(send_at=order.at)
    after, below, found = order.after, (*path, "after"), RefusalCollector()
    with found.check():
        if after.days < 0:
            raise invalid("Give 0 days or more.", *below, "days")
    with found.check():
        if not 0 <= after.minutes <= MAX_AFTER_MINUTES:
            raise invalid(f"Give 0 to {MAX_AFTER_MINUTES:,} minutes; longer times are days.", *below, "minutes")
    not_before = None
    with found.check():
        if after.local_time is not None:
            not_before = _read_time_of_day(after.local_time, (*below, "localTime"))
    found.raise_any()
    return MailingSchedule(after_days=after.days, after_minutes=after.minutes, not_before=not_before)


def _read_local_time(text: str, path: Path) -> datetime:
    try:
        if not _LOCAL_TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            RefusalCode.INVALID, "A local time looks like 2026-12-01T09:00, without an offset.", path
        ) from None


def _read_time_of_day(text: str, path: Path) -> time:
    try:
        if not _TIME_OF_DAY.fullmatch(text):
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise Refusal(RefusalCode.INVALID, "A time of day looks like 09:00.", path) from None
