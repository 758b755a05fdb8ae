"""In which encoding an uploaded table is written, found out while it comes: UTF-8, UTF-16 or Windows-1252.

A byte order mark decides. Without one a file is UTF-8 where all of it is, else Windows-1252 where all of it is. NUL is
refused: a table has none, and PostgreSQL stores none.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import Refusal, RefusalCode

ENCODING_NAMES: Mapping[str, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "cp1252": "windows-1252",
}
"""What the world calls each codec."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NOT_IN_WINDOWS = tuple(bytes([octet]) for octet in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
"""Octets that Windows-1252 gives no character."""
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How files of Excel begin, new ones (a zip archive, as those of LibreOffice) and old ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How a file's octets become text: Python's codec, after a mark of so many octets."""

    codec: str
    mark: int


class EncodingCheck:
    """Looks at a file block by block; the first block must have the mark, if there is one."""

    def __init__(self) -> None:
        self._line = 1
        self._encoding: Encoding | None = None
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
        self._wrong_as_utf8: int | None = None
        self._wrong_as_windows: int | None = None

    def feed(self, block: bytes) -> None:
        """Look at the next octets. Raises Refusal INVALID, which names the line."""
        if self._encoding is None:
            _refuse_workbook(block)
            self._encoding = _by_mark(block)
            self._decoder = codecs.getincrementaldecoder(self._encoding.codec)()
            block = block[self._encoding.mark :]
        if self._encoding.codec.startswith("utf-16"):
            return self._feed_text(self._decode(block))
        if b"\0" in block:
            before = block.partition(b"\0")[0].count(b"\n")
            raise _invalid(self._line + before, "holds a NUL; a file in UTF-16 needs its byte order mark")
        self._check_octets(block)
        self._line += block.count(b"\n")

    def finish(self) -> Encoding:
        """Returns the encoding of the whole file. Raises Refusal INVALID."""
        encoding = self._encoding or Encoding(codec="utf-8", mark=0)
        if encoding.codec.startswith("utf-16"):
            self._decode(b"", final=True)
        elif self._wrong_as_utf8 is None:
            self._check_octets(b"", final=True)
        if self._wrong_as_utf8 is None:
            return encoding
        return Encoding(codec="cp1252", mark=0)

    def _feed_text(self, text: str) -> None:
        if "\0" in text:
            raise _invalid(self._line + text.partition("\0")[0].count("\n"), "holds a NUL")
        self._line += text.count("\n")

    def _decode(self, block: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(block, final)
        except UnicodeDecodeError:
            raise _invalid(self._line, "or one after it is not UTF-16, as its byte order mark says") from None

    def _check_octets(self, block: bytes, *, final: bool = False) -> None:
        """Notes where the block stops to be UTF-8, and where Windows-1252; refuses what is neither."""
        if self._wrong_as_utf8 is None:
            try:
                self._decoder.decode(block, final)
            except UnicodeDecodeError as error:
                self._wrong_as_utf8 = self._line + block[: error.start].count(b"\n")
        if self._wrong_as_windows is None:
            found = [place for octet in _NOT_IN_WINDOWS if (place := block.find(octet)) >= 0]
            if found:
                self._wrong_as_windows = self._line + block[: min(found)].count(b"\n")
        if self._wrong_as_utf8 is None:
            return
        if self._encoding is not None and self._encoding.mark:
            raise _invalid(self._wrong_as_utf8, "is not UTF-8, as the file's byte order mark says")
        if self._wrong_as_windows is not None:
            line = max(self._wrong_as_utf8, self._wrong_as_windows)
            raise _invalid(line, "is neither UTF-8 nor Windows-1252")


def _refuse_workbook(block: bytes) -> None:
    if block.startswith(_WORKBOOKS):
        message = "This is a workbook, such as Excel writes, or an archive: open it, and save the table as CSV (UTF-8)."
        raise Refusal(RefusalCode.INVALID, message, ("file",))


def _by_mark(block: bytes) -> Encoding:
    for mark, codec in _MARKS:
        if block.startswith(mark):
            return Encoding(codec=codec, mark=len(mark))
    return Encoding(codec="utf-8", mark=0)


def _invalid(line: int, what: str) -> Refusal:
    message = f"Line {line} {what}. Save the file as UTF-8, UTF-16 or Windows-1252 with a comma, semicolon or tab."
    return Refusal(RefusalCode.INVALID, message, ("file",))
