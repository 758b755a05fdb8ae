"""Header values of received mail: unfolded, without encoded words (RFC 2047), split into parameters (RFC 2045, 2231).

Lenient, linear, and never raising. Writing headers is `gateway.mail.header`.
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from gateway.mail.charset import decode

_FOLD = re.compile(rb"\r?\n[ \t]?")
_CONTROLS = dict.fromkeys([*range(32), 127], " ")


def plain_header(value: bytes) -> str:
    """A header's octets on one line, as text: UTF-8 (RFC 6532), else what it looks like; controls are blanks."""
    text = decode(_FOLD.sub(b" ", value), None)
    return text.translate(_CONTROLS).strip()


_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,4000})\?=([ ]+(?==\?))?")


def decode_words(text: str) -> str:
    """`text` without RFC 2047 encoded words. Words that stand side by side are joined before they are decoded: many
    writers cut a character in two."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    run: list[bytes] = []
    charset, end = "", 0
    for word in _WORD.finditer(text):
        named = word[1].partition("*")[0].lower()
        if run and (word.start() != end or named != charset):
            pieces.append(decode(b"".join(run), charset))
            run = []
        if word.start() != end:
            pieces.append(text[end : word.start()])
        charset, end = named, word.end()
        run.append(_word_octets(word[2], word[3]))
    pieces.append(decode(b"".join(run), charset))
    pieces.append(text[end:])
    return "".join(pieces).translate(_CONTROLS)


def _word_octets(encoding: str, content: str) -> bytes:
    octets = content.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(octets, header=True)
    whole = octets.rstrip(b"=")
    try:
        return binascii.a2b_base64(whole[: len(whole) - (len(whole) % 4 == 1)] + b"===")
    except binascii.Error:
        return octets


# Nothing in it can fail once a name and its `=` were seen, so nothing is read twice.
_PARAMETER = re.compile(r'\s*([^\s=;"]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))')
_LONGEST = 4096
"""Characters of a header that are read for parameters: a file name of 1,000 characters, percent-encoded."""
_MAX_PARAMETERS = 50


def parameters(value: str) -> dict[str, str]:
    """The parameters of Content-Type or Content-Disposition by their names in small letters, the first of each. Those
    that are continued or encoded (RFC 2231) are joined and decoded."""
    plain: dict[str, str] = {}
    extended: dict[str, list[tuple[int, bool, str]]] = {}
    value = value[:_LONGEST]
    at = value.find(";")
    while at >= 0 and len(plain) + len(extended) < _MAX_PARAMETERS:
        found = _PARAMETER.match(value, at + 1)
        if found is None:
            at = value.find(";", at + 1)
            continue
        name = found[1].lower()
        text = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        if "*" in name:
            base, _, rest = name.partition("*")
            number = rest.rstrip("*")
            extended.setdefault(base, []).append(
                (int(number) if number.isdecimal() and len(number) < 4 else 0, name.endswith("*"), text)
            )
        else:
            plain.setdefault(name, text)
        at = value.find(";", found.end())
    return {name: _joined(pieces) for name, pieces in extended.items()} | plain


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """One parameter of RFC 2231 from its pieces: `utf-8''%E2%82%AC`."""
    charset = None
    octets = []
    for place, (_, encoded, text) in enumerate(sorted(pieces, key=lambda piece: piece[0])):
        if encoded and place == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets.append(unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace"))
    return decode(b"".join(octets), charset)
