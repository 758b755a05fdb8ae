"""What a business says of a customer: read as it is kept, or refused, all of it together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail.customer_values import (
    LARGEST_ATTRIBUTES,
    attribute_text,
    check_customer_name,
    check_external_ref,
    check_merged_attributes,
    read_addresses,
    read_attributes,
    read_tags,
)

CARD = "4111 1111 1111 1111"
PATH = ("attributes",)


def refused(value: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_attributes(value, PATH)
    return caught.value


def kept(json: str) -> object:
    """What becomes of one value, from JSON as a client sends it to JSON as a client gets it."""
    read = read_attributes({"n": orjson.loads(json)}, PATH)
    return orjson.loads(orjson.dumps(read["n"]))


# Attributes ------------------------------------------------------------------------------------------------------


def test_scalars_are_kept_with_their_type_and_a_null_removes() -> None:
    values = {"city": "Köln", "visits": 3, "rate": 1.5, "vip": True, "since": "2026-12-24", "left": None, "note": ""}
    assert read_attributes(values, PATH) == values
    assert [type(value) for value in read_attributes(values, PATH).values()] == [type(v) for v in values.values()]
    assert read_attributes(None, PATH) == {}


@pytest.mark.parametrize(
    ("json", "text"),
    [("1.10", "1.1"), ("-0", "0"), ("-0.0", "0"), ("1.0", "1"), ("1e5", "100000"), ("1E-7", "0.0000001"),
     ("999999999999999999", "999999999999999999"), ("-123456789.012345", "-123456789.012345"), ("0.1", "0.1"),
     ("true", "true"), ("false", "false"), ('"1.10"', "1.10")],
)  # fmt: skip
def test_a_value_is_mailed_as_it_was_meant(json: str, text: str) -> None:
    value = read_attributes({"n": orjson.loads(json)}, PATH)["n"]
    assert value is not None
    assert attribute_text(value) == text


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), 1e400, 1e308, 5e-324, 12345678901234567890, 10**18, -(10**30), 0.12345678901234567,
     9007199254740993.0, 1e20, Decimal("1e400"), Decimal("1e-999999"), Decimal("NaN"), Decimal("0.1234567890123456"),
     Decimal("1" * 19)],
)  # fmt: skip
def test_a_number_that_json_would_not_keep_is_refused(number: object) -> None:
    refusal = refused({"n": number})
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID, ("attributes", "n"))
    assert "as a text" in refusal.message


@given(st.integers(min_value=-(10**11) + 1, max_value=10**11 - 1))  # of more digits, some are card numbers
def test_a_whole_number_comes_back_as_it_was(number: int) -> None:
    assert kept(str(number)) == number


@given(st.decimals(min_value=-(10**8), max_value=10**8, places=6, allow_nan=False))
def test_a_decimal_number_comes_back_with_its_value(number: Decimal) -> None:
    assert Decimal(str(kept(f"{number:f}"))) == number
    read = read_attributes({"n": number}, PATH)["n"]
    assert read is not None
    assert Decimal(attribute_text(read)) == number


@pytest.mark.parametrize("name", ["straße", "città", "住所", "a.b", "a b", "", "1a", "a" * 64, "a-b", "{{a}}", "a\0"])
def test_a_name_that_no_template_could_use_is_refused(name: str) -> None:
    refusal = refused({name: "x"})
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID, PATH)
    assert "customer.attributes" in refusal.message


@pytest.mark.parametrize("name", ["_", "City", "a1", "a" * 63, "customer", "attributes"])
def test_a_name_that_a_template_can_use_is_taken(name: str) -> None:
    assert read_attributes({name: "x"}, PATH) == {name: "x"}


@pytest.mark.parametrize(
    ("value", "code"),
    [(["a"], RefusalCode.INVALID), ("a", RefusalCode.INVALID), ({"a": {"b": 1}}, RefusalCode.INVALID),
     ({"a": [1]}, RefusalCode.INVALID), ({"a": CARD}, RefusalCode.CARD_NUMBER), ({1: "a"}, RefusalCode.INVALID),
     ({"a": 4111111111111111}, RefusalCode.CARD_NUMBER), ({"_4111111111111111": "a"}, RefusalCode.CARD_NUMBER),
     ({"a": "x\r\nBcc: y@example.com"}, RefusalCode.HEADER_INJECTION), ({"a": "x\0"}, RefusalCode.HEADER_INJECTION),
     ({"a": "\ud800"}, RefusalCode.INVALID), ({"a": "\x1b"}, RefusalCode.INVALID),
     ({"a": "x" * 1_001}, RefusalCode.TOO_LONG), ({f"f{i}": "" for i in range(101)}, RefusalCode.TOO_MANY)],
)  # fmt: skip
def test_bad_attributes_are_refused(value: object, code: RefusalCode) -> None:
    assert refused(value).code is code


def test_all_bad_attributes_are_named_together() -> None:
    with pytest.raises(Refusals) as caught:
        read_attributes({"a": CARD, "b": "x\n", "straße": 1, "c": [], "d": "fine"}, PATH)
    assert [refusal.field for refusal in caught.value.refusals] == [
        ("attributes", "a"), ("attributes", "b"), ("attributes",), ("attributes", "c")
    ]  # fmt: skip


def test_merged_values_have_limits() -> None:
    check_merged_attributes({f"f{number}": "x" * 300 for number in range(100)}, PATH)
    with pytest.raises(Refusal) as many:
        check_merged_attributes({f"f{number}": 1 for number in range(101)}, PATH)
    assert many.value.code is RefusalCode.TOO_MANY
    with pytest.raises(Refusal) as long:
        check_merged_attributes({f"f{number}": "x" * (LARGEST_ATTRIBUTES // 50) for number in range(50)}, PATH)
    assert long.value.code is RefusalCode.TOO_LONG


# Labels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, []), ([], []), (["vip", "B2B", "vip"], ["B2B", "vip"]), ([" gold  member "], ["gold member"]),
     (["Ren\u0065\u0301", "Ren\u00e9"], ["Ren\u00e9"]), (["住"], ["住"])],
)  # fmt: skip
def test_labels_are_tidied_sorted_and_each_once(given: Sequence[str] | None, read: list[str]) -> None:
    assert read_tags(given, ("tags",)) == read


@pytest.mark.parametrize(
    ("given", "code"),
    [([""], RefusalCode.REQUIRED), ([" "], RefusalCode.REQUIRED), (["\u202e"], RefusalCode.REQUIRED),
     (["x" * 101], RefusalCode.TOO_LONG), (["a\nb"], RefusalCode.HEADER_INJECTION), ([CARD], RefusalCode.CARD_NUMBER),
     ([str(number) for number in range(101)], RefusalCode.TOO_MANY)],
)  # fmt: skip
def test_bad_labels_are_refused(given: list[str], code: RefusalCode) -> None:
    with pytest.raises(Refusal) as caught:
        read_tags(given, ("tags",))
    assert caught.value.code is code


def test_all_bad_labels_are_named_together() -> None:
    with pytest.raises(Refusals) as caught:
        read_tags(["a", "", CARD], ("tags",))
    assert [refusal.field for refusal in caught.value.refusals] == [("tags", "1"), ("tags", "2")]


# Id, name, addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "code"),
    [(" ", RefusalCode.REQUIRED), ("x" * 256, RefusalCode.TOO_LONG), ("a\nb", RefusalCode.HEADER_INJECTION)],
)
def test_a_bad_external_ref_is_refused(ref: str, code: RefusalCode) -> None:
    check_external_ref("crm-1", ("externalRef",))
    with pytest.raises(Refusal) as caught:
        check_external_ref(ref, ("externalRef",))
    assert (caught.value.code, caught.value.field) == (code, ("externalRef",))


@pytest.mark.parametrize(
    ("name", "code"),
    [(CARD, RefusalCode.CARD_NUMBER), ("x" * 501, RefusalCode.TOO_LONG), ("a\nb", RefusalCode.HEADER_INJECTION)],
)
def test_a_bad_name_is_refused(name: str, code: RefusalCode) -> None:
    for good in (None, "", "Ann"):
        check_customer_name(good, ("name",))
    with pytest.raises(Refusal) as caught:
        check_customer_name(name, ("name",))
    assert caught.value.code is code


def test_addresses_are_read_in_order_and_all_bad_ones_named() -> None:
    read = read_addresses(["Ann@EXAMPLE.com", "bo@example.org"], ("addresses",), allow_reserved=True)
    assert read == ("Ann@example.com", "bo@example.org")
    with pytest.raises(Refusals) as caught:
        read_addresses(["a@b", "c@example.org", "c@example.org", "d@x.test"], ("addresses",), allow_reserved=False)
    assert [(refusal.code, refusal.field) for refusal in caught.value.refusals] == [
        (RefusalCode.ADDRESS_INVALID, ("addresses", "0")),
        (RefusalCode.CONFLICT, ("addresses", "2")),
        (RefusalCode.ADDRESS_RESERVED, ("addresses", "3")),
    ]
    with pytest.raises(Refusal) as many:
        read_addresses([f"a{number}@example.org" for number in range(21)], ("addresses",), allow_reserved=False)
    assert many.value.code is RefusalCode.TOO_MANY
