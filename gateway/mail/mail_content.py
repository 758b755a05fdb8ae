"""What a mail says, for people and clients to read: its headers, its HTML and its text. Pure, bounded, never raises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.mail.body_parts import bodies
from gateway.mail.received import MIB, Limits, Part, read_headers, read_mail

LARGEST_TEXT = MIB
"""Octets of the HTML or of the text: what people write has a hundredth, mail clients cut off after a tenth."""
MAX_HEADERS = 200
"""Headers that are shown: the longest journey of a mail has half as many."""
READ = 8 * MIB
"""Octets of a mail in which its HTML and its text are looked for: both at their largest, in quoted-printable of three
octets for each. They come before what is attached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailContent:
    """What a mail says. `headers` are names as written and values, unfolded and decoded; `html` and `text` are None
    when the mail has none, and when it is too large."""

    headers: tuple[tuple[str, str], ...]
    html: str | None
    text: str | None


def read_content(raw: bytes, *, whole: bool = True) -> MailContent:
    """Read a mail, or, not `whole`, the first `READ` octets of one."""
    found = bodies(read_mail(raw).root)
    end = None if whole else len(raw)
    return MailContent(
        headers=tuple((one.label, one.value) for one in read_headers(raw, Limits(headers=MAX_HEADERS))),
        html=_text([body.html for body in found if body.html], end),
        text=_text([body.plain for body in found if body.plain], end),
    )


def _text(parts: Sequence[Part], end: int | None) -> str | None:
    """The parts one after the other. One that reaches the `end` of what was read is not whole."""
    room, texts = LARGEST_TEXT, []
    for part in parts:
        octets = len(part.content(room + 1))
        if octets > room or part.span[1] == end:
            return None
        room -= octets
        texts.append(part.text(octets))
    return "\n".join(texts) if texts else None
