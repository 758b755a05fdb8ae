"""Header lines as they go over the wire: folded, ASCII, and the same in every version of Python.

The standard library's writer changes between releases; a mail composed again years later must be the same byte for
byte, so these few rules are ours: RFC 5322 2.2.3 (folding), RFC 2047 (encoded words), RFC 2231 (parameters).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote

from gateway.mail.header_guard import refuse_header_break

LONGEST_LINE = 78
"""Characters a line should have at most (RFC 5322 2.1.1); it must have at most 998."""

_FOLD = "\r\n "
_PLAIN = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~ ]+")
_WORD_OCTETS = 39
"""Octets of UTF-8 in one encoded word: 52 in base64 and 12 around them, so that it fits after any header's name."""


def text_header(name: str, text: str) -> str:
    """Returns an unstructured header (Subject), ended by CRLF. Raises Refusal for a line break in `text`."""
    refuse_header_break(text, (name.lower(),))
    text = " ".join(text.split())
    if _PLAIN.fullmatch(text) and "=?" not in text:
        if len(name) + 2 + len(text) <= LONGEST_LINE:
            return f"{name}: {text}\r\n"
        if all(len(word) < LONGEST_LINE for word in text.split(" ")):
            return _folded(f"{name}:", text.split(" "))
    return _folded(f"{name}:", encoded_words(text))


def mailboxes_header(name: str, mailboxes: Sequence[tuple[str | None, str]]) -> str:
    """Returns an address header (From, To, Cc, Reply-To) of (name, address) pairs, ended by CRLF.

    An address beyond ASCII is written as it is (RFC 6532): only a server with SMTPUTF8 can take that mail.
    """
    used = len(name) + 2
    return f"{name}: " + ",\r\n ".join([_mailbox(label, address, used) for label, address in mailboxes]) + "\r\n"


def raw_header(name: str, value: str) -> str:
    """Returns a header that is not folded: identifiers, dates, URLs (folding has broken DKIM). The value is ours."""
    return f"{name}: {value}\r\n"


def parameter(name: str, value: str) -> str:
    """Returns a parameter of Content-Type or Content-Disposition, on a line of its own, without `;` and line end.

    Values beyond ASCII are encoded and, when long, continued (RFC 2231 3 and 4).
    """
    if _TOKEN.fullmatch(value) and len(name) + len(value) + 4 <= LONGEST_LINE:
        return f' {name}="{value}"'
    encoded = quote(value, safe="!#$&+-.^_`|~")
    pieces = _percent_pieces(encoded, LONGEST_LINE - len(name) - 14)
    if len(pieces) == 1:
        return f" {name}*=utf-8''{encoded}"
    pieces[0] = f"utf-8''{pieces[0]}"
    return ";\r\n".join(f" {name}*{number}*={piece}" for number, piece in enumerate(pieces))


def encoded_words(text: str) -> list[str]:
    """Returns RFC 2047 encoded words in UTF-8 and base64; no character is split between two."""
    chunks, chunk = [], b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > _WORD_OCTETS:
            chunks.append(chunk)
            chunk = b""
        chunk += octets
    return [f"=?utf-8?b?{b64encode(part).decode('ascii')}?=" for part in [*chunks, chunk]]


def _phrase(name: str) -> str:
    """A display name, folded if long (RFC 5322 3.2.5)."""
    if len(name) <= 60 and "=?" not in name and _ATOMS.fullmatch(name):
        return name  # most names: nothing to refuse or to quote in them
    refuse_header_break(name, ("name",))
    name = " ".join(name.split())
    if len(name) <= 60 and "=?" not in name:
        if _ATOMS.fullmatch(name):
            return name
        if _PLAIN.fullmatch(name):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return "\r\n ".join(encoded_words(name))


def _mailbox(label: str | None, address: str, used: int) -> str:
    refuse_header_break(address, ("address",))
    if not label or not label.strip():
        return address
    phrase = _phrase(label)
    last_line = len(phrase.rpartition("\r\n")[2]) + (0 if "\r\n" in phrase else used)
    fits = last_line + len(address) + 4 <= LONGEST_LINE
    return f"{phrase}{' ' if fits else _FOLD}<{address}>"


def _folded(start: str, words: list[str]) -> str:
    lines, line = [], start
    for word in words:
        if len(line) + 1 + len(word) > LONGEST_LINE and line.strip() and line != start:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line]) + "\r\n"


def _percent_pieces(encoded: str, longest: int) -> list[str]:
    units = re.findall(r"%[0-9A-F]{2}|[^%]", encoded)
    pieces, piece = [], ""
    for unit in units:
        if len(piece) + len(unit) > longest:
            pieces.append(piece)
            piece = ""
        piece += unit
    return [*pieces, piece]
