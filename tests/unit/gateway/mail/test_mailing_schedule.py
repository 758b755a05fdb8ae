"""When a mailing is due: past and future moments, and local times in every zone, beside a plain reading of clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.mail.field_checks import time_zones
from gateway.mail.mailing_schedule import FARTHEST, GRACE, MailingSchedule, due_in, first_due, local_moment

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONES = sorted(time_zones())
STEP = timedelta(minutes=5)
"""All clocks have changed at whole five minutes since 2012."""


def local(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a local time has no zone


def clock(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def first_shown(wanted: datetime, zone: ZoneInfo, since: datetime) -> datetime:
    """The model: watch the clock every five minutes until it shows the time, or a later one."""
    moment = since
    while clock(moment, zone) < wanted:
        moment += STEP
    return moment


def changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The moments at which clocks of a zone change within a year, five minutes before them at most."""
    day, offset = datetime(year, 1, 1, tzinfo=UTC), None
    while day.year == year:
        if offset is not None and day.astimezone(zone).utcoffset() != offset:
            moment = day - timedelta(days=1)
            while (moment + STEP).astimezone(zone).utcoffset() == offset:
                moment += STEP
            yield moment
        offset = day.astimezone(zone).utcoffset()
        day += timedelta(days=1)


@pytest.mark.parametrize("year", [2016, 2026])
def test_around_every_change_of_clocks_a_local_time_is_the_first_moment_that_shows_it(year: int) -> None:
    # Given every zone's changes in a year
    compared = 0
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone, year):
            # When local times around it are resolved
            for minutes in range(-90, 100, 10):
                wanted = clock(change, zone) + timedelta(minutes=minutes)
                # Then each is when the clock first shows it, or a later time where it skips it
                assert local_moment(wanted, zone) == first_shown(wanted, zone, change - timedelta(hours=5)), name
                compared += 1
    assert compared > 1000


@given(st.sampled_from(ZONES), st.datetimes(local(2012, 1, 1), local(2040, 1, 1)))
def test_any_local_time_is_the_first_moment_that_shows_it(name: str, wanted: datetime) -> None:
    zone, wanted = ZoneInfo(name), wanted.replace(minute=wanted.minute // 5 * 5, second=0, microsecond=0)
    since = wanted.replace(tzinfo=UTC) - timedelta(hours=15)

    assert local_moment(wanted, zone) == first_shown(wanted, zone, since)


def test_skipped_and_repeated_times_have_their_moments_to_the_second() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    assert local_moment(local(2026, 3, 29, 2, 30, 17), berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert local_moment(local(2026, 3, 29, 2, 30, 17, 5), berlin) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert local_moment(local(2026, 10, 25, 2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    apia = ZoneInfo("Pacific/Apia")
    assert local_moment(local(2011, 12, 30, 9), apia) == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_a_mailing_without_a_time_is_due_at_its_launch() -> None:
    assert first_due(MailingSchedule(), NOW) == NOW
    assert not MailingSchedule().by_zone


@pytest.mark.parametrize(
    ("sent", "due"),
    [(timedelta(days=3), timedelta(days=3)), (timedelta(), timedelta()), (-GRACE, timedelta())],
)
def test_a_moment_may_be_a_minute_ago(sent: timedelta, due: timedelta) -> None:
    assert first_due(MailingSchedule(send_at=NOW + sent), NOW) == NOW + due


@pytest.mark.parametrize(
    "schedule",
    [
        MailingSchedule(send_at=NOW - GRACE - timedelta(seconds=1)),
        MailingSchedule(local_time=local(2026, 5, 31, 23, 58)),
        MailingSchedule(local_time=local(1, 1, 1)),
        MailingSchedule(send_at=NOW + FARTHEST + timedelta(seconds=1)),
        MailingSchedule(local_time=local(9999, 12, 31, 23)),
        MailingSchedule(after_days=2**31 - 1, after_minutes=0),
        MailingSchedule(after_days=0, after_minutes=2**31 - 1),
        MailingSchedule(after_days=FARTHEST.days, after_minutes=1),
    ],
)
def test_a_time_that_is_past_everywhere_or_too_far_ahead_is_refused(schedule: MailingSchedule) -> None:
    with pytest.raises(Refusal) as refused:
        first_due(schedule, NOW)
    assert refused.value.code is RefusalCode.SCHEDULE_INVALID


def test_a_local_time_begins_in_the_earliest_zone_and_is_refused_only_when_past_in_the_last() -> None:
    tomorrow = MailingSchedule(local_time=local(2026, 6, 2, 9))
    assert first_due(tomorrow, NOW) == NOW.replace(day=1, hour=19)
    # At noon UTC it is midnight at UTC-12: the day that just ended there may be a minute old.
    assert first_due(MailingSchedule(local_time=local(2026, 6, 1, 0)), NOW) == NOW
    assert first_due(MailingSchedule(local_time=local(2026, 5, 31, 23, 59)), NOW) == NOW


def test_each_zone_has_its_own_moment_and_those_where_it_is_past_the_first() -> None:
    schedule = MailingSchedule(local_time=local(2026, 6, 1, 9))
    first = first_due(schedule, NOW)
    assert {zone: due_in(schedule, ZoneInfo(zone), first) for zone in ("Asia/Tokyo", "America/New_York", "UTC")} == {
        "Asia/Tokyo": NOW,
        "UTC": NOW,
        "America/New_York": NOW.replace(hour=13),
    }


@given(st.sampled_from(ZONES), st.datetimes(local(2025, 1, 1), local(2028, 1, 1), timezones=st.just(UTC)), st.times())
def test_no_mail_is_due_before_its_mailing_nor_after_the_last_zone(name: str, now: datetime, not_before: time) -> None:
    for wanted in (now.replace(tzinfo=None), now.replace(tzinfo=None) + timedelta(hours=20)):
        schedule = MailingSchedule(local_time=wanted)
        first = first_due(schedule, now)
        assert (
            now <= first <= due_in(schedule, ZoneInfo(name), first) <= wanted.replace(tzinfo=UTC) + timedelta(hours=12)
        )
    schedule = MailingSchedule(after_days=1, after_minutes=30, not_before=not_before)
    first = first_due(schedule, now)
    assert first == now + timedelta(days=1, minutes=30)
    # Within the customer's day
    assert first <= due_in(schedule, ZoneInfo(name), first) <= first + timedelta(hours=25)


def test_a_mail_may_wait_for_a_time_of_the_customers_day() -> None:
    schedule = MailingSchedule(after_days=1, after_minutes=0, not_before=time(9))
    first = first_due(schedule, NOW)
    assert schedule.by_zone
    assert due_in(schedule, ZoneInfo("Europe/Berlin"), first) == first
    assert due_in(schedule, ZoneInfo("America/New_York"), first) == NOW.replace(day=2, hour=13)
    # The second coming of a time is not before the first
    autumn = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert due_in(schedule, ZoneInfo("Europe/Berlin"), autumn) == datetime(2026, 10, 25, 8, tzinfo=UTC)
    late = MailingSchedule(after_days=0, after_minutes=0, not_before=time(2, 30))
    assert due_in(late, ZoneInfo("Europe/Berlin"), autumn) == autumn
    assert due_in(MailingSchedule(after_days=0, after_minutes=0), UTC, autumn) == autumn
