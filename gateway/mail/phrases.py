"""Many regular expressions over one short text, fast: an expression runs only where a word that it needs is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """One expression. A text that it matches holds at least one of `needs`; without any, it must be tried."""

    pattern: re.Pattern[str]
    needs: tuple[str, ...]


class Phrases:
    """Any of some regular expressions. `sources` are their texts, in order; raises re.error when one is wrong."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.sources = tuple(sources)
        self._phrases = tuple(
            Phrase(pattern=re.compile(source), needs=tuple(sorted(needed_words(source)))) for source in self.sources
        )

    def search(self, words: str) -> bool:
        """Whether any of them is found in the words."""
        for phrase in self._phrases:
            for need in phrase.needs:
                if need in words:
                    break
            else:
                if phrase.needs:
                    continue
            if phrase.pattern.search(words) is not None:
                return True
        return False


def needed_words(source: str) -> frozenset[str]:
    """Words of which every text that the expression matches holds at least one; empty when none is sure."""
    return _Reader(source).alternatives()


class _Reader:
    """Reads as much of an expression as is needed: its literal characters, groups, alternatives and what may be left
    out. Everything else (classes, anchors, look-arounds) promises no words."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def alternatives(self) -> frozenset[str]:
        branches = [self._sequence()]
        while self._next() == "|":
            self._at += 1
            branches.append(self._sequence())
        return frozenset().union(*branches) if all(branches) else _NOTHING

    def _sequence(self) -> frozenset[str]:
        best, run = _NOTHING, ""
        while self._next() not in ("", "|", ")"):
            character, group = self._piece()
            kept = self._quantifier()
            if character and kept == "once":
                run += character
                continue
            best, run = _surer(best, frozenset({run} - {""})), ""
            if kept != "maybe":
                best = _surer(best, group)
        return _surer(best, frozenset({run} - {""}))

    def _piece(self) -> tuple[str, frozenset[str]]:
        """The next character that stands for itself, or else what a group promises."""
        character = self._take()
        if character == "(":
            return "", self._group()
        if character == "[":
            while self._take() != "]":
                pass
            return "", _NOTHING
        if character == "\\":
            character = self._take()
            return ("", _NOTHING) if character.isalnum() else (character, _NOTHING)
        return ("", _NOTHING) if character in ".^$" else (character, _NOTHING)

    def _group(self) -> frozenset[str]:
        around = re.compile(r"\?(?:<?[=!])").match(self._source, self._at)
        if around is not None:
            self._at = around.end()
        elif self._source.startswith("?:", self._at):
            self._at += 2
        inside = self.alternatives()
        self._at += 1
        return _NOTHING if around is not None else inside

    def _quantifier(self) -> str:
        """How often the piece before stands there: `once`, `maybe` (not at all, too) or `more`."""
        sign = self._next()
        if sign == "{":
            end = self._source.index("}", self._at)
            least = self._source[self._at + 1 : end].partition(",")[0]
            self._at = end + 1
            return "maybe" if least == "0" else "more"
        if sign in ("?", "*", "+") and sign:
            self._at += 1
            return "more" if sign == "+" else "maybe"
        return "once"

    def _next(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._source[self._at - 1]


def _surer(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Whichever is rarer in a text: the one whose shortest word is the longer."""
    return max(one, other, key=lambda words: (min(map(len, words), default=0), -len(words)))
