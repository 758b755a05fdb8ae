"""A compiled campaign template and how it is filled in.

Each part of a mail (subject, HTML, text) is a row of pieces: fixed text, fields, tracked links, the pixel. Fixed text
is the same for every recipient, so it is encoded once; only the other pieces cost something a recipient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from gateway.errors import Refusal, RefusalCode
from gateway.mail.merge_data import ATTRIBUTE_FIELD
from gateway.templates.html_links import VisibleContent, visible_content

SUPPLIED = frozenset({"unsubscribe_url", "postal_address", "customer_name"})
"""Fields that the gateway fills in itself. `{{ customer.name }}` is another way to write `customer_name`."""

NOT_IN_SUBJECT = frozenset({"unsubscribe_url", "postal_address"})
"""Supplied fields whose values are unknown when a message's row, which holds the subject, is written."""

PIECE_PLACEHOLDER = re.compile(r"\ue000(\d+)\ue001")
"""What stands for a piece in a text that is taken apart again: the piece's place."""

LONGEST_SUBJECT = 998
"""Characters of a line (RFC 5322 2.1.1)."""

_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")
_SAFE_SCHEMES = re.compile(r"(?i)(?:https?|mailto|tel):")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A value put in. `default` stands in for a missing or empty one; without it the value must be given."""

    name: str
    default: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that counts clicks; number 0 is one that does not. Its destination may itself hold fields."""

    number: int
    destination: tuple[str | Field, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingTag:
    """The open pixel, or the honeypot link: markup around an address, left out of mail that is not tracked.

    `kind` is `pixel` or `honeypot`.
    """

    kind: str
    before: str
    after: str


Piece = str | Field | Link | TrackingTag


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeParts:
    """A template version ready to be filled in. `fields` are what authors named, `required` those without a default;
    customers' values (`customer.attributes.NAME`) are among both, what is SUPPLIED is not.

    `coded_html` and `coded_text` are the fixed text of each part as it goes over the wire, "" where a piece is put in.
    """

    subject: tuple[Piece, ...]
    html: tuple[Piece, ...]
    text: tuple[Piece, ...]
    fields: tuple[str, ...]
    required: tuple[str, ...]
    links: int
    coded_html: tuple[str, ...]
    coded_text: tuple[str, ...]

    @property
    def has_unsubscribe(self) -> bool:
        """Whether readers of either part find the unsubscribe link."""
        return self.part_without_unsubscribe is None

    @property
    def part_without_unsubscribe(self) -> str | None:
        """`html` or `text`, the first that does not show the unsubscribe link: mail programs show either."""
        if not names_field(clickable_pieces(self.html), "unsubscribe_url"):
            return "html"
        return None if names_field(self.text, "unsubscribe_url") else "text"

    @property
    def part_without_postal_address(self) -> str | None:
        """`html` or `text`, the first that does not show the sender's postal address."""
        if not names_field(visible_pieces(self.html), "postal_address"):
            return "html"
        return None if names_field(self.text, "postal_address") else "text"


# Names of fields -------------------------------------------------------------------------------------------------


def merge_key(written: str) -> str:
    """Returns the name under which merge data has the value of a field, as it is written in `{{ }}`."""
    return "customer_name" if written == "customer.name" else written


def is_of_customer(name: str) -> bool:
    """Whether a field shows one of the customer's own values, which nobody hands over with a campaign."""
    return name.startswith(ATTRIBUTE_FIELD)


# Which fields a part shows ---------------------------------------------------------------------------------------


def fields_of(pieces: Iterable[Piece]) -> list[Field]:
    """Every field in these pieces, including those in links."""
    found: list[Field] = []
    for piece in pieces:
        if isinstance(piece, Field):
            found.append(piece)
        elif isinstance(piece, Link):
            found += [part for part in piece.destination if isinstance(part, Field)]
    return found


def names_field(pieces: Iterable[Piece], name: str) -> bool:
    """Whether one of these pieces is the field of that name."""
    return any(isinstance(piece, Field) and piece.name == name for piece in pieces)


def visible_pieces(html: tuple[Piece, ...]) -> Iterator[Piece]:
    """The fields of a page that stand in the text it shows."""
    for match in PIECE_PLACEHOLDER.finditer(_visible(html).words):
        yield html[int(match.group(1))]


def clickable_pieces(html: tuple[Piece, ...]) -> Iterator[Piece]:
    """The fields of a page with which the address of a link starts that shows something to click on."""
    for address in _visible(html).links:
        match = PIECE_PLACEHOLDER.match(address.strip())
        if match is not None:
            yield html[int(match.group(1))]


def _visible(html: tuple[Piece, ...]) -> VisibleContent:
    return visible_content(with_placeholders(html))


def with_placeholders(pieces: tuple[Piece, ...]) -> str:
    """The pieces as one text: each field as a PIECE_PLACEHOLDER, links and tracking tags as `#`."""
    return "".join(
        piece if isinstance(piece, str) else f"\ue000{place}\ue001" if isinstance(piece, Field) else "#"
        for place, piece in enumerate(pieces)
    )


# Filling in ------------------------------------------------------------------------------------------------------


def value_of(field: Field, values: Mapping[str, str]) -> str:
    """The field's value, its default when missing or empty. Raises Refusal(MERGE_FIELD_MISSING)."""
    value = values.get(field.name)
    if value or (value is not None and field.default is None):
        return value
    if field.default is None:
        raise Refusal(RefusalCode.MERGE_FIELD_MISSING, f"The field {field.name!r} has no value.", ("mergeData",))
    return field.default


def fill_subject(subject: tuple[Piece, ...], values: Mapping[str, str]) -> str:
    """The subject of one mail: one line, at most LONGEST_SUBJECT characters, whatever the values hold."""
    filled = "".join([value_of(piece, values) if isinstance(piece, Field) else str(piece) for piece in subject])
    if filled.isprintable() and "  " not in filled:
        return filled.strip()[:LONGEST_SUBJECT]
    return " ".join(_CONTROLS.sub(" ", filled).split())[:LONGEST_SUBJECT]


def fill_destination(link: Link, values: Mapping[str, str]) -> str:
    """Where a link leads: a field at its start is taken as it is if it is a web, mail or telephone address, else
    the link leads nowhere (`#`); a field further on is percent-encoded."""
    pieces = []
    for number, piece in enumerate(link.destination):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        value = value_of(piece, values).strip()
        if number > 0:
            pieces.append(quote(value, safe="/:~"))
        elif _SAFE_SCHEMES.match(value):
            pieces.append(_CONTROLS.sub("", value))
        else:
            return "#"
    return "".join(pieces)
