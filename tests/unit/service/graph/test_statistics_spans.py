"""Spans of time as rows of rollups: each hour once, in as few ranges as there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from service.graph.statistics_spans import DAY, HOUR, Span, day_spans, is_utc, total_spans, whole_days, whole_hours

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
hours = st.integers(0, 24 * 800).map(lambda count: BEGIN + count * HOUR)


def ends_of(span: Span) -> list[datetime]:
    """The beginnings of its rows."""
    moments, at = [], span.since
    while at < span.until:
        moments.append(at)
        at = {"hour": at + HOUR, "day": at + DAY, "month": (at.replace(day=1) + 32 * DAY).replace(day=1)}[span.length]
    assert at == span.until, "rows end with their span"
    return moments


@given(hours, hours)
def test_a_total_is_every_hour_once_in_five_ranges(one: datetime, other: datetime) -> None:
    since, until = min(one, other), max(one, other)
    spans = total_spans(since, until)
    assert len(spans) <= 5
    at = since
    for span in spans:
        assert span.since == at
        ends_of(span)
        at = span.until
    assert at == until
    assert sum(len(ends_of(span)) for span in spans) <= 2 * 23 + 2 * 30 + 27


@given(hours, st.integers(1, 24 * 60), st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]))
def test_days_are_every_hour_once(since: datetime, length: int, zone: str) -> None:
    until = since + length * HOUR
    spans = day_spans(since, until, ZoneInfo(zone))
    at = since
    for span in spans:
        assert span.since == at
        at = span.until
        if span.label is not None:
            local = span.label.astimezone(ZoneInfo(zone))
            assert (local.hour, local.minute) == (0, 0)
            assert span.label - timedelta(minutes=30) <= span.since < span.until <= span.label + 25 * HOUR + HOUR / 2
    assert at == until


def test_a_year_of_days_in_utc_is_one_range() -> None:
    spans = day_spans(BEGIN, BEGIN + 365 * DAY, ZoneInfo("UTC"))
    assert spans == [Span(length="day", since=BEGIN, until=BEGIN + 365 * DAY)]


def test_ends_are_widened() -> None:
    since, until = datetime(2026, 3, 1, 5, 30, tzinfo=UTC), datetime(2026, 3, 2, 0, 0, 1, tzinfo=UTC)
    assert whole_hours(since, until) == (since.replace(minute=0), datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert [day.day for day in whole_days(since, until)] == [1, 3]
    assert [day.day for day in whole_days(since, until.replace(second=0))] == [1, 2]


def test_only_utc_is_utc() -> None:
    assert is_utc(ZoneInfo("Etc/UTC"))
    assert not is_utc(ZoneInfo("Europe/London"))
