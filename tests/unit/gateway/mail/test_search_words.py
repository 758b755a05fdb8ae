"""Words by which mail is found: a search for any word of a text finds it, in time that grows with the text."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mail.search_words import (
    LONGEST_SEARCH,
    MAX_LEXEMES,
    MailTexts,
    address_words,
    folded,
    mail_words,
    query_words,
    queue_id,
    text_words,
)

_TERM = re.compile(r"'((?:[^'\\]|''|\\\\)*)'(:\*)?")
SIGNS = "abcxyzABCÄéßøŁİıςΣΆйЁа́กำहिन्दीかガ東京タ한글漢1234567890٣²½ﬁ-_./:@#'\"()<>&|!*\\،"
WORDS = st.text(st.sampled_from(SIGNS), min_size=1, max_size=12)
SES = "0100018c1234abcd-12345678-90ab-cdef-1234-567890abcdef-000000"


def finds(search: str, lexemes: set[str]) -> bool:
    """Whether a search finds what has these lexemes, as PostgreSQL evaluates both of its queries."""
    query = query_words(search)
    if query is None:
        return False

    def holds(term: re.Match[str]) -> str:
        lexeme = term[1].replace("''", "'").replace("\\\\", "\\")
        return str(any(one.startswith(lexeme) for one in lexemes) if term[2] else lexeme in lexemes)

    def evaluated(tsquery: str) -> bool:
        found = _TERM.sub(holds, tsquery)
        assert re.fullmatch(r"(?:True|False|[&|() ])+", found), tsquery
        return bool(eval(found.replace("&", "and").replace("|", "or")))  # noqa: S307 - checked just above

    return evaluated(query.lexemes) and (query.recheck is None or evaluated(query.recheck))


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=8))
@example(["INV-1005/07"])
@example(["İstanbul", "ΣΑΣ"])
@example(["a@b"])
def test_any_word_of_a_text_finds_it(words: list[str]) -> None:
    lexemes = set(text_words(" ".join(words)))
    for word in words:
        assert query_words(word) is None or finds(word, lexemes), (word, query_words(word), lexemes)
    together = " ".join(words)
    assert query_words(together) is None or finds(together, lexemes)


@settings(max_examples=40)
@given(st.text(st.sampled_from("abcdeäé"), min_size=3, max_size=12), st.integers(min_value=3))
def test_the_beginning_of_a_word_finds_it(word: str, letters: int) -> None:
    assert finds(word[:letters], set(text_words(f"to {word} of")))
    assert not finds(f"{word}x", set(text_words(word)))


@pytest.mark.parametrize(
    ("text", "searches", "others"),
    [
        (
            "Your invoice INV-1005/07",
            ["inv-1005/07", "inv100507", "1005", "INV 1005", "invo"],
            ["100", "inv1006"],
        ),
        ("Termin für Müller & Söhne", ["muller", "SÖHNE", "fur", "ter müll"], ["mueller", "sohnes"]),
        ("東京タワーの見積もり", ["東京", "タワー", "京", "見積"], ["京東", "大阪"]),
        ("ご予約 한글 메일", ["予約", "한글", "메일"], ["일메"]),
        ("Όδυσσεύς", ["οδυσσευς", "ΟΔΥΣΣΕΎΣ"], ["οδυσσεας"]),
        ("O'Brien's e-signature", ["o'brien", "brien", "e-signature", "signature"], ["obriens"]),
        ("Order WO1005", ["wo1005", "1005", "wo 1005"], ["wo1006", "005"]),
        (
            "ann@customer.example wrote",
            ["ann@customer.example", "<Ann@Customer.example>,", "ann"],
            ["bob@customer.example"],
        ),
    ],
)
def test_words_are_found_as_people_write_them(text: str, searches: list[str], others: list[str]) -> None:
    lexemes = set(text_words(text))
    for search in searches:
        assert finds(search, lexemes), (search, query_words(search), lexemes)
    for search in others:
        assert not finds(search, lexemes), (search, query_words(search), lexemes)


def test_an_address_is_found_whole_and_by_its_local_part() -> None:
    lexemes = set(address_words("Ann.Smith@xn--bcher-kva.example"))
    for search in ("ann.smith@bücher.example", "ann.smith@xn--bcher-kva.example", "smith", "ann smi"):
        assert finds(search, lexemes), search
    assert not finds("example", lexemes)


@pytest.mark.parametrize("search", ["", "   ", "!!! ... --", "\0", "‎"])
def test_a_search_without_words_is_none(search: str) -> None:
    assert query_words(search) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("2.0.0 Ok: queued as 4Zx0kJ1mXxz9", "4Zx0kJ1mXxz9"),
        ("OK id=1rABcD-0000ab-1X", "1rABcD-0000ab-1X"),
        ("2.0.0 54TA3x7K012345 Message accepted for delivery", "54TA3x7K012345"),
        ("2.6.0 <a@b.example> [InternalId=12345678901, Hostname=X] Queued mail for delivery", "12345678901"),
        ("2.0.0 OK  1612345678 a1-20020a056402.si123.45 - gsmtp", "a1-20020a056402.si123.45"),
        (f"Ok {SES}", SES),
        ("ok 1612345678 qp 31337", "31337"),
        ("Message Queued (A1B2C3D4-0001.1)", "A1B2C3D4-0001.1"),
        ("2.0.0 Ok", None),
        ("Great success", None),
    ],
)
def test_the_id_of_the_relays_queue_is_read_from_its_answer(answer: str, expected: str | None) -> None:
    assert queue_id(answer) == expected
    if expected:
        assert finds(expected.lower(), set(text_words(expected)))


def test_a_message_has_its_references_and_people_before_words_of_servers() -> None:
    texts = MailTexts(
        subject="Your appointment",
        reference="WO-77",
        names=["Ann Müller"],
        addresses=["ann@customer.example", "dana@customer.example"],
        accepted=["2.0.0 Ok: queued as 4Zx0kJ1mXxz9"],
        others=[" ".join(f"word{number}" for number in range(at, 2000)) for at in (0, 500)],
    )
    lexemes = mail_words(texts)
    assert len(lexemes) == len(set(lexemes)) == MAX_LEXEMES
    for search in ("wo-77", "4zx0kj1mxxz9", "muller", "dana@customer.example", "appointment", "word3"):
        assert finds(search, set(lexemes)), search
    assert all(lexeme and " " not in lexeme for lexeme in lexemes)


HARD = ["a" * 10, "1a" * 5, "東京", "-", "a-", "1-", "@", "a@", "'", "é", "ﷺ", "<>", "queued as ", "id="]


@pytest.mark.parametrize("part", HARD)
def test_time_is_linear_in_the_text(part: str) -> None:
    text = part * (1_000_000 // len(part))
    begun = time.process_time()
    lexemes = list(text_words(text))
    queue_id(text)
    folded(text[:1000])
    found = query_words(text[:LONGEST_SEARCH])
    assert query_words(text) is None or found is None or len(found.lexemes) < 40_000
    assert time.process_time() - begun < 0.25
    assert len(lexemes) < 20_000  # one character may stand for eighteen
