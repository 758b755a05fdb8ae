"""Drafts of campaigns: a large audience is checked without holding up others; a draft's limits, at their edge."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gateway.campaigns import drafts, named_customers
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import LARGEST_AUDIENCE, CampaignRecipient
from gateway.errors import Refusal, RefusalCode, RefusalCollector
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
    await named_customers.check_audience_data([version], {}, [{"a": "x"}] * 400)
    # Then the other had a turn the more often the more there is to do
    assert served >= breaks
    other.cancel()


RECIPIENTS = tuple(CampaignRecipient(customer_id=number) for number in (1, 2))
ORDER = CampaignOrder(
    title="Spring",
    actor="Dana",
    template_id=UUID(int=1),
    recipients=RECIPIENTS,
    idempotency_key="k",
)


def check(order: CampaignOrder) -> None:
    found = RefusalCollector()
    drafts._read(order, found)
    found.raise_any()


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
    check(replace(ORDER, **values))
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
        check(replace(ORDER, **values))
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
        {"recipients": RECIPIENTS[::-1]},
        {"recipients": (replace(RECIPIENTS[0], address="b@x.example"), RECIPIENTS[1])},
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
    assert drafts._first_campaign({"campaign_id": UUID(int=5), "mailing_id": None}) == UUID(int=5)
    with pytest.raises(Refusal) as refused:
        drafts._first_campaign({"campaign_id": None, "mailing_id": None})
    assert refused.value.code is RefusalCode.IDEMPOTENCY_CONFLICT
