"""Campaigns with lists to test, and what freezing made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.campaigns import freezing
from tests.builders import insert, make_sender_version
from tests.integration.gateway.campaigns.orders import PAGE, publish

DUE = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""Past, so that it is frozen at once."""


async def fixed_list(connection: Any, customers: Sequence[int] = ()) -> int:
    """A fixed list with these members."""
    number = await connection.fetchval("select count(*) from customer_list")
    made = await insert(connection, "customer_list", name=f"List {number}", kind="FIXED", actor="test")
    list_id: int = made["id"]
    for customer_id in customers:
        await insert(connection, "list_member", list_id=list_id, customer_id=customer_id, actor="test")
    return list_id


async def dynamic_list(connection: Any, tag: str) -> int:
    """A dynamic list of who has a label."""
    number = await connection.fetchval("select count(*) from customer_list")
    criteria = {"allOf": [{"anyOf": [{"tag": {"isOneOf": [tag], "not": False}}]}]}
    made = await insert(
        connection, "customer_list", name=f"List {number}", kind="DYNAMIC", criteria=criteria, actor="test"
    )
    list_id: int = made["id"]
    return list_id


async def version_of(connection: Any, html: str = PAGE) -> UUID:
    """A template's version, whose subject and page need a `first_name`."""
    template_id = await publish(connection, html)
    found: UUID = await connection.fetchval("select id from template_version where template_id = $1", template_id)
    return found


async def make_draft(
    connection: Any,
    version_id: UUID,
    *,
    lists: Sequence[int] = (),
    excluded: Sequence[int] = (),
    customers: Sequence[int] = (),
    **values: Any,
) -> UUID:
    """A draft of one mailing, whose `first_name` is the campaign's: no customer lacks it."""
    usual: dict[str, Any] = {"title": "News", "kind": "MARKETING", "merge_data": {"first_name": "you"}}
    if "sender_version_id" not in values:
        values["sender_version_id"] = await make_sender_version(connection, postal_address="1 Main")
    row = await insert(connection, "campaign", **(usual | values))
    campaign_id: UUID = row["id"]
    await add_mailing(connection, campaign_id, version_id)
    for list_id, leaves_out in [*((one, False) for one in lists), *((one, True) for one in excluded)]:
        await insert(connection, "campaign_list", campaign_id=campaign_id, list_id=list_id, excluded=leaves_out)
    for position, customer_id in enumerate(customers, start=1):
        await insert(
            connection, "campaign_customer", campaign_id=campaign_id, position=position, customer_id=customer_id
        )
    return campaign_id


async def add_mailing(connection: Any, campaign_id: UUID, version_id: UUID, **values: Any) -> int:
    """One more mailing of a draft."""
    number = 1 + await connection.fetchval("select count(*) from mailing where campaign_id = $1", campaign_id)
    row = await insert(
        connection, "mailing", campaign_id=campaign_id, number=number, template_version_id=version_id, **values
    )
    mailing_id: int = row["id"]
    return mailing_id


async def freeze_all(connection: Any, *, batch: int = freezing.BATCH) -> None:
    """Freeze all that is due."""
    while await freezing.freeze(connection, batch=batch) is not None:
        pass


async def frozen(connection: Any, mailing_id: int) -> dict[int, str]:
    """Whom a frozen mailing goes to, with the address, and whom not, with the reason."""
    rows = await connection.fetch(
        "select customer_id, address as what from mailing_recipient where mailing_id = $1"
        " union all select customer_id, reason::text from mailing_left_out where mailing_id = $1",
        mailing_id,
    )
    found = {row["customer_id"]: row["what"] for row in rows}
    assert len(found) == len(rows)
    return found
