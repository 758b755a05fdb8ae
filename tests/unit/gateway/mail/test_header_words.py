"""Headers of received mail: encoded words and parameters, right ones and others."""

from __future__ import annotations

import pytest

from gateway.mail.header_words import decode_words, parameters, plain_header
from tests.growth import expect_linear


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        ("=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a_b?=   =?iso-8859-1?q?=E9?=", "a bé"),
        ("=?utf-8*de?q?gut?=", "gut"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?x-unknown?q?a=E9?=", "aé"),
        ("=?utf-8?b?=?=", ""),
        ("=?utf-8?b?a?=", ""),
        ("=?broken", "=?broken"),
        ("=?utf-8?q?a=0Ab?=", "a b"),
    ],
)
def test_encoded_words_are_read(written: str, read: str) -> None:
    assert decode_words(written) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("text/plain", {}),
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ('text/plain; Charset="utf-8"; format=flowed', {"charset": "utf-8", "format": "flowed"}),
        ('x; name="a;b=\\"c\\""', {"name": 'a;b="c"'}),
        ('x; name="open', {"name": "open"}),
        ("x; ; =; charset = utf-8 (comment); b", {"charset": "utf-8"}),
        ("x; a=1; a=2", {"a": "1"}),
        ("x; filename*=utf-8'de'Pl%C3%A4ne", {"filename": "Pläne"}),
        ("x; filename*1=b.pdf; filename*0*=iso-8859-1''%E9", {"filename": "éb.pdf"}),
        ("x; filename*0=a; filename*1=b", {"filename": "ab"}),
        ("x; filename=plain; filename*=utf-8''better", {"filename": "plain"}),
    ],
)
def test_parameters_are_read(value: str, read: dict[str, str]) -> None:
    assert parameters(value) == read


def test_a_header_is_unfolded_onto_one_line() -> None:
    assert plain_header(b" a\r\n\tb\n c\x00\xe9 ") == "a b c é"


@pytest.mark.parametrize("piece", [';a="', ";a=b", "=?utf-8?q?a?= ", "=?", ";a*0=b", '"\\', ";"])
def test_long_headers_take_time_in_proportion(piece: str) -> None:
    def read(value: str) -> None:
        decode_words(value)
        parameters(value)

    expect_linear(read, lambda size: piece * (size // len(piece)), 100_000)
