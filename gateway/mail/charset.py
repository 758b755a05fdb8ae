"""Bytes of received mail as text, whatever charset they claim: never raises, reads a wrong claim as well as can be.

Only charsets on our list are decoded by their name: Python's `punycode` and `idna` codecs, which a mail could name,
too, take time in the square of the length.
"""

from __future__ import annotations

import codecs
import re

_WINDOWS = "cp1252"

# What mail calls by an older or narrower name than what it writes: the wider charset reads both.
_WIDER = {
    "ascii": "utf-8",
    "iso8859-1": _WINDOWS,
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
}

_KNOWN = frozenset(
    {"utf-8", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "koi8-r", "koi8-u", "kz1048", "ptcp154"}
    | {"cp1252", "cp932", "cp949", "cp950", "cp874", "gb18030", "hz", "big5", "big5hkscs", "johab", "mac-roman"}
    | {"euc_jp", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr"}
    | {f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)}
    | {f"cp{number}" for number in (437, 850, 852, 855, 857, 858, 862, 864, 866, 1250, 1251, 1253, 1254, 1255)}
    | {f"cp{number}" for number in (1256, 1257, 1258)}
)

_LONGEST_NAME = 40
"""Characters: the longest registered charset that we know has under 30."""


def decode(data: bytes, charset: str | None) -> str:
    """Returns the text of `data`. A charset that is missing, unknown or wrong is replaced by what the bytes look like:
    ISO-2022-JP, UTF-8, else Windows-1252; what nothing explains is U+FFFD."""
    codec = known_codec(charset)
    text = _decode(data, codec)
    # Python's UTF-7 reads half a pair as one, which neither UTF-8 nor JSON can hold.
    return _LONE_SURROGATE.sub("\ufffd", text) if codec == "utf-7" else text


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _decode(data: bytes, codec: str | None) -> str:
    if codec is not None and codec != "utf-8":
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError):
            pass
    if data.isascii():
        return _seven_bit(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(codec or _WINDOWS, "replace") if codec != "utf-8" else _mostly_utf8(data)


def known_codec(charset: str | None) -> str | None:
    """The codec that reads this charset; None for one that is not on our list."""
    if not charset or len(charset) > _LONGEST_NAME or not charset.isascii() or "\0" in charset:
        return None
    try:
        name = codecs.lookup(charset.strip().strip("'\"")).name
    except (LookupError, ValueError):
        return None
    name = _WIDER.get(name, name)
    return name if name in _KNOWN else None


def _seven_bit(data: bytes) -> str:
    """ASCII, or the Japanese of mail that does not say so: its escape sequences stand in no other text."""
    if b"\x1b$" in data:
        try:
            return data.decode("iso2022_jp_ext")
        except UnicodeDecodeError:
            pass
    return data.decode("ascii")


def _mostly_utf8(data: bytes) -> str:
    """UTF-8 that was cut or damaged stays UTF-8; what is not UTF-8 at all was written on some Windows."""
    text = data.decode("utf-8", "replace")
    beyond = sum(character > "\x7f" for character in text)
    return text if text.count("\ufffd") * 2 <= beyond else data.decode(_WINDOWS, "replace")
