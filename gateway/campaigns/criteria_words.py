"""Says criteria in a sentence: `Every customer that has the tag "vip" or opened mail within the last 30 days.`"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

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
    When,
    WithinDays,
)
from gateway.mail.choice import OptOutKind
from gateway.mail.source import SourceType

SHOWN = 5
"""Of many values the first ones stand in the sentence, and how many more there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What the lists and campaigns are called that criteria name by their ids."""

    lists: Mapping[int, str] = field(default_factory=dict)
    campaigns: Mapping[UUID, str] = field(default_factory=dict)


_FIELDS = {
    CustomerField.NAME: "name",
    CustomerField.EXTERNAL_REF: "external ref",
    CustomerField.DOMAIN: "primary address",
    CustomerField.LOCALE: "language",
    CustomerField.TIME_ZONE: "time zone",
}
_OPT_OUTS = {
    OptOutKind.MARKETING: "marketing campaigns",
    OptOutKind.EVENT_BASED: "event-based campaigns",
}
_SOURCES = {
    SourceType.CAMPAIGN: "campaigns",
    SourceType.WORK_ORDER: "work orders",
    SourceType.E_SIGNATURE: "documents to sign",
    SourceType.CARD_PROCESSING: "card payments",
}
_HAPPENINGS = {
    MailHappening.MAILED: "was sent {mail}",
    MailHappening.ACCEPTED: "was sent {mail} that a server took",
    MailHappening.FAILED: "was sent {mail} that was refused or came back",
    MailHappening.OPENED: "opened {mail}",
    MailHappening.CLICKED: "clicked in {mail}",
    MailHappening.REPLIED: "answered {mail}",
}


def in_words(criteria: Criteria, names: Names) -> str:
    """Returns criteria as a sentence in English. A list or campaign without a name is one that is gone."""
    groups = [" or ".join(_rule(rule, names) for rule in group) for group in criteria.groups]
    return f"Every customer that {', and that '.join(groups)}."


def _rule(rule: Rule, names: Names) -> str:
    match rule:
        case FieldRule():
            return _field(rule)
        case AttributeRule():
            return _has(rule.match, f"attribute {_quoted(rule.name)}", _attribute(rule.match), negated=rule.negated)
        case TagRule(tags=[tag]):
            return f"does not have the tag {_quoted(tag)}" if rule.negated else f"has the tag {_quoted(tag)}"
        case TagRule():
            return f"has {'none' if rule.negated else 'one'} of the tags {_listed(rule.tags)}"
        case MemberRule():
            name = names.lists.get(rule.list_id)
            which = "a list that is gone" if name is None else f"the list {_quoted(name)}"
            return f"is {'not ' if rule.negated else ''}in {which}"
        case OptOutRule():
            return f"{'did not opt' if rule.negated else 'opted'} out of {_OPT_OUTS[rule.kind]}"
        case MailRule():
            return _mail(rule, names)


def _field(rule: FieldRule) -> str:
    if isinstance(rule.match, IsSet):
        return _has(rule.match, _FIELDS[rule.field], "", negated=rule.negated)
    at = " at a domain" if rule.field is CustomerField.DOMAIN else ""
    return _has(rule.match, _FIELDS[rule.field], at + _text(rule.match), negated=rule.negated)


def _has(match: AttributeMatch, noun: str, that: str, *, negated: bool) -> str:
    """`not set` turned round is `set`."""
    lacks = negated != (isinstance(match, IsSet) and not match.wanted)
    article = "no" if lacks else "an" if noun[0] in "aeiou" else "a"
    return f"has {article} {noun}{that}"


def _text(match: TextMatch) -> str:
    match match:
        case IsOneOf():
            return f" that is {_listed(match.texts)}"
        case StartsWith():
            return f" that begins with {_quoted(match.text)}"
        case Contains():
            return f" that contains {_quoted(match.text)}"
        case IsSet():
            return " that is a text"


def _attribute(match: AttributeMatch) -> str:
    match match:
        case NumberRange(at_least=at_least, at_most=None):
            return f" that is a number of {at_least} or more"
        case NumberRange(at_least=None, at_most=at_most):
            return f" that is a number of {at_most} or less"
        case NumberRange():
            return f" that is a number from {match.at_least} to {match.at_most}"
        case IsTrue():
            return f" that is {'true' if match.wanted else 'false'}"
        case WithinDays() | Span():
            return f" that is a time{_when(match)}"
        case _:
            return _text(match)


def _when(when: When) -> str:
    if isinstance(when, WithinDays):
        return f" within the last {when.days} days" if when.days > 1 else " within the last day"
    since = "" if when.since is None else f" from {_moment(when.since)} on"
    return since + ("" if when.until is None else f" before {_moment(when.until)}")


def _moment(moment: datetime) -> str:
    """In UTC, as precise as it was given."""
    text = moment.isoformat(sep=" ", timespec="auto").removesuffix("+00:00")
    return f"{text.removesuffix(':00')} UTC"


def _mail(rule: MailRule, names: Names) -> str:
    if rule.times == 1:
        mail = "no mail" if rule.negated else "mail"
    else:
        mail = f"{'fewer than' if rule.negated else 'at least'} {rule.times} mails"
    said = _HAPPENINGS[rule.happened].replace("{mail}", mail)
    if rule.source_types is not None:
        said += f" about {_joined(_SOURCES[source] for source in rule.source_types)}"
    if rule.campaign_ids is not None:
        titles = [names.campaigns.get(campaign, "one that is gone") for campaign in rule.campaign_ids]
        said += f" of the campaign{'s' if len(titles) > 1 else ''} {_listed(titles)}"
    return said + ("" if rule.when is None else _when(rule.when))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _listed(texts: Iterable[str]) -> str:
    """The first of many, in quotes, with `or` before the last."""
    several = list(texts)
    more = len(several) - SHOWN
    shown = [_quoted(text) for text in several[:SHOWN]]
    return _joined([*shown, f"one of {more:,} more"] if more > 0 else shown)


def _joined(texts: Iterable[Any]) -> str:
    *most, last = texts
    return f"{', '.join(most)} or {last}" if most else last
