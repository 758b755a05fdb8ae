"""Base64url: one spelling for each run of bytes, and nothing that a URL escapes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import base64url


@given(st.binary(max_size=100))
def test_bytes_come_back_from_letters_digits_minus_and_underscore(raw: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]*", base64url.encode(raw))
    assert base64url.decode(base64url.encode(raw)) == raw


@given(st.text("AQgwBx-_+/=.\né", max_size=12))
def test_no_second_spelling_is_read(text: str) -> None:
    raw = base64url.decode(text)
    assert raw is None or base64url.encode(raw) == text
