"""Card numbers that come together only when a template is filled in: `41111111{{ x }}` with 11111111.

Template and values are each checked alone. To fill in every recipient's mail and check it whole would take too long for
a call with ten thousand of them, so only runs are filled in, the places where digits and fields touch: most templates
have few. A customer's name and values are left out: they are not known before the mail is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import takewhile

from gateway.errors import Refusal, RefusalCode
from gateway.mail.card_number import continues_number, refuse_card_number, shorten_gaps
from gateway.templates.html_to_text import every_word_of_html, flowing_text_of_html
from gateway.templates.merge_fields import (
    PIECE_PLACEHOLDER,
    SUPPLIED,
    Field,
    MergeParts,
    Piece,
    is_of_customer,
    value_of,
    with_placeholders,
)

FieldRun = tuple[str | Field, ...]
"""Fields, and the digits around and between them."""

MAX_FIELDS_IN_A_RUN = 50
"""Fields in one run: a row of a table of figures has fewer, and each costs something with every recipient."""
MAX_FIELDS_IN_RUNS = 1000
"""Fields in all runs of a template together: filled in, they take a millisecond or two a recipient."""

_REACH = 64
"""Characters that hold more digits than a card number has, with two between each."""


def field_runs(parts: MergeParts) -> frozenset[FieldRun]:
    """Returns where a number may go on from a template's text into a value, or from one value into the next."""
    texts = [parts.subject, parts.text, *_texts_of_page(parts.html)]
    return frozenset(run for pieces in texts for run in _runs(pieces) if _may_complete_number(run))


def weight_of(runs: Iterable[FieldRun]) -> int:
    """Returns how many fields they hold: what a recipient costs."""
    return sum(isinstance(piece, Field) for run in runs for piece in run)


def refuse_long_field_runs(parts: MergeParts, path: tuple[str, ...]) -> None:
    """Refuse a template whose recipients would take long to check. Raises Refusal(TEMPLATE_INVALID)."""
    runs = field_runs(parts)
    if any(weight_of([run]) > MAX_FIELDS_IN_A_RUN for run in runs):
        message = (
            f"More than {MAX_FIELDS_IN_A_RUN} fields follow each other with nothing but digits, spaces or dashes "
            "between: put words or line breaks between them."
        )
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)
    if weight_of(runs) > MAX_FIELDS_IN_RUNS:
        message = f"More than {MAX_FIELDS_IN_RUNS:,} fields touch digits or each other: put words between them."
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)


def refuse_card_number_across_fields(
    runs: Collection[FieldRun], values: Mapping[str, str], path: tuple[str, ...]
) -> None:
    """Refuse values with which one of these runs holds a card number."""
    fields = {piece for run in runs for piece in run if isinstance(piece, Field)}
    ends = {field: _ends(value_of(field, values)) for field in fields}
    for run in runs:
        refuse_card_number("".join(piece if isinstance(piece, str) else ends[piece] for piece in run), path)


def _ends(value: str) -> str:
    """The parts of a value that a number may reach into from outside: what stands between was checked alone."""
    value = shorten_gaps(value)
    return value if len(value) <= 2 * _REACH else f"{value[:_REACH]}\n{value[-_REACH:]}"


def _texts_of_page(html: tuple[Piece, ...]) -> Iterator[tuple[Piece, ...]]:
    """A page's text without its tags, which do not separate digits for a reader."""
    page = with_placeholders(html)
    for text in (flowing_text_of_html(page), every_word_of_html(page)):
        yield tuple(
            html[int(piece)] if place % 2 else piece for place, piece in enumerate(PIECE_PLACEHOLDER.split(text))
        )


def _runs(pieces: Iterable[Piece]) -> Iterator[FieldRun]:
    """The pieces separated wherever no number can go on."""
    run: list[str | Field] = []
    for piece in pieces:
        if isinstance(piece, str):
            head = "".join(takewhile(continues_number, piece))
            run.append(head)
            if head == piece:
                continue
        elif isinstance(piece, Field) and piece.name not in SUPPLIED and not is_of_customer(piece.name):
            run.append(piece)
            continue
        yield tuple(run)
        run = ["".join(takewhile(continues_number, reversed(piece)))[::-1]] if isinstance(piece, str) else []
    yield tuple(run)


def _may_complete_number(run: FieldRun) -> bool:
    """Whether it is more than a single value or fixed text: each of those was checked alone."""
    fields = sum(isinstance(piece, Field) for piece in run)
    return fields > 1 or (fields == 1 and any(c.isdecimal() for piece in run if isinstance(piece, str) for c in piece))
