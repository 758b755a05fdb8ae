"""Full card numbers are found wherever they hide; ordinary numbers pass."""

from __future__ import annotations

import re
import sys
import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.mail import card_number
from gateway.mail.card_number import holds_card_number, refuse_card_number, refuse_card_number_in_url

CARDS = ["4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005",
         "30569309025904", "6011111111111117", "3530111333300000", "6212345678901232", "6759649826438453",
         "2200000000000004", "6011000990139424"]  # fmt: skip


ISSUERS = {
    "4": {13, 16, 18, 19},
    "51 55 2221 2229 223 229 23 26 270 271 2720": {16},
    "34 37": {15},
    "300 305 3095 36 38 39": {14, 15, 16, 17, 18, 19},
    "6011 644 649 65 3528 3529 353 358 62 2200 2204": {16, 17, 18, 19},
    "508 60 81 82": {16},
    "5018 5028 5038 5020 5893 6304 6759 6761 6763": {12, 13, 14, 15, 16, 17, 18, 19},
    # Beside them: issuers of nothing
    "1 2220 2721 306 308 50 560 61 640 643 66 6750 6764 7 80 83 9 2205 3527 359": set(),
}
"""What ISO/IEC 7812 gives to issuers: first digits, and how many a number may have."""


def luhn_number(prefix: str, length: int) -> str:
    """A number of this many digits that begins so and passes the sum; in it begins no other issuer's."""
    body = prefix.ljust(length - 1, "0")
    return next(f"{body}{last}" for last in range(10) if plainly_adds_up(f"{body}{last}"))


@pytest.mark.parametrize(
    ("prefix", "lengths"), [(prefix, lengths) for known, lengths in ISSUERS.items() for prefix in known.split()]
)
def test_each_issuers_numbers_have_its_lengths_and_no_others(prefix: str, lengths: set[int]) -> None:
    assert {length for length in range(11, 21) if holds_card_number(luhn_number(prefix, length))} == lengths


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("frame", ["{}", "Card {} please", "x{}y", "12 {} 07/29", "no. {}, thanks"])
def test_a_card_number_is_found_in_any_text(card: str, frame: str) -> None:
    assert holds_card_number(frame.format(card))


@given(
    st.sampled_from(CARDS),
    st.lists(st.sampled_from(["", " ", "-", "  ", " - ", "\u00a0", "\u2013", "\u200b"]), min_size=19, max_size=19),
)
def test_spaces_and_dashes_do_not_hide_it(card: str, gaps: list[str]) -> None:
    spread = "".join(digit + gap for digit, gap in zip(card, gaps, strict=False))
    assert holds_card_number(f"paid with {spread}, thank you")


@pytest.mark.parametrize("category", ["Zs", "Pd", "Cf", "Mn", "Me"])
def test_nothing_that_is_a_space_a_dash_or_unseen_hides_it(category: str) -> None:
    between = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == category]
    assert between
    assert [c for c in between if not holds_card_number(f"4111{c}1111{c}{c}1111{c}1111")] == []


@pytest.mark.parametrize(
    "between", "\t\u034f\u180e\u2043\u2212\u2796\u3164\u2800\ufe0f\U000e0030\u20e3\u0336\u05be\u301c"
)
def test_no_other_character_that_looks_like_a_gap_hides_it(between: str) -> None:
    assert holds_card_number(between.join("4111111111111111"))


@pytest.mark.parametrize("between", "\n\r,.;:/_x")
def test_what_parts_numbers_for_a_reader_parts_them(between: str) -> None:
    assert not holds_card_number(between.join(["4111", "1111", "1111", "1111"]))


def test_a_long_row_of_numbers_is_read_in_one_pass() -> None:
    assert not holds_card_number("1 " * 100_000)


@given(st.uuids(version=4))
def test_an_identifier_passes(identifier: UUID) -> None:
    assert not holds_card_number(f"ref {identifier}, see https://x.example/{identifier}")


def test_a_card_number_that_looks_like_an_identifier_is_found() -> None:
    assert holds_card_number("41111111-1111-1111-0000-000000000000")
    assert holds_card_number("00000000-4111-1111-1111-1111 00000000")


@given(st.sampled_from(CARDS), st.integers(min_value=1, max_value=9))
def test_one_wrong_digit_is_no_card(card: str, by: int) -> None:
    assert not holds_card_number(card[:-1] + str((int(card[-1]) + by) % 10))


def test_digits_of_other_scripts_do_not_hide_it() -> None:
    assert holds_card_number("4111111111111111".translate({48 + i: 0xFF10 + i for i in range(10)}))


