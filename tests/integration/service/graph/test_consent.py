"""Opt-outs, clicks and their verdicts over GraphQL: what staff set, what the page shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.tracking.classify import classify_due
from tests.builders import make_campaign, make_customer, make_hit, make_message, make_outbox

SET = """mutation($input: SetOptOutInput!) { setOptOut(input: $input) {
  customer { id optOuts { marketingAt eventBasedAt marketing { optedOutAt by source } } }
  userErrors { code field } } }"""
RECLASSIFY = """mutation($input: ReclassifyHitsInput!) { reclassifyHits(input: $input) {
  judged changed userErrors { code field message } } }"""
HISTORY = """query($id: ID!, $message: ID, $machine: Boolean!) { customer(id: $id) { emails {
  sent { edges { node { openedAt clickCount } } }
  connectionNotes { edges { node { openedAt clickCount } } }
  clicks(messageId: $message, includeMachine: $machine) { edges { node { url verdict reasons clickedAt } } } } } }"""


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    body = answer.json()
    assert "errors" not in body, body
    return body["data"]


async def test_staff_set_and_lift_an_opt_out(client: httpx.AsyncClient, pool: Any) -> None:
    customer = await make_customer(pool)
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign)
    await make_outbox(pool, customer, message, opt_out_kind="MARKETING")
    whom = {"customerId": f"Customer_{customer}", "kind": "MARKETING"}
    for _ in range(2):
        done = (await ask(client, SET, input={**whom, "optedOut": True}))["setOptOut"]
        assert done["userErrors"] == []
        choice = done["customer"]["optOuts"]
        assert (choice["marketing"]["by"], choice["marketing"]["source"]) == ("test", "STAFF")
        assert choice["marketingAt"] == choice["marketing"]["optedOutAt"] is not None
        assert choice["eventBasedAt"] is None
    assert await pool.fetchval("select status from message where id = $1", message) == "HELD"
    assert await pool.fetchval("select count(*) from consent_event") == 1
    lifted = (await ask(client, SET, input={**whom, "optedOut": False}))["setOptOut"]
    assert lifted["customer"]["optOuts"]["marketing"] is None


@pytest.mark.parametrize("customer_id", ["Customer_999999", "Customer_0", "nonsense", "Message_1_" + "0" * 32])
async def test_an_unknown_customer_is_a_user_error(client: httpx.AsyncClient, customer_id: str) -> None:
    asked = {"customerId": customer_id, "kind": "EVENT_BASED", "optedOut": True}
    done = (await ask(client, SET, input=asked))["setOptOut"]
    assert done == {"customer": None, "userErrors": [{"code": "NOT_FOUND", "field": ["customerId"]}]}


async def test_lists_count_people_and_show_machines_when_asked(client: httpx.AsyncClient, pool: Any) -> None:
    # Given a mail with a person's click, a scanner's, and one that nobody can tell
    customer = await make_customer(pool)
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED")
    other = await make_message(pool, customer, status="ACCEPTED")
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    later = await pool.fetchval("select now() - interval '1 minute'")
    for number, agent in enumerate([browser, "curl/8", "Fabrikam Reader 1"], 1):
        await make_hit(
            pool, customer, message, url=f"https://shop.example/{number}", link=number, agent=agent,
            rules_version=0, verdict="UNKNOWN", occurred_at=later, origin=f"o{number}",
        )  # fmt: skip
    await pool.execute("update hit set link = 1")
    async with pool.acquire() as connection:
        assert await classify_due(connection) == 3
    # When the history is asked for, with and without machines
    asked = {"id": f"Customer_{customer}", "message": f"Message_{customer}_{UUID(str(message)).hex}"}
    people = (await ask(client, HISTORY, **asked, machine=False))["customer"]["emails"]
    everything = (await ask(client, HISTORY, **asked, machine=True))["customer"]["emails"]

    def verdicts(emails: Any) -> dict[str, list[str]]:
        return {edge["node"]["verdict"]: edge["node"]["reasons"] for edge in emails["clicks"]["edges"]}

    # Then people and the unknown count, and each says why
    assert verdicts(people) == {"HUMAN": ["BROWSER_AGENT"], "UNKNOWN": ["UNRECOGNISED_AGENT"]}
    assert verdicts(everything) == {**verdicts(people), "MACHINE": ["SCANNER_AGENT"]}
    [sent] = people["sent"]["edges"]
    assert sent["node"]["clickCount"] == 2
    # a person's click implies an open
    assert sent["node"]["openedAt"] is not None
    notes = {edge["node"]["clickCount"]: edge["node"]["openedAt"] for edge in people["connectionNotes"]["edges"]}
    assert notes == {2: sent["node"]["openedAt"], 0: None}
    # and another message has none
    asked["message"] = f"Message_{customer}_{UUID(str(other)).hex}"
    assert (await ask(client, HISTORY, **asked, machine=True))["customer"]["emails"]["clicks"]["edges"] == []


async def test_hits_are_judged_again_on_request(client: httpx.AsyncClient, pool: Any) -> None:
    customer = await make_customer(pool)
    message = await make_message(pool, customer, status="ACCEPTED")
    await make_hit(
        pool, customer, message, url="https://shop.example/", link=1, agent="curl/8", reasons=["BROWSER_AGENT"]
    )
    done = (await ask(client, RECLASSIFY, input={"customerId": f"Customer_{customer}"}))["reclassifyHits"]
    assert done == {"judged": 1, "changed": 1, "userErrors": []}
    assert await pool.fetchval("select verdict from hit") == "MACHINE"
    assert (await ask(client, RECLASSIFY, input={}))["reclassifyHits"] == {"judged": 1, "changed": 0, "userErrors": []}
    narrow = {"since": "2999-01-01T00:00:00Z"}
    assert (await ask(client, RECLASSIFY, input=narrow))["reclassifyHits"]["judged"] == 0
    for nobody in ("Customer_x", "Customer_99999", "Message_1_2"):
        wrong = (await ask(client, RECLASSIFY, input={"customerId": nobody}))["reclassifyHits"]
        assert [error["code"] for error in wrong["userErrors"]] == ["NOT_FOUND"]
