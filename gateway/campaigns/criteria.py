"""Criteria of dynamic lists: rules over what is known of a customer, read, checked and written as JSON.

Every group must hold, and a group holds where one of its rules does. The JSON has the shape of GraphQL's
`ListCriteriaInput`, but for ids: a list is its number, a campaign its uuid. `criteria_sql` compiles them,
`criteria_words` says them in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import with_a_labels
from gateway.mail.choice import OptOutKind
from gateway.mail.field_checks import check_length
from gateway.mail.header_guard import refuse_unwritable
from gateway.mail.merge_data import FIELD_NAME
from gateway.mail.names import tidy_name
from gateway.mail.source import SourceType

MAX_GROUPS = 10
MAX_RULES_OF_GROUP = 20
MAX_RULES = 30
MAX_MAIL_RULES = 5
"""Each reads every customer's history, by an index: a few dozen rows a customer."""
MAX_TEXTS = 1000
"""Values of one rule: they are hashed once, so that each customer costs one look-up."""
MAX_CAMPAIGNS = 100
LONGEST_TEXT = 500
"""Characters: as many as a name has."""
SHORTEST_PART = 3
"""Letters or digits of a part that is looked for: fewer stand in nearly every text."""
MAX_DAYS = 3650
MAX_TIMES = 100

Json: TypeAlias = Mapping[str, Any]
Path: TypeAlias = tuple[str, ...]
Value = TypeVar("Value")


class CustomerField(StrEnum):
    """What is known of every customer. The domain is that of the primary address."""

    NAME = "NAME"
    EXTERNAL_REF = "EXTERNAL_REF"
    DOMAIN = "DOMAIN"
    LOCALE = "LOCALE"
    TIME_ZONE = "TIME_ZONE"


class MailHappening(StrEnum):
    """What happens to mail, machines left out."""

    MAILED = "MAILED"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    REPLIED = "REPLIED"


# How values are compared -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class IsOneOf:
    """Equal to one of these texts, case and accents ignored."""

    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StartsWith:
    """Begins with this text, case and accents ignored."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contains:
    """Holds this text, case and accents ignored."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IsSet:
    """Whether there is a text at all."""

    wanted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRange:
    """A number between these, both counted; None is open."""

    at_least: Decimal | None
    at_most: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IsTrue:
    """A boolean that is this one."""

    wanted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WithinDays:
    """Within so many days before the evaluation."""

    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `since` on and before `until`; None is open."""

    since: datetime | None
    until: datetime | None


TextMatch: TypeAlias = IsOneOf | StartsWith | Contains | IsSet
When: TypeAlias = WithinDays | Span
AttributeMatch: TypeAlias = TextMatch | NumberRange | IsTrue | When


# Rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldRule:
    """Over what is known of every customer."""

    field: CustomerField
    match: TextMatch
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeRule:
    """Over one of the customer's own values; a value of another type does not meet it."""

    name: str
    match: AttributeMatch
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TagRule:
    """Has one of these labels."""

    tags: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberRule:
    """Is in this fixed list."""

    list_id: int
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OptOutRule:
    """The customer, or the reader at one of its addresses, opted out."""

    kind: OptOutKind
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MailRule:
    """It happened to at least `times` of the customer's mails. None does not restrict."""

    happened: MailHappening
    when: When | None = None
    times: int = 1
    source_types: tuple[SourceType, ...] | None = None
    campaign_ids: tuple[UUID, ...] | None = None
    negated: bool = False


