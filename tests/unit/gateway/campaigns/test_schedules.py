"""When a launched campaign's mailings begin, and when each zone's mail of them is due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from gateway.campaigns.schedules import LaunchedMailing, due_times, first_dues
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.field_checks import time_zones
from gateway.mail.mailing_schedule import MailingSchedule

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NINE = datetime(2026, 6, 2, 9)  # noqa: DTZ001 - a local time has no zone


def mailing(number: int, schedule: MailingSchedule, after: int | None = None) -> LaunchedMailing:
    """A mailing whose id is ten times its number, for those who did not open that of another number."""
    reminded = None if after is None else after * 10
    return LaunchedMailing(id=number * 10, number=number, schedule=schedule, not_opened_mailing_id=reminded)


def test_mailings_of_a_series_begin_each_in_its_time() -> None:
    series = [
        mailing(1, MailingSchedule()),
        mailing(2, MailingSchedule(after_days=3, after_minutes=5), after=1),
        mailing(3, MailingSchedule(local_time=NINE)),
    ]

    assert first_dues(series, NOW, ("campaignId",)) == {
        10: NOW,
        20: NOW + timedelta(days=3, minutes=5),
        30: NINE.replace(tzinfo=UTC) - timedelta(hours=14),
    }


def test_every_mailing_that_cannot_go_has_its_refusal() -> None:
    past = MailingSchedule(send_at=NOW - timedelta(hours=1))
    with pytest.raises(Refusals) as refused:
        first_dues([mailing(1, past), mailing(2, MailingSchedule()), mailing(3, past)], NOW, ("campaignId",))

    assert [(one.code, one.message, one.field) for one in refused.value.refusals] == [
        (RefusalCode.SCHEDULE_INVALID, f"Mailing {number}: The time at which it was to go is past.", ("campaignId",))
        for number in (1, 3)
    ]


def test_a_reminder_goes_after_what_it_reminds_of() -> None:
    with pytest.raises(Refusal) as refused:
        first_dues([mailing(1, MailingSchedule()), mailing(2, MailingSchedule(), after=1)], NOW, ("campaignId",))

    assert refused.value.message == "Mailing 2 is for those who did not open mailing 1: it goes after that."


def test_every_zone_has_its_moment_and_others_have_the_senders() -> None:
    first = NINE.replace(tzinfo=UTC) - timedelta(hours=14)

    due = due_times(MailingSchedule(local_time=NINE), first, "Europe/Berlin")

    by_zone = dict(zip(due.zones, due.due_ats, strict=True))
    assert by_zone.keys() == time_zones()
    assert by_zone["Pacific/Kiritimati"] == first
    assert by_zone["Etc/GMT+12"] == first + timedelta(hours=26)
    assert due.otherwise == by_zone["Europe/Berlin"] == NINE.replace(hour=7, tzinfo=UTC)
    assert due_times(MailingSchedule(local_time=NINE), first, "Nowhere/Land").otherwise == NINE.replace(tzinfo=UTC)


def test_what_is_due_for_all_at_once_needs_no_zones() -> None:
    assert due_times(MailingSchedule(send_at=NOW), NOW, "UTC").zones == ()
    waits = MailingSchedule(after_days=0, after_minutes=0, not_before=time(9))
    assert due_times(waits, NOW, "America/Lima").otherwise == NOW.replace(hour=14)
