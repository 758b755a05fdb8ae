"""Rules of time zones: what an event's VTIMEZONE says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types

from gateway.compose.zone_rules import Observance, observances

YEARS = range(2026, 2060)


def rules_of(zone: str) -> list[object]:
    return [dict(one.rule) if one.rule else None for one in observances(zone, 2027)]


@pytest.mark.parametrize(
    ("zone", "rules"),
    [
        ("America/New_York", [{"bymonth": 3, "byday": "2SU"}, {"bymonth": 11, "byday": "1SU"}]),
        ("Europe/Berlin", [{"bymonth": 3, "byday": "-1SU"}, {"bymonth": 10, "byday": "-1SU"}]),
        ("Australia/Sydney", [{"bymonth": 4, "byday": "1SU"}, {"bymonth": 10, "byday": "1SU"}]),
        (
            "America/Santiago",
            [
                {"bymonth": 4, "byday": "SU", "bymonthday": [2, 3, 4, 5, 6, 7, 8]},
                {"bymonth": 9, "byday": "SU", "bymonthday": [2, 3, 4, 5, 6, 7, 8]},
            ],
        ),
    ],
)
def test_a_steady_zone_has_two_rules_of_the_year(zone: str, rules: list[dict[str, object]]) -> None:
    assert rules_of(zone) == [{"freq": "YEARLY"} | rule for rule in rules]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Phoenix", "Etc/GMT+5"])
def test_a_zone_whose_clocks_stay_has_one_time(zone: str) -> None:
    (only,) = observances(zone, 2027)
    assert only.first.before == only.first.after == offset(zone, datetime(2027, 1, 1, tzinfo=UTC))
    assert (only.rule, only.others) == (None, ())


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Africa/Cairo"])
def test_a_zone_without_a_rule_for_all_years_lists_the_changes_around_the_visit(zone: str) -> None:
    beginning, *changes = observances(zone, 2027)
    assert beginning.first.before == beginning.first.after
    assert [one.rule for one in changes] == [None, None]
    listed = {onset.year for one in changes for onset in (one.first.at, *one.others)}
    assert listed == {2026, 2027, 2028}


@pytest.mark.parametrize(
    "zone",
    ["America/Denver", "America/Nuuk", "America/Santiago", "Asia/Beirut", "Asia/Jerusalem", "Australia/Lord_Howe",
     "Europe/Chisinau", "Europe/Dublin", "Pacific/Auckland"],
)  # fmt: skip
def test_the_rules_change_clocks_when_the_time_zone_database_does(zone: str) -> None:
    for observance in observances(zone, 2027):
        onsets = onsets_of(observance)
        assert [onset.year for onset in onsets] == list(YEARS)
        for onset in onsets:
            moment = onset.replace(tzinfo=UTC) - observance.first.before
            assert offset(zone, moment - timedelta(seconds=1)) == observance.first.before
            assert offset(zone, moment) == observance.first.after


def onsets_of(observance: Observance) -> list[datetime]:
    assert observance.rule
    written = ";".join(
        f"{name.upper()}={','.join(map(str, part)) if isinstance(part, list) else part}"
        for name, part in observance.rule.items()
    )
    return list(rrulestr(f"{written};COUNT={len(YEARS)}", dtstart=observance.first.at))


def offset(zone: str, moment: datetime) -> timedelta | None:
    return moment.astimezone(ZoneInfo(zone)).utcoffset()
