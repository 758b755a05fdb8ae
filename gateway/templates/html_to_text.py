"""The text of HTML: the text part of a mail whose author wrote none; and every word, for the card number check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.templates.character_references import decode
from gateway.templates.html_links import Tag, parsed_page

_BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "caption", "center", "div", "dl", "dt", "dd", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend"),
        *("main", "menu", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"),
    ]
)
_PARAGRAPHS = frozenset(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "menu", "ol", "p", "pre", "table", "ul"])
_LISTS = frozenset(["menu", "ol", "ul"])
_UNSHOWN = frozenset(["head", "iframe", "noembed", "noframes", "script", "style", "template", "title"])
_DEEPEST_INDENT = 8

_INVISIBLE = "\u00ad\u034f\u200b\u200c\u200d\ufeff"
# What pages hide from a reader's inbox list is padded with these between spaces; between letters they mean something.
_SPACES = re.compile(rf"[ \t\n\r\f\u00a0\u2007{_INVISIBLE}]{{2,}}|[\t\n\r\f\u00a0\u2007]")
_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)\s*(!\s*important)?", re.IGNORECASE)
_CLOSING = re.compile(r"[.,;:!?\u2026)\]}>\"'\u2019\u201d\u00bb]+(?=\s|\Z)")
_OPENING = " \t\n([{<\"'\u2018\u201c\u201e\u00ab"
_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})(?![0-9])")


def _one_space(found: re.Match[str]) -> str:
    return " " if found.group().strip(_INVISIBLE) else found.group()


# Layout ----------------------------------------------------------------------------------------------------------


class _TextWriter:
    """Words, and between them the white space that a reader expects."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._line_ends = 0
        self._space = False
        self._apart = False
        self._marked = False

    def end_line(self, count: int = 1) -> None:
        """What comes next begins a line, behind a blank one when `count` is 2; right behind a list item's mark not."""
        if not self._marked:
            self._line_ends = max(self._line_ends, count)

    def break_line(self) -> None:
        """A line ends here, and one more where one has ended already."""
        self._line_ends += 1

    def space(self) -> None:
        """What comes next is another word."""
        self._space = True

    def mark(self, mark: str) -> None:
        """A list item begins."""
        self._line_ends = max(self._line_ends, 1)
        self.put(mark)
        self._space = self._marked = True

    def put(self, words: str, *, apart: bool = False) -> None:
        """Words as they are. What is `apart` touches no other words, except punctuation that closes a sentence."""
        closing = _CLOSING.match(words)
        if self._line_ends and self.pieces:
            last = self.pieces[-1]
            self.pieces.append("\n" * (min(self._line_ends, 2) - len(last) + len(last.rstrip("\n"))))
        elif self.pieces and (
            self._space
            or (self._apart and not closing and not words[0].isspace())
            or (apart and self.pieces[-1][-1:] not in _OPENING)
        ):
            self.pieces.append(" ")
        self.pieces.append(words)
        self._apart = apart or (self._apart and closing is not None and closing.end() == len(words))
        self._line_ends = 0
        self._space = self._marked = False

    def put_behind(self, words: str) -> None:
        """Words on the line of those before, whatever line ends are due."""
        line_ends, self._line_ends = self._line_ends, 0
        self._space = True
        self.put(words, apart=True)
        self._line_ends = line_ends

    def replace(self, since: int, words: str) -> None:
        """Words in place of all from this place in `pieces` on, but for the white space before them."""
        del self.pieces[since + (not self.pieces[since].strip()) :]
        self.pieces.append(words)
        self._apart = True


# Reading ---------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True, slots=True)
class _List:
    """A list that is being read; `number` is its next item's, None in one without numbers."""

    number: int | None
    step: int = 1


