"""What a business says of a customer: its id in the CRM, name, addresses, labels, and values of its own.

The checks of one entry, the same for `upsertCustomers` and for imports. Values of its own (attributes) are scalars that
JSON and PostgreSQL keep exactly; each can be a merge field, `customer.attributes.NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import parse_address
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_length, check_line, check_required_line, invalid
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.merge_data import ATTRIBUTE_FIELD, FIELD_NAME
from gateway.mail.names import tidy_name

LONGEST_EXTERNAL_REF = 255
LONGEST_NAME = 500
MAX_ADDRESSES = 20
"""No customer has more; a longer list is a mailing list."""
MAX_TAGS = 100
LONGEST_TAG = 100
"""Characters of one label."""
MAX_ATTRIBUTES = 100
LONGEST_ATTRIBUTE = 1_000
"""Characters of one value: a line that can stand in a mail. Longer texts belong into a template."""
LARGEST_ATTRIBUTES = 32_768
"""Octets of all of a customer's values with their names: those that a template uses go into each of its messages."""
_MAX_DIGITS = 15
"""Significant digits that come back from a double as they were (DBL_DIG)."""
_MAX_WHOLE_DIGITS = 18
"""A bigint holds them, and every reader of JSON that knows whole numbers."""

AttributeValue: TypeAlias = str | int | float | bool
"""A value of a customer's own. A float has at most 15 significant digits, and is no whole number."""


def check_external_ref(external_ref: str, path: tuple[str, ...]) -> None:
    """Refuse what cannot be a customer's id in the CRM: REQUIRED, TOO_LONG, HEADER_INJECTION, INVALID."""
    if not external_ref.strip():
        raise Refusal(RefusalCode.REQUIRED, "Every customer needs its id in the CRM.", path)
    check_length(external_ref, LONGEST_EXTERNAL_REF, path)
    refuse_header_break(external_ref, path)


def check_customer_name(name: str | None, path: tuple[str, ...]) -> None:
    """Refuse what cannot be a customer's name: TOO_LONG, HEADER_INJECTION, INVALID, CARD_NUMBER. None passes."""
    if name:
        check_length(name, LONGEST_NAME, path)
        refuse_header_break(name, path)
        refuse_card_number(name, path)


def read_addresses(given: Sequence[str], path: tuple[str, ...], *, allow_reserved: bool) -> tuple[str, ...]:
    """Returns a customer's addresses in their normal form, in order.

    Raises Refusal, or Refusals of all of them: TOO_MANY, ADDRESS_INVALID, ADDRESS_RESERVED, CONFLICT for a repetition.
    """
    if len(given) > MAX_ADDRESSES:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ADDRESSES} addresses.", path)
    found = RefusalCollector()
    read: list[str] = []
    for number, text in enumerate(given):
        field = (*path, str(number))
        with found.check():
            address = parse_address(text, allow_reserved=allow_reserved, field=field).text
            if address in read:
                raise Refusal(RefusalCode.CONFLICT, "This address is in the list twice.", field)
            read.append(address)
    found.raise_any()
    return tuple(read)


# Labels ----------------------------------------------------------------------------------------------------------


def read_tags(given: Sequence[str] | None, path: tuple[str, ...]) -> list[str]:
    """Returns labels in NFC without needless spaces, sorted, each once; none for None.

    Raises Refusal, or Refusals of all of them: TOO_MANY, REQUIRED for an empty one, TOO_LONG, HEADER_INJECTION,
    INVALID, CARD_NUMBER.
    """
    given = given or ()
    if len(given) > MAX_TAGS:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_TAGS} tags.", path)
    found = RefusalCollector()
    read: set[str] = set()
    for number, text in enumerate(given):
        with found.check():
            read.add(_read_tag(text, (*path, str(number))))
    found.raise_any()
    return sorted(read)


def _read_tag(text: str, path: tuple[str, ...]) -> str:
    refuse_header_break(text, path)
    tag = tidy_name(text)
    check_required_line(tag, path, LONGEST_TAG)
    return tag


# Values of its own -----------------------------------------------------------------------------------------------


