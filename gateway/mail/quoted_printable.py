"""Quoted-printable (RFC 2045 6.7) that can be cut into pieces encoded one by one.

A body is a sequence of pieces: fixed text and values. Each piece is encoded from column 0 to its end; where it does
not end a line, a soft line break follows, so that the next piece starts at column 0 again. How a piece is encoded then
depends on the piece alone: fixed ones are encoded once a template version, and a recipient costs only the values.

Lines that start with `.` or `From ` are encoded there, so that SMTP adds no dots and mailbox files no `>`.
"""

from __future__ import annotations

import re

LONGEST_LINE = 76
"""Characters of an encoded line, its soft break's `=` included (RFC 2045 6.7, rule 5)."""

SOFT_BREAK = "=\r\n"

# Values that stand for themselves: printable ASCII without `=`, no space at the end, nothing special at the start.
_PLAIN = re.compile(r"(?!\.|From )[ -<>-~]*[!-<>-~]")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_STANDS_FOR_ITSELF = {*range(33, 127), 32, 9} - {61}
_CODED = [chr(octet) if octet in _STANDS_FOR_ITSELF else f"={octet:02X}" for octet in range(256)]


def encode_piece(text: str) -> str:
    """Returns one piece encoded: any line end becomes CRLF; ended by a soft break unless it is empty or ends a line."""
    if _PLAIN.fullmatch(text):
        if len(text) < LONGEST_LINE:
            return text + SOFT_BREAK
        chunks = [text[at : at + LONGEST_LINE - 1] for at in range(0, len(text), LONGEST_LINE - 1)]
        coded = SOFT_BREAK.join(chunks)
        if "\n." not in coded and "\nFrom " not in coded:
            return coded + SOFT_BREAK
    lines = _LINE_ENDS.split(text)
    whole = [_encode_line(line) + "\r\n" for line in lines[:-1]]
    if lines[-1]:
        whole.append(_encode_line(lines[-1], protected=True) + SOFT_BREAK)
    return "".join(whole)


def _encode_line(line: str, *, protected: bool = False) -> str:
    """One line without its end. `protected`: a soft break follows, so a space at the end needs no code."""
    coded = "".join([_CODED[octet] for octet in line.encode()])
    if not protected and coded.endswith((" ", "\t")):
        coded = coded[:-1] + ("=20" if coded[-1] == " " else "=09")
    if len(coded) < LONGEST_LINE and not coded.startswith((".", "From ")):
        return coded
    return SOFT_BREAK.join(_broken(coded))


def _broken(coded: str) -> list[str]:
    """Lines short enough for a soft break at their end; no code is cut in two."""
    lines = []
    at = 0
    while at < len(coded):
        start = ""
        if coded.startswith((".", "From "), at):
            start = f"={ord(coded[at]):02X}"
            at += 1
        end = at + LONGEST_LINE - 1 - len(start)
        if end < len(coded):
            cut = coded.rfind("=", end - 2, end)
            end = cut if cut >= 0 else end
        lines.append(start + coded[at:end])
        at = end
    return lines
