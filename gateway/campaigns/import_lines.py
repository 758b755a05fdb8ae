"""One line of an import, checked: what it says of a customer, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from gateway.campaigns.import_columns import (
    ADDRESS,
    ATTRIBUTE,
    ATTRIBUTES,
    EXTERNAL_REF,
    FIRST_NAME,
    LAST_NAME,
    LOCALE,
    MAX_COLUMNS,
    NAME,
    TAGS,
    TIME_ZONE,
    Column,
    target,
)
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.lru import LruCache
from gateway.mail.address import LONGEST_ADDRESS, parse_address
from gateway.mail.card_number import holds_card_number
from gateway.mail.customer_values import (
    LONGEST_ATTRIBUTE,
    AttributeValue,
    check_customer_name,
    check_external_ref,
    read_attributes,
    read_tags,
)
from gateway.mail.field_checks import check_line, check_time_zone, invalid
from gateway.mail.names import tidy_name
from gateway.templates.localization import check_locale
from gateway.value import value

MAX_FAULTS = 5
"""Of one line: who mends it learns enough."""
LONGEST_KEPT = 4096
"""Characters of a refused line that are kept as they are; of a longer one each value is cut."""
_CUT = 200

_CACHED = 10_000
"""Domains, languages, zones and labels that are not checked again: a file has few of each."""
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.-]+)")
_LONGEST_LOCAL = 64
_LABELS = re.compile(r"[;,|]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@value
class Line:
    """What a line says of a customer; None and nothing where it says nothing. `key` stands for the address."""

    number: int
    external_ref: str | None
    address: str | None
    key: bytes | None
    name: str | None
    locale: str | None
    time_zone: str | None
    tags: Sequence[str]
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with a line; `heading` is None when it is the line itself."""

    heading: str | None
    code: RefusalCode
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedLine:
    """A line that is left out: why, and its values."""

    number: int
    faults: Sequence[Fault]
    cells: Sequence[str]


Read = Callable[[str], Any]
"""Reads a value without spaces around it. Raises Refusal or Refusals."""


class LineChecker:
    """Checks the lines of one file, whose columns mean what they were mapped to."""

    def __init__(self, columns: Sequence[Column], deployment: Deployment) -> None:
        self._columns = columns
        self._key_of = deployment.key_of
        self._allow_reserved = deployment.settings.allow_reserved_domains
        self._domains: LruCache[str, str] = LruCache(_CACHED)
        self._known: LruCache[tuple[str, str], Any] = LruCache(_CACHED)
        self._readers = [
            (place, column.heading, target(column.field), self._reader(column.field))
            for place, column in enumerate(columns)
            if column.field is not None
        ]

    def check(self, number: int, cells: Sequence[str]) -> Line | RefusedLine | None:
        """Returns what a line says or why it is refused; None for a line of empty values, which says nothing."""
        if len(cells) != len(self._columns):
            if not "".join(cells).strip():
                return None
            message = f"The line has {len(cells)} values, the header {len(self._columns)}."
            return self._refused(number, cells, [Fault(heading=None, code=RefusalCode.INVALID, message=message)])
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for place, heading, field, read in self._readers:
            text = cells[place].strip()
            if text:
                try:
                    values[field] = read(text)
                except (Refusal, Refusals) as error:
                    faults.append(_fault(heading, error))
        if FIRST_NAME in values or LAST_NAME in values:
            try:
                values[NAME] = _whole_name(values)
            except Refusal as error:
                faults.append(_fault(None, error))
        if faults:
            return self._refused(number, cells, faults[:MAX_FAULTS])
        if ADDRESS not in values and EXTERNAL_REF not in values:
            return self._without_customer(number, cells)
        return self._line(number, values)

    def _line(self, number: int, values: dict[str, Any]) -> Line:
        address = values.pop(ADDRESS, None)
        external_ref = values.pop(EXTERNAL_REF, None)
        name = values.pop(NAME, None)
        return Line(
            number=number,
            external_ref=external_ref,
            address=address,
            key=self._key_of(address) if address is not None else None,
            name=name,
            locale=values.pop(LOCALE, None),
            time_zone=values.pop(TIME_ZONE, None),
            tags=values.pop(TAGS, ()),
            attributes={field[len(ATTRIBUTES) :]: found for field, found in values.items()},
        )

    def _without_customer(self, number: int, cells: Sequence[str]) -> RefusedLine | None:
        if not "".join(cells).strip():
            return None
        message = "The line has neither an address nor an externalRef: whose is it?"
        return self._refused(number, cells, [Fault(heading=None, code=RefusalCode.REQUIRED, message=message)])

    def _refused(self, number: int, cells: Sequence[str], faults: Sequence[Fault]) -> RefusedLine:
        return RefusedLine(number=number, faults=faults, cells=kept_cells(cells))

    def _reader(self, field: str) -> Read:
        attribute = ATTRIBUTE.fullmatch(field)
        if attribute is not None:
            typed: Mapping[str, Read] = {"number": partial(_read_number, attribute["name"]), "boolean": _read_boolean}
            return typed.get(attribute["type"], _read_text)
        readers: Mapping[str, Read] = {
            EXTERNAL_REF: _read_external_ref,
            ADDRESS: self._read_address,
            NAME: _read_name,
            FIRST_NAME: _read_name,
            LAST_NAME: _read_name,
            LOCALE: partial(self._read_known, LOCALE, _read_locale),
            TIME_ZONE: partial(self._read_known, TIME_ZONE, _read_time_zone),
            TAGS: partial(self._read_known, TAGS, _read_tags),
        }
        return readers[field]

    def _read_known(self, field: str, read: Read, text: str) -> Any:
        """What was read before is not checked again."""
        found = self._known.get((field, text))
        return found if found is not None else self._known.put((field, text), read(text))

    def _read_address(self, text: str) -> str:
        """As `parse_address`, in its normal form; an address of plain characters costs a tenth once its domain is
        known."""
        plain = _PLAIN_ADDRESS.fullmatch(text)
        if plain is not None and len(plain[1]) <= _LONGEST_LOCAL and len(text) <= LONGEST_ADDRESS:
            domain = self._domains.get(plain[2]) or self._domains.put(plain[2], self._domain(plain[2]))
            if domain != _UNKNOWN:
                return f"{plain[1]}@{domain}"
        return parse_address(text, allow_reserved=self._allow_reserved).text

    def _domain(self, text: str) -> str:
        try:
            domain = parse_address(f"a@{text}", allow_reserved=self._allow_reserved).domain
        except Refusal:
            return _UNKNOWN  # what is wrong is told of the whole address
        return domain if domain == text.lower() else _UNKNOWN


_UNKNOWN = "?"
"""No domain: the whole address must be parsed."""


def kept_cells(cells: Sequence[str]) -> list[str]:
    """Returns a refused line's values as they are kept: without card numbers, those of a long line cut."""
    shown = ["" if holds_card_number(cell) else cell for cell in cells[:MAX_COLUMNS]]
    if sum(map(len, shown)) <= LONGEST_KEPT:
        return shown
    return [cell if len(cell) <= _CUT else f"{cell[:_CUT]}…" for cell in shown]


def _whole_name(values: dict[str, Any]) -> str | None:
    """The first and the last name, which are one value from here on."""
    parts = (values.pop(FIRST_NAME, None), values.pop(LAST_NAME, None))
    return _read_name(" ".join(part for part in parts if part))


def _fault(heading: str | None, error: Refusal | Refusals) -> Fault:
    first = error.refusals[0] if isinstance(error, Refusals) else error
    return Fault(heading=heading, code=first.code, message=first.message)


def _read_external_ref(text: str) -> str:
    check_external_ref(text, ())
    return text


def _read_name(text: str) -> str | None:
    check_customer_name(text, ())
    return tidy_name(text) or None


def _read_locale(text: str) -> str:
    check_locale(text, ())
    return text


def _read_time_zone(text: str) -> str:
    check_time_zone(text, ())
    return text


def _read_tags(text: str) -> Sequence[str]:
    """Labels between commas, semicolons or bars."""
    return read_tags([label for label in _LABELS.split(text) if label.strip()], ())


def _read_text(text: str) -> str:
    check_line(text, (), LONGEST_ATTRIBUTE)
    return text


def _read_number(name: str, text: str) -> AttributeValue | None:
    if not _NUMBER.fullmatch(text):
        raise invalid("Not a plain number, such as 1234.5.")
    return read_attributes({name: Decimal(text)}, ())[name]


def _read_boolean(text: str) -> bool:
    found = _BOOLEANS.get(text.lower())
    if found is None:
        raise invalid("Not a boolean: true or false, yes or no, 1 or 0.")
    return found
