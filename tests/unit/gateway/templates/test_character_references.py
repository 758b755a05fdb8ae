"""Character references mean what they mean to a browser, with any number of digits."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.templates.character_references import decode


@given(
    st.lists(st.sampled_from(["&", "#", "x", "X", "0", "00", "41", "9", "65", "1114111", ";", "a", "amp", " "])).map(
        "".join
    )
)
def test_a_reference_of_usual_length_is_read_as_the_library_does(text: str) -> None:
    assert decode(text) == unescape(text)


@pytest.mark.parametrize(
    ("reference", "read"),
    [("&#" + "1" * 5000 + ";", "\ufffd"), ("&#" + "0" * 5000 + "65;", "A"), ("&#x" + "0" * 5000 + "41;", "A")],
)
def test_a_reference_of_thousands_of_digits_is_read(reference: str, read: str) -> None:
    assert decode(f"<{reference}>") == f"<{read}>"
