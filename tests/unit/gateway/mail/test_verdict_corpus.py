"""Real-world responses, judged: the table is `tests/corpus/responses.txt`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.mail.verdict import Scope, Verdict, judge
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered

CORPUS = Path(__file__).parents[3] / "corpus" / "responses.txt"


def read_corpus() -> list[tuple[str, str, str]]:
    """(section, reply, expected verdict) of every response in the table."""
    responses, section, reply = [], "", ""
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            section = line[3:].partition(" (")[0]
        elif line.startswith("-> "):
            responses.append((section, reply, line[3:]))
        elif line and not line.startswith("#"):
            reply = line
    return responses


def described(verdict: Verdict) -> str:
    """A verdict in the table's words."""
    words = [verdict.outcome.value]
    if verdict.cause is not None:
        words.append(verdict.cause.value)
    if verdict.suppress:
        words.append("suppress")
    if verdict.scope is not Scope.MESSAGE:
        words.append(verdict.scope.value.lower())
    if verdict.stops_relay:
        words.append("stops")
    if verdict.retry_after is not None:
        words.append(f"retry {verdict.retry_after // timedelta(seconds=1)}")
    return " ".join(words)


@pytest.mark.parametrize(("section", "reply", "expected"), read_corpus())
def test_a_real_response_is_read_rightly(section: str, reply: str, expected: str) -> None:
    verdict = judge(answered(reply), read_verdict_rules())
    assert described(verdict) == expected, f"{section}: {reply!r} was judged by rule {verdict.rule}"


def test_the_corpus_covers_the_large_providers() -> None:
    responses = read_corpus()
    assert len(responses) >= 140
    assert len({section for section, _, _ in responses}) >= 12
