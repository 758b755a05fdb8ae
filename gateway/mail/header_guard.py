"""What no header and no stored text may hold: line breaks and NUL (RFC 5322 2.2), and lone surrogates."""

from __future__ import annotations

import re

from gateway.errors import Refusal, RefusalCode

_BREAKS = re.compile("[\r\n\0]")
_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029]")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def refuse_header_break(text: str, field: tuple[str, ...]) -> None:
    """Refuse what could end a header early: CR, LF, NUL (HEADER_INJECTION), and other controls (INVALID).

    For subjects, names, addresses and file names: everything that stands in a header. Lone surrogates count as
    controls, since no header can hold them; tab is accepted.
    """
    if text.isprintable():
        return
    if _BREAKS.search(text):
        raise Refusal(RefusalCode.HEADER_INJECTION, "Line breaks and NUL are not allowed here: use one line.", field)
    if _CONTROLS.search(text) or _UNWRITABLE.search(text):
        raise Refusal(RefusalCode.INVALID, "Control characters are not allowed here.", field)


def refuse_unwritable(text: str, field: tuple[str, ...]) -> None:
    """Refuse NUL and lone surrogates, which PostgreSQL and UTF-8 cannot hold. Line breaks are accepted."""
    if _UNWRITABLE.search(text):
        raise Refusal(RefusalCode.INVALID, "NUL and broken Unicode characters are not allowed here.", field)


def without_unwritable(text: str) -> str:
    """Returns a text of somebody else's without NUL and lone surrogates, so that it can be stored."""
    return _UNWRITABLE.sub("", text)
