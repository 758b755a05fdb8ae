"""Mutations of the rules: a threshold moved, an entry of a list deleted, an alternative of a pattern deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutants.edit import Edit, replaced, shown

_NUMBER = re.compile(r"^(?!version)[a-z_]+ = (\d+(?:\.\d+)?)$", re.MULTILINE)
_UNRULED = re.compile(r"^\s*#.*$|^\w+ = [\"'].*$", re.MULTILINE)
"""Comments, and names, advice and examples: words, not rules."""
_ENTRY = re.compile(r"\"(?P<double>(?:\\.|[^\"\\\n])*)\"|'(?P<single>[^'\n]*)'|(?<=[\[ ])\d{3}(?=[],])")
_GROUP = re.compile(r"\((?:\?(?::|P<\w+>|i:))?")


def edits(text: str) -> Iterator[Edit]:
    """Yields every mutation of a file of rules: thresholds stand one a line, patterns and codes in lists."""
    code = _UNRULED.sub(lambda words: " " * len(words[0]), text)
    for number in _NUMBER.finditer(code):
        for factor in (0.5, 2):
            moved = float(number[1]) * factor
            yield replaced(text, *number.span(1), str(int(moved)) if moved == int(moved) else str(moved))
    for entry in _ENTRY.finditer(code):
        start, end = entry.span()
        behind = re.compile(r",?[ \n]*").match(code, end)
        yield Edit(
            start=start, end=behind.end() if behind else end, instead="", change=f"without {shown(text[start:end])}"
        )
        if entry.lastgroup is not None:
            yield from _without_alternatives(text, *entry.span(entry.lastgroup), escape=3 if entry["double"] else 2)


def _without_alternatives(text: str, start: int, end: int, *, escape: int) -> Iterator[Edit]:
    """Each alternative with the bar that parts it, at any depth. `escape`: letters of an escaped one, with its bars."""
    opened: list[list[int]] = [[start]]
    spans: list[tuple[int, int]] = []
    in_class = False
    place = start
    while place < end:
        letter = text[place]
        if letter == "\\":
            place += escape
            continue
        if in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "(":
            inside = _GROUP.match(text, place)
            opened.append([inside.end() if inside else place + 1])
        elif letter == "|":
            opened[-1].append(place)
        elif letter == ")":
            spans += _parted(opened.pop(), place)
        place += 1
    for first, last in spans + _parted(opened[0], end):
        yield Edit(start=first, end=last, instead="", change=f"without {shown(text[first:last])}")


def _parted(bars: list[int], end: int) -> list[tuple[int, int]]:
    if len(bars) == 1:
        return []
    return [(bars[0], bars[1] + 1), *zip(bars[1:], [*bars[2:], end], strict=True)]
