"""The text of HTML: the text part of a mail whose author wrote none; and every word, for the card number check."""

from __future__ import annotations

import re

from gateway.templates.character_references import decode
from gateway.templates.html_links import Tag, tags_and_text

_BLOCKS = frozenset(
    [
        *("address", "article", "blockquote", "div", "dl", "dt", "dd", "footer", "form", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"),
    ]
)
_PARAGRAPHS = frozenset(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "table", "ul"])
_UNSHOWN = frozenset(["head", "script", "style", "title", "template"])


class _TextReader:
    """Collects lines; links keep their address behind their words."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._unshown: list[str] = []
        self._links: list[tuple[str | None, int]] = []

    def read(self, html: str) -> None:
        """Collect all of a page."""
        for piece in tags_and_text(html):
            if isinstance(piece, str):
                self._read_text(piece)
            elif piece.ends:
                self._read_end(piece.name)
            else:
                self._read_start(piece)

    def _read_start(self, start: Tag) -> None:
        tag, values = start.name, start.attributes
        hidden = "display:none" in values.get("style", "").replace(" ", "") and tag == "div"
        if tag in _UNSHOWN or hidden or (self._unshown and tag == self._unshown[-1]):
            self._unshown.append(tag)
        if self._unshown:
            return
        if tag == "br":
            self.pieces.append("\n")
        elif tag == "img":
            self.pieces.append(values.get("alt", ""))
        elif tag == "a":
            self._links.append((values.get("href"), len(self.pieces)))
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in _PARAGRAPHS else "\n")

    def _read_end(self, tag: str) -> None:
        if self._unshown:
            if tag == self._unshown[-1]:
                self._unshown.pop()
            return
        if tag == "a" and self._links:
            address, start = self._links.pop()
            words = "".join(self.pieces[start:]).strip()
            if address and not address.startswith("#") and address.removeprefix("mailto:") != words:
                self.pieces.append(f" ({address})" if words else address)
        elif tag in _BLOCKS:
            self.pieces.append("\n\n" if tag in _PARAGRAPHS else "\n")

    def _read_text(self, data: str) -> None:
        if not self._unshown:
            self.pieces.append(re.sub(r"\s+", " ", data))


def text_of_html(html: str) -> str:
    """Returns the text of a page in reading order, links as `words (address)`, list items as `- item`."""
    reader = _TextReader()
    reader.read(html)
    lines = [re.sub(r"[ \u00a0\u200c\u034f]+", " ", line).strip() for line in "".join(reader.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_STYLE = re.compile(r"<(style|mj-style|script)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_TEXT_ATTRIBUTE = re.compile(
    r"\b(?:alt|aria-description|aria-label|content|label|placeholder|summary|title|value)\s*=\s*"
    r"(?:\"([^\"]*)\"|'([^']*)')",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")


def every_word_of_html(html: str) -> str:
    """Returns all text of a page or its source: also hidden, in comments, and in attributes shown or read aloud."""
    comments = [_TAG.sub("\n", comment) for comment in _COMMENT.findall(html)]  # Outlook reads the markup in some
    page = _STYLE.sub("", _COMMENT.sub("", html))
    attributes = [quoted or single for quoted, single in _TEXT_ATTRIBUTE.findall(page)]
    return decode("\n".join([_TAG.sub("\n", page), *attributes, *comments]))
