"""Domains as clients name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import domain_of
from service.graph.domain_name import read_domain


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (" Example.COM ", "example.com"),
        ("@example.com", "example.com"),
        ("example.com.", "example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("localhost", "localhost"),
        ("old_host.example", "old_host.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[ipv6:2001:db8::1]"),
    ],
)
def test_what_addresses_end_with_is_a_domain(text: str, domain: str) -> None:
    assert read_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    ["", "@", ".", "not a domain", "a@b.example", "a..b", ".example", "*.example", "https://a.example",
     "a.example,b.example", "a" * 64 + ".example", "a." * 127 + "example", "a\x00b", "[a b]"],
)  # fmt: skip
def test_what_no_address_ends_with_is_none(text: str) -> None:
    assert read_domain(text) is None


@given(st.text(max_size=300))
def test_whatever_is_read_is_read_again_as_itself(text: str) -> None:
    found = read_domain(text)
    assert found is None or (read_domain(found) == found == domain_of(f"a@{found}"))
