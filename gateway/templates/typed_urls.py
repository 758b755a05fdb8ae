"""Where a web address ends in text that people typed.

It ends at white space, at the delimiters of RFC 3986 (`< > " { } | \\ ^` and the grave accent), at quotation marks,
dashes, dots and brackets of typography, at CJK punctuation, at a closing bracket that was not opened in it, where the
next address begins, and where a word in Han, Kana or Hangul goes on behind a Latin one; what ends the sentence around
it stays outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DELIMITERS = r"\s<>\"{}|\\^`\x00-\x1f\x7f-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
# From General Punctuation to Miscellaneous Symbols; Supplemental and CJK punctuation, private use, presentation and
# fullwidth forms, emoji: all but letters and digits.
_TYPOGRAPHY = (
    r"\u2000-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30fb\ue000-\uf8ff\ufe10-\ufe1f"
    r"\ufe30-\ufe6f\ufeff\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff"
)
_CJK = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f\u3031-\u303c\u3040-\u30fa\u30fc-\u318f\u31a0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc"
    r"\U00020000-\U0003ffff"
)
_SCHEME = r"(?i:https?)://"  # ignoring case in the rest would take the Kelvin sign for a `k`
_NEXT = rf"(?!(?<=[\w,;]){_SCHEME})"
_HOST = rf"{_NEXT}(?:[^/?#{_DELIMITERS}{_TYPOGRAPHY}{_CJK}]|(?<=[/@.\-{_CJK}])[{_CJK}])"
_REST = rf"{_NEXT}(?:[^{_DELIMITERS}{_TYPOGRAPHY}{_CJK}]|(?<=[/?#&=%+_~\-{_CJK}])[{_CJK}])"
_CANDIDATE = re.compile(rf"{_SCHEME}(?:{_HOST})+(?:[/?#](?:{_REST})*)?")

_START = re.compile(_SCHEME)
_CLOSED = {")": "(", "]": "["}
_BRACKET = re.compile(r"[()\[\]]")
_AROUND = re.compile(r"(?:[.,;:!?'*(\[]|'s)+\Z")
_LONGEST_AROUND = 100
"""Characters of punctuation behind an address that are looked at."""


def typed_urls(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each http(s) address of a text starts and ends. Linear in the text."""
    for found in _CANDIDATE.finditer(text):
        begins: re.Match[str] | None = found
        while begins is not None:
            start = begins.start()
            end = _before_foreign_bracket(text, start, found.end())
            if text[start - 1 : start] == "'" and (quote := text.find("'", start, end)) >= 0:
                end = quote
            end = _before_punctuation(text, start, end)
            yield start, end
            begins = _START.search(text, end, found.end())


def _before_foreign_bracket(text: str, start: int, end: int) -> int:
    """Where the first bracket is closed that was opened before `start`, else `end`."""
    opened = {"(": 0, "[": 0}
    for bracket in _BRACKET.finditer(text, start, end):
        opening = _CLOSED.get(bracket[0])
        if opening is None:
            opened[bracket[0]] += 1
        elif opened[opening]:
            opened[opening] -= 1
        else:
            return bracket.start()
    return end


def _before_punctuation(text: str, start: int, end: int) -> int:
    """Where the address ends without what ends the sentence around it."""
    around = _AROUND.search(text, max(start, end - _LONGEST_AROUND), end)
    return end if around is None else around.start()
