"""Dates, times and money in a customer's locale, and letters as the values that templates show. The only importer of
Babel."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import (
    NO_INHERITANCE_MARKER,
    format_date,
    format_time,
    get_timezone_gmt,
    get_timezone_location,
)
from babel.numbers import get_currency_symbol, parse_pattern

from gateway.errors import Refusal, RefusalCode
from gateway.mail.currency import MINOR_DIGITS
from gateway.mail.letter import CardLetter, ESignatureLetter, Money, Window, WorkOrderLetter, comes_twice

LONGEST_LOCALE = 35
"""Characters of a language tag: RFC 5646 4.4.1 wants that many kept."""
_NOWHERE = "ZZ"
"""What CLDR calls the territory of zones that are no place's, such as Etc/GMT+5."""
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
    """Returns `$1,234.50`, `CHF 1,234.50`, `1.234,50 €`: with the digits that ISO 4217 gives the currency."""
    pattern = parse_pattern(locale.currency_formats["standard"].pattern)
    digits = MINOR_DIGITS[money.currency]
    pattern.frac_prec = (digits, digits)
    symbol = get_currency_symbol(money.currency, locale)
    # CLDR's currencySpacing, which Babel does not know: a letter next to the digits stands apart.
    if _stands_apart(symbol[-1]):
        pattern.prefix = (re.sub("¤$", "¤\u00a0", pattern.prefix[0]), pattern.prefix[1])
    if _stands_apart(symbol[0]):
        pattern.suffix = (re.sub("^¤", "\u00a0¤", pattern.suffix[0]), pattern.suffix[1])
    return pattern.apply(money.amount, locale, currency=money.currency, currency_digits=False)


def _stands_apart(sign: str) -> bool:
    return unicodedata.category(sign)[0] not in "SZ"


def format_days(window: Window, locale: Locale) -> str:
    """Returns the day of a visit, or its first and last."""
    first = format_date(window.start, "full", locale=locale)
    if window.start.date() == window.end.date():
        return first
    return f"{first} \u2013 {format_date(window.end, 'full', locale=locale)}"


def format_hours(window: Window, locale: Locale) -> str:
    """Returns from when to when, and in which zone: `9:00 AM – 11:00 AM (Central European Standard Time)`.

    Across a change of clocks it is the name for all the year (`Eastern Time`), or each end's: where there is none, or a
    time that comes twice would need it.
    """
    zone = ZoneInfo(window.time_zone)
    start, end = (format_time(moment.time(), "short", locale=locale) for moment in (window.start, window.end))
    names = [_zone_name(moment.replace(tzinfo=zone), locale) for moment in (window.start, window.end)]
    if names[0] != names[1]:
        twice = comes_twice(window.start, zone) or comes_twice(window.end, zone)
        all_year = None if twice else _known_zone_name(zone.key, "generic", locale)
        if all_year is None:
            return f"{start} ({names[0]}) \u2013 {end} ({names[1]})"
        names[0] = all_year
    return f"{start} \u2013 {end} ({names[0]})"


def format_moment(moment: datetime, time_zone: str, locale: Locale) -> str:
    """Returns a moment in the local time of a zone: `December 1, 2026, 5:00 PM (Central European Standard Time)`."""
    local = moment.astimezone(ZoneInfo(time_zone))
    day = format_date(local, "long", locale=locale)
    hour = format_time(local.time(), "short", locale=locale)
    return f"{day}, {hour} ({_zone_name(local, locale)})"


def _zone_name(moment: datetime, locale: Locale) -> str:
    """The zone's name at a moment; its place's where the language has none; its offset where it has no place."""
    zone = str(moment.tzinfo)
    # The year's offsets tell whether this is summer time: Ireland's dst() is the other way round than CLDR's names.
    offsets = [moment.replace(month=month, day=1).utcoffset() or timedelta() for month in range(1, 13)]
    summer = (moment.utcoffset() or timedelta()) > min(offsets)
    name = _known_zone_name(zone, "daylight" if summer else "standard", locale)
    if name is None and get_global("zone_territories").get(_newest_id(zone), _NOWHERE) != _NOWHERE:
        name = get_timezone_location(moment, locale=locale)
    return name or get_timezone_gmt(moment, "long", locale=locale)


def _known_zone_name(zone: str, variant: str, locale: Locale) -> str | None:
    """The zone's name in CLDR, else that of the group of zones it belongs to."""
    zone = _cldr_id(zone)
    for names in (locale.time_zones.get(zone, {}), locale.meta_zones.get(_groups().get(zone), {})):
        name = names.get("long", {}).get(variant)
        if name and name != NO_INHERITANCE_MARKER:
            return str(name)
    return None


def _cldr_id(zone: str) -> str:
    """The id by which CLDR names a zone, which it never changes: Asia/Calcutta for Asia/Kolkata."""
    return _older_ids().get(_newest_id(zone), _newest_id(zone))


def _newest_id(zone: str) -> str:
    return str(get_global("zone_aliases").get(zone, zone))


@cache
def _groups() -> Mapping[str, str]:
    return get_global("meta_zones")  # type: ignore[arg-type]  # a key that Babel's types lack


@cache
def _older_ids() -> Mapping[str, str]:
    """Babel's aliases lead to the database's newest id, but its names stand under CLDR's."""
    return {new: old for old, new in get_global("zone_aliases").items() if old in _groups() and new not in _groups()}


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
