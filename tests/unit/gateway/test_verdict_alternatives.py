"""Every alternative of every pattern of `verdicts.toml` has a reply that needs it: none can be deleted unseen."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway.mail.phrases import needed_words
from gateway.mail.verdict import Rule, Said, judge, read_reply
from gateway.rule_files import read_rules_file
from gateway.verdict_rules import read_verdict_rules
from tests.unit.exchanges import answered, reply

ALTERNATIVES = Path(__file__).parents[2] / "corpus" / "alternatives.txt"
DOUBT = "[doubt]"
RULES = read_verdict_rules()
TABLE = read_rules_file("verdicts")
ENTRIES: dict[str, dict[str, Any]] = {
    entry["name"]: entry for tier in ("connection", "text", "enhanced", "basic", "stage") for entry in TABLE[tier]
}


def read_alternatives() -> dict[str, list[str]]:
    """The replies of the table, by rule."""
    replies: dict[str, list[str]] = defaultdict(list)
    name = ""
    for line in ALTERNATIVES.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            name = line[3:]
        elif line and not line.startswith("#"):
            replies[name].append(line)
    return replies


@cache
def decided_by(name: str) -> list[Said]:
    """The replies of the table, and the rule's example, that this rule decides."""
    lines = [*read_alternatives()[name], ENTRIES[name]["example"]]
    return [read_reply(reply(line)) for line in lines if judge(answered(line), RULES).rule == name]


def without_one_alternative(source: str) -> Iterator[str]:
    """The expression without one alternative of one of its groups (those that look around aside), for each."""
    for starts, end in _groups(source):
        ends = [start - 1 for start in starts[1:]] + [end]
        branches = [source[start:stop] for start, stop in zip(starts, ends, strict=True)]
        for left_out in range(len(branches)):
            kept = "|".join(branch for at, branch in enumerate(branches) if at != left_out)
            yield source[: starts[0]] + kept + source[end:]


def _groups(source: str) -> Iterator[tuple[list[int], int]]:
    """Where the alternatives start, and where the last ends, of every group that has several."""
    opened: list[tuple[list[int], bool]] = [([0], False)]
    for token in re.finditer(r"\\.|\[[^]]*\]|\((?:\?:|(?P<around>\?<?[=!]))?|[|)]", source):
        if token[0].startswith("("):
            opened.append(([token.end()], token["around"] is not None))
        elif token[0] == "|":
            opened[-1][0].append(token.end())
        elif token[0] == ")":
            yield from _several(*opened.pop(), token.start())
    yield from _several(*opened.pop(), len(source))


def _several(starts: list[int], around: bool, end: int) -> Iterator[tuple[list[int], int]]:
    if len(starts) > 1 and not around:
        yield starts, end


def test_an_expression_is_walked_group_by_group() -> None:
    assert list(without_one_alternative(r"(ab|c\|d)( e|[|)])? (?!x|y)f")) == [
        r"(c\|d)( e|[|)])? (?!x|y)f",
        r"(ab)( e|[|)])? (?!x|y)f",
        r"(ab|c\|d)([|)])? (?!x|y)f",
        r"(ab|c\|d)( e)? (?!x|y)f",
    ]
    assert list(without_one_alternative("a|(b|(c|d))")) == [
        "a|(b|(d))",
        "a|(b|(c))",
        "a|((c|d))",
        "a|(b)",
        "(b|(c|d))",
        "a",
    ]


def not_needed(sources: list[str], replies: list[Said]) -> list[str]:
    """The expressions, and those with an alternative left out, that no reply needs."""
    patterns = [re.compile(source) for source in sources]
    found = [[pattern.search(said.words) is not None for pattern in patterns] for said in replies]
    left = []
    for at, source in enumerate(sources):
        alone = [said.words for said, hits in zip(replies, found, strict=True) if hits[at] and sum(hits) == 1]
        if not alone:
            left.append(source)
        for mutant in without_one_alternative(source):
            if not any(re.search(mutant, words) is None for words in alone):
                left.append(f"{source} as {mutant}")
    return left


@pytest.mark.parametrize("name", [rule.name for rule in RULES.replies if rule.text is not None])
def test_every_alternative_of_a_text_is_needed(name: str) -> None:
    assert not_needed(ENTRIES[name]["text"], decided_by(name)) == []


def test_every_alternative_of_the_doubts_is_needed() -> None:
    lines = read_alternatives()[DOUBT]
    replies = [read_reply(reply(line)) for line in lines]
    assert not_needed(TABLE["doubt"]["text"], replies) == []
    assert [said.words for said in replies if not RULES.doubts.search(said.words)] == []
    assert [line for line in lines if judge(answered(line), RULES).suppress] == []


@pytest.mark.parametrize("rule", RULES.replies, ids=lambda rule: rule.name)
def test_every_code_and_stage_of_a_rule_is_needed(rule: Rule) -> None:
    replies, entry = decided_by(rule.name), ENTRIES[rule.name]

    def missing(key: str, names: Callable[[str], re.Pattern[str]], heard: Callable[[Said], str]) -> list[str]:
        wanted = {str(value): names(str(value)) for value in entry.get(key, [])}
        only = [[value for value, name in wanted.items() if name.fullmatch(heard(said))] for said in replies]
        return [value for value in wanted if [value] not in only]

    assert missing("stages", re.compile, lambda said: said.stage.value) == []
    assert missing("codes", lambda code: re.compile(code.replace("x", r"\d")), lambda said: str(said.code)) == []
    assert missing("enhanced", _any_such_code, lambda said: said.enhanced or "") == []


def _any_such_code(code: str) -> re.Pattern[str]:
    if code == "none":
        return re.compile("")
    return re.compile(code.replace(".", r"\.").replace("x", "[45]").replace("*", r"\d{1,3}"))


def test_every_reply_of_the_table_is_decided_by_its_rule() -> None:
    strays = {
        line: judge(answered(line), RULES).rule
        for name, lines in read_alternatives().items()
        for line in lines
        if name != DOUBT and judge(answered(line), RULES).rule != name
    }
    assert strays == {}


@pytest.mark.parametrize("name", [rule.name for rule in RULES.replies if rule.text is not None])
def test_a_pattern_is_skipped_only_where_it_cannot_match(name: str) -> None:
    for source in ENTRIES[name]["text"]:
        for said in decided_by(name):
            if re.search(source, said.words):
                needs = needed_words(source)
                assert not needs or any(need in said.words for need in needs), (source, said.words)
