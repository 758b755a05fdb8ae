"""Which rows of the rollups a span of time consists of: whole months and days where it has some, hours at its ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.value import value

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_HALF_HOUR = timedelta(minutes=30)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No mail is older."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""No mail is younger: what is asked for beyond either is left out."""


@value
class Span:
    """Rows of one length (`hour`, `day` or `month`) from `since` to before `until`, each at its own time, or as parts
    of what begins at `label`."""

    length: str
    since: datetime
    until: datetime
    label: datetime | None = None


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The span widened to whole hours (UTC), within the time from which there can be mail."""
    return _hour_before(max(since, EARLIEST)), _hour_behind(min(until, LATEST))


def whole_days(since: datetime, until: datetime) -> tuple[date, date]:
    """The span widened to whole days (UTC), likewise."""
    first, last = max(since, EARLIEST), min(until, LATEST)
    return first.astimezone(UTC).date(), (last.astimezone(UTC) + DAY - timedelta(microseconds=1)).date()


def is_utc(zone: ZoneInfo) -> bool:
    """Whether the zone's days have always been those of UTC."""
    return all(_midnight(date(year, month, 1), zone).hour == 0 for year in range(2000, 2040) for month in (1, 7))


def total_spans(since: datetime, until: datetime) -> list[Span]:
    """A span of whole hours as few ranges: hours, days, months, days, hours."""
    days = _day_behind(since), _day_before(until)
    if days[0] >= days[1]:
        return _ranges(("hour", since, until))
    months = _month_behind(days[0]), _month_before(days[1])
    if months[0] >= months[1]:
        return _ranges(("hour", since, days[0]), ("day", *days), ("hour", days[1], until))
    return _ranges(
        ("hour", since, days[0]),
        ("day", days[0], months[0]),
        ("month", *months),
        ("day", months[1], days[1]),
        ("hour", days[1], until),
    )


def hour_spans(since: datetime, until: datetime) -> list[Span]:
    """Each hour of a span of whole hours."""
    return _ranges(("hour", since, until))


def day_spans(since: datetime, until: datetime, zone: ZoneInfo) -> list[Span]:
    """Each day of a span of whole hours, in this time zone: a row of its own where it is a day in UTC, hours elsewhere.
    Where a zone's days do not begin with an hour of UTC, an hour belongs to the day in which its middle lies."""
    spans: list[Span] = []
    for midnight, begin, end in _local_days(since, until, zone):
        first, last = max(begin, since), min(end, until)
        if first >= last:
            continue
        if first == midnight and _day_before(first) == first and last - first == DAY:
            _append_day(spans, first)
        else:
            spans.append(Span(length="hour", since=first, until=last, label=midnight))
    return spans


def _local_days(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, datetime]]:
    """The midnight of each day, and the hours from which and before which it counts."""
    day = since.astimezone(zone).date() - DAY
    midnight = _midnight(day, zone)
    while (begin := _hour_behind(midnight - _HALF_HOUR)) < until:
        day += DAY
        following = _midnight(day, zone)
        yield midnight, begin, _hour_behind(following - _HALF_HOUR)
        midnight = following


def _append_day(spans: list[Span], day: datetime) -> None:
    """Lengthens the range of days before it, if it follows on it."""
    last = spans[-1] if spans else None
    if last is not None and last.length == "day" and last.until == day:
        spans[-1] = Span(length="day", since=last.since, until=day + DAY)
    else:
        spans.append(Span(length="day", since=day, until=day + DAY))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _ranges(*ranges: tuple[str, datetime, datetime]) -> list[Span]:
    return [Span(length=length, since=since, until=until) for length, since, until in ranges if since < until]


def _hour_before(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_behind(moment: datetime) -> datetime:
    begin = _hour_before(moment)
    return begin if begin == moment else begin + HOUR


def _day_before(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _day_behind(moment: datetime) -> datetime:
    begin = _day_before(moment)
    return begin if begin == moment else begin + DAY


def _month_before(day: datetime) -> datetime:
    return day.replace(day=1)


def _month_behind(day: datetime) -> datetime:
    return day if day.day == 1 else (day.replace(day=1) + 32 * DAY).replace(day=1)
