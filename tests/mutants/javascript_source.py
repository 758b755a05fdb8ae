"""Mutations of the page's modules: comparisons, conditions, numbers, statements, and words in place of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tests.mutants.edit import Edit, replaced, shown

_SWAPS = {
    "===": "!==",
    "!==": "===",
    "&&": "||",
    "||": "&&",
    "??": "&&",
    "<=": "<",
    ">=": ">",
    "<": "<=",
    ">": ">=",
    "true": "false",
    "false": "true",
    "+": "-",
    "-": "+",
}
_TOKENS = re.compile(r"===|!==|&&|\|\||\?\?(?!=)| <= | >= | < | > | \+ | - |\btrue\b|\bfalse\b")
_NUMBER = re.compile(r"(?<![\w.$#\"'])\d[\d_]*(?![\w.])")
_NOT = re.compile(r"(?<=[ (&|{])!(?=[\w(])")
_STATEMENT = re.compile(
    r"^([ \t]+)(?!(?:return|const|let|import|export|case|throw|for|while|else|\}|//|\*)\b)[\w.]+[^\n]*;$", re.M
)
_GUARD = re.compile(r"^[ \t]+if \([^\n]*\) (?:return|throw|continue)[^\n]*;$", re.M)
_IF = re.compile(r"\bif \(((?:[^()\n]|\([^()\n]*\))*)\)")
_WORDS = re.compile(r'^  (\w+): ("[^"\n]*"),?$', re.M)


def edits(text: str) -> Iterator[Edit]:
    """Yields every mutation of the code: what is in quotes, comments or a template's text stays."""
    code = code_of(text)
    for token in _TOKENS.finditer(code):
        start = token.start() + len(token[0]) - len(token[0].lstrip())
        name = token[0].strip()
        yield replaced(text, start, start + len(name), _SWAPS[name])
    for number in _NUMBER.finditer(code):
        yield replaced(text, *number.span(), str(int(number[0].replace("_", "")) + 1))
    for negation in _NOT.finditer(code):
        start, end = negation.span()
        rest = re.match(r"[\w.?]+", code[end:])
        yield Edit(start=start, end=end, instead="", change=f"without `!` before {shown(rest[0] if rest else '(')}")
    for gone in (*_STATEMENT.finditer(code), *_GUARD.finditer(code)):
        if code[slice(*gone.span())].count("{") == code[slice(*gone.span())].count("}"):
            start, end = gone.span()
            yield Edit(start=start, end=end, instead="", change=f"without {shown(text[start:end])}")
    for condition in _IF.finditer(code):
        if "&&" not in condition[1] and "||" not in condition[1]:
            yield replaced(text, *condition.span(1), "true")
    for one, other in pairwise(_WORDS.finditer(text)):
        if text[one.end() : other.start()].strip() == "":
            yield replaced(text, *one.span(2), other[2])


def code_of(text: str) -> str:
    """The same characters at the same places, but blanks for comments, quotes, patterns and the text of templates."""
    found = list(text)
    place = 0
    # For each template that is open: how deep the braces of its running `${` are; -1 while in its text.
    templates: list[int] = []
    while place < len(text):
        if templates and templates[-1] < 0:
            place = _template_text(text, place, found, templates)
            continue
        literal = _LITERAL.match(text, place)
        if literal and (literal[0][0] != "/" or literal[0][:2] in ("//", "/*") or _begins_pattern(text, place)):
            _blank(found, *literal.span())
            place = literal.end()
            continue
        if text[place] == "`":
            templates.append(-1)
        elif templates and text[place] in "{}":
            templates[-1] += 1 if text[place] == "{" else -1
        place += 1
    return "".join(found)


_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*""",
    re.S,
)


def _begins_pattern(text: str, place: int) -> bool:
    before = text[:place].rstrip()
    return not before or before[-1] in "(,=:[!&|?{};>" or before.endswith("return")


def _template_text(text: str, place: int, found: list[str], templates: list[int]) -> int:
    """Blanks a template's text up to its end or to code in it; returns the place behind."""
    end = re.compile(r"`|\$\{").search(text, place)
    assert end is not None, "a template without an end"
    _blank(found, place, end.start())
    if end[0] == "`":
        templates.pop()
    else:
        templates[-1] = 0
    return end.end()


def _blank(found: list[str], start: int, end: int) -> None:
    for place in range(start, end):
        if found[place] != "\n":
            found[place] = " "
