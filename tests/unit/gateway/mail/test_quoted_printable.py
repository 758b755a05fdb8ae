"""Quoted-printable pieces: any text survives, each piece stands alone, every line is safe on the wire."""

from __future__ import annotations

import quopri
import re

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mail.quoted_printable import encode_piece
from tests.reference_composer import encode_pieces

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400) | st.text(
    "aF.=rom \t\r\nü", max_size=400
)


def crlf(text: str) -> str:
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


@given(st.lists(TEXTS, max_size=5))
@example([".", "From me", " ", "a" * 75, "b" * 76, "c" * 75 + ".", "=", "ü" * 30, "a \r\nb"])
def test_what_was_encoded_in_pieces_is_read_back_whole(pieces: list[str]) -> None:
    coded = encode_pieces(pieces).encode("ascii")
    assert quopri.decodestring(coded).decode() == "".join(map(crlf, pieces))


@given(TEXTS)
@example("." + "x" * 75 + ".From ")
@example("x" * 75 + "From here")
def test_every_line_is_short_and_starts_with_nothing_special(text: str) -> None:
    coded = encode_piece(text)
    assert coded == "" or coded.endswith("\r\n")
    for line in coded.split("\r\n"):
        assert len(line) <= 76
        assert not line.startswith((".", "From "))
        assert not line.endswith((" ", "\t"))
        assert re.fullmatch(r"[\t -~]*", line)


@given(TEXTS, TEXTS)
def test_a_piece_looks_the_same_whatever_stands_beside_it(first: str, second: str) -> None:
    assert encode_pieces([first, second]) == encode_piece(first) + encode_piece(second)
