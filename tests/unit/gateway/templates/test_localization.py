"""Dates, times and money in a customer's words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import available_timezones

import pytest
from babel.core import get_global

from gateway.errors import Refusal
from gateway.mail.currency import MINOR_DIGITS
from gateway.mail.letter import Money, Window
from gateway.templates.localization import (
    check_locale,
    fallbacks,
    format_days,
    format_hours,
    format_moment,
    format_money,
    read_locale,
)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "said"),
    [
        ("1234.5", "EUR", "de", "1.234,50\u00a0€"),
        ("1234.50", "USD", "en", "$1,234.50"),
        ("3000000000.00", "IDR", "en", "IDR\u00a03,000,000,000.00"),
        ("1000", "JPY", "en", "¥1,000"),
        ("1234.00", "CHF", "en", "CHF\u00a01,234.00"),
        ("1000.00", "HUF", "en", "HUF\u00a01,000.00"),
        ("1234.00", "USD", "en-GB", "US$1,234.00"),
        ("1234.00", "CHF", "de-CH", "CHF\u00a01’234.00"),
        ("1.234", "KWD", "en", "KWD\u00a01.234"),
        ("12.50", "LBP", "en", "LBP\u00a012.50"),
        ("92233720368547758.07", "USD", "en", "$92,233,720,368,547,758.07"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount: str, currency: str, locale: str, said: str) -> None:
    money = Money(amount=Decimal(amount), currency=currency)
    assert format_money(money, read_locale(locale)) == said


@pytest.mark.parametrize("tag", ["en", "en-GB", "de", "de-CH", "fr", "es", "it", "pt-BR", "nl", "ja", "zh", "ar", "lv"])
def test_no_letter_of_a_currency_touches_the_digits(tag: str) -> None:
    said = [format_money(Money(amount=Decimal(1234), currency=one), read_locale(tag)) for one in MINOR_DIGITS]
    assert [money for money in said if re.search(r"[^\W\d_]\d|\d[^\W\d_]", money)] == []


def test_a_visit_is_said_by_the_clock_of_the_place() -> None:
    window = Window.parse("2026-07-01T09:00", "2026-07-01T17:30", "Europe/Berlin")
    assert format_days(window, read_locale("en")) == "Wednesday, July 1, 2026"
    assert format_days(window, read_locale("de")) == "Mittwoch, 1. Juli 2026"
    assert format_hours(window, read_locale("de")) == "09:00 \u2013 17:30 (Mitteleuropäische Sommerzeit)"


def test_a_visit_of_several_days_names_the_first_and_the_last() -> None:
    window = Window.parse("2026-07-01T09:00", "2026-07-02T09:00", "Europe/Berlin")
    assert format_days(window, read_locale("en")) == "Wednesday, July 1, 2026 \u2013 Thursday, July 2, 2026"


def test_a_moment_is_said_by_the_customers_clock() -> None:
    said = format_moment(datetime(2026, 12, 24, 1, tzinfo=UTC), "America/New_York", read_locale("en"))
    assert said.replace("\u202f", " ") == "December 23, 2026, 8:00 PM (Eastern Standard Time)"


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("America/New_York", "Eastern Daylight Time", "Eastern Standard Time"),
        ("America/Indiana/Indianapolis", "Eastern Daylight Time", "Eastern Standard Time"),
        ("America/Kentucky/Louisville", "Eastern Daylight Time", "Eastern Standard Time"),
        ("America/Louisville", "Eastern Daylight Time", "Eastern Standard Time"),
        ("Asia/Kolkata", "India Standard Time", "India Standard Time"),
        ("Asia/Calcutta", "India Standard Time", "India Standard Time"),
        ("Asia/Kathmandu", "Nepal Time", "Nepal Time"),
        ("Asia/Ho_Chi_Minh", "Indochina Time", "Indochina Time"),
        ("Europe/Kyiv", "Eastern European Summer Time", "Eastern European Standard Time"),
        ("Europe/Dublin", "Irish Standard Time", "Greenwich Mean Time"),
        ("Europe/London", "British Summer Time", "Greenwich Mean Time"),
        ("Europe/Istanbul", "Türkiye Time", "Türkiye Time"),
        ("UTC", "Coordinated Universal Time", "Coordinated Universal Time"),
        ("Etc/GMT+5", "GMT-05:00", "GMT-05:00"),
    ],
)
def test_a_zone_has_its_name_in_summer_and_in_winter(zone: str, summer: str, winter: str) -> None:
    for month, name in ((7, summer), (1, winter)):
        said = format_moment(datetime(2027, month, 15, 12, tzinfo=UTC), zone, read_locale("en"))
        assert said.partition("(")[2] == f"{name})"


@pytest.mark.parametrize("tag", ["en", "de", "ja"])
def test_every_place_has_a_name_and_no_offset(tag: str) -> None:
    known = get_global("zone_territories").keys() | get_global("zone_aliases").keys()
    places = {zone for zone in available_timezones() & known if "/" in zone and not zone.startswith("Etc/")}
    assert len(places) > 400
    moment = datetime(2027, 7, 15, 12, tzinfo=UTC)
    said = {zone: format_moment(moment, zone, read_locale(tag)) for zone in places}
    assert {zone for zone, words in said.items() if "GMT" in words or "UTC" in words} == set()


@pytest.mark.parametrize(
    ("start", "end", "zone", "said"),
    [
        ("2027-03-14T01:30", "2027-03-14T03:30", "America/New_York", "1:30 AM – 3:30 AM (Eastern Time)"),
        ("2027-11-06T09:00", "2027-11-07T17:00", "America/New_York", "9:00 AM – 5:00 PM (Eastern Time)"),
        (
            "2027-11-07T01:30-04:00",
            "2027-11-07T01:15-05:00",
            "America/New_York",
            "1:30 AM (Eastern Daylight Time) – 1:15 AM (Eastern Standard Time)",
        ),
        (
            "2027-11-07T01:15-05:00",
            "2027-11-07T01:45-05:00",
            "America/New_York",
            "1:15 AM – 1:45 AM (Eastern Standard Time)",
        ),
        (
            "2027-03-28T00:30",
            "2027-03-28T03:30",
            "Europe/London",
            "12:30 AM (Greenwich Mean Time) – 3:30 AM (British Summer Time)",
        ),
    ],
)
def test_a_window_over_a_change_of_clocks_says_no_wrong_zone(start: str, end: str, zone: str, said: str) -> None:
    assert format_hours(Window.parse(start, end, zone), read_locale("en")).replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("tag", "found", "order"),
    [
        ("de", "de", ("de", "en")),
        ("de-AT", "de_AT", ("de-AT", "de", "en")),
        ("de_AT", "de_AT", ("de-AT", "de", "en")),
        ("de-AT-1996", "de_AT", ("de-AT-1996", "de", "en")),
        ("xx-YY", "en", ("xx-YY", "xx", "en")),
        ("", "en", ("", "en")),
    ],
)
def test_a_locale_falls_back_to_its_language_then_to_english(tag: str, found: str, order: tuple[str, ...]) -> None:
    assert str(read_locale(tag)) == found
    assert fallbacks(tag) == order


@pytest.mark.parametrize("tag", ["", "german", "de-", "../x", "e", "xx", "zz-QQ", "de-" + "a" * 33])
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_locale(tag, ("locale",))
    assert refused.value.field == ("locale",)


@pytest.mark.parametrize("tag", ["de", "DE", "de-AT-1996", "de_ES", "zh-Hant-TW", "fil-US", "pt-PT-x-own"])
def test_a_known_language_is_taken_with_any_region(tag: str) -> None:
    check_locale(tag, ("locale",))
    assert read_locale(tag).language == tag[: len(read_locale(tag).language)].lower()