def read_attributes(value: object, path: tuple[str, ...]) -> dict[str, AttributeValue | None]:
    """Returns the values of a JSON object as they are kept; a null stays one, and removes the value of its name.

    Numbers that are whole become int (-0 and 1.0, too). Raises Refusal, or Refusals of all of them: INVALID (also for a
    number that JSON would not keep), TOO_MANY, TOO_LONG, HEADER_INJECTION, CARD_NUMBER.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid("Attributes are an object: names and their values.", *path)
    if len(value) > MAX_ATTRIBUTES:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_ATTRIBUTES} attributes.", path)
    found = RefusalCollector()
    read: dict[str, AttributeValue | None] = {}
    for name, item in value.items():
        with found.check():
            _check_attribute_name(name, path)
            read[name] = None if item is None else _read_attribute(item, (*path, name))
    found.raise_any()
    return read


def check_merged_attributes(attributes: Mapping[str, AttributeValue], path: tuple[str, ...]) -> None:
    """Refuse what a customer's values would become together with those it has: TOO_MANY, TOO_LONG."""
    if len(attributes) > MAX_ATTRIBUTES:
        message = f"At most {MAX_ATTRIBUTES} attributes, with those it has: this would make {len(attributes)}."
        raise Refusal(RefusalCode.TOO_MANY, message, path)
    if sum(len(name) + len(attribute_text(value).encode()) for name, value in attributes.items()) > LARGEST_ATTRIBUTES:
        message = f"All attributes of a customer, with those it has, have at most {LARGEST_ATTRIBUTES:,} octets."
        raise Refusal(RefusalCode.TOO_LONG, message, path)


def _check_attribute_name(name: object, path: tuple[str, ...]) -> None:
    if not isinstance(name, str) or not FIELD_NAME.fullmatch(name):
        message = (
            "An attribute's name is letters without accents, digits and underscores, at most 63, no digit first: so "
            "it can stand in a template, as in {{ customer.attributes.city }}."
        )
        raise invalid(message, *path)
    refuse_card_number(name, path)


def _read_attribute(value: object, path: tuple[str, ...]) -> AttributeValue:
    match value:
        case bool():
            return value
        case str():
            check_line(value, path, LONGEST_ATTRIBUTE)
            return value
        case int() | float() | Decimal():
            number = _read_number(value, path)
            refuse_card_number(attribute_text(number), path)
            return number
    raise invalid("An attribute is a text, a number or a boolean; a date is a text, such as 2026-12-24.", *path)


def _read_number(value: float | Decimal, path: tuple[str, ...]) -> int | float:
    """The number, exactly. A float's digits are looked at, for it may stand for a number that had more."""
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    # Looked at before the digits: 1e-999999 as plain text would fill the memory.
    if not number.is_finite() or abs(number.adjusted()) > _MAX_WHOLE_DIGITS:
        raise _not_kept(path)
    plain = f"{number:f}"
    whole, _, decimals = plain.removeprefix("-").partition(".")
    digits = whole + decimals.rstrip("0")
    is_whole = number == number.to_integral_value()
    if len(digits.lstrip("0")) > (_MAX_WHOLE_DIGITS if is_whole and not isinstance(value, float) else _MAX_DIGITS):
        raise _not_kept(path)
    return int(number) if is_whole else float(plain)


def _not_kept(path: tuple[str, ...]) -> Refusal:
    message = (
        f"A number has at most {_MAX_DIGITS} digits, a whole one {_MAX_WHOLE_DIGITS}: readers of JSON keep no more. "
        "Send it as a text, as it is to be mailed."
    )
    return invalid(message, *path)


def attribute_text(value: AttributeValue) -> str:
    """Returns a value as it is mailed: `1.1`, `true`; a text as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(str(value)):f}"
    return str(value)


def attribute_fields(attributes: Mapping[str, AttributeValue]) -> dict[str, str]:
    """Returns values as merge data: the texts that are mailed, each under the name of its field."""
    return {ATTRIBUTE_FIELD + name: attribute_text(value) for name, value in attributes.items()}
