"""The rules for reports as data: a wrong one is refused by name, and none takes long."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.mail.phrases import Phrases
from gateway.mail.report_text import ReportRules
from gateway.report_rules import read_report_rules, report_rules
from gateway.rule_files import RulesError, read_rules_file
from tests.growth import expect_linear

RULES = read_report_rules()


def test_rules_are_read_once() -> None:
    assert read_report_rules() is RULES


def rules_with(**form: Any) -> dict[str, Any]:
    """The real rules and one more form."""
    rules = read_rules_file("reports")
    whole = {"name": "new", "opening": ["quite new"], "example": "Quite new.", **form}
    return rules | {"form": [*rules["form"], {key: value for key, value in whole.items() if value is not None}]}


def test_one_more_right_form_is_taken() -> None:
    assert report_rules(rules_with()).forms[-1].name == "new"


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": None}, "a form needs a name"),
        ({"name": "qmail"}, "form 'qmail': the name is taken"),
        ({"opening": None}, "form 'new': opening and subject are missing"),
        ({"example": None}, "form 'new': example is missing"),
        ({"opening": ["New"]}, "form 'new': 'New' has capitals"),
        ({"opening": "new"}, "form 'new': 'new' is not a list"),
        ({"opening": ["(new"]}, "form 'new': "),
        ({"action": "LOST"}, "form 'new': 'LOST'"),
        ({"colour": "red"}, "form 'new': unknown key 'colour'"),
    ],
)
def test_a_wrong_form_is_refused_by_name(form: dict[str, Any], why: str) -> None:
    with pytest.raises(RulesError, match=why):
        report_rules(rules_with(**form))


def test_a_table_that_is_unknown_or_missing_is_refused() -> None:
    with pytest.raises(RulesError, match="unknown table 'senderz'"):
        report_rules(read_rules_file("reports") | {"senderz": {}})
    rules = read_rules_file("reports")
    del rules["senders"]
    with pytest.raises(RulesError, match=r"\[senders\] needs text"):
        report_rules(rules)


def all_phrases(rules: ReportRules) -> list[str]:
    tables = [getattr(rules, name) for name in ReportRules.__dataclass_fields__ if name != "forms"]
    forms = [found for form in rules.forms for found in (form.opening, form.subject) if found is not None]
    return [source for found in (*tables, *forms) for source in found.sources]


@pytest.mark.parametrize(
    "piece", ["a ", "could not deliver ", "the following ", " ", "-", "warning ", "message ", "@ ", "の", "copy of "]
)
def test_no_phrase_takes_longer_than_in_proportion(piece: str) -> None:
    phrases = [Phrases([source]) for source in all_phrases(RULES)]

    def search(line: str) -> None:
        for phrase in phrases:
            phrase.search(line)

    expect_linear(search, lambda size: piece * (size // len(piece)), 4_000)
