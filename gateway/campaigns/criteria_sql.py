"""Compiles criteria to SQL: fragments of `queries/criteria.sql`, joined by `and` and `or`; values become parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.campaigns.criteria import (
    AttributeMatch,
    AttributeRule,
    Contains,
    Criteria,
    CustomerField,
    FieldRule,
    IsOneOf,
    IsSet,
    IsTrue,
    MailHappening,
    MailRule,
    MemberRule,
    NumberRange,
    OptOutRule,
    Rule,
    Span,
    StartsWith,
    TagRule,
    TextMatch,
    WithinDays,
)
from gateway.database import Fragments

FRAGMENTS = Fragments.of("criteria")
_HITS = {MailHappening.OPENED: "opened", MailHappening.CLICKED: "clicked"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A condition over a customer with the alias `c`, and the values of its parameters, in order.

    Null counts as false: it stands in a `where`, and is turned round by `is not true`.
    """

    condition: str
    parameters: tuple[Any, ...]


class Filling:
    """Puts a statement together: fills fragments and numbers their parameters, from `first` on."""

    def __init__(self, *, first: int = 1, fragments: Fragments = FRAGMENTS) -> None:
        self._first = first
        self._fragments = fragments
        self._values: list[Any] = []

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The values that were given so far."""
        return tuple(self._values)

    def fill(self, name: str, /, parts: Mapping[str, str] | None = None, **values: Any) -> str:
        """Returns a fragment with its `{parts}` and its parameters. Raises KeyError for one that it lacks."""
        places = {}
        for parameter in self._fragments.parameters(name):
            self._values.append(values[parameter])
            places[parameter] = f"${self._first + len(self._values) - 1}"
        return self._fragments.fill(name, parts or {}, places)


def compile_criteria(criteria: Criteria, *, first: int = 1) -> Compiled:
    """Returns the condition under which a customer `c` meets criteria, erased ones left out.

    `first` is the number of its first parameter: `where c.id > $1 and c.id <= $2 and <condition>` gives 3. Time is the
    database's, of the transaction's beginning.
    """
    filling = Filling(first=first)
    condition = condition_of(criteria, filling)
    return Compiled(condition=condition, parameters=filling.parameters)


def condition_of(criteria: Criteria, filling: Filling) -> str:
    """The same as a part of a statement that is being put together."""
    groups = [_any_of([_rule(rule, filling) for rule in group]) for group in criteria.groups]
    return _all_of([filling.fill("alive"), *groups])


def _all_of(conditions: Iterable[str]) -> str:
    return " and ".join(conditions)


def _any_of(conditions: Iterable[str]) -> str:
    return f"({' or '.join(conditions)})"


def _rule(rule: Rule, filling: Filling) -> str:
    """The condition of one rule: not null where it is negated. A null in others is as good as false."""
    condition = f"({_condition(rule, filling)})"
    if not rule.negated:
        return condition
    # What has no value has a null there; the rest is never null, and `not exists` lets the planner join.
    return f"{condition} is not true" if isinstance(rule, FieldRule | AttributeRule) else f"not {condition}"


def _condition(rule: Rule, filling: Filling) -> str:
    match rule:
        case FieldRule(field=CustomerField.DOMAIN, match=IsSet(wanted=wanted)):
            return filling.fill("has_domain", wanted=wanted)
        case FieldRule(field=CustomerField.DOMAIN):
            return filling.fill("domain_matches", {"match": _text(filling.fill("field_domain"), rule.match, filling)})
        case FieldRule():
            return _text(filling.fill(f"field_{rule.field.lower()}"), rule.match, filling)
        case AttributeRule():
            return _attribute(rule.name, rule.match, filling)
        case TagRule():
            return filling.fill("has_tag", tags=list(rule.tags))
        case MemberRule():
            return filling.fill("is_member", list_id=rule.list_id)
        case OptOutRule():
            return filling.fill("opted_out", kind=rule.kind)
        case MailRule():
            return _mail(rule, filling)


def _text(value: str, match: TextMatch, filling: Filling) -> str:
    parts = {"value": value}
    match match:
        case IsOneOf():
            return filling.fill("is_one_of", parts, texts=list(match.texts))
        case StartsWith():
            return filling.fill("starts_with", parts, text=match.text)
        case Contains():
            return filling.fill("contains", parts, text=match.text)
        case IsSet():
            return filling.fill("is_set", parts, wanted=match.wanted)


def _attribute(name: str, match: AttributeMatch, filling: Filling) -> str:
    match match:
        case NumberRange():
            return filling.fill("number_between", name=name, at_least=match.at_least, at_most=match.at_most)
        case IsTrue():
            return filling.fill("is_true", name=name, wanted=match.wanted)
        case WithinDays():
            return filling.fill("time_within", name=name, days=match.days)
        case Span():
            return filling.fill("time_between", name=name, since=match.since, until=match.until)
        case _:
            return _text(filling.fill("attribute_text", name=name), match, filling)


def _mail(rule: MailRule, filling: Filling) -> str:
    is_hit = rule.happened in _HITS
    conditions = [filling.fill(_HITS.get(rule.happened) or rule.happened.lower())]
    conditions += _when(rule, "hit" if is_hit else rule.happened.lower(), filling)
    which = _which_mail(rule, filling)
    if which and is_hit:
        conditions.append(filling.fill("hit_of", {"of": _all_of(which)}))
    else:
        conditions += which
    parts = {"happened": _all_of(conditions)}
    if rule.times == 1:
        return filling.fill("once", parts)
    parts["mail"] = filling.fill("mail_of_hit" if is_hit else "mail")
    return filling.fill("often", parts, times=rule.times)


def _when(rule: MailRule, what: str, filling: Filling) -> list[str]:
    match rule.when:
        case WithinDays(days=days):
            return [filling.fill(f"{what}_since", {"moment": filling.fill("days_ago", days=days)})]
        case Span(since=since, until=until):
            ends = [("since", since), ("until", until)]
            return [
                filling.fill(f"{what}_{end}", {"moment": filling.fill("moment", moment=moment)})
                for end, moment in ends
                if moment is not None
            ]
        case _:
            return []


def _which_mail(rule: MailRule, filling: Filling) -> list[str]:
    conditions = []
    if rule.source_types is not None:
        conditions.append(filling.fill("of_sources", source_types=list(rule.source_types)))
    if rule.campaign_ids is not None:
        conditions.append(filling.fill("of_campaigns", campaign_ids=list(rule.campaign_ids)))
    return conditions
