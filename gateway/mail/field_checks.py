"""Checks of single fields of input: lines, free text, URLs, time zones. Each raises Refusal with the field's path."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from gateway.errors import Refusal, RefusalCode
from gateway.mail.card_number import refuse_card_number, refuse_card_number_in_url
from gateway.mail.header_guard import refuse_header_break, refuse_unwritable

LONGEST_LINE = 200
"""Characters of a one-line fact (number, type, title): it goes into subjects."""
LONGEST_NOTE = 10_000
"""Characters of free text: about four printed pages."""
LONGEST_URL = 2_000
"""Octets: what every browser and proxy takes."""


def invalid(message: str, *path: str) -> Refusal:
    """The refusal INVALID of the field at `path`, to be raised."""
    return Refusal(RefusalCode.INVALID, message, path)


def check_length(text: str, longest: int, path: tuple[str, ...]) -> None:
    """Refuse text of more than `longest` characters (TOO_LONG)."""
    if len(text) > longest:
        raise Refusal(RefusalCode.TOO_LONG, f"At most {longest:,} characters; this has {len(text):,}.", path)


def check_line(text: str | None, path: tuple[str, ...], longest: int = LONGEST_LINE) -> None:
    """Refuse what is not one line, fit for a header, without a card number. None passes."""
    _check_text(text, path, longest, refuse_header_break)


def check_required_line(text: str, path: tuple[str, ...], longest: int = LONGEST_LINE) -> None:
    """As `check_line`, and it must not be empty (REQUIRED)."""
    if not text.strip():
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", path)
    check_line(text, path, longest)


def check_free_text(text: str | None, path: tuple[str, ...], longest: int = LONGEST_NOTE) -> None:
    """Refuse text, of any number of lines, that cannot be stored or holds a card number. None passes."""
    _check_text(text, path, longest, refuse_unwritable)


def _check_text(text: str | None, path: tuple[str, ...], longest: int, refuse: Callable[..., None]) -> None:
    if text is not None:
        refuse(text, path)
        check_length(text, longest, path)
        refuse_card_number(text, path)


def check_url(url: str | None, path: tuple[str, ...]) -> None:
    """An absolute http(s) URL with a host and without credentials, all ASCII; refused otherwise. None passes."""
    if url is None:
        return
    refuse_header_break(url, path)
    check_length(url, LONGEST_URL, path)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid("Not a URL.", *path) from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise invalid("Only http:// and https:// URLs with a host name are allowed.", *path)
    if parts.username is not None or parts.password is not None:
        raise invalid("A URL in a mail must not carry a user name or password.", *path)
    if not re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%|{}^`-]+", url):
        raise invalid("A URL has no spaces, quotes or letters beyond ASCII: percent-encode them.", *path)
    refuse_card_number_in_url(url, path)


_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Files beside the zones on a machine's disk: its own zone under other names, and "not set"."""


@cache
def time_zones() -> frozenset[str]:
    """Returns the names of all time zones, some 600, as this machine or the tzdata package has them."""
    return frozenset(available_timezones()) - _NO_PLACES


def check_time_zone(name: str, path: tuple[str, ...]) -> None:
    """Refuse what is no IANA time zone."""
    if name not in time_zones():
        raise invalid("Not a time zone of the IANA database, such as Europe/Berlin.", *path)
