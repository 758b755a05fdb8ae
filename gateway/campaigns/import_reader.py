"""Tables of customers (RFC 4180) read window by window: octets in, lines out, and where the next window begins.

Nothing is kept between two windows: a window begins where a line does, so any process goes on where another stopped.
Memory and time grow with the window alone, whatever the file holds.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.errors import GatewayError

LONGEST_FIELD = 65_536
"""Characters of one value: more is a quote that nobody closed, as a rule."""
WINDOW = 1_048_576
"""Octets that are read at once, hence the most that a line may have, with the line breaks in its quotes."""
DELIMITERS = (",", ";", "\t")
SAMPLE = 3
"""Lines that are shown with the columns."""

# Of the whole process; nothing else here reads tables.
csv.field_size_limit(LONGEST_FIELD)


class Unreadable(GatewayError):
    """A file that cannot be read on from this line; the message is a sentence about the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How lines are written: the codec of the text, the character between two values."""

    codec: str
    delimiter: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """What a window holds: lines with their numbers, blank ones left out; octets used; the number of the line after."""

    rows: Sequence[tuple[int, list[str]]]
    used: int
    next_line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The beginning of a file: its delimiter, its headings, its first lines, and where the lines of customers begin:
    an octet after the byte order mark, and the number of the line."""

    delimiter: str
    headings: Sequence[str]
    sample: Sequence[Sequence[str]]
    used: int
    next_line: int


def read_lines(octets: bytes, layout: Layout, *, line: int, is_last: bool, limit: int | None = None) -> Lines:
    """Returns the whole lines of a window, at most `limit`. `line` is the number of its first line; `is_last` says that
    the file ends with it, else a line that the window cuts off is left for the next one.

    Raises Unreadable: broken quotes, a value of more than LONGEST_FIELD characters, a line longer than the window.
    """
    text = _decode(octets, layout.codec, line=line, is_last=is_last)
    source = io.StringIO(text if is_last else text[: _last_line_end(text)], newline="")
    reader = csv.reader(source, delimiter=layout.delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    end = seen = 0
    try:
        for row in reader:
            if row:
                rows.append((line + seen, row))
            seen, end = reader.line_num, source.tell()
            if len(rows) == limit:
                break
    except csv.Error as error:
        if is_last or not _is_cut_off(error):
            raise Unreadable(line + seen, _explain(error)) from None
    if not end and not is_last:
        message = f"The line has more than {len(octets):,} octets: a line break or a closing quote is missing."
        raise Unreadable(line, message)
    return Lines(rows=rows, used=_octets(text, end, layout.codec), next_line=line + seen)


def read_head(octets: bytes, codec: str, *, is_last: bool) -> Head | None:
    """Returns the beginning of a file, without its byte order mark; None when there is no line in it.

    The delimiter is the one that parts the header into most columns. Raises Unreadable, when none of them can.
    """
    found: list[tuple[int, str, Lines]] = []
    failed: Unreadable | None = None
    for delimiter in DELIMITERS:
        layout = Layout(codec=codec, delimiter=delimiter)
        try:
            lines = read_lines(octets, layout, line=1, is_last=is_last, limit=1)
        except Unreadable as error:
            failed = failed or error
        else:
            found.append((len(lines.rows[0][1]) if lines.rows else 0, delimiter, lines))
    if not found:
        raise failed or Unreadable(1, "The line cannot be read.")
    columns, delimiter, lines = max(found, key=lambda one: one[0])
    if not columns:
        return None
    sample = _first_lines(octets[lines.used :], Layout(codec=codec, delimiter=delimiter), is_last=is_last)
    return Head(
        delimiter=delimiter,
        headings=lines.rows[0][1],
        sample=[row for row in sample if len(row) == columns],
        used=lines.used,
        next_line=lines.next_line,
    )


def _first_lines(octets: bytes, layout: Layout, *, is_last: bool) -> Iterator[list[str]]:
    """Some lines to show; what cannot be read is told when the file is."""
    for _ in range(SAMPLE):
        try:
            lines = read_lines(octets, layout, line=1, is_last=is_last, limit=1)
        except Unreadable:
            return
        yield from (row for _, row in lines.rows)
        octets = octets[lines.used :]


def _decode(octets: bytes, codec: str, *, line: int, is_last: bool) -> str:
    """The window's text; half a character at its end is left for the next window."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(octets, is_last)
    except UnicodeDecodeError:
        raise Unreadable(line, "This line, or one soon after it, is not in the file's encoding.") from None


def _last_line_end(text: str) -> int:
    """Where the last whole line ends; a CR at the very end may be half of a CR LF."""
    return max(text.rfind("\n"), text.rfind("\r", 0, max(0, len(text) - 1))) + 1


def _octets(text: str, end: int, codec: str) -> int:
    return end if text.isascii() and codec in ("utf-8", "cp1252") else len(text[:end].encode(codec))


def _is_cut_off(error: csv.Error) -> bool:
    return str(error) == "unexpected end of data"


def _explain(error: csv.Error) -> str:
    if _is_cut_off(error):
        return "A quote opens in this line and is never closed."
    if "field limit" in str(error):
        return f"A value of this line has more than {LONGEST_FIELD:,} characters: is a closing quote missing?"
    return "The quotes of this line are broken: after a closing one comes the delimiter; a quote within is doubled."
