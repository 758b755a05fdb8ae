"""`triggerCampaign` over the API: what it answers, what the history says, and why nothing is sent."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.campaigns import events
from gateway.deployment import Deployment
from gateway.settings import Settings
from service.graph.node import customer_global_id, row_global_id
from tests.builders import insert, make_customer
from tests.integration.gateway.campaigns.test_events import waiting_campaign

TRIGGER = """mutation($input: TriggerCampaignInput!) { triggerCampaign(input: $input) {
  recipient { id status dueAt address customer { id } mailing { number } message { id } }
  userErrors { code field } } }"""
LIFE = """query($id: ID!) { node(id: $id) { ... on CampaignRecipient { status message {
  subject events { nodes { kind by detail } } } } } }"""
PROGRESS = """query($id: ID!) { campaign(id: $id) { audienceSize progress { total queued made waiting }
  recipients { totalCount { value } nodes { customer { id } } } } }"""


async def ask(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = (await client.post("/graphql", json={"query": document, "variables": variables})).json()
    assert "errors" not in body, body
    return body["data"]


async def test_an_event_waits_and_is_followed_by_its_mail(
    client: httpx.AsyncClient, pool: Any, settings: Settings
) -> None:
    # Given an event-based campaign under way
    async with pool.acquire() as connection:
        campaign_id = await waiting_campaign(connection)
        customer = await make_customer(connection, addresses=["ann@customer.example"])
    campaign = row_global_id("Campaign", campaign_id)
    given: dict[str, Any] = {"campaignId": campaign, "customerId": customer_global_id(customer), "event": "Installed"}
    given |= {"data": {"first_name": "Ann"}, "idempotencyKey": "e1"}
    # When it is told what happened, twice with the same key
    answers = [(await ask(client, TRIGGER, input=given))["triggerCampaign"] for _ in range(2)]
    # Then both answers name the one who waits for its mail
    assert answers[0] == answers[1]
    recipient = answers[0]["recipient"]
    assert answers[0]["userErrors"] == []
    assert (recipient["status"], recipient["address"], recipient["message"]) == ("QUEUED", "ann@customer.example", None)
    assert (recipient["customer"]["id"], recipient["mailing"]["number"]) == (given["customerId"], 1)
    assert recipient["dueAt"] is not None
    found = (await ask(client, PROGRESS, id=campaign))["campaign"]
    listed = found.pop("recipients")
    assert found == {"audienceSize": 1, "progress": {"total": 1, "queued": 1, "made": 0, "waiting": 1}}
    assert listed == {"totalCount": {"value": 1}, "nodes": [{"customer": {"id": given["customerId"]}}]}
    # And once it is made, its history says what happened and who told
    async with pool.acquire() as connection:
        await events.make_triggered(connection, Deployment.open(settings))
    message = (await ask(client, LIFE, id=recipient["id"]))["node"]["message"]
    assert message["subject"] == "News for Ann"
    told = [event for event in message["events"]["nodes"] if event["kind"] == "TRIGGERED"]
    assert [(event["by"], event["detail"]["event"]) for event in told] == [("test", "Installed")]


async def test_an_event_that_is_refused_says_why(client: httpx.AsyncClient, pool: Any) -> None:
    async with pool.acquire() as connection:
        campaign_id = await waiting_campaign(connection)
        customer = await make_customer(connection)
        await insert(connection, "opt_out", customer_id=customer, kind="EVENT_BASED", source="STAFF", actor="t")
    given = {"campaignId": row_global_id("Campaign", campaign_id), "customerId": customer_global_id(customer)}
    opted_out = ("OPTED_OUT", ["customerId"])
    cases: list[tuple[dict[str, Any], list[tuple[str, list[str]]]]] = [
        ({"event": "Installed", "idempotencyKey": "a"}, [opted_out]),
        ({"event": "", "idempotencyKey": ""}, [("REQUIRED", ["idempotencyKey"]), ("REQUIRED", ["event"]), opted_out]),
        ({"event": "x", "idempotencyKey": "a", "data": [1]}, [("INVALID", ["data"]), opted_out]),
        ({"event": "x", "idempotencyKey": "a", "campaignId": "Campaign_1"}, [("NOT_FOUND", ["campaignId"]), opted_out]),
        (
            {"event": "", "idempotencyKey": "", "data": [1], "campaignId": "x", "customerId": "x"},
            [
                ("REQUIRED", ["idempotencyKey"]),
                ("REQUIRED", ["event"]),
                ("INVALID", ["data"]),
                ("NOT_FOUND", ["campaignId"]),
                ("NOT_FOUND", ["customerId"]),
            ],
        ),
    ]
    for more, errors in cases:
        answer = (await ask(client, TRIGGER, input={**given, **more}))["triggerCampaign"]
        assert answer["recipient"] is None
        assert [(error["code"], error["field"]) for error in answer["userErrors"]] == errors
