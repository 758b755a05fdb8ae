"""Template code (`{{ field }}`, `{% if %}`) out of the compilers' way: words that mean nothing to them stand there.

A word holds a digest of the whole source. No source can spell one, by whatever references, tags or comments between
its letters: it would have to hold its own digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

_DIGEST_CHARACTERS = 16
"""Of 4 bits each: to find a source that holds its own digest takes 2**64 tries."""
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateCode:
    """The pieces of code of one source, each once; `key` starts the words that stand for them."""

    key: str
    pieces: tuple[str, ...]

    @property
    def word(self) -> str:
        """A pattern of the words; its group is the piece's place in `pieces`."""
        return rf"{self.key}([0-9]+)x"

    def restore(self, text: str, put: Callable[[str], str] = str) -> str:
        """The text with each word replaced by `put(piece)`."""
        word = self.word
        pattern = re.compile(rf"<!--{word}-->|{word}")
        return pattern.sub(lambda match: put(self.pieces[int(match[1] or match[2])]), text)


def protect_code(source: str, code: re.Pattern[str]) -> tuple[str, TemplateCode]:
    """Returns the source with each match of `code` replaced by a word of letters and digits, and the matches.

    A block (`{% %}`) becomes a comment, which may stand between table rows.
    """
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    key = "jx" + digest[:_DIGEST_CHARACTERS].translate(_LETTERS)
    places: dict[str, int] = {}

    def word(match: re.Match[str]) -> str:
        made = f"{key}{places.setdefault(match.group(), len(places))}x"
        return f"<!--{made}-->" if match.group().startswith("{%") else made

    return code.sub(word, source), TemplateCode(key=key, pieces=tuple(places))
