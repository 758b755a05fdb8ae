"""The rules as data: every one lives, keeps its promises, and a wrong one is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.mail.response import TRANSACTION_STAGES, Stage
from gateway.mail.verdict import BAD_ADDRESS_CAUSES, Cause, Outcome, Rules, Scope, judge
from gateway.rule_files import RulesError, read_rules_file
from gateway.verdict_rules import read_verdict_rules, verdict_rules
from tests.unit.exchanges import answered, broken

RULES = read_verdict_rules()
NEVER_BY_A_SERVER = {
    Cause.RESTORED,
    Cause.SUPPRESSED,
    Cause.OPTED_OUT,
    Cause.WRONG_RELAY,
    Cause.DEADLINE,
    Cause.BY_PERSON,
}


@pytest.mark.parametrize("rule", RULES.replies, ids=lambda rule: rule.name)
def test_a_reply_rule_decides_its_own_example(rule: Any) -> None:
    verdict = judge(answered(rule.example), RULES)
    assert (verdict.rule, verdict.cause) == (rule.name, rule.cause)
    assert verdict.suppress == rule.suppress, "its example must show that it suppresses"


@pytest.mark.parametrize("kind", ["TIMEOUT", "DROPPED"])
def test_a_connection_that_breaks_speaks_of_the_destination_from_the_recipient_on(kind: str) -> None:
    scopes = {stage: judge(broken(f"{stage} {kind}"), RULES).scope for stage in TRANSACTION_STAGES}
    late = {Stage.RCPT, Stage.DATA, Stage.CONTENT, Stage.END_OF_DATA}
    assert scopes == {stage: Scope.DESTINATION if stage in late else Scope.RELAY for stage in TRANSACTION_STAGES}


@pytest.mark.parametrize("rule", RULES.faults, ids=lambda rule: rule.name)
def test_a_fault_rule_decides_its_own_example(rule: Any) -> None:
    verdict = judge(broken(rule.example, dot_sent=rule.after_dot), RULES)
    assert (verdict.rule, verdict.cause) == (rule.name, rule.cause)
    assert (verdict.outcome is Outcome.UNCERTAIN) == rule.after_dot


def test_only_bad_addresses_are_suppressed() -> None:
    suppressing = [rule for rule in RULES.replies if rule.suppress]
    assert suppressing
    assert {rule.cause for rule in suppressing} == BAD_ADDRESS_CAUSES


def test_no_rule_names_a_cause_that_is_not_a_servers() -> None:
    causes = {rule.cause for rule in RULES.replies} | {rule.cause for rule in RULES.faults}
    assert causes == set(Cause) - NEVER_BY_A_SERVER


def test_advice_is_a_sentence_for_a_person() -> None:
    advice = [*(rule.advice for rule in RULES.replies), *(rule.advice for rule in RULES.faults), RULES.again]
    for words in advice:
        assert words[0].isupper(), words
        assert words.endswith("."), words
        assert 20 < len(words) <= 300, words


def test_rules_are_read_once() -> None:
    assert read_verdict_rules() is RULES


def rules_with(table: str, **entry: Any) -> dict[str, Any]:
    """The real rules and one more."""
    rules = read_rules_file("verdicts")
    whole = {"name": "new", "cause": "UNKNOWN", "example": "RCPT 550 New", **entry}
    rules[table] = [*rules[table], {key: value for key, value in whole.items() if value is not None}]
    return rules


def test_one_more_right_rule_is_taken() -> None:
    rules = verdict_rules(rules_with("text", text=["quite new"], codes=[550, "45x"], stages=["RCPT"]))
    new = next(rule for rule in rules.replies if rule.name == "new")
    assert (new.scope, new.suppress, new.codes) == (Scope.MESSAGE, False, frozenset({550, *range(450, 460)}))
    assert new.advice.startswith("The receiving server")


def test_a_rule_may_be_for_replies_without_a_code() -> None:
    rules = verdict_rules(rules_with("text", text=["quite new"], enhanced=["none", "5.*.0"], codes=[550]))
    fitting = [code for code in ("", "5.0.0 ", "5.1.0 ", "5.1.1 ") if judge_new(f"RCPT 550 {code}Quite new", rules)]
    assert fitting == ["", "5.0.0 ", "5.1.0 "]


def judge_new(line: str, rules: Rules) -> bool:
    return judge(answered(line), rules).rule == "new"


@pytest.mark.parametrize(
    ("table", "entry", "why"),
    [
        ("text", {"text": ["new"], "name": None}, "a rule needs a name"),
        ("text", {"text": ["new"], "name": "user-unknown"}, "rule 'user-unknown': the name is taken"),
        ("text", {"text": ["new"], "cause": "BAD_LUCK"}, "rule 'new': cause = 'BAD_LUCK'"),
        ("text", {"text": ["new"], "cause": None}, "rule 'new': cause is missing"),
        ("text", {"text": ["new"], "example": None}, "rule 'new': example is missing"),
        ("text", {"text": ["new"], "cause": "BY_PERSON"}, "rule 'new': advice is missing"),
        ("text", {"text": ["New"]}, "rule 'new': text = .* capitals"),
        ("text", {"text": ["(new"]}, "rule 'new': text = "),
        ("text", {"codes": [550]}, "rule 'new': text is missing"),
        ("basic", {"codes": [250]}, "rule 'new': codes = .*250"),
        ("basic", {"codes": ["5x"]}, "rule 'new': codes = "),
        ("basic", {"codes": [550], "stages": ["HELO"]}, "rule 'new': stages = "),
        ("enhanced", {"enhanced": ["2.1.5"]}, "rule 'new': enhanced = .*2\\.1\\.5"),
        ("enhanced", {"enhanced": ["5.1"]}, "rule 'new': enhanced = "),
        ("text", {"text": ["new"], "scope": "WORLD"}, "rule 'new': scope = 'WORLD'"),
        ("text", {"text": ["new"], "knows_destination": True}, "rule 'new': knows_destination is for"),
        ("text", {"text": ["new"], "sure_after_data": True}, "rule 'new': sure_after_data is for"),
        ("text", {"text": ["new"], "colour": "red"}, "rule 'new': unknown key 'colour'"),
        ("text", {"text": ["new"], "suppress": True, "cause": "MAILBOX_FULL"}, "rule 'new': only bad addresses"),
        ("enhanced", {"enhanced": ["5.7.*"], "suppress": True, "cause": "BAD_ADDRESS"}, "rule 'new': 5.7.x is policy"),
        ("fault", {"faults": ["TIMEOUT"], "after_dot": True, "refuses": True}, "rule 'new': after the dot nobody"),
        ("fault", {"faults": ["FIRE"]}, "rule 'new': faults = "),
    ],
)
def test_a_wrong_rule_is_refused_by_name(table: str, entry: dict[str, Any], why: str) -> None:
    with pytest.raises(RulesError, match=why):
        verdict_rules(rules_with(table, **entry))


@pytest.mark.parametrize("table", ["stage", "fault"])
def test_rules_that_leave_a_case_open_are_refused(table: str) -> None:
    rules = read_rules_file("verdicts")
    rules[table] = rules[table][:-1]
    with pytest.raises(RulesError, match="no rule fits"):
        verdict_rules(rules)


def test_a_file_that_is_not_toml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "torn.toml").write_text("[[text]\n")
    monkeypatch.setattr("gateway.rule_files.files", lambda package: tmp_path)
    with pytest.raises(RulesError, match=r"rules/torn\.toml is not TOML"):
        read_rules_file("torn")


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(RulesError, match="unknown table 'txet'"):
        verdict_rules({**read_rules_file("verdicts"), "txet": []})
