"""Criteria are read with all that is wrong with them, and written as they were read."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.campaigns.criteria import (
    LONGEST_TEXT,
    MAX_CAMPAIGNS,
    MAX_DAYS,
    MAX_GROUPS,
    MAX_MAIL_RULES,
    MAX_RULES,
    MAX_RULES_OF_GROUP,
    MAX_TEXTS,
    MAX_TIMES,
    CustomerField,
    FieldRule,
    IsOneOf,
    TagRule,
    read_criteria,
    write_criteria,
)
from gateway.errors import Refusal, RefusalCollector, Refusals

TAG: Any = {"tag": {"isOneOf": ["vip"]}}
MAIL: Any = {"mail": {"happened": "MAILED"}}
CAMPAIGN = "0" * 31 + "1"
HERE = "criteria.allOf.0.anyOf.0"


def rule(**one: Any) -> Any:
    return {"allOf": [{"anyOf": [one]}]}


def groups(*several: list[Any]) -> Any:
    return {"allOf": [{"anyOf": group} for group in several]}


def field(**matches: Any) -> Any:
    return rule(field={"name": "NAME", "matches": matches})


def attribute(**matches: Any) -> Any:
    return rule(attribute={"name": "city", "matches": matches})


def mail(**more: Any) -> Any:
    return rule(mail={"happened": "OPENED", **more})


def refusals(given: Any) -> list[tuple[str, str]]:
    found = RefusalCollector()
    with found.check():
        read_criteria(given)
    try:
        found.raise_any()
    except Refusal as refusal:
        return [_short(refusal)]
    except Refusals as several:
        return [_short(refusal) for refusal in several.refusals]
    return []


def _short(refusal: Refusal) -> tuple[str, str]:
    return refusal.code.value, ".".join(refusal.field)


EVERY = [
    *(
        field(**one)
        for one in ({"isOneOf": ["Ann", "Bea"]}, {"startsWith": "A"}, {"contains": "ann"}, {"isSet": False})
    ),
    attribute(text={"isSet": True}),
    attribute(number={"atLeast": "1.50"}),
    attribute(number={"atLeast": "1", "atMost": "1"}),
    attribute(isTrue=False),
    attribute(time={"withinDays": 30}),
    attribute(time={"span": {"since": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T12:30:00+00:00"}}),
    rule(tag={"isOneOf": ["vip", "gold"], "not": True}),
    rule(member={"listId": 7, "not": False}),
    rule(optOut={"kind": "MARKETING"}),
    mail(times=3, sourceTypes=["CAMPAIGN", "WORK_ORDER"], campaignIds=[CAMPAIGN]),
    mail(when={"span": {"until": "2026-02-01T00:00:00+00:00"}}),
    groups([TAG, MAIL], [MAIL]),
]


@pytest.mark.parametrize("given", EVERY)
def test_what_was_read_is_written_and_read_again(given: Any) -> None:
    read = read_criteria(given)
    assert read_criteria(write_criteria(read)) == read
    # Written with everything that a rule says
    assert filled(given) == write_criteria(read)


def filled(given: Any) -> Any:
    """What was given, with what is so when it is left out."""
    usual = {"not": False}
    return {
        "allOf": [
            {
                "anyOf": [
                    {kind: usual | ({"times": 1} if kind == "mail" else {}) | inner for kind, inner in one.items()}
                    for one in group["anyOf"]
                ]
            }
            for group in given["allOf"]
        ]
    }


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"allOf": []}, "REQUIRED", "criteria.allOf"),
        (groups([]), "REQUIRED", "criteria.allOf.0.anyOf"),
        (groups(*[[TAG]] * (MAX_GROUPS + 1)), "TOO_COSTLY", "criteria.allOf"),
        (groups([TAG] * (MAX_RULES_OF_GROUP + 1)), "TOO_COSTLY", "criteria.allOf.0.anyOf"),
        (groups(*[[TAG] * 11] * 3), "TOO_COSTLY", "criteria"),
        (groups([MAIL] * (MAX_MAIL_RULES + 1)), "TOO_COSTLY", "criteria"),
        (rule(), "INVALID", HERE),
        (rule(**TAG, **MAIL), "INVALID", HERE),
        (field(), "INVALID", f"{HERE}.field.matches"),
        (field(isOneOf=[]), "REQUIRED", f"{HERE}.field.matches.isOneOf"),
        (field(isOneOf=["a"] * (MAX_TEXTS + 1)), "TOO_MANY", f"{HERE}.field.matches.isOneOf"),
        (field(isOneOf=["a", " "]), "REQUIRED", f"{HERE}.field.matches.isOneOf.1"),
        (field(startsWith="\u0301"), "REQUIRED", f"{HERE}.field.matches.startsWith"),
        (field(startsWith="x" * (LONGEST_TEXT + 1)), "TOO_LONG", f"{HERE}.field.matches.startsWith"),
        (field(startsWith="a\0"), "INVALID", f"{HERE}.field.matches.startsWith"),
        (field(startsWith="a\ud800"), "INVALID", f"{HERE}.field.matches.startsWith"),
        (field(contains="a-b"), "INVALID", f"{HERE}.field.matches.contains"),
        (rule(field={"name": "DOMAIN", "matches": {"contains": "müller"}}), "INVALID", f"{HERE}.field.matches"),
        (
            rule(attribute={"name": "first order", "matches": {"isTrue": True}}),
            "INVALID",
            f"{HERE}.attribute.name",
        ),
        (attribute(number={}), "REQUIRED", f"{HERE}.attribute.matches.number"),
        (attribute(number={"atLeast": "2", "atMost": "1"}), "INVALID", f"{HERE}.attribute.matches.number"),
        (attribute(number={"atLeast": "two"}), "INVALID", f"{HERE}.attribute.matches.number.atLeast"),
        (attribute(time={"withinDays": 0}), "INVALID", f"{HERE}.attribute.matches.time.withinDays"),
        (mail(when={"withinDays": MAX_DAYS + 1}), "INVALID", f"{HERE}.mail.when.withinDays"),
        (mail(when={"span": {}}), "REQUIRED", f"{HERE}.mail.when.span"),
        (
            mail(when={"span": {"since": "2026-01-01T00:00:00+00:00", "until": "2026-01-01T00:00:00+00:00"}}),
            "INVALID",
            f"{HERE}.mail.when.span",
        ),
        (mail(times=0), "INVALID", f"{HERE}.mail.times"),
        (mail(times=MAX_TIMES + 1), "INVALID", f"{HERE}.mail.times"),
        (mail(sourceTypes=[]), "REQUIRED", f"{HERE}.mail.sourceTypes"),
        (mail(campaignIds=[]), "REQUIRED", f"{HERE}.mail.campaignIds"),
        (mail(campaignIds=[CAMPAIGN] * (MAX_CAMPAIGNS + 1)), "TOO_MANY", f"{HERE}.mail.campaignIds"),
        (rule(tag={"isOneOf": []}), "REQUIRED", f"{HERE}.tag.isOneOf"),
    ],
)
def test_each_limit_is_told_with_its_place(given: Any, code: str, path: str) -> None:
    assert refusals(given) == [(code, path)]


def test_the_most_that_is_allowed_is_read() -> None:
    full = [MAIL] * MAX_MAIL_RULES + [TAG] * (MAX_RULES_OF_GROUP - MAX_MAIL_RULES)
    several = [full, *[[TAG]] * (MAX_GROUPS - 2), [TAG] * 2]
    assert sum(map(len, several)) == MAX_RULES
    assert len(read_criteria(groups(*several)).groups) == MAX_GROUPS
    texts = [f"{number}" for number in range(MAX_TEXTS)]
    assert len(write_criteria(read_criteria(field(isOneOf=texts)))["allOf"]) == 1


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = {"mail": {"happened": "OPENED", "times": 0, "sourceTypes": [], "when": {"withinDays": 0}}}
    empty = {"attribute": {"name": "", "matches": {"number": {}}}}
    assert refusals(groups([TAG, bad], [empty])) == [
        ("INVALID", "criteria.allOf.0.anyOf.1.mail.when.withinDays"),
        ("INVALID", "criteria.allOf.0.anyOf.1.mail.times"),
        ("REQUIRED", "criteria.allOf.0.anyOf.1.mail.sourceTypes"),
        ("REQUIRED", "criteria.allOf.1.anyOf.0.attribute.name"),
        ("REQUIRED", "criteria.allOf.1.anyOf.0.attribute.matches.number"),
    ]


def test_values_are_read_as_they_are_kept() -> None:
    # Given a domain as it is read, and labels with needless spaces, one of them twice
    domain = rule(field={"name": "DOMAIN", "matches": {"isOneOf": ["Müller.example", "xn--mller-kva.example"]}})
    tags = rule(tag={"isOneOf": ["  a  b ", "a b"]})
    # Then a domain is in A-labels, a label tidy, and each is there once
    [(_, read)] = read_criteria(domain).rules()
    assert read == FieldRule(field=CustomerField.DOMAIN, match=IsOneOf(texts=("xn--mller-kva.example",)))
    [(_, read)] = read_criteria(tags).rules()
    assert read == TagRule(tags=("a b",))


def test_criteria_tell_which_lists_and_campaigns_they_name() -> None:
    read = read_criteria(groups([{"member": {"listId": 7}}, TAG], [{"member": {"listId": 9}}, MAIL]))
    assert (read.list_ids, read.campaign_ids) == ({7, 9}, set())
    assert {one.hex for one in read_criteria(mail(campaignIds=[CAMPAIGN])).campaign_ids} == {CAMPAIGN}
