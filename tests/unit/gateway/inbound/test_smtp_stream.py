"""Octets into lines and mails: the same however they are cut, and never by a lone CR or LF."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.smtp_stream import LONGEST_LINE, BareLineEnding, CommandLines, Content, LineTooLong

BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"a", b"..", b"\r\n.\r\n", b"\r\n..", b"\0", b"\xc3"]))
OCTETS = PIECES.map(b"".join)
Read: TypeAlias = tuple[bytes, bytes] | type[BareLineEnding] | None
CUTS = st.lists(st.integers(0, 60), max_size=8)


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    """The octets in pieces, some of them empty."""
    edges = [0, *sorted(min(place, len(octets)) for place in places), len(octets)]
    return [octets[start:end] for start, end in pairwise(edges)]


def read(pieces: list[bytes], *, max_octets: int = 10_000) -> Read:
    """The mail, and what stands behind it; None without an end."""
    content = Content(max_octets)
    try:
        for number, piece in enumerate(pieces):
            rest = content.feed(piece)
            if rest is not None:
                return content.octets(), rest + b"".join(pieces[number + 1 :])
    except BareLineEnding:
        return BareLineEnding
    return None


def expected(octets: bytes) -> Read:
    """By the letter of RFC 5321 4.5.2, line by line."""
    lines: list[bytes] = []
    while True:
        line, end, rest = octets.partition(b"\r\n")
        if BARE.search(line + b"x" if end else line.removesuffix(b"\r") + b"x"):
            return BareLineEnding
        if not end:
            return None
        if line == b".":
            return b"".join(one + b"\r\n" for one in lines), rest
        lines.append(line.removeprefix(b"."))
        octets = rest


@given(OCTETS, CUTS)
def test_a_mail_is_the_same_however_it_is_cut(octets: bytes, places: list[int]) -> None:
    assert read(cut(octets, places)) == expected(octets)


@given(OCTETS)
def test_a_mail_is_the_same_octet_by_octet(octets: bytes) -> None:
    assert read([octets[place : place + 1] for place in range(len(octets))]) == expected(octets)


@given(OCTETS, CUTS)
def test_lines_are_the_same_however_they_are_cut(octets: bytes, places: list[int]) -> None:
    lines, found, bare = CommandLines(), [], False
    try:
        for piece in cut(octets, places):
            lines.feed(piece)
            while (line := lines.next_line()) is not None:
                found.append(line)
    except BareLineEnding:
        bare = True
    whole, _, _ = BARE.sub(b"\0BARE", octets.removesuffix(b"\r")).partition(b"\0BARE")
    assert bare == bool(BARE.search(octets.removesuffix(b"\r")))
    assert found == (whole.split(b"\r\n")[:-1])


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r\n.\r.", b"\r.\r\n", b"\r\r\n.\r\n"])
def test_no_careless_end_ends_a_mail(end: bytes) -> None:
    assert read([b"a" + end + b"MAIL FROM:<>\r\n"]) is BareLineEnding


def test_a_large_mail_is_not_kept() -> None:
    content = Content(10)
    assert content.feed(b"0123456789") is None
    assert not content.too_large
    assert content.feed(b"0123456789" * 10) is None
    assert content.too_large
    assert content.feed(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"
    assert content.octets() == b""


def test_the_largest_mail_is_kept() -> None:
    content = Content(4)
    assert content.feed(b"ab\r\n.\r\n") == b""
    assert (content.octets(), content.too_large, content.size) == (b"ab\r\n", False, 4)


def test_a_line_has_a_limit_whether_it_ends_or_not() -> None:
    for octets in (b"x" * LONGEST_LINE, b"x" * LONGEST_LINE + b"\r\n"):
        lines = CommandLines()
        lines.feed(octets)
        with pytest.raises(LineTooLong):
            lines.next_line()
    lines.feed(b"")
    longest = CommandLines()
    longest.feed(b"x" * (LONGEST_LINE - 2) + b"\r\nrest")
    assert longest.next_line() == b"x" * (LONGEST_LINE - 2)
    assert longest.pending
    assert longest.take_rest() == b"rest"
