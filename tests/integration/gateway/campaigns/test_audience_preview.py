"""Whom a mailing would reach, within limits of size and time. `test_audience.py` compares it with freezing."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.campaigns.audience_preview import AudiencePreview, audience_preview
from gateway.campaigns.counts import CountPrecision
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.campaign import LeftOutReason
from tests.builders import insert, mailing_of, make_customer
from tests.integration.gateway.campaigns.audiences import fixed_list, make_draft, version_of
from tests.integration.gateway.campaigns.orders import launch


async def test_of_a_large_audience_a_part_is_counted(connection: Any) -> None:
    # Given five customers, two with one address and one who opted out
    addresses = [
        "home@customer.example",
        "home@customer.example",
        "c@customer.example",
        "d@customer.example",
        "e@c.example",
    ]
    customers = [await make_customer(connection, addresses=[address]) for address in addresses]
    await insert(connection, "opt_out", customer_id=customers[2], kind="MARKETING", source="STAFF", actor="t")
    members = await fixed_list(connection, customers)
    mailing = await mailing_of(connection, await make_draft(connection, await version_of(connection), lists=[members]))
    # When all are counted, or three at most
    left_out = {LeftOutReason.OPTED_OUT: 1, LeftOutReason.DUPLICATE_ADDRESS: 1}
    # Then the numbers say which
    assert await audience_preview(connection, mailing) == AudiencePreview(
        recipients=3, left_out=left_out, precision=CountPrecision.EXACT
    )
    assert await audience_preview(connection, mailing, most=3) == AudiencePreview(
        recipients=1, left_out=left_out, precision=CountPrecision.AT_LEAST
    )


async def test_a_preview_of_a_launched_mailing_has_the_values_of_its_launch(
    connection: Any, deployment: Deployment
) -> None:
    # Given a mailing that was launched with a value for all, which its campaign has no more
    members = await fixed_list(connection, [await make_customer(connection)])
    made = await make_draft(connection, await version_of(connection), lists=[members])
    await launch(connection, made, deployment)
    await connection.execute("update campaign set merge_data = '{}'")
    mailing = await mailing_of(connection, made)
    # When it is previewed, then nobody lacks it
    assert await audience_preview(connection, mailing) == AudiencePreview(
        recipients=1, left_out={}, precision=CountPrecision.EXACT
    )
    # But of a draft, which would be launched with the campaign's values as they are now
    await connection.execute("update mailing set status = 'DRAFT'")
    assert await audience_preview(connection, mailing) == AudiencePreview(
        recipients=0, left_out={LeftOutReason.MERGE_FIELD_MISSING: 1}, precision=CountPrecision.EXACT
    )


async def test_a_preview_that_takes_too_long_is_none(pool: Any, connection: Any) -> None:
    # Given an audience whose tables somebody else has locked
    members = await fixed_list(connection, [await make_customer(connection)])
    mailing = await mailing_of(connection, await make_draft(connection, await version_of(connection), lists=[members]))
    async with pool.acquire() as other, other.transaction():
        await other.execute("lock table customer_address")
        # When it is previewed, then that ends in time
        assert await audience_preview(connection, mailing, seconds=0.2) is None
    # And leaves the connection as it was
    assert await connection.fetchval("show statement_timeout") == "0"


async def test_a_mailing_that_is_not_there_has_no_preview(connection: Any) -> None:
    with pytest.raises(Refusal) as refused:
        await audience_preview(connection, 7)
    assert refused.value.code is RefusalCode.NOT_FOUND
