"""Replies of persons: new text, earlier mail, the whole. The corpus is `tests/corpus/replies`."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.received import read_mail
from gateway.mail.reply import MAX_TEXT, Reply, read_reply
from gateway.reply_rules import read_reply_rules
from tests.examples import examples
from tests.replies import EXPECTED, REPLIES

RULES = read_reply_rules()


def read(raw: bytes) -> Reply:
    return read_reply(read_mail(raw).root, RULES)


def test_the_corpus_covers_what_clients_send() -> None:
    assert set(REPLIES) == set(EXPECTED)
    assert len(REPLIES) >= 60


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_told_from_what_it_answers(name: str) -> None:
    expected = EXPECTED[name]
    reply = read(REPLIES[name])
    assert reply.text == expected["text"]
    folded = [line for line in reply.history.split("\n") if line]
    assert [folded[0], folded[-1]] == expected["history"] if "history" in expected else not folded
    assert not reply.cut


@pytest.mark.parametrize("name", REPLIES)
def test_no_line_of_a_reply_is_lost(name: str) -> None:
    expect_every_line(REPLIES[name])


def expect_every_line(raw: bytes) -> None:
    reply = read(raw)
    assert lines(reply.text) + lines(reply.history) == lines(reply.whole)
    assert len(reply.whole.encode()) <= MAX_TEXT


def lines(text: str) -> Counter[str]:
    return Counter(line for line in text.split("\n") if line.strip())


@settings(max_examples=examples(60, proof=150), deadline=None)
@given(st.sampled_from(sorted(REPLIES)), st.integers(0, 100))
def test_a_reply_that_breaks_off_loses_no_line(name: str, percent: int) -> None:
    raw = REPLIES[name]
    expect_every_line(raw[: len(raw) * percent // 100])


DAMAGE = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 40)), max_size=8)


@settings(max_examples=examples(60, proof=150), deadline=None)
@given(st.sampled_from(sorted(REPLIES)), DAMAGE)
def test_a_damaged_reply_loses_no_line(name: str, damage: list[tuple[int, bytes, int]]) -> None:
    raw = REPLIES[name]
    for place, written, lost in damage:
        at = place % (len(raw) + 1)
        raw = raw[:at] + written + raw[at + lost :]
    expect_every_line(raw)


LINES = sorted({line for raw in REPLIES.values() for line in raw.splitlines()})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.just(b""), max_size=60))
def test_the_lines_of_all_replies_in_any_order_are_kept(given_lines: list[bytes]) -> None:
    expect_every_line(b"From: cara@customer.example\n\n" + b"\n".join(given_lines))
