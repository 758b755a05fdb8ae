"""The criteria of lists as clients give and get them: inputs, and the same as JSON with global ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from gateway.campaigns.criteria import (
    LONGEST_TEXT,
    MAX_CAMPAIGNS,
    MAX_DAYS,
    MAX_GROUPS,
    MAX_RULES_OF_GROUP,
    MAX_TEXTS,
    MAX_TIMES,
    Criteria,
    CustomerField,
    Json,
    MailHappening,
)
from gateway.campaigns.criteria_words import Names, in_words
from gateway.mail.choice import OptOutKind
from gateway.mail.source import SourceType
from service.graph.context import Context
from service.graph.node import number_global_id, read_typed_id, row_global_id
from service.graph.time_range import TimeRangeInput

_NO_LIST, _NO_CAMPAIGN = 0, UUID(int=0)
"""What an id becomes that is none: the gateway refuses it with the rest, as one that does not exist."""
_NOT = "Turns the rule round."


@strawberry.input(one_of=True, description="How a text is compared, case and accents ignored: exactly one.")
class TextMatchInput:
    """One of its fields."""

    is_one_of: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=f"Equal to one of these: at most {MAX_TEXTS:,}."
    )
    starts_with: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"Begins with this: at most {LONGEST_TEXT} characters."
    )
    contains: str | None = strawberry.field(
        default=strawberry.UNSET, description="Holds this: three letters or digits, or more."
    )
    is_set: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether there is a value at all.")


@strawberry.input(description="A rule over what is known of a customer.")
class FieldRuleInput:
    """Every type of field is a text."""

    name: CustomerField = strawberry.field(description="Of what.")
    matches: TextMatchInput = strawberry.field(
        description="The text it is compared with; every type of field has one. Domains are kept in ASCII (xn--)."
    )
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(description="Numbers between; a missing end is open.")
class NumberRangeInput:
    """Both ends counted."""

    at_least: Decimal | None = strawberry.field(default=None, description="This or more.")
    at_most: Decimal | None = strawberry.field(default=None, description="This or less.")


@strawberry.input(one_of=True, description="When: exactly one.")
class WhenInput:
    """One of its fields."""

    within_days: int | None = strawberry.field(
        default=strawberry.UNSET, description=f"Within so many days before the evaluation: 1 to {MAX_DAYS:,}."
    )
    span: TimeRangeInput | None = strawberry.field(default=strawberry.UNSET, description="In this span.")


@strawberry.input(one_of=True, description="How a value is compared: exactly one.")
class AttributeMatchInput:
    """One of its fields."""

    text: TextMatchInput | None = strawberry.field(default=strawberry.UNSET, description="As a text.")
    number: NumberRangeInput | None = strawberry.field(
        default=strawberry.UNSET, description="As a number, both ends counted."
    )
    is_true: bool | None = strawberry.field(default=strawberry.UNSET, description="As a boolean.")
    time: WhenInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="As an instant or a date: a text of RFC 3339; without an offset it is in UTC.",
    )


@strawberry.input(description="A rule over one of the customer's own values; a value of another type does not meet it.")
class AttributeRuleInput:
    """By its name."""

    name: str = strawberry.field(description="The value's name.")
    matches: AttributeMatchInput = strawberry.field(description="How it is compared.")
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(description="A rule over labels.")
class TagRuleInput:
    """As they are written."""

    is_one_of: list[str] = strawberry.field(description=f"Any of these: at most {MAX_TEXTS:,}.")
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(description="A rule over membership.")
class MemberRuleInput:
    """Of a fixed list."""

    list_id: strawberry.ID = strawberry.field(
        description="A CustomerList's id; fixed lists only, so that no list is made of itself."
    )
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(description="A rule over opt-outs.")
class OptOutRuleInput:
    """Of the customer or of the reader at one of its addresses."""

    kind: OptOutKind = strawberry.field(description="Of which kind.")
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(description="A rule over the mail history; last mailed is MAILED withinDays.")
class MailRuleInput:
    """Over the customer's mails to which it happened."""

    happened: MailHappening = strawberry.field(description="What happened.")
    when: WhenInput | None = strawberry.field(default=None, description="When; ever when omitted.")
    times: int = strawberry.field(
        default=1, description=f"To at least so many mails: 1 to {MAX_TIMES}; several opens of a mail are one."
    )
    source_types: list[SourceType] | None = strawberry.field(
        default=None, description="Only mail of these source types."
    )
    campaign_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"Only mail of these campaigns: at most {MAX_CAMPAIGNS}."
    )
    not_: bool = strawberry.field(name="not", default=False, description=_NOT)


