"""The guard that keeps full card numbers out of the ledger (`product.md`, card processing).

A number counts as a card's when a card issuer's prefix, that issuer's length and the Luhn sum (ISO/IEC 7812-1) all
fit. It is found with spaces, dashes and invisible characters between its digits, and with other numbers before and
after it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, groupby
from urllib.parse import unquote

from gateway.errors import Refusal, RefusalCode

_ISSUERS: tuple[tuple[str, frozenset[int]], ...] = (
    (r"4", frozenset({13, 16, 18, 19})),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", frozenset({16})),  # Mastercard
    (r"3[47]", frozenset({15})),  # American Express
    (r"30[0-5]|3095|3[689]", frozenset(range(14, 20))),  # Diners Club
    (r"6011|64[4-9]|65", frozenset(range(16, 20))),  # Discover
    (r"35(?:2[89]|[3-8])", frozenset(range(16, 20))),  # JCB
    (r"62", frozenset(range(16, 20))),  # UnionPay
    (r"220[0-4]", frozenset(range(16, 20))),  # Mir
    (r"508|60|8[12]", frozenset({16})),  # RuPay
    (r"50[123]8|5020|5893|6304|6759|676[1-3]", frozenset(range(12, 20))),  # Maestro
)
_ISSUERS_READ = tuple((re.compile(prefix), lengths) for prefix, lengths in _ISSUERS)
_LONGEST_PREFIX = 4
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Of each digit, as the Luhn sum counts it: twice as much, and the digits of that added."""
_SHORTEST = min(min(lengths) for _, lengths in _ISSUERS)

_SEPARATING = frozenset({"Zs", "Pd", "Cf", "Mn", "Me"})
"""Unicode's categories of spaces, dashes, invisible controls, and marks that sit on the digit before."""
_OTHER_SPACES = "\t\u115f\u1160\u2065\u2800\u3164\uffa0\ufff0-\ufff8"
_OTHER_DASHES = "\u02d7\u2043\u2053\u207b\u208b\u2212\u2796"
"""What is invisible, or looks like a dash, and is in another category: a letter, a sign, a symbol."""


def _between_digits() -> str:
    """The class of characters that may stand between a number's digits, without line ends."""
    planes = (range(0x20000), range(0xE0000, 0xE1000))  # the others hold ideographs only
    codes = [code for plane in planes for code in plane if unicodedata.category(chr(code)) in _SEPARATING]
    return f"[{_OTHER_SPACES}{_OTHER_DASHES}{''.join(_ranges(codes))}]"


def _ranges(codes: list[int]) -> Iterator[str]:
    for _, listed in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        together = [code for _, code in listed]
        yield f"\\U{together[0]:08x}-\\U{together[-1]:08x}"


_BETWEEN = _between_digits()
_JOINING = re.compile(rf"\d|{_BETWEEN}")
_LONG = rf"(?<!\d)\d(?=[0-9 \t\-\x80-\U0010ffff]{{{_SHORTEST - 1}}})"
"""Where so many digits may begin: most numbers in a text are shorter, and left at once."""
_RUN = re.compile(rf"{_LONG}(?:{_BETWEEN}*+\d){{{_SHORTEST - 1}}}(?:{_BETWEEN}*+\d)*+")
_LONG_GAP = re.compile(rf"({_BETWEEN}{{2}}){_BETWEEN}++")
_GROUP = re.compile(r"\d+")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_IBAN_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}$")