@pytest.mark.parametrize(
    "text",
    ["", "Invoice 2026-000123", "call +49 1512 3456789", "call (650) 253-0000", "+4915123456785",
     "41111111111111112345678", "tracking 00340434161094042557", "DE89 3704 0044 0532 0130 00",
     "GB29 NWBK 6016 1331 9268 19", "2026-11-23 16:05:27",
     "4111111111111112", "9111111111111111", "4111 1111 1111", "a0000000-4111-1111-1111-111111111111"],
)  # fmt: skip
def test_ordinary_numbers_pass(text: str) -> None:
    assert not holds_card_number(text)


@pytest.mark.parametrize(
    ("card", "rest", "counts"),
    [
        ("4111111111111111", "00", False),
        ("4222222222222", "", False),
        ("4111111111111111", "0" * 14, False),
        # Too short, or too long, for an account
        ("676200000005", "", True),
        ("4111111111111111", "0" * 15, True),
    ],
)
def test_a_card_number_within_a_valid_account_number_is_none(card: str, rest: str, counts: bool) -> None:
    # Given an IBAN (ISO 13616): country, check digits, account
    check = 98 - int(f"{card}{rest}131400") % 97
    account = f"DE{check:02} {card} {rest}"
    assert holds_card_number(card)
    assert holds_card_number(f"To {account}.") is counts
    # Then one whose check digits do not fit is none, nor are other letters a country
    for other in ("DX", "ADE", "de"):
        assert holds_card_number(account.replace("DE", other))


def test_the_refusal_names_the_field_and_never_repeats_the_number() -> None:
    with pytest.raises(Refusal) as refused:
        refuse_card_number("4111 1111 1111 1111", ("note",))
    assert (refused.value.code, refused.value.field) == (RefusalCode.CARD_NUMBER, ("note",))
    assert "1111" not in refused.value.message


def test_a_url_is_refused_only_for_a_word_that_is_a_card_number() -> None:
    with pytest.raises(Refusal):
        refuse_card_number_in_url("https://pay.example/?card=4111111111111111", ("portalUrl",))
    refuse_card_number_in_url("https://pay.example/a4111111111111111/4111-1111", ("portalUrl",))
    assert not holds_card_number("https://pay.example/4111/2")


PLAIN_ISSUERS = [(re.compile(prefix), length) for prefix, lengths in card_number._ISSUERS for length in lengths]
PLAIN_UUID = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9-]{0,35}[A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)
PLAIN_RUN = re.compile(rf"\d(?:{card_number._BETWEEN}*\d)*")


def plainly_holds_card_number(text: str) -> bool:
    """The same, written for its meaning: each number is put together and added up by itself, however long it takes."""
    text = PLAIN_UUID.sub("uuid", text)
    return any(plainly_run_holds_card(text, run) for run in PLAIN_RUN.finditer(text))


def plainly_run_holds_card(text: str, run: re.Match[str]) -> bool:
    groups = ["".join(str(unicodedata.digit(c)) for c in group) for group in re.findall(r"\d+", run.group())]
    whole = "".join(groups)
    if card_number._is_iban(text[max(0, run.start() - 3) : run.start()], whole):
        return False
    if text[: run.start()].endswith(("+", "+(")) and len(whole) <= 15:
        return False
    spans = [(start, end) for start in range(len(groups)) for end in range(start, len(groups) + 1)]
    return any(plainly_is_card_number("".join(groups[start:end])) for start, end in spans)


def plainly_is_card_number(digits: str) -> bool:
    if not any(len(digits) == length and issuer.match(digits) for issuer, length in PLAIN_ISSUERS):
        return False
    return plainly_adds_up(digits)


def plainly_adds_up(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(value // 10 + value % 10 for value in doubled)) % 10 == 0


PIECES = st.one_of(
    st.text("0123456789", min_size=1, max_size=20),
    st.text("0123456789 -", max_size=40),
    st.sampled_from(["x", "a", "F", "+", "+(", "\n", " ", "-", "\u200b", "\u0664", "DE", " GB29 ", "4111 1111 ", "1-"]),
    st.sampled_from(CARDS),
    st.sampled_from(CARDS).map(lambda card: "-".join(re.findall("..?.?.?", card))),
    st.uuids().map(str),
    st.from_regex(r"[0-9]{8}(-[0-9]{4}){3}-[0-9]{12}", fullmatch=True),
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_other_number_is_found_than_by_adding_each_up_by_itself(text: str) -> None:
    assert holds_card_number(text) == plainly_holds_card_number(text)
