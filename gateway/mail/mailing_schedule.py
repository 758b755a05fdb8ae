"""When a mailing goes, and when each customer's mail of it is due. Pure: moments and zones are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo

from gateway.errors import Refusal, RefusalCode

GRACE = timedelta(minutes=1)
"""How long ago a moment may be when a mailing is launched for it: "now" is not refused for the time it takes."""
FARTHEST = timedelta(days=5 * 366)
"""How far ahead a mailing may be: a year that was typed wrong is noticed, and every moment can be computed with."""
EARLIEST_ZONE, LATEST_ZONE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins first, and last."""


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

    @property
    def by_zone(self) -> bool:
        """Whether customers of other zones get it at another moment."""
        return self.local_time is not None or self.not_before is not None


def first_due(schedule: MailingSchedule, launched_at: datetime) -> datetime:
    """Returns when the first mail of a mailing is due, in whatever zone: not before the launch.

    Raises Refusal(SCHEDULE_INVALID), without a path, when its time is past in every zone, or too far ahead.
    """
    earliest, latest = _span(schedule, launched_at)
    if latest < launched_at - GRACE:
        everywhere = "" if schedule.local_time is None else " in every time zone"
        raise Refusal(RefusalCode.SCHEDULE_INVALID, f"The time at which it was to go is past{everywhere}.")
    return max(earliest, launched_at)


def _span(schedule: MailingSchedule, launched_at: datetime) -> tuple[datetime, datetime]:
    """Returns the moments between which it begins, by zone. Raises Refusal."""
    farthest = launched_at + FARTHEST
    given = schedule.send_at or schedule.local_time
    if given is not None:
        if given.replace(tzinfo=given.tzinfo or UTC) > farthest:
            raise _too_far()
        if schedule.local_time is None:
            return given, given
        # A time of the first year has no moment in the earliest zone: it is past long since.
        local = max(schedule.local_time, datetime(1970, 1, 1))  # noqa: DTZ001 - local
        return local.replace(tzinfo=EARLIEST_ZONE).astimezone(UTC), local.replace(tzinfo=LATEST_ZONE).astimezone(UTC)
    days, minutes = schedule.after_days or 0, schedule.after_minutes or 0
    if days > FARTHEST.days or minutes > FARTHEST // timedelta(minutes=1):
        raise _too_far()
    begins = launched_at + timedelta(days=days, minutes=minutes)
    if begins > farthest:
        raise _too_far()
    return begins, begins


def _too_far() -> Refusal:
    return Refusal(RefusalCode.SCHEDULE_INVALID, f"A mailing goes within {FARTHEST.days:,} days.")


def due_in(schedule: MailingSchedule, zone: tzinfo, first: datetime) -> datetime:
    """Returns when a mailing is due for customers of a zone: not before its first mail is."""
    if schedule.local_time is not None:
        return max(first, local_moment(schedule.local_time, zone))
    if schedule.not_before is None:
        return first
    shown = first.astimezone(zone)
    if shown.time() >= schedule.not_before:
        return first
    return max(first, local_moment(datetime.combine(shown.date(), schedule.not_before), zone))


def local_moment(local: datetime, zone: tzinfo) -> datetime:
    """Returns the first moment, in UTC, at which clocks of a zone show a local time.

    Where they skip it, the first moment after it, to the second; where they show it twice, the first.
    """
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(moment, zone) == local:
        return moment
    # Read with the offset before the change it is behind the gap, with the one after it before the gap (PEP 495).
    early = local.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
    late = moment.replace(microsecond=0) + timedelta(seconds=1)
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // timedelta(seconds=2) * timedelta(seconds=1)
        early, late = (early, middle) if _shown(middle, zone) > local else (middle, late)
    return late


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    """What clocks of a zone show, without their zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