@strawberry.input(one_of=True, description="One rule: exactly one of its fields.")
class ListRuleInput:
    """One of its fields."""

    field: FieldRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="What is known of the customer."
    )
    attribute: AttributeRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="One of the customer's own values."
    )
    tag: TagRuleInput | None = strawberry.field(default=strawberry.UNSET, description="A label.")
    member: MemberRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="Membership of a fixed list."
    )
    opt_out: OptOutRuleInput | None = strawberry.field(default=strawberry.UNSET, description="An opt-out that stands.")
    mail: MailRuleInput | None = strawberry.field(
        default=strawberry.UNSET, description="What was sent to the customer, and what people did with it."
    )


@strawberry.input(description="A group holds for whom one of its rules holds.")
class ListGroupInput:
    """The inner level."""

    any_of: list[ListRuleInput] = strawberry.field(description=f"1 to {MAX_RULES_OF_GROUP} rules.")


@strawberry.input(description="Whom a dynamic list holds: who meets every group.")
class ListCriteriaInput:
    """The outer level."""

    all_of: list[ListGroupInput] = strawberry.field(
        description=f"1 to {MAX_GROUPS} groups, 30 rules in all, 5 of them over mail; a rule alone may stand without"
        " brackets."
    )


def read_criteria_input(given: ListCriteriaInput) -> Json:
    """Returns criteria as the gateway reads them: JSON with a list's number and a campaign's uuid for their ids."""
    written: Json = _plain(given)
    return written


def _plain(value: Any) -> Any:
    """An input as JSON by its GraphQL names, without what was left out."""
    match value:
        case list():
            return [_plain(one) for one in value]
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case datetime():
            return value.isoformat()
        case bool() | int() | str():
            return value
    said = {_graphql_name(one.name): getattr(value, one.name) for one in fields(value)}
    plain = {name: _plain(one) for name, one in said.items() if one is not None and one is not strawberry.UNSET}
    if isinstance(value, MemberRuleInput):
        found = read_typed_id(value.list_id, "CustomerList")
        plain["listId"] = found.number if found else _NO_LIST
    if isinstance(value, MailRuleInput) and value.campaign_ids is not None:
        plain["campaignIds"] = [_campaign(text) for text in value.campaign_ids]
    return plain


def _campaign(text: str) -> str:
    found = read_typed_id(text, "Campaign")
    return (found.row_id if found and found.row_id else _NO_CAMPAIGN).hex


def _graphql_name(name: str) -> str:
    first, *others = name.rstrip("_").split("_")
    return first + "".join(other.capitalize() for other in others)


async def say_criteria(context: Context, criteria: Criteria) -> str:
    """Returns criteria in a sentence, with the names of the lists and campaigns that they name."""
    lists = await context.loaders.lists.load_many(sorted(criteria.list_ids))
    campaigns = await context.loaders.campaigns.load_many(sorted(criteria.campaign_ids))
    names = Names(
        lists={row["id"]: row["name"] for row in lists if row is not None},
        campaigns={row["id"]: row["title"] for row in campaigns if row is not None},
    )
    return in_words(criteria, names)


def with_global_ids(criteria: Json) -> dict[str, Any]:
    """Returns the gateway's JSON of criteria in the shape of `ListCriteriaInput`: with the ids that clients know."""
    return {"allOf": [{"anyOf": [_rule_with_ids(rule) for rule in group["anyOf"]]} for group in criteria["allOf"]]}


def _rule_with_ids(rule: Mapping[str, Any]) -> dict[str, Any]:
    [(kind, inner)] = rule.items()
    said = dict(inner)
    if "listId" in said:
        said["listId"] = number_global_id("CustomerList", said["listId"])
    if "campaignIds" in said:
        said["campaignIds"] = [row_global_id("Campaign", UUID(one)) for one in said["campaignIds"]]
    return {kind: said}
