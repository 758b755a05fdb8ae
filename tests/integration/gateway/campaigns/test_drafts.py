"""Campaign drafts: what is refused, and that nothing is written then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from gateway.campaigns import drafts
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, RefusalCollector, Refusals
from gateway.settings import Settings
from tests.builders import make_customer
from tests.integration.gateway.campaigns.orders import PAGE, order, publish


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"title": " "}, RefusalCode.REQUIRED, ("title",)),
        ({"title": "a\r\nBcc: x"}, RefusalCode.HEADER_INJECTION, ("title",)),
        ({"priority": 8}, RefusalCode.INVALID, ("priority",)),
        ({"template_id": uuid4()}, RefusalCode.NOT_FOUND, ("templateId",)),
        ({"recipients": ()}, RefusalCode.REQUIRED, ("recipients",)),
        (
            {"recipients": (CampaignRecipient(customer_id=10**12, merge_data={"first_name": "x"}),)},
            RefusalCode.NOT_FOUND,
            ("recipients", "0", "customerId"),
        ),
        ({"merge_data": {"card": "4111 1111 1111 1111"}}, RefusalCode.CARD_NUMBER, ("mergeData", "card")),
    ],
)
async def test_a_wrong_campaign_is_refused_and_writes_nothing(
    connection: Any, deployment: Deployment, change: dict[str, Any], code: RefusalCode, field: tuple[str, ...]
) -> None:
    right = await order(connection, [await make_customer(connection)])

    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, replace(right, **change), deployment)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert await connection.fetchval("select count(*) from campaign") == 0


async def test_everything_that_is_wrong_with_a_campaign_is_said_at_once(
    connection: Any, deployment: Deployment
) -> None:
    # Given an order whose every part is wrong in itself
    known, unmailable = await make_customer(connection), await make_customer(connection, addresses=[])
    card = {"first_name": "4111 1111 1111 1111"}
    twice = tuple(CampaignRecipient(customer_id=known, merge_data=card) for _ in range(2))
    wrong = {"title": " ", "priority": 8, "idempotency_key": "", "merge_data": {"x!": 1}, "recipients": twice}
    with pytest.raises(Refusals) as refused:
        await drafts.create(connection, await order(connection, [], **wrong), deployment)
    # Then each is named
    assert [".".join(one.field) for one in refused.value.refusals] == [
        "idempotencyKey", "title", "priority", "mergeData", "recipients.1.customerId",
        "recipients.0.mergeData.first_name", "recipients.1.mergeData.first_name",
    ]  # fmt: skip

    # Given one that the ledger finds wrong: no postal address, a missing field, unknown customers and addresses
    recipients = (
        CampaignRecipient(customer_id=known),
        CampaignRecipient(customer_id=unmailable, merge_data={"first_name": "x"}),
        CampaignRecipient(customer_id=10**12, merge_data={"first_name": "x"}),
    )
    right = await order(connection, [], sender_id=None, recipients=recipients)
    with pytest.raises(Refusals) as refused:
        await drafts.create(connection, right, deployment)
    assert [(one.code, ".".join(one.field)) for one in refused.value.refusals] == [
        (RefusalCode.POSTAL_ADDRESS_MISSING, "senderId"),
        (RefusalCode.MERGE_FIELD_MISSING, "recipients.0.mergeData.first_name"),
        (RefusalCode.ADDRESS_INVALID, "recipients.1.address"),
        (RefusalCode.NOT_FOUND, "recipients.2.customerId"),
    ]
    assert await connection.fetchval("select count(*) from campaign") == 0


async def test_a_title_is_kept_as_it_is_read(connection: Any, deployment: Deployment) -> None:
    right = await order(connection, [await make_customer(connection)], title="Spring  \u202enews ")
    made = await drafts.create(connection, right, deployment)
    assert await connection.fetchval("select title from campaign where id = $1", made) == "Spring news"


async def test_as_many_wrong_recipients_are_named_as_anybody_reads(connection: Any, deployment: Deployment) -> None:
    unknown = tuple(CampaignRecipient(customer_id=10**12 + number) for number in range(RefusalCollector.MAX + 50))
    with pytest.raises(Refusals) as refused:
        await drafts.create(connection, await order(connection, [], recipients=unknown), deployment)
    assert len(refused.value.refusals) == RefusalCollector.MAX


async def test_who_cannot_get_a_campaign_is_named_with_the_reason(connection: Any, settings: Settings) -> None:
    # Given a customer at a reserved name where those are refused, one without an address, and one who was erased
    refusing = Deployment.open(settings.model_copy(update={"allow_reserved_domains": False}))
    fine, reserved, bare, erased = [
        await make_customer(connection, addresses=addresses)
        for addresses in (["ann@fabrikam.com"], ["ann@customer.example"], [], ["bob@fabrikam.com"])
    ]
    await connection.execute("update customer set erased_at = now(), name = null where id = $1", erased)
    for customer, code, where in (
        (reserved, RefusalCode.ADDRESS_RESERVED, "address"),
        (bare, RefusalCode.ADDRESS_INVALID, "address"),
        (erased, RefusalCode.ERASED, "customerId"),
    ):
        with pytest.raises(Refusal) as refused:
            await drafts.create(connection, await order(connection, [fine, customer]), refusing)
        assert (refused.value.code, refused.value.field) == (code, ("recipients", "1", where))


@pytest.mark.parametrize("lacking", [{}, {"first_name": None}])
async def test_a_missing_merge_field_is_named_with_its_recipient(
    connection: Any, deployment: Deployment, lacking: dict[str, Any]
) -> None:
    right = await order(connection, [await make_customer(connection), await make_customer(connection)])
    wrong = replace(right, recipients=(right.named[0], replace(right.named[1], merge_data=lacking)))

    with pytest.raises(Refusal) as refused:
        await drafts.create(connection, wrong, deployment)

    assert refused.value.code is RefusalCode.MERGE_FIELD_MISSING
    assert refused.value.field == ("recipients", "1", "mergeData", "first_name")


async def test_values_that_make_a_card_number_of_the_templates_digits_are_refused(
    connection: Any, deployment: Deployment
) -> None:
    # Given a template with one half of a card's number, and a recipient whose value is the other
    half = await publish(connection, PAGE.replace("Hello ", "41111111"))
    customers = [await make_customer(connection) for _ in range(2)]
    recipients = tuple(
        CampaignRecipient(customer_id=customer, merge_data={"first_name": value})
        for customer, value in zip(customers, ["Ann", "11111111"], strict=True)
    )
    # When a campaign is made of them
    with pytest.raises(Refusal) as refused:
        await drafts.create(
            connection, await order(connection, [], template_id=half, recipients=recipients), deployment
        )
    # Then it is refused, and the recipient named
    assert refused.value.code is RefusalCode.CARD_NUMBER
    assert refused.value.field == ("recipients", "1", "mergeData")
