"""Campaigns to test: a template, an order, a campaign that runs, and what the ledger says of it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from gateway.campaigns import drafts, freezing, lifecycle
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.compose import sender_profiles
from gateway.deployment import Deployment
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from tests.builders import make_customer

PAGE = '<p>Hello {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'


async def publish(
    connection: Any, html: str = PAGE, text: str | None = None, subject: str = "News for {{ first_name }}"
) -> UUID:
    made = await versions.publish(
        connection,
        compile_source(
            TemplateSource(
                name=f"News {uuid4()}",
                subject=subject,
                html=html,
                text=text,
                sample_data={"first_name": "Alex"},
            )
        ),
        actor="test",
    )
    return made.template_id


async def order(connection: Any, customers: list[int], **values: Any) -> CampaignOrder:
    usual: dict[str, Any] = {"title": "Spring news", "actor": "Dana", "idempotency_key": uuid4().hex}
    if "template_id" not in values and "mailings" not in values:
        usual["template_id"] = await publish(connection)
    if "sender_id" not in values:
        profile = await sender_profiles.create(
            connection,
            name="Fabrikam",
            from_address="news@fabrikam.example",
            postal_address="1 Main",
        )
        usual["sender_id"] = profile.sender_id
    if customers or "list_ids" not in values:
        usual["recipients"] = named(customers)
    return CampaignOrder(**(usual | values))


def named(customers: list[int]) -> tuple[CampaignRecipient, ...]:
    return tuple(
        CampaignRecipient(customer_id=customer, merge_data={"first_name": f"N{number}"})
        for number, customer in enumerate(customers)
    )


async def running(connection: Any, deployment: Deployment, count: int, **values: Any) -> tuple[UUID, list[int]]:
    """A launched campaign to so many new customers."""
    customers = [await make_customer(connection) for _ in range(count)]
    made = await drafts.create(connection, await order(connection, customers, **values), deployment)
    await launch(connection, made, deployment)
    return made, customers


async def launch(connection: Any, campaign_id: UUID, deployment: Deployment) -> None:
    """Launch a draft and freeze its audience, as the worker does."""
    await lifecycle.launch(connection, campaign_id, uuid4().hex, deployment, actor="Dana")
    while await freezing.freeze(connection) is not None:
        pass


async def tally(connection: Any, campaign_id: UUID) -> dict[str, int]:
    """What is counted of a campaign, without what is zero."""
    rows = await connection.fetch(
        "select t.* from mailing_tally t join mailing g on g.id = t.mailing_id where g.campaign_id = $1", campaign_id
    )
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({name: count for name, count in row.items() if name not in ("mailing_id", "shard")})
    return {name: count for name, count in counts.items() if count}


async def status_of(connection: Any, campaign_id: UUID) -> str:
    found: str = await connection.fetchval("select status::text from campaign where id = $1", campaign_id)
    return found
