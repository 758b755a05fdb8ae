"""The lines of a reply's HTML, with what mail clients mark in it as earlier mail. Pure, linear, never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.mail.html_text import html_pieces, without_entities


class Mark(StrEnum):
    """What a mail client says of a line by its HTML."""

    HISTORY = "HISTORY"
    ATTRIBUTION = "ATTRIBUTION"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a text. Quoted ones start with `>`, in HTML, too."""

    text: str
    mark: Mark | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HtmlMarks:
    """`[html]` of `rules/replies.toml`: beginnings of classes, ids and names in small letters. `quotes` are of
    blockquotes, `history` of what holds earlier mail, `starts` of what all earlier mail follows, `attributions` of
    lines such as "Ann wrote:"."""

    quotes: tuple[str, ...]
    history: tuple[str, ...]
    starts: tuple[str, ...]
    attributions: tuple[str, ...]


def html_lines(html: str, marks: HtmlMarks, limit: int) -> list[Line]:
    """The lines that some HTML shows; no more than one empty line between two. Ends soon after `limit` characters."""
    reader = _Reader(marks)
    for text, tag in html_pieces(html):
        if reader.length > limit:
            break
        reader.text(text)
        reader.tag(tag)
    reader.end_line()
    return reader.lines


_TAG = re.compile(r"(/?)([a-z0-9]{1,20})")
_NAMES = re.compile(r"""[\s"'](?:id|class|name)\s{0,5}=\s{0,5}["']?([^"'>]{1,200})""")
_LINES = frozenset(
    {"p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "blockquote", "dt"}
    | {"dd", "center", "body", "section", "article"}
)
_HOLDERS = frozenset({"div", "blockquote"})
_OPEN_PARAGRAPH = "msonormal"
"""The class of Outlook's paragraphs, which are lines: they have no distance."""
_MAX_QUOTES = 10
"""Levels of quoting that are shown: each is two characters of every line, and HTML may nest without end."""


class _Reader:
    """Collects text into lines; knows which of the elements that may hold earlier mail are open."""

    def __init__(self, marks: HtmlMarks) -> None:
        self.lines: list[Line] = []
        self.length = 0
        self._marks = marks
        self._pieces: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._opened = dict.fromkeys(_HOLDERS, 0)
        self._inside = {"quote": 0, "history": 0, "attribution": 0, "": 0}
        self._only_history = False
        self._preformatted = False
        self._gap = False

    def text(self, text: str) -> None:
        if self._preformatted and "\n" in text:
            *whole, text = text.split("\n")
            for line in whole:
                self._pieces.append(line)
                self.end_line(also_empty=True)
        if text:
            self._pieces.append(text)

    def tag(self, tag: str) -> None:
        found = _TAG.match(tag)
        if found is None:
            return
        end, name = found[1] == "/", found[2]
        if name == "br":
            self.end_line(also_empty=True)
        elif name in _LINES:
            self.end_line()
            self._gap = self._gap or (name == "p" and not end and _OPEN_PARAGRAPH not in tag)
        elif name in ("td", "th"):
            self._pieces.append(" ")
        if name == "pre":
            self._preformatted = not end
        if end:
            self._close(name)
        else:
            self._start(name, tag[found.end() :])

    def _start(self, name: str, attributes: str) -> None:
        names = [word for found in _NAMES.findall(attributes) for word in found.split()]
        if _any_starts(names, self._marks.starts):
            self.end_line()
            self._only_history = True
        if name in _HOLDERS:
            role = self._role(name, names, attributes)
            self._open.append((name, role))
            self._opened[name] += 1
            self._inside[role] += 1

    def _role(self, name: str, names: list[str], attributes: str) -> str:
        if name == "blockquote":
            quoted = "cite" in attributes or "border-left" in attributes or _any_starts(names, self._marks.quotes)
            return "quote" if quoted else ""
        if _any_starts(names, self._marks.history):
            return "history"
        return "attribution" if _any_starts(names, self._marks.attributions) else ""

    def _close(self, name: str) -> None:
        """Close the innermost open element of this name, and what was left open in it."""
        while self._opened.get(name, 0) > 0:
            closed, role = self._open.pop()
            self._opened[closed] -= 1
            self._inside[role] -= 1
            if closed == name:
                return

    def end_line(self, *, also_empty: bool = False) -> None:
        text = " ".join(without_entities("".join(self._pieces)).split())
        self._pieces = []
        if not text:
            self._gap = self._gap or also_empty
            return
        if self._gap and self.lines:
            self.lines.append(Line(text=""))
        self._gap = False
        self.length += len(text) + 1
        self.lines.append(Line(text="> " * min(self._inside["quote"], _MAX_QUOTES) + text, mark=self._mark()))

    def _mark(self) -> Mark | None:
        if self._only_history or self._inside["history"]:
            return Mark.HISTORY
        return Mark.ATTRIBUTION if self._inside["attribution"] and not self._inside["quote"] else None


def _any_starts(names: list[str], beginnings: tuple[str, ...]) -> bool:
    return any(name.startswith(beginnings) for name in names)
