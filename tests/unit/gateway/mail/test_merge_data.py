"""Merge data: JSON values become the texts that are mailed, or are refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.mail.merge_data import read_merge_data

CARD = "4111 1111 1111 1111"


def refused(value: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_merge_data(value, ("mergeData",))
    return caught.value


def test_merge_data_becomes_text() -> None:
    given: dict[str, Any] = {
        "name": "Ann",
        "count": 3,
        "rate": 1.5,
        "none": None,
        "empty": "",
        "total": Decimal("1.10"),
    }
    assert read_merge_data(given, ("mergeData",)) == {
        "name": "Ann",
        "count": "3",
        "rate": "1.5",
        "empty": "",
        "total": "1.10",
    }


@pytest.mark.parametrize("number", ["12345678901234567890123", "9007199254740993.0", "0.12345678901234567", "1e400"])
def test_a_number_that_json_cannot_keep_is_refused(number: str) -> None:
    refusal = refused({"n": float(number)})
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID, ("mergeData", "n"))
    assert "send it as a text" in refusal.message


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False))
def test_a_number_that_json_keeps_is_mailed_with_its_value_and_no_exponent(number: Decimal) -> None:
    read = read_merge_data({"n": float(number)}, ("mergeData",))["n"]
    assert Decimal(read) == number
    assert "e" not in read.lower()


@pytest.mark.parametrize(
    ("value", "code"),
    [(["a"], RefusalCode.INVALID), ({"a": {"b": 1}}, RefusalCode.INVALID), ({"a": [1]}, RefusalCode.INVALID),
     ({"a": True}, RefusalCode.INVALID), ({"a.b": "x"}, RefusalCode.INVALID), ({"": "x"}, RefusalCode.INVALID),
     ({"a": CARD}, RefusalCode.CARD_NUMBER), ({"a": 4111111111111111}, RefusalCode.CARD_NUMBER),
     ({"a": "\0"}, RefusalCode.INVALID), ({f"f{i}": "" for i in range(201)}, RefusalCode.TOO_MANY),
     ({"a": "x" * 10_001}, RefusalCode.TOO_LONG), ({f"f{i}": "x" * 9000 for i in range(9)}, RefusalCode.TOO_LONG)],
)  # fmt: skip
def test_bad_merge_data_is_refused(value: object, code: RefusalCode) -> None:
    assert refused(value).code is code
