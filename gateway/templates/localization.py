"""Dates, times and money in a customer's locale, and letters as the values that templates show. The only importer of
Babel."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import parse_pattern

from gateway.errors import Refusal, RefusalCode
from gateway.mail.currency import MINOR_DIGITS
from gateway.mail.letter import CardLetter, ESignatureLetter, Money, Window, WorkOrderLetter

LONGEST_LOCALE = 35
"""Characters of a language tag: RFC 5646 4.4.1 wants that many kept."""
_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


@lru_cache(maxsize=256)
def read_locale(tag: str) -> Locale:
    """Returns the locale of a BCP 47 tag, else the nearest one known (`de-AT-1996`: de_AT), else English."""
    parts = tag.replace("_", "-").split("-")
    while parts:
        try:
            return Locale.parse("-".join(parts), sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            parts.pop()
    return Locale("en")


def fallbacks(tag: str) -> tuple[str, ...]:
    """Returns the tags to look for, best first: exact, language, English."""
    tag = tag.replace("_", "-")
    return tuple(dict.fromkeys((tag, tag.partition("-")[0].lower(), "en")))


def reads_right_to_left(tag: str) -> bool:
    """Whether the script of a BCP 47 tag runs from right to left, as of `ar` and `he-IL`."""
    return read_locale(tag).text_direction == "rtl"


def check_locale(tag: str, path: tuple[str, ...]) -> None:
    """Refuse what is no BCP 47 tag of a language we can format dates in; any region of it will do (`de-ES`)."""
    try:
        if len(tag) > LONGEST_LOCALE or not _TAG.fullmatch(tag):
            raise ValueError(tag)
        Locale.parse(tag.replace("_", "-").partition("-")[0])
    except (UnknownLocaleError, ValueError):
        raise Refusal(RefusalCode.INVALID, "Not a language tag (BCP 47), such as en or de-AT.", path) from None


def format_money(money: Money, locale: Locale) -> str:
    """Returns `$1,234.50`, `1.234,50 €`: with the digits that ISO 4217 gives the currency."""
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    digits = MINOR_DIGITS[money.currency]
    pattern.frac_prec = (digits, digits)
    return pattern.apply(money.amount, locale, currency=money.currency, currency_digits=False)


def format_days(window: Window, locale: Locale) -> str:
    """Returns the day of a visit, or its first and last."""
    first = format_date(window.start, "full", locale=locale)
    if window.start.date() == window.end.date():
        return first
    return f"{first} \u2013 {format_date(window.end, 'full', locale=locale)}"


def format_hours(window: Window, locale: Locale) -> str:
    """Returns from when to when, and in which zone: `9:00 AM – 11:00 AM (Central European Standard Time)`."""
    start, end = (format_time(moment.time(), "short", locale=locale) for moment in (window.start, window.end))
    zone = _zone_name(window.start.replace(tzinfo=ZoneInfo(window.time_zone)), locale)
    return f"{start} \u2013 {end} ({zone})"


def format_moment(moment: datetime, time_zone: str, locale: Locale) -> str:
    """Returns a moment in the local time of a zone: `December 1, 2026, 5:00 PM (Central European Standard Time)`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    day = format_date(local, "long", locale=locale)
    hour = format_time(local.time(), "short", locale=locale)
    return f"{day}, {hour} ({_zone_name(local, locale)})"


def _zone_name(moment: datetime, locale: Locale) -> str:
    return str(get_timezone_name(moment, locale=locale))


Values = dict[str, str]
"""By their names in the templates."""


def values_of_work_order(letter: WorkOrderLetter, locale: Locale) -> Values:
    """The values of work order templates; empty where the letter has nothing."""
    return {
        "number": letter.number,
        "type": letter.type,
        "day": format_days(letter.window, locale),
        "hours": format_hours(letter.window, locale),
        "technician": letter.technician or "",
        "job_site_address": letter.job_site_address or "",
        "notes": letter.notes or "",
        "confirm_url": letter.confirm_url or "",
    }


def values_of_e_signature(letter: ESignatureLetter, locale: Locale, time_zone: str) -> Values:
    """The values of e-signature templates; empty where the letter has nothing."""
    return {
        "title": letter.title,
        "revision": letter.revision or "",
        "portal_url": letter.portal_url,
        "expires": format_moment(letter.expires_at, time_zone, locale),
        "online_only": "yes" if letter.online_only else "",
        "own_body": letter.body or "",
    }


def values_of_card(letter: CardLetter, locale: Locale) -> Values:
    """The values of card templates: brand and last four digits, never more of the card."""
    return {
        "amount": format_money(letter.amount, locale),
        "invoice_number": letter.invoice_number or "",
        "card_brand": letter.card_brand or "",
        "card_last_four": letter.card_last_four or "",
        "authorisation_code": letter.authorisation_code or "",
        "portal_url": letter.portal_url or "",
        "note": letter.note or "",
    }
