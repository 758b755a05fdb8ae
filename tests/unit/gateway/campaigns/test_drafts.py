"""Drafts of campaigns: a large audience is checked without holding up others; a draft's limits, at their edge."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gateway.campaigns import drafts
from gateway.campaigns.drafts import LARGEST_AUDIENCE, CampaignOrder, CampaignRecipient
from gateway.errors import Refusal, RefusalCode
from gateway.mail.campaign import CampaignKind
from tests.mails import campaign_template


@pytest.mark.parametrize(("page", "breaks"), [("<p>{{ a }}{{ a }}", 4), ("<p>" + "{{ a }} " * 5000, 400)])
async def test_others_are_served_while_a_large_audience_is_checked(page: str, breaks: int) -> None:
    # Given a version, maybe of earlier days, and somebody else who is to be served
    version = campaign_template(html=page, text="x")
    served = 0

    async def serve() -> None:
        nonlocal served
        while True:
            served += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(serve())
    # When it is checked with four hundred recipients
    await drafts.check_audience_data(version, {}, [{"a": "x"}] * 400)
    # Then the other had a turn the more often the more there is to do
    assert served >= breaks
    other.cancel()


async def test_a_null_is_refused_for_a_field_without_default_whatever_the_campaign_says() -> None:
    # Given a field that needs a value, and one that does not
    version = campaign_template(html="<p>{{ a }} {{ b|default('x') }}</p>", text="x")
    nulls = {1: frozenset({"a", "b", "c"}), 2: frozenset({"b"})}
    # When recipients shall have none, though the campaign has
    with pytest.raises(Refusal) as refused:
        await drafts.check_audience_data(version, {"a": "all", "b": "all"}, [{}, {}, {}], nulls=nulls)
    # Then the first is refused of the one who shall have none
    assert (refused.value.code, refused.value.field) == (
        RefusalCode.MERGE_FIELD_MISSING, ("recipients", "1", "mergeData", "a")
    )  # fmt: skip


async def test_what_customers_bring_along_is_not_asked_of_the_recipient() -> None:
    version = campaign_template(
        subject="{{ customer.attributes.a }}", html="<p>4111{{ customer.attributes.b }}{{ a }}</p>", text="x"
    )
    await drafts.check_audience_data(version, {}, [{"a": "x"}])


def test_the_names_of_all_values_are_known() -> None:
    recipients = (
        CampaignRecipient(customer_id=1, merge_data={"a": "x"}),
        CampaignRecipient(customer_id=2, merge_data={"b": None}),
    )
    order = replace(ORDER, merge_data={"c": 1, "a": "y"}, recipients=recipients)
    assert order.merge_keys == {"a", "b", "c"}
    assert drafts._nulls(order) == {1: {"b"}}


ORDER = CampaignOrder(
    title="Spring",
    template_id=UUID(int=1),
    recipients=tuple(CampaignRecipient(customer_id=number) for number in (1, 2)),
    idempotency_key="k",
)


def audience(size: int) -> tuple[CampaignRecipient, ...]:
    return tuple(CampaignRecipient(customer_id=number) for number in range(size))


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x" * 255},
        {"priority": 1},
        {"priority": 7},
        {"recipients": audience(1)},
        {"recipients": audience(LARGEST_AUDIENCE)},
    ],
    ids=["title", "first priority", "last priority", "one recipient", "largest audience"],
)
def test_a_draft_at_its_limits_is_accepted(values: dict[str, Any]) -> None:
    drafts._check(replace(ORDER, **values))
    assert LARGEST_AUDIENCE == 10_000


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"title": "x" * 256}, RefusalCode.TOO_LONG, ("title",)),
        ({"title": " "}, RefusalCode.REQUIRED, ("title",)),
        ({"title": "a\r\nb"}, RefusalCode.HEADER_INJECTION, ("title",)),
        ({"title": "4111 1111 1111 1111"}, RefusalCode.CARD_NUMBER, ("title",)),
        ({"priority": 0}, RefusalCode.INVALID, ("priority",)),
        ({"priority": 8}, RefusalCode.INVALID, ("priority",)),
        ({"idempotency_key": ""}, RefusalCode.REQUIRED, ("idempotencyKey",)),
        ({"recipients": ()}, RefusalCode.REQUIRED, ("recipients",)),
        ({"recipients": audience(LARGEST_AUDIENCE + 1)}, RefusalCode.TOO_MANY, ("recipients",)),
        ({"recipients": audience(2) + audience(1)}, RefusalCode.INVALID, ("recipients", "2", "customerId")),
    ],
)
def test_a_draft_beyond_its_limits_is_refused(values: dict[str, Any], code: RefusalCode, path: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refused:
        drafts._check(replace(ORDER, **values))
    assert (refused.value.code, refused.value.field) == (code, path)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Summer"},
        {"kind": CampaignKind.EVENT_BASED},
        {"priority": 5},
        {"template_id": UUID(int=2)},
        {"sender_id": UUID(int=1)},
        {"tracked": False},
        {"recipients": ORDER.recipients[::-1]},
        {"recipients": (replace(ORDER.recipients[0], address="b@x.example"), ORDER.recipients[1])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_campaign_is_another_intent(change: dict[str, Any]) -> None:
    nothing: tuple[dict[str, str], ...] = ({}, {})
    first = drafts._digest(ORDER, {}, nothing)
    assert drafts._digest(replace(ORDER, **change), {}, nothing) != first
    assert drafts._digest(replace(ORDER, idempotency_key="other"), {}, nothing) == first
    assert drafts._digest(ORDER, {"a": "1"}, nothing) != first
    assert drafts._digest(ORDER, {}, ({"a": "1"}, {})) != first


def test_a_key_that_made_a_letter_cannot_make_a_campaign() -> None:
    assert drafts._first_campaign({"campaign_id": UUID(int=5)}) == UUID(int=5)
    with pytest.raises(Refusal) as refused:
        drafts._first_campaign({"campaign_id": None})
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT
