"""Dates, times and money in a customer's words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway.errors import Refusal
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
        ("1.234", "KWD", "en", "KWD\u00a01.234"),
        ("12.50", "LBP", "en", "LBP\u00a012.50"),
        ("92233720368547758.07", "USD", "en", "$92,233,720,368,547,758.07"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount: str, currency: str, locale: str, said: str) -> None:
    money = Money(amount=Decimal(amount), currency=currency)
    # Whether a code and its amount stand apart is CLDR's to say, and changes with it.
    assert format_money(money, read_locale(locale)).replace("\u00a0", "") == said.replace("\u00a0", "")


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
