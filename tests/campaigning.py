"""API calls of e2e tests: create customers, create and launch a campaign, parse its mail."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import httpx

HTML = """<html><body><p>Hello {{ name }}, caf&eacute; &amp; more</p>
<a href="https://shop.example/offers?a=1&amp;b=2" title="all &quot;offers&quot;">Offers</a>
<a href="https://shop.example/hours">Hours</a> <a href="https://shop.example/map">Map</a>
<a href="mailto:office@fabrikam.example">Mail us</a> <a href="tel:+1555">Call</a>
<a href="https://shop.example/imprint" data-no-track>Imprint</a>
<a href="{{ unsubscribe_url }}">Unsubscribe</a><p>{{ postal_address }}</p></body></html>"""
TEXT = "Offers: https://shop.example/offers?a=1&b=2\nUnsubscribe: {{ unsubscribe_url }}\n{{ postal_address }}\n"


async def run(client: httpx.AsyncClient, mutation: str, fields: str, **input: Any) -> Any:
    """Runs one mutation, which must succeed; returns its payload."""
    kind = mutation[0].upper() + mutation[1:]
    errors = "userErrors { code message field }"
    document = f"mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ {fields} {errors} }} }}"
    body = (await client.post("/graphql", json={"query": document, "variables": {"input": input}})).json()
    assert "errors" not in body, body
    assert body["data"][mutation]["userErrors"] == []
    return body["data"][mutation]


async def upsert(client: httpx.AsyncClient, *names: str) -> list[str]:
    """Creates customers with these names and an address each; returns their ids."""
    customers = [
        {"externalRef": name, "name": name.title(), "addresses": [f"{name}@customer.example"]} for name in names
    ]
    done = await run(client, "upsertCustomers", "customers { id }", customers=customers)
    return [customer["id"] for customer in done["customers"]]


async def launch(client: httpx.AsyncClient, key: str, customers: list[str], **more: Any) -> None:
    """Launches a campaign with tracked and untracked links to these customers; `key` makes its names unique."""
    made = await run(
        client, "createTemplate", "template { id hasUnsubscribe }",
        name="news", subject="News for {{ name }}", html=HTML, text=TEXT, sampleData={"name": "Sam"},
    )  # fmt: skip
    assert made["template"]["hasUnsubscribe"]
    sender = await run(
        client, "createSender", "sender { id }",
        name=f"main {key}", fromAddress="hello@fabrikam.example", postalAddress="1 Main Street, Springfield",
    )  # fmt: skip
    recipients = [{"customerId": customer, "mergeData": {"name": "Ann"}} for customer in customers]
    campaign = await run(
        client, "createCampaign", "campaign { id }", title="News", templateId=made["template"]["id"],
        senderId=sender["sender"]["id"], recipients=recipients, idempotencyKey=f"create {key}", **more,
    )  # fmt: skip
    await run(
        client, "launchCampaign", "campaign { id }",
        campaignId=campaign["campaign"]["id"], idempotencyKey=f"launch {key}",
    )  # fmt: skip


def parse(content: bytes) -> EmailMessage:
    """Returns a mail as received, parsed."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message
