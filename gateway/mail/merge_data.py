"""Merge data: the values of one recipient for the fields of a campaign's template, as they come in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from gateway.errors import Refusal, RefusalCode
from gateway.mail.field_checks import check_free_text, invalid

MAX_MERGE_FIELDS = 200
"""Fields of merge data: as many as a template may name."""
LONGEST_MERGE_VALUE = 10_000
"""Characters of one value."""
LARGEST_MERGE_DATA = 65_536
"""Octets of one recipient's merge data: a million recipients must fit the disk."""
_EXACT_DIGITS = 15
"""A decimal number of so many digits comes back from a double as it was (DBL_DIG)."""

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""The name of a template's own merge field, and of a customer's value."""
ATTRIBUTE_FIELD = "customer.attributes."
"""What the name of a merge field begins with that shows one of the customer's values. No merge data has such names from
outside: they are put in when a message is made."""
TEMPLATE_FIELD = re.compile(
    rf"(?:customer\.name|{re.escape(ATTRIBUTE_FIELD)}{FIELD_NAME.pattern}|{FIELD_NAME.pattern})"
)
"""What may stand in `{{ }}`: a field of the template's own, the customer's name, or one of its values."""


def read_merge_data(value: object, path: tuple[str, ...], *, names: re.Pattern[str] = FIELD_NAME) -> dict[str, str]:
    """Returns the values of a JSON object of texts and numbers as texts; a null is no value, and left out.

    Raises Refusal: INVALID (also for other `names`), TOO_MANY, TOO_LONG, CARD_NUMBER; its path begins with `path`.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid("Merge data is an object: field names and their values.", *path)
    if len(value) > MAX_MERGE_FIELDS:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_MERGE_FIELDS} merge fields.", path)
    read = {name: text for name, item in value.items() if (text := _merge_value(name, item, path, names)) is not None}
    if sum(len(name) + len(text.encode()) for name, text in read.items()) > LARGEST_MERGE_DATA:
        raise Refusal(RefusalCode.TOO_LONG, f"Merge data has at most {LARGEST_MERGE_DATA:,} octets.", path)
    return read


def _merge_value(name: object, value: object, path: tuple[str, ...], names: re.Pattern[str]) -> str | None:
    if not isinstance(name, str) or not names.fullmatch(name):
        raise invalid("A merge field's name is letters, digits and underscores, at most 63.", *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise invalid("A merge field's value is a text or a number.", *path, name)
    text = f"{Decimal(str(value)):f}" if isinstance(value, float | Decimal) else str(value)
    if isinstance(value, float) and not _is_exact(text):
        message = "This number has more digits than JSON's numbers keep: send it as a text, as it is to be mailed."
        raise invalid(message, *path, name)
    check_free_text(text, (*path, name), LONGEST_MERGE_VALUE)
    return text


def _is_exact(number: str) -> bool:
    """Whether a float is surely what the caller wrote, apart from zeros at its end."""
    digits = number.removeprefix("-").replace(".", "", 1)
    return digits.isdecimal() and len(digits.lstrip("0")) <= _EXACT_DIGITS
