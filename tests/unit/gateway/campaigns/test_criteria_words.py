"""Criteria in a sentence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from gateway.campaigns.criteria import read_criteria
from gateway.campaigns.criteria_words import Names, in_words

SPRING, SUMMER = UUID(int=1), UUID(int=2)
MIDNIGHT = "T00:00:00+00:00"
NAMES = Names(lists={7: "Berlin"}, campaigns={SPRING: "Spring", SUMMER: "Summer"})


def field(name: str, **matches: Any) -> Any:
    return {"field": {"name": name, "matches": matches}}


def attribute(**matches: Any) -> Any:
    return {"attribute": {"name": "city", "matches": matches}}


def mail(happened: str, **more: Any) -> Any:
    return {"mail": {"happened": happened, **more}}


def said(one: Any, *, negated: bool = False) -> str:
    """A rule in words, without the beginning and the end of the sentence."""
    [(kind, inner)] = one.items()
    criteria = read_criteria({"allOf": [{"anyOf": [{kind: inner | {"not": negated}}]}]})
    return in_words(criteria, NAMES).removeprefix("Every customer that ").removesuffix(".")


@pytest.mark.parametrize(
    ("one", "words", "turned"),
    [
        (
            field("NAME", isOneOf=["Ann", "Bea"]),
            'has a name that is "Ann" or "Bea"',
            'has no name that is "Ann" or "Bea"',
        ),
        (
            field("EXTERNAL_REF", startsWith="C-"),
            'has an external ref that begins with "C-"',
            'has no external ref that begins with "C-"',
        ),
        (
            field("DOMAIN", contains="gmail"),
            'has a primary address at a domain that contains "gmail"',
            'has no primary address at a domain that contains "gmail"',
        ),
        (field("LOCALE", isSet=True), "has a language", "has no language"),
        (field("TIME_ZONE", isSet=False), "has no time zone", "has a time zone"),
        (
            attribute(text={"isSet": True}),
            'has an attribute "city" that is a text',
            'has no attribute "city" that is a text',
        ),
        (attribute(isTrue=False), 'has an attribute "city" that is false', 'has no attribute "city" that is false'),
        (
            attribute(number={"atLeast": "1.50"}),
            'has an attribute "city" that is a number of 1.50 or more',
            'has no attribute "city" that is a number of 1.50 or more',
        ),
        (
            attribute(number={"atMost": "3"}),
            'has an attribute "city" that is a number of 3 or less',
            'has no attribute "city" that is a number of 3 or less',
        ),
        (
            attribute(number={"atLeast": "1", "atMost": "3"}),
            'has an attribute "city" that is a number from 1 to 3',
            'has no attribute "city" that is a number from 1 to 3',
        ),
        (
            attribute(time={"withinDays": 1}),
            'has an attribute "city" that is a time within the last day',
            'has no attribute "city" that is a time within the last day',
        ),
        ({"tag": {"isOneOf": ["vip"]}}, 'has the tag "vip"', 'does not have the tag "vip"'),
        (
            {"tag": {"isOneOf": ["vip", "gold"]}},
            'has one of the tags "vip" or "gold"',
            'has none of the tags "vip" or "gold"',
        ),
        ({"member": {"listId": 7}}, 'is in the list "Berlin"', 'is not in the list "Berlin"'),
        ({"member": {"listId": 8}}, "is in a list that is gone", "is not in a list that is gone"),
        (
            {"optOut": {"kind": "MARKETING"}},
            "opted out of marketing campaigns",
            "did not opt out of marketing campaigns",
        ),
        (mail("MAILED"), "was sent mail", "was sent no mail"),
        (
            mail("ACCEPTED", times=3, when={"withinDays": 90}),
            "was sent at least 3 mails that a server took within the last 90 days",
            "was sent fewer than 3 mails that a server took within the last 90 days",
        ),
        (
            mail("FAILED", sourceTypes=["WORK_ORDER", "E_SIGNATURE"]),
            "was sent mail that was refused or came back about work orders or documents to sign",
            "was sent no mail that was refused or came back about work orders or documents to sign",
        ),
        (
            mail("OPENED", campaignIds=[SPRING.hex, SUMMER.hex]),
            'opened mail of the campaigns "Spring" or "Summer"',
            'opened no mail of the campaigns "Spring" or "Summer"',
        ),
        (
            mail(
                "CLICKED", when={"span": {"since": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T12:30:01+00:00"}}
            ),
            "clicked in mail from 2026-01-01 00:00 UTC on before 2026-02-01 12:30:01 UTC",
            "clicked in no mail from 2026-01-01 00:00 UTC on before 2026-02-01 12:30:01 UTC",
        ),
        (
            mail("REPLIED", when={"span": {"until": "2026-02-01T00:00:00+00:00"}}),
            "answered mail before 2026-02-01 00:00 UTC",
            "answered no mail before 2026-02-01 00:00 UTC",
        ),
    ],
)
def test_every_rule_is_said_and_turned_round(one: Any, words: str, turned: str) -> None:
    assert (said(one), said(one, negated=True)) == (words, turned)


def test_groups_are_joined_in_one_sentence() -> None:
    vip, gold, mailed = {"tag": {"isOneOf": ["vip"]}}, {"tag": {"isOneOf": ["gold"]}}, mail("MAILED")
    criteria = read_criteria({"allOf": [{"anyOf": [vip, mailed]}, {"anyOf": [gold]}]})
    assert (
        in_words(criteria, NAMES)
        == 'Every customer that has the tag "vip" or was sent mail, and that has the tag "gold".'
    )


def test_of_many_values_the_first_are_said() -> None:
    texts = [f"N{number}" for number in range(1000)]
    words = said(field("NAME", isOneOf=texts))
    assert words == 'has a name that is "N0", "N1", "N2", "N3", "N4" or one of 995 more'
