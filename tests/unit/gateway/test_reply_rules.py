"""The rules for replies as data: each phrase has an example, a wrong one is refused by name, none takes long."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mail.phrases import Phrases
from gateway.mail.report_text import plain_line
from gateway.reply_rules import examples, read_reply_rules, reply_rules
from gateway.rule_files import RulesError, read_rules_file
from tests.growth import expect_linear

RULES = read_reply_rules()
TABLE = read_rules_file("replies")
TABLES = ("separators", "forwards", "attributions", "attribution_lines", "mobile", "below")


def test_rules_are_read_once() -> None:
    assert read_reply_rules() is RULES


@pytest.mark.parametrize("name", TABLES)
def test_every_example_is_known_and_every_phrase_has_one(name: str) -> None:
    phrases: Phrases = getattr(RULES, name)
    shown = [plain_line(example) for example in examples(TABLE, name)]
    assert [line for line in shown if not phrases.search(line)] == []
    assert [source for source in phrases.sources if not any(map(Phrases([source]).search, shown))] == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"separatorz": {}}, "unknown table 'separatorz'"),
        ({"mobile": {"text": ["a"]}}, r"\[mobile\] needs examples"),
        ({"mobile": {"text": ["A"], "examples": ["a"]}}, r"\[mobile\] needs text.*has capitals"),
        ({"mobile": {"text": ["("], "examples": ["a"]}}, r"\[mobile\] needs text"),
        ({"labels": {**TABLE["labels"], "from": []}}, r"\[labels\] needs from"),
        ({"labels": {**TABLE["labels"], "from": ["From"]}}, r"\[labels\] from: 'From' has capitals"),
        ({"html": {}}, r"\[html\] needs quotes"),
    ],
)
def test_a_wrong_table_is_refused_by_name(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(RulesError, match=why):
        reply_rules(TABLE | changed)


@pytest.mark.parametrize(
    "piece", ["a ", "on ", "am schrieb ", "-", "wrote ", "@ ", "10:00 ", "see ", "sent from my ", "年"]
)
def test_no_phrase_takes_longer_than_in_proportion(piece: str) -> None:
    phrases = [Phrases([source]) for name in TABLES for source in getattr(RULES, name).sources]

    def search(line: str) -> None:
        for phrase in phrases:
            phrase.search(line)

    expect_linear(search, lambda size: piece * (size // len(piece)), 4_000)
