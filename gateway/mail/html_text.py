"""The words of an HTML part of received mail, as lines of plain text: linear, never raising, for reading by rules.

No layout is kept but lines: a block or a row starts one, a cell is parted by a blank. What is not shown (style,
script, head, comments) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

_HIDDEN = re.compile(r"style|script|head|title|!--")
_LINES = frozenset(
    {"br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "blockquote"}
    | {"dt", "dd", "center", "body", "section", "article"}
)
_CELLS = frozenset({"td", "th"})
_TAG = re.compile(r"/?([a-z0-9]{1,20})")
# `unescape` refuses a number of thousands of digits with an error.
_HUGE_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}")


def html_text(html: str) -> str:
    """Returns the shown text of some HTML."""
    return _plain("".join(text + _gap(tag) for text, tag in html_pieces(html)))


def html_pieces(html: str) -> Iterator[tuple[str, str]]:
    """Yields each text between two tags, entities as they are, and the tag behind it in small letters without its `<`;
    nothing for a tag that hides what follows it, and behind the last text."""
    at = 0
    lower = html.lower()
    if len(lower) != len(html):  # some capitals are two characters when small
        lower = html.translate(_SMALL)
    endless: set[str] = set()
    while (start := html.find("<", at)) >= 0:
        text = html[at:start]
        hidden = _HIDDEN.match(lower, start + 1)
        at = _after(lower, start, hidden[0] if hidden else None, endless)
        yield text, "" if hidden or at < 0 else lower[start + 1 : min(at - 1, start + _LONGEST_TAG)]
        if at < 0:
            return
    yield html[at:], ""


_SMALL = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}
_LONGEST_TAG = 2000
"""Characters of a tag that are looked at: what we look for stands before any picture in it."""


def _after(lower: str, start: int, hidden: str | None, endless: set[str]) -> int:
    """Where the text goes on behind the tag that starts here, and behind all that it hides; -1 when nowhere."""
    end = "-->" if hidden == "!--" else f"</{hidden}" if hidden else ""
    if end and end not in endless:
        found = lower.find(end, start)
        if found >= 0:
            start = found
        else:
            endless.add(end)  # not searched for again: each search reads the rest of the mail
    return lower.find(">", start) + 1 or -1


def _gap(tag: str) -> str:
    name = _TAG.match(tag)
    if name is None:
        return ""
    return "\n" if name[1] in _LINES else " " if name[1] in _CELLS else ""


def _plain(text: str) -> str:
    shown = without_entities(text).replace("\r", "")
    return "\n".join(line for line in (" ".join(line.split()) for line in shown.split("\n")) if line)


def without_entities(text: str) -> str:
    """Returns text of HTML with its entities as characters, and plain blanks for those that do not break."""
    return unescape(_HUGE_NUMBER.sub(" ", text)).replace("\xa0", " ")