class _TextReader:
    """Reads a page once; links keep their address behind their words."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self.writer = _TextWriter()
        self._meanings = meanings
        self._hidden = 0
        self._pre = 0
        self._lists: list[_List] = []
        self._links: list[tuple[str, int]] = []

    def read(self, html: str) -> None:
        """Write all that a page shows."""
        for piece in parsed_page(html):
            if isinstance(piece, str):
                self._read_text(piece)
            elif self._hidden:
                self._hidden += -1 if piece.ends else 1
            elif piece.ends:
                self._read_end(piece.name)
            elif piece.name in _UNSHOWN or _is_hidden(piece):
                self._hidden = 1
            else:
                self._read_start(piece.name, piece.attributes)

    def _read_start(self, tag: str, values: Mapping[str, str | None]) -> None:
        if tag == "br":
            self.writer.break_line()
        elif tag == "img":
            self._put_apart(values.get("alt"))
        elif tag == "a":
            self._links.append((values.get("href") or "", len(self.writer.pieces)))
        elif tag == "area":
            self._links.append((values.get("href") or "", len(self.writer.pieces)))
            self._put_apart(values.get("alt"))
        elif tag == "li":
            self._begin_item(values.get("value"))
        elif tag in ("td", "th"):
            self.writer.space()
        elif tag in _BLOCKS:
            self._end_block(tag)
            self._pre += tag == "pre"
            if tag in _LISTS:
                self._lists.append(_read_list(tag, values))

    def _read_end(self, tag: str) -> None:
        if tag in ("a", "area"):
            self._end_link(*self._links.pop())
        elif tag == "li":
            self.writer.end_line()
        elif tag in _BLOCKS:
            self._pre -= tag == "pre"
            if tag in _LISTS:
                self._lists.pop()
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        nested = tag in _LISTS and self._lists
        self.writer.end_line(2 if tag in _PARAGRAPHS and not nested else 1)

    def _begin_item(self, value: str | None) -> None:
        inside = self._lists[-1] if self._lists else _List(number=None)
        mark = "-"
        if inside.number is not None:
            number = _read_number(value, inside.number)
            mark = f"{number}."
            inside.number = number + inside.step
        self.writer.mark("  " * min(len(self._lists) - 1, _DEEPEST_INDENT) + mark)

    def _end_link(self, address: str, since: int) -> None:
        address = address.strip()
        words = "".join(self.writer.pieces[since:]).strip()
        meaning = self._meanings.get(address, address)
        if not address or address.startswith("#") or meaning.removeprefix("mailto:") == words != meaning:
            return
        if words == meaning:
            self.writer.replace(since, address)
        elif words:
            self.writer.put_behind(f"({address})")
        else:
            self.writer.put(address, apart=True)

    def _put_apart(self, words: str | None) -> None:
        if words and (shown := " ".join(words.split())):
            self.writer.put(shown, apart=True)

    def _read_text(self, data: str) -> None:
        if self._hidden:
            return
        if self._pre:
            if data:
                self.writer.put(data)
            return
        words = _SPACES.sub(_one_space, data)
        if words.startswith(" "):
            self.writer.space()
        if shown := words.strip(" "):
            self.writer.put(shown)
            if words.endswith(" "):
                self.writer.space()


def _is_hidden(start: Tag) -> bool:
    displays = _DISPLAY.findall(start.attributes.get("style") or "")
    if not displays:
        return "hidden" in start.attributes
    important: list[str] = [display for display, important in displays if important]
    return (important or [display for display, _ in displays])[-1].lower() == "none"


def _read_list(tag: str, values: Mapping[str, str | None]) -> _List:
    if tag != "ol":
        return _List(number=None)
    if "reversed" not in values:
        return _List(number=_read_number(values.get("start"), 1))
    start = _read_number(values.get("start"), 0)  # without it the list would have to be counted first
    return _List(number=start or None, step=-1)


def _read_number(value: str | None, otherwise: int) -> int:
    match = _NUMBER.match(value or "")
    return int(match[1]) if match else otherwise


def text_of_html(html: str, meanings: Mapping[str, str] | None = None) -> str:
    """Returns what a page shows, in reading order: links as `words (address)`, items as `- item` or `1. item`.

    `meanings` says for addresses that are placeholders what a page would show of them. Linear in the page.
    """
    reader = _TextReader(meanings or {})
    reader.read(html)
    return "".join(reader.writer.pieces).strip("\n").rstrip() + "\n"


# Every word ------------------------------------------------------------------------------------------------------


_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_STYLE = re.compile(r"<(style|mj-style|script)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_TEXT_ATTRIBUTE = re.compile(
    r"\b(?:alt|aria-description|aria-label|content|label|placeholder|summary|title|value)\s*=\s*"
    r"(?:\"([^\"]*)\"|'([^']*)')",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")
_CUT = "\0"
"""Stands where something was cut out, so that no reference comes together there."""


def flowing_text_of_html(html: str) -> str:
    """Returns all text of a page, hidden or not, as its words flow: only blocks end a line; then all addresses."""
    pieces: list[str] = []
    addresses: list[str] = []
    unshown = 0
    for piece in parsed_page(html):
        if isinstance(piece, str):
            pieces.append("" if unshown else _SPACES.sub(_one_space, piece))
        elif piece.name in _UNSHOWN:
            unshown += -1 if piece.ends else 1
        elif piece.name in _BLOCKS or piece.name in ("br", "li"):
            pieces.append("\n")
        elif not piece.ends:
            pieces.append(" " if piece.name in ("td", "th") else piece.attributes.get("alt") or "")
            addresses.append(piece.attributes.get("href") or "")
    return "\n".join(["".join(pieces), *filter(None, addresses)])


def every_word_of_html(html: str) -> str:
    """Returns all text of a page or its source: also hidden, in comments, and in attributes shown or read aloud."""
    comments = [_TAG.sub("\n", comment) for comment in _COMMENT.findall(html)]  # Outlook reads the markup in some
    page = _STYLE.sub(_CUT, _COMMENT.sub(_CUT, html))
    attributes = [quoted or single for quoted, single in _TEXT_ATTRIBUTE.findall(page)]
    return decode("\n".join([_TAG.sub("\n", page), *attributes, *comments])).replace(_CUT, "")
