"""Text comes out of bytes whatever charset they claim."""

from __future__ import annotations

import pytest

from gateway.mail.charset import decode, known_codec
from tests.growth import expect_linear


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"plain", None, "plain"),
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode(), "x-unknown", "Grüße"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), None, "Grüße"),
        ("„Grüße“ zu 5 €".encode("cp1252"), "iso-8859-1", "„Grüße“ zu 5 €"),
        ("Grüße an alle äöü".encode()[:-1], "utf-8", "Grüße an alle äö\ufffd"),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語"),
        ("日本語".encode("iso2022_jp"), "us-ascii", "日本語"),
        ("①日本".encode("cp932"), "shift_jis", "①日本"),
        ("漢字".encode("gb18030"), "gb2312", "漢字"),
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет"),
        ("x".encode("utf-16"), "utf-16", "x"),
        (b"x", "utf-16", "x"),
        (b"\x1b$B\x1b", "iso-2022-jp", "\x1b$B\x1b"),
        (b"+2D3dig- or +2AA-", "utf-7", "\U0001f58a or \ufffd"),
    ],
)
def test_bytes_are_read_as_what_they_are(data: bytes, charset: str | None, text: str) -> None:
    assert decode(data, charset) == text


@pytest.mark.parametrize("charset", ["punycode", "idna", "rot13", "hex", "unicode_escape", "x" * 99, "", "a\0b", "ä"])
def test_a_codec_that_is_no_charset_of_mail_is_not_used(charset: str) -> None:
    assert known_codec(charset) is None
    assert decode(b"\\u0041 abc-", charset) == "\\u0041 abc-"


@pytest.mark.parametrize("charset", ["idna", "punycode", "utf-7", "iso-2022-jp", "hz", "utf-8", "gb18030"])
def test_a_named_charset_takes_time_in_proportion(charset: str) -> None:
    expect_linear(lambda data: decode(data, charset), lambda size: b"~{a.+-" * (size // 6) + b"\xe9", 200_000)
