"""Mutations of the named statements: a condition dropped, a comparison or a limit moved, an order turned."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.mutants.edit import Edit, replaced, shown

_SWAPS = {
    "<=": "<",
    ">=": ">",
    "<": "<=",
    ">": ">=",
    "<>": "=",
    " is null": " is not null",
    " is not null": " is null",
    " is distinct from": " is not distinct from",
    "least(": "greatest(",
    "greatest(": "least(",
    "not exists": "exists",
    "union all": "union",
    "distinct ": "",
}
_TOKENS = re.compile(
    r"(?<![-<>=:|])(?:<=|>=|<>|<|>)(?![<>=@])| is null\b| is not null\b| is distinct from\b|\bleast\(|\bgreatest\("
    r"|\bnot exists\b|\bunion all\b|(?<!is )\bdistinct (?!on\b)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.:$'\"])\d+(?![\w.'\"])|(?<=interval ')\d+")
_DESCENDING = re.compile(r"[\w.]+( desc)\b", re.IGNORECASE)
_CONDITION = re.compile(
    r"^[ \t]*(?:and|or) .+$|(?<=[^-]) and [\w.]+ (?:=|<>|<=?|>=?|is(?: not)?(?: distinct from)?) [^\s()]+(?=[ \n)])",
    re.MULTILINE,
)


def edits(text: str) -> Iterator[Edit]:
    """Yields every mutation, outside comments and strings."""
    code = _without_comments_and_strings(text)
    for token in _TOKENS.finditer(code):
        yield replaced(text, token.start(), token.end(), _SWAPS[token[0].lower()])
    for order in _DESCENDING.finditer(code):
        turned = order[0][: -len(order[1])] + " asc"
        yield replaced(text, *order.span(), turned)
    for number in _NUMBER.finditer(code):
        yield replaced(text, number.start(), number.end(), str(int(number[0]) + 1))
    for condition in _CONDITION.finditer(code):
        start, end = condition.span()
        if code[start:end].count("(") == code[start:end].count(")"):
            yield Edit(start=start, end=end, instead="", change=f"without {shown(text[start:end])}")


def name_at(text: str, line: int) -> str:
    """Returns the name of the statement or fragment that holds a line; empty above the first."""
    names = re.findall(r"^-- (?:name|fragment): (\w+)", "\n".join(text.splitlines()[:line]), re.MULTILINE)
    return str(names[-1]) if names else ""


def _without_comments_and_strings(text: str) -> str:
    """The same characters at the same places, but blanks for comments, and x for what is quoted, save intervals."""

    def blank(found: re.Match[str]) -> str:
        if found[0].startswith("--"):
            return " " * len(found[0])
        return found[0] if re.fullmatch(r"'\d+ \w+'", found[0]) else re.sub(r"[^\n']", "x", found[0])

    return re.sub(r"--[^\n]*|'[^']*'", blank, text)