Rule: TypeAlias = FieldRule | AttributeRule | TagRule | MemberRule | OptOutRule | MailRule
"""One rule; `negated` turns it round: it holds for every customer for whom it would not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """Whom a dynamic list holds: who meets one rule of every group."""

    groups: tuple[tuple[Rule, ...], ...]

    def rules(self) -> Iterator[tuple[Path, Rule]]:
        """Every rule with its path below the criteria."""
        for number, group in enumerate(self.groups):
            for place, rule in enumerate(group):
                yield ("allOf", str(number), "anyOf", str(place)), rule

    @property
    def list_ids(self) -> set[int]:
        """The fixed lists that it reads."""
        return {rule.list_id for _, rule in self.rules() if isinstance(rule, MemberRule)}

    @property
    def campaign_ids(self) -> set[UUID]:
        """The campaigns that it names."""
        named = [rule.campaign_ids or () for _, rule in self.rules() if isinstance(rule, MailRule)]
        return {campaign for several in named for campaign in several}


# Reading ---------------------------------------------------------------------------------------------------------


def read_criteria(given: Json, path: Path = ("criteria",)) -> Criteria:
    """Returns criteria of their JSON. Whether lists and campaigns exist is not looked at.

    Raises Refusal, or Refusals of the whole input: REQUIRED, INVALID, TOO_LONG, TOO_MANY; TOO_COSTLY for more groups or
    rules than the limits, when the rules themselves are not read.
    """
    groups = [group["anyOf"] for group in given["allOf"]]
    _check_size(groups, path)
    found = RefusalCollector()
    read = [
        tuple(_read_all(group, _read_rule, (*path, "allOf", str(number), "anyOf"), found))
        for number, group in enumerate(groups)
    ]
    found.raise_any()
    return Criteria(groups=tuple(read))


def _check_size(groups: Sequence[Sequence[Json]], path: Path) -> None:
    found = RefusalCollector()
    with found.check():
        if not groups:
            raise Refusal(RefusalCode.REQUIRED, "Criteria have at least one group.", (*path, "allOf"))
        if len(groups) > MAX_GROUPS:
            raise Refusal(RefusalCode.TOO_COSTLY, f"At most {MAX_GROUPS} groups.", (*path, "allOf"))
    for number, group in enumerate(groups[:MAX_GROUPS]):
        below = (*path, "allOf", str(number), "anyOf")
        with found.check():
            if not group:
                raise Refusal(RefusalCode.REQUIRED, "A group has at least one rule.", below)
            if len(group) > MAX_RULES_OF_GROUP:
                raise Refusal(RefusalCode.TOO_COSTLY, f"At most {MAX_RULES_OF_GROUP} rules in a group.", below)
    rules = [rule for group in groups for rule in group]
    with found.check():
        if len(rules) > MAX_RULES:
            raise Refusal(RefusalCode.TOO_COSTLY, f"At most {MAX_RULES} rules in all.", path)
    with found.check():
        if sum("mail" in rule for rule in rules) > MAX_MAIL_RULES:
            message = f"At most {MAX_MAIL_RULES} rules over the mail history."
            raise Refusal(RefusalCode.TOO_COSTLY, message, path)
    found.raise_any()


def _read_all(
    given: Sequence[Any], read: Callable[[Any, Path], Value], path: Path, found: RefusalCollector
) -> list[Value]:
    """Returns what could be read of these; what could not is in `found`."""
    values = []
    for place, one in enumerate(given):
        if found.full:
            break
        with found.check():
            values.append(read(one, (*path, str(place))))
    return values


def _one_of(given: Json, path: Path) -> tuple[str, Any]:
    """Returns the one entry that there is."""
    if len(given) != 1:
        raise Refusal(RefusalCode.INVALID, "Give exactly one of the fields.", path)
    [entry] = given.items()
    return entry


def _read_rule(given: Json, path: Path) -> Rule:
    kind, rule = _one_of(given, path)
    return _RULES[kind](rule, (*path, kind))


def _negated(given: Json) -> bool:
    return bool(given.get("not", False))


def _read_field(given: Json, path: Path) -> FieldRule:
    field = CustomerField(given["name"])
    match = _read_text_match(given["matches"], (*path, "matches"))
    if field is CustomerField.DOMAIN:
        match = _in_a_labels(match, (*path, "matches"))
    return FieldRule(field=field, match=match, negated=_negated(given))


def _in_a_labels(match: TextMatch, path: Path) -> TextMatch:
    """Domains are stored in A-labels, and typed as they are read."""
    if isinstance(match, IsOneOf):
        return IsOneOf(texts=tuple(dict.fromkeys(with_a_labels(text) for text in match.texts)))
    if isinstance(match, StartsWith | Contains) and not match.text.isascii():
        message = "Domains are kept in ASCII (xn--): name this one whole, in `isOneOf`."
        raise Refusal(RefusalCode.INVALID, message, path)
    return match


def _read_text_match(given: Json, path: Path) -> TextMatch:
    kind, wanted = _one_of(given, path)
    path = (*path, kind)
    match kind:
        case "isOneOf":
            return IsOneOf(texts=_read_texts(wanted, path))
        case "startsWith":
            return StartsWith(text=_read_text(wanted, path))
        case "contains":
            text = _read_text(wanted, path)
            if sum(sign.isalnum() for sign in text) < SHORTEST_PART:
                raise Refusal(RefusalCode.INVALID, f"Give {SHORTEST_PART} letters or digits, or more.", path)
            return Contains(text=text)
        case _:
            return IsSet(wanted=wanted)


def _read_texts(given: Sequence[str], path: Path, read: Callable[[str, Path], str] | None = None) -> tuple[str, ...]:
    if not given:
        raise Refusal(RefusalCode.REQUIRED, "Give at least one.", path)
    if len(given) > MAX_TEXTS:
        raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_TEXTS:,}.", path)
    found = RefusalCollector()
    texts = _read_all(given, read or _read_text, path, found)
    found.raise_any()
    return tuple(dict.fromkeys(texts))


_ACCENTS = re.compile("[\u0300-\u036f]")


def _read_text(given: str, path: Path) -> str:
    refuse_unwritable(given, path)
    if not _ACCENTS.sub("", given).strip():
        raise Refusal(RefusalCode.REQUIRED, "Give a text.", path)
    check_length(given, LONGEST_TEXT, path)
    return given


def _read_attribute(given: Json, path: Path) -> AttributeRule:
    found = RefusalCollector()
    with found.check():
        name = _read_text(given["name"], (*path, "name"))
        if not FIELD_NAME.fullmatch(name):
            message = "No customer has an attribute of such a name: it is letters without accents, digits, underscores."
            raise Refusal(RefusalCode.INVALID, message, (*path, "name"))
    with found.check():
        match = _read_attribute_match(given["matches"], (*path, "matches"))
    found.raise_any()
    return AttributeRule(name=name, match=match, negated=_negated(given))


def _read_attribute_match(given: Json, path: Path) -> AttributeMatch:
    kind, wanted = _one_of(given, path)
    path = (*path, kind)
    match kind:
        case "text":
            return _read_text_match(wanted, path)
        case "number":
            return _read_numbers(wanted, path)
        case "isTrue":
            return IsTrue(wanted=wanted)
        case _:
            return _read_when(wanted, path)


def _read_numbers(given: Json, path: Path) -> NumberRange:
    at_least = _read_number(given.get("atLeast"), (*path, "atLeast"))
    at_most = _read_number(given.get("atMost"), (*path, "atMost"))
    if at_least is None and at_most is None:
        raise Refusal(RefusalCode.REQUIRED, "Give `atLeast`, `atMost` or both.", path)
    if at_least is not None and at_most is not None and at_least > at_most:
        raise Refusal(RefusalCode.INVALID, "No number is between these.", path)
    return NumberRange(at_least=at_least, at_most=at_most)


def _read_number(given: str | None, path: Path) -> Decimal | None:
    if given is None:
        return None
    try:
        return Decimal(given)
    except InvalidOperation:
        raise Refusal(RefusalCode.INVALID, 'Give a plain number in a string, such as "12.50".', path) from None


def _read_when(given: Json, path: Path) -> When:
    kind, wanted = _one_of(given, path)
    path = (*path, kind)
    if kind == "withinDays":
        if not 1 <= wanted <= MAX_DAYS:
            raise Refusal(RefusalCode.INVALID, f"Give 1 to {MAX_DAYS:,} days.", path)
        return WithinDays(days=wanted)
    since, until = _read_moment(wanted.get("since")), _read_moment(wanted.get("until"))
    if since is None and until is None:
        raise Refusal(RefusalCode.REQUIRED, "Give `since`, `until` or both.", path)
    if since is not None and until is not None and since >= until:
        raise Refusal(RefusalCode.INVALID, "Nothing is between these.", path)
    return Span(since=since, until=until)


def _read_moment(given: str | None) -> datetime | None:
    """Of an instant that was written by `isoformat`."""
    return None if given is None else datetime.fromisoformat(given).astimezone(UTC)


def _read_tag(given: Json, path: Path) -> TagRule:
    # As labels are kept.
    tags = _read_texts(given["isOneOf"], (*path, "isOneOf"), lambda text, place: tidy_name(_read_text(text, place)))
    return TagRule(tags=tags, negated=_negated(given))


def _read_member(given: Json, _: Path) -> MemberRule:
    return MemberRule(list_id=given["listId"], negated=_negated(given))


def _read_opt_out(given: Json, _: Path) -> OptOutRule:
    return OptOutRule(kind=OptOutKind(given["kind"]), negated=_negated(given))


def _read_mail(given: Json, path: Path) -> MailRule:
    found = RefusalCollector()
    when, times = None, given.get("times", 1)
    with found.check():
        if given.get("when") is not None:
            when = _read_when(given["when"], (*path, "when"))
    with found.check():
        if not 1 <= times <= MAX_TIMES:
            raise Refusal(RefusalCode.INVALID, f"Give 1 to {MAX_TIMES}.", (*path, "times"))
    sources = given.get("sourceTypes")
    with found.check():
        if sources is not None and not sources:
            raise Refusal(RefusalCode.REQUIRED, "Give at least one, or leave it out.", (*path, "sourceTypes"))
    campaigns = given.get("campaignIds")
    with found.check():
        if campaigns is not None and not campaigns:
            raise Refusal(RefusalCode.REQUIRED, "Give at least one, or leave it out.", (*path, "campaignIds"))
        if len(campaigns or ()) > MAX_CAMPAIGNS:
            raise Refusal(RefusalCode.TOO_MANY, f"At most {MAX_CAMPAIGNS}.", (*path, "campaignIds"))
    found.raise_any()
    return MailRule(
        happened=MailHappening(given["happened"]),
        when=when,
        times=times,
        source_types=None if sources is None else tuple(SourceType(one) for one in dict.fromkeys(sources)),
        campaign_ids=None if campaigns is None else tuple(UUID(one) for one in dict.fromkeys(campaigns)),
        negated=_negated(given),
    )


_RULES: Mapping[str, Callable[[Json, Path], Rule]] = {
    "field": _read_field,
    "attribute": _read_attribute,
    "tag": _read_tag,
    "member": _read_member,
    "optOut": _read_opt_out,
    "mail": _read_mail,
}


# Writing ---------------------------------------------------------------------------------------------------------


def write_criteria(criteria: Criteria) -> dict[str, Any]:
    """Returns the JSON of criteria, which `read_criteria` reads again; what does not restrict is left out."""
    return {"allOf": [{"anyOf": [_write_rule(rule) for rule in group]} for group in criteria.groups]}


def _write_rule(rule: Rule) -> dict[str, Any]:
    kind, written = _write_kind(rule)
    return {kind: {name: value for name, value in written.items() if value is not None} | {"not": rule.negated}}


def _write_kind(rule: Rule) -> tuple[str, dict[str, Any]]:
    match rule:
        case FieldRule():
            return "field", {"name": rule.field.value, "matches": _write_text_match(rule.match)}
        case AttributeRule():
            return "attribute", {"name": rule.name, "matches": _write_attribute_match(rule.match)}
        case TagRule():
            return "tag", {"isOneOf": list(rule.tags)}
        case MemberRule():
            return "member", {"listId": rule.list_id}
        case OptOutRule():
            return "optOut", {"kind": rule.kind.value}
        case MailRule():
            return "mail", {
                "happened": rule.happened.value,
                "when": None if rule.when is None else _write_when(rule.when),
                "times": rule.times,
                "sourceTypes": None if rule.source_types is None else [one.value for one in rule.source_types],
                "campaignIds": None if rule.campaign_ids is None else [one.hex for one in rule.campaign_ids],
            }


def _write_text_match(match: TextMatch) -> dict[str, Any]:
    match match:
        case IsOneOf():
            return {"isOneOf": list(match.texts)}
        case StartsWith():
            return {"startsWith": match.text}
        case Contains():
            return {"contains": match.text}
        case IsSet():
            return {"isSet": match.wanted}


def _write_attribute_match(match: AttributeMatch) -> dict[str, Any]:
    match match:
        case NumberRange():
            ends = {"atLeast": match.at_least, "atMost": match.at_most}
            return {"number": {name: str(end) for name, end in ends.items() if end is not None}}
        case IsTrue():
            return {"isTrue": match.wanted}
        case WithinDays() | Span():
            return {"time": _write_when(match)}
        case _:
            return {"text": _write_text_match(match)}


def _write_when(when: When) -> dict[str, Any]:
    if isinstance(when, WithinDays):
        return {"withinDays": when.days}
    ends = {"since": when.since, "until": when.until}
    return {"span": {name: end.isoformat() for name, end in ends.items() if end is not None}}
