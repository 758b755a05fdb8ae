"""Web addresses in text that people typed: they end where typography says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.templates.typed_urls import typed_urls

URL = "https://a.example/t"


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in typed_urls(text)]


@pytest.mark.parametrize(
    "behind",
    ["|", "'s", "\u2019s", ")'s", "),then", ")|", "\u201d", "\u2019", "\u00bb", "\u2026", "\u2014", "\u2014and",
     "\u2013",
     "\u3002", "\uff0c", "\u3001", "\uff09", "\u300d", "\u300b", "\uff1f", "\u3002\u8c22\u8c22", "\u67e5\u770b",
     "\uc5d0\uc11c",
     "\u3092\u898b\u308b", "...", "?!", "*", "}", "{", "\\", "`", "^", "(", "\u00a0", "\u2003", "\u200b", "\x01",
     "\U0001f389", "\u2122", ">", '"'],
)  # fmt: skip
def test_what_stands_behind_an_address_is_not_part_of_it(behind: str) -> None:
    assert found(f"{URL}{behind}") == [URL]
    assert found(f"See {URL}{behind} {URL}{behind}") == [URL, URL]


@pytest.mark.parametrize(
    ("before", "behind"), ["()", "[]", "''", "\u201c\u201d", "\u300c\u300d", "<>", "\uff08\uff09", '""']
)
def test_what_stands_around_an_address_is_not_part_of_it(before: str, behind: str) -> None:
    assert found(f"{before}{URL}{behind}") == [URL]
    assert found(f"{before}{URL}{behind},{before}{URL}/2{behind},then") == [URL, f"{URL}/2"]


@pytest.mark.parametrize("between", ["|", ",", ";", "", " ", "\n", ", ", "\u3001", ")(", "><", "\u2014"])
def test_neighbouring_addresses_are_two(between: str) -> None:
    text = f"https://plans.example/a{between}https://plans.example/b"
    assert found(text) == ["https://plans.example/a", "https://plans.example/b"]


@pytest.mark.parametrize(
    "whole",
    ["http://b.example/z_(1)", "https://b.example/a[]=1&b[0]=2", "https://r.example/?u=https://x.example/",
     "https://web.example/2020/https://x.example", "https://b.example/gr\u00f6\u00dfe", "https://b.example/x'y", "https://[::1]:80/x",
     "https://u:p@b.example:8080/x;v=1,2?a=$b&c=~d+e%20f#!/z", "HTTPS://B.example/X", "https://\u4f8b\u3048.jp/\u3042",
     "https://ja.example/wiki/\u65e5\u672c_2", "https://\u4f50\u3005\u6728.example/?q=\u4f50\u3005\u6728-1", "https://b.example/\u0928\u092e\u0938\u094d\u0924\u0947"],
)  # fmt: skip
def test_an_address_is_read_whole(whole: str) -> None:
    assert found(whole) == [whole]
    assert found(f"({whole}), {whole}.") == [whole, whole]


@given(
    st.lists(
        st.sampled_from(["https://", "http://a.example/", "a", "1", ".", ",", "'", "(", ")", "[", "]", "|", " "])
        | st.characters(exclude_categories=["Cs"])
    ).map("".join)
)
def test_any_text_is_read_to_its_end_and_no_address_holds_a_delimiter(text: str) -> None:
    end_before = 0
    for start, end in typed_urls(text):
        assert end_before <= start < end
        assert not set(text[start:end]) & set(' \t\n<>"{}|\\^`\u201c\u201d\u2019\u2026\u2014\u3002\uff09\ue000\ue001')
        end_before = end
