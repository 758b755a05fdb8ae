"""Base32 in small letters: the standard library's, but quicker."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import base32


@given(st.binary(max_size=40))
def test_it_is_the_standard_librarys_in_small_letters_and_without_padding(raw: bytes) -> None:
    assert base32.encode(raw) == base64.b32encode(raw).decode().rstrip("=").lower()
    assert base32.decode(base32.encode(raw)) == raw


@pytest.mark.parametrize("text", ["a", "a1", "ab=c", "ah", "żółć"])
def test_other_spellings_are_nobodys(text: str) -> None:
    assert base32.decode(text) is None


def test_more_than_forty_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="41 bytes"):
        base32.encode(bytes(41))
