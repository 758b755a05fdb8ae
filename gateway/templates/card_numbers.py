"""Card numbers that come together only when a template is filled in: `41111111{{ x }}` with 11111111.

Template and values are each checked alone. To fill in every recipient's mail and check it whole would hold up a call
with ten thousand of them, so only those places are filled in where digits and fields touch: most templates have few. A
customer's name is left out: it is not known before the mail is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from gateway.errors import Refusal, RefusalCode
from gateway.mail.card_number import continues_number, refuse_card_number
from gateway.templates.html_to_text import every_word_of_html, text_of_html
from gateway.templates.merge_fields import MARK, SUPPLIED, Field, MergeParts, Piece, value_of, with_marks

Seam = tuple[str | Field, ...]
"""Fields, and the digits around and between them."""

MOST_TOUCHING = 50
"""Fields in one seam: a row of a table of figures has fewer, and each costs something with every recipient."""
MOST_IN_SEAMS = 1000
"""Fields in all seams of a template together: filled in, they take a millisecond or two a recipient."""


def seams_of(parts: MergeParts) -> frozenset[Seam]:
    """Where a number may go on from a template's words into a value, or from one value into the next."""
    words = [parts.subject, parts.text, *_words_of_page(parts.html)]
    return frozenset(seam for pieces in words for seam in _joined(pieces) if _may_hold_more(seam))


def weight_of(seams: Iterable[Seam]) -> int:
    """How many fields they hold: what a recipient costs."""
    return sum(isinstance(piece, Field) for seam in seams for piece in seam)


def refuse_long_seams(parts: MergeParts, path: tuple[str, ...]) -> None:
    """Refuse a template whose recipients would take long to check. Raises Refusal(TEMPLATE_INVALID)."""
    seams = seams_of(parts)
    if any(weight_of([seam]) > MOST_TOUCHING for seam in seams):
        message = (
            f"More than {MOST_TOUCHING} fields follow each other with nothing but digits, spaces or dashes between: "
            "put words or line breaks between them."
        )
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)
    if weight_of(seams) > MOST_IN_SEAMS:
        message = (
            f"More than {MOST_IN_SEAMS:,} fields touch digits or each other: put words or line breaks between them."
        )
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)


def refuse_card_number_in_seams(seams: Iterable[Seam], values: Mapping[str, str], path: tuple[str, ...]) -> None:
    """Refuse values with which one of these places holds a card number."""
    for seam in seams:
        refuse_card_number(
            "".join(piece if isinstance(piece, str) else value_of(piece, values) for piece in seam), path
        )


def _words_of_page(html: tuple[Piece, ...]) -> Iterator[tuple[Piece, ...]]:
    """A page's words without its tags, which do not part a number for who reads it."""
    page = with_marks(html)
    for words in (text_of_html(page), every_word_of_html(page)):
        yield tuple(html[int(piece)] if place % 2 else piece for place, piece in enumerate(MARK.split(words)))


def _joined(pieces: Iterable[Piece]) -> Iterator[Seam]:
    """The pieces parted wherever no number can go on."""
    seam: list[str | Field] = []
    for piece in pieces:
        if isinstance(piece, str):
            head = "".join(takewhile(continues_number, piece))
            seam.append(head)
            if head == piece:
                continue
        elif isinstance(piece, Field) and piece.name not in SUPPLIED:
            seam.append(piece)
            continue
        yield tuple(seam)
        seam = ["".join(takewhile(continues_number, reversed(piece)))[::-1]] if isinstance(piece, str) else []
    yield tuple(seam)


def _may_hold_more(seam: Seam) -> bool:
    """Whether it is more than one value, which was checked, or than words, which were."""
    fields = sum(isinstance(piece, Field) for piece in seam)
    return fields > 1 or (fields == 1 and any(c.isdecimal() for piece in seam if isinstance(piece, str) for c in piece))
