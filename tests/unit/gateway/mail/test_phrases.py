"""Many expressions over one text: the words that each needs are found, and nothing is missed for them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.phrases import Phrases, needed_words
from gateway.mail.verdict import plain_words
from gateway.verdict_rules import read_verdict_rules

RULES = read_verdict_rules()
ALL = [*(rule.text for rule in RULES.replies if rule.text is not None), RULES.doubts]


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        ("no such user", {"no such user"}),
        (r"\bno such (user|mailbox)\b", {"no such "}),
        ("(user|mailbox)s? unknown", {" unknown"}),
        ("(recipient|mailbox) x", {"recipient", "mailbox"}),
        ("(a|bc|)d", {"d"}),
        ("(user|) ?", set()),
        ("ab?c", {"a"}),
        ("abb{0,2}cde", {"cde"}),
        ("ab{2}cd", {"cd"}),
        ("ab+cd", {"cd"}),
        (r"x[^.;]{0,40}yes\.", {"yes."}),
        (r"(?<!rcpt )to:", {"to:"}),
        (r"(?:call)(?! failed)", {"call"}),
        (r"^[\W\d_]*$", set()),
        (r"one|two", {"one", "two"}),
        (r"one|\d", set()),
        (r"[abc]\|d", {"|d"}),
    ],
)
def test_the_words_that_an_expression_needs(source: str, needs: set[str]) -> None:
    assert needed_words(source) == needs


def test_any_of_them_is_found() -> None:
    phrases = Phrases(["no such (user|mailbox)", r"^[\W\d_]*$"])
    assert phrases.search("550 no such mailbox here")
    assert phrases.search("")
    assert not phrases.search("no such thing")
    assert phrases.sources == ("no such (user|mailbox)", r"^[\W\d_]*$")


def test_a_wrong_expression_is_refused() -> None:
    with pytest.raises(re.error):
        Phrases(["(new"])


PATTERNS = {source: re.compile(source) for phrases in ALL for source in phrases.sources}
words = st.lists(
    st.sampled_from(sorted({word for source in PATTERNS for word in needed_words(source)})), max_size=6
).map(" ".join)


@settings(max_examples=40)
@given(words)
def test_the_short_way_finds_what_the_long_way_finds(text: str) -> None:
    for phrases in ALL:
        assert phrases.search(text) == any(PATTERNS[source].search(text) is not None for source in phrases.sources)


NEVER_ENDING = re.compile(r"\)[*+]|\)\{\d+,\}|\.[*+]|\[\^[^]]*\][*+]|[*+]\)[*+{]")
"""A group, any character or an excluded one, repeated without an end: it reads a text again and again."""


def test_no_expression_repeats_without_an_end() -> None:
    assert [source for source in PATTERNS if NEVER_ENDING.search(source)] == []


STARTS = ["user ", "mailbox ", "recipient ", "address ", "no such ", "quota ", "to: ", "a", " ", "550 ", "<@> "]


def slowest_doubling(read: Callable[[str], object]) -> float:
    """The worst of time(2n)/time(n) over texts that are made to be read again and again: what patterns start with, over
    and over."""

    def took(text: str) -> float:
        best = 60.0
        for _ in range(3):
            started = time.thread_time()
            read(text)
            best = min(best, time.thread_time() - started)
        return best

    def ratio(start: str) -> float:
        return took((start * 4000)[:4000]) / max(took((start * 2000)[:2000]), 0.0002)

    # What else the machine does shows even in a thread's own time: only what is slow each time is slow.
    first = {start: ratio(start) for start in [*STARTS, "your user mailbox address from: ip sender "]}
    return max(first[start] if first[start] < 3 else min(ratio(start) for _ in range(3)) for start in first)


def test_searching_grows_no_faster_than_the_text() -> None:
    def every_pattern(text: str) -> None:
        for phrases in ALL:
            phrases.search(text)

    assert slowest_doubling(every_pattern) < 3


def test_making_words_of_a_reply_grows_no_faster_than_the_reply() -> None:
    assert slowest_doubling(plain_words) < 3


def test_the_doubling_notices_what_is_read_again_and_again() -> None:
    search = re.compile("user .{0,9999}x").search
    # A machine that is busy while the shorter text is read hides it now and then, never each time.
    assert any(slowest_doubling(search) > 3 for _ in range(5))
