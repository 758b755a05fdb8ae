"""The encoding of a file is found out while it comes, however it is cut; what is no text is refused with its line."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.campaigns.import_encoding import Encoding, EncodingCheck
from gateway.errors import Refusal, RefusalCode

TEXT = st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=50)
LATIN = st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=50)


def encoding_of(octets: bytes, size: int = 1000) -> Encoding:
    """The first block has the mark, as an upload's has."""
    check = EncodingCheck()
    for start in range(0, len(octets), size):
        check.feed(octets[start : start + size])
    return check.finish()


@given(TEXT, st.integers(4, 40))
def test_a_mark_decides(text: str, size: int) -> None:
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        assert encoding_of(mark + text.encode(codec), size) == Encoding(codec=codec, mark=len(mark))


@given(TEXT, st.integers(4, 40))
def test_without_a_mark_it_is_utf_8_where_all_of_it_is(text: str, size: int) -> None:
    assert encoding_of(text.encode(), size) == Encoding(codec="utf-8", mark=0)


@given(LATIN, st.integers(4, 40))
def test_else_windows_1252(text: str, size: int) -> None:
    # Given a text that is no UTF-8 for sure: a letter with an accent before one without
    octets = f"é{text}éa".encode("cp1252")
    assert encoding_of(octets, size) == Encoding(codec="cp1252", mark=0)


def test_an_empty_file_is_utf_8() -> None:
    assert encoding_of(b"") == Encoding(codec="utf-8", mark=0)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"a,b\n1,2\n3,\0\n", "Line 3 holds a NUL"),
        (codecs.BOM_UTF8 + b"a\n\0", "Line 2 holds a NUL"),
        ("a\nb\n".encode("utf-16-le"), "Line 1 holds a NUL; a file in UTF-16 needs its byte order mark"),
        (codecs.BOM_UTF16_LE + "a\nb\n\0".encode("utf-16-le"), "Line 3 holds a NUL"),
        (codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le") + b"\x00\xd8a\0", "is not UTF-16"),
        (codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le") + b"b", "is not UTF-16"),
        (codecs.BOM_UTF8 + b"a\nb\n\xe9x", "Line 3 is not UTF-8, as the file's byte order mark says"),
        (b"a\n\xe9\n\x81\n", "Line 3 is neither UTF-8 nor Windows-1252"),
        (b"a\n\x81\n\xe9\n", "Line 2 is neither UTF-8 nor Windows-1252"),
        (b"\xff\xfe\0\0a\0\0\0", "holds a NUL"),  # UTF-32
    ],
)
@pytest.mark.parametrize("size", [4, 5, 1000])
def test_what_is_no_text_is_refused_with_its_line(octets: bytes, reason: str, size: int) -> None:
    with pytest.raises(Refusal, match="Save the file as UTF-8, UTF-16 or Windows-1252") as caught:
        encoding_of(octets, size)
    assert caught.value.code is RefusalCode.INVALID
    assert reason in caught.value.message


def test_half_a_character_at_the_end_of_utf_8_is_windows_1252() -> None:
    assert encoding_of("aé".encode()[:-1]).codec == "cp1252"


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\x00\x06\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00"])
def test_a_workbook_is_called_one(start: bytes) -> None:
    with pytest.raises(Refusal, match="save the table as CSV") as caught:
        encoding_of(start + b"\0" * 50)
    assert caught.value.code is RefusalCode.INVALID