def holds_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text, in any script's digits.

    A number starts and ends where a group of digits does: `12 4111 1111 1111 1111` holds one, an invoice number of
    twenty unbroken digits does not. A number after `+` is a telephone's, a valid IBAN is a bank account's, and the
    digits of a UUID do not count; with no letter in it, it may be a card number written with dashes. Time grows with
    the text's length and not faster, whatever it holds: it is checked while other calls wait.
    """
    text = _UUID.sub(_without_identifier, text)
    return any(_run_holds_card(text, run) for run in _RUN.finditer(text))


def _without_identifier(found: re.Match[str]) -> str:
    return found.group() if found.group().replace("-", "").isdigit() else "uuid"


def _run_holds_card(text: str, run: re.Match[str]) -> bool:
    groups = _GROUP.findall(run.group())
    digits = _ascii_digits("".join(groups))
    if len(digits) < _SHORTEST or _is_iban(text[max(0, run.start() - 3) : run.start()], digits):
        return False
    if len(digits) <= 15 and text.endswith(("+", "+("), 0, run.start()):  # E.164: at most 15 digits
        return False
    return _holds_card_between(digits, [0, *accumulate(map(len, groups))])


def _ascii_digits(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(unicodedata.digit(c)) for c in digits)


def _holds_card_between(digits: str, borders: list[int]) -> bool:
    """Whether a card number reaches from one of these places between the digits to another."""
    sums = _luhn_sums(digits)
    return any(_passes_luhn(sums, start, end) for start, end in _candidates(digits, borders))


def _candidates(digits: str, borders: list[int]) -> Iterator[tuple[int, int]]:
    """Where each number of an issuer's prefix and length starts and ends."""
    ends = frozenset(borders)
    for start in borders:
        for length in _lengths_of_issuers(digits[start : start + _LONGEST_PREFIX]):
            if start + length in ends:
                yield start, start + length


@cache
def _lengths_of_issuers(prefix: str) -> frozenset[int]:
    """The lengths of card numbers that start with these digits, at most four of them."""
    return frozenset(length for issuer, lengths in _ISSUERS_READ if issuer.match(prefix) for length in lengths)


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """The Luhn sums of the first 0, 1, 2 ... digits: at odd places doubled, and at even ones.

    The sum of any part is then a difference: numbers overlap, and none is added up anew.
    """
    odd_doubled = list(map(int, digits))
    even_doubled = odd_doubled.copy()
    odd_doubled[1::2] = map(_DOUBLED.__getitem__, odd_doubled[1::2])
    even_doubled[::2] = map(_DOUBLED.__getitem__, even_doubled[::2])
    return [0, *accumulate(odd_doubled)], [0, *accumulate(even_doubled)]


def _passes_luhn(sums: tuple[list[int], list[int]], start: int, end: int) -> bool:
    """Whether the last digit is plain, the one before it doubled, and so on, and their sum ends in 0."""
    of_parity = sums[(end - 1) % 2]
    return (of_parity[end] - of_parity[start]) % 10 == 0


def _is_iban(before: str, digits: str) -> bool:
    """ISO 13616: country letters and check digits moved to the end, letters as numbers, rest 1 modulo 97."""
    head = _IBAN_HEAD.search(before)
    if head is None or not 15 <= len(digits) <= 32:
        return False
    country = "".join(str(ord(letter) - 55) for letter in head.group())
    return int(digits[2:] + country + digits[:2]) % 97 == 1


def continues_number(character: str) -> bool:
    """Whether a number may continue with it: a digit, or what may stand between two."""
    return _JOINING.fullmatch(character) is not None


def shorten_gaps(text: str) -> str:
    """Returns the text with at most two characters of those that may stand between a number's digits in a row."""
    return _LONG_GAP.sub(r"\1", text)


def refuse_card_number(text: str, field: tuple[str, ...]) -> None:
    """Refuse free text that holds a card number (CARD_NUMBER). The message does not repeat it."""
    if holds_card_number(text):
        raise Refusal(
            RefusalCode.CARD_NUMBER,
            "This holds a full card number, which must never be mailed or stored: keep the last four digits only.",
            field,
        )


def refuse_card_number_in_url(url: str, field: tuple[str, ...]) -> None:
    """Refuse a URL one of whose words is a card number; digits inside longer identifiers are left alone."""
    for word in re.split(r"[^0-9A-Za-z]+", unquote(url)):
        if word.isascii() and word.isdigit():
            refuse_card_number(word, field)
