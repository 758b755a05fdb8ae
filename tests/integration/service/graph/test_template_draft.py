"""A template that is not published: looked at, and mailed to addresses of ours by the engine to a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.compose import sender_profiles
from service.graph import mailing_preview
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import make_customer
from tests.engine import Start, start
from tests.integration.service.graph.test_template import ask, publish
from tests.mails import parsed
from tests.smtp_server import SmtpServer

__all__ = ["start"]

PREVIEW = """query($source: CreateTemplateInput!, $customer: ID) {
  previewTemplate(source: $source, customerId: $customer) {
    subject html text size fields warnings { code blocking lines recipients } userErrors { code field } } }"""
TEST = """mutation($i: SendTemplateTestInput!) { sendTemplateTest(input: $i) {
  results { address verdict response { code text } } userErrors { code field message } } }"""
LIST = "{ templates { nodes { name usedBy newest { kind warnings { code lines } } } } }"
PAGE = """<p>Hello {{ customer.name|default("you") }} of {{ customer.attributes.town }}</p>
<img src="https://x.example/a.png">
<a href="http://x.example/{{ offer }}">Shop</a>
<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>"""
OURS = "qa@fabrikam.example"


def source(**values: Any) -> dict[str, Any]:
    sample = {"offer": "spring", "customer.name": "Sam", "customer.attributes.town": "Sampleton"}
    return {"name": "News", "subject": "For {{ customer.name }}", "html": PAGE, "sampleData": sample} | values


def order(*addresses: str, key: str = "test-1", **values: Any) -> dict[str, Any]:
    return {"template": source(), "addresses": list(addresses or (OURS,)), "idempotencyKey": key, **values}


@pytest.fixture
async def office(connection: Any) -> str:
    """A sender with a postal address; its global id."""
    made = await sender_profiles.create(
        connection, name="Office", from_address="office@fabrikam.example", postal_address="1 Main Street"
    )
    return f"Sender_{made.sender_id.hex}"


@pytest.fixture
async def ann(connection: Any) -> int:
    return await make_customer(
        connection, addresses=["ann@customer.example"], name="Ann", attributes={"town": "Vienna"}
    )


# Looked at -----------------------------------------------------------------------------------------------------------


async def test_a_source_is_shown_with_what_is_wrong_line_by_line_and_nothing_is_written(
    client: httpx.AsyncClient, connection: Any, office: str
) -> None:
    shown = await ask(client, PREVIEW, source=source(), customer=None)
    assert (shown["subject"], shown["userErrors"]) == ("For Sam", [])
    assert "Hello Sam of Sampleton" in shown["html"]
    assert "http://x.example/spring" in shown["text"]
    assert shown["size"] > len(shown["html"])
    assert shown["fields"] == [
        "customer.attributes.town",
        "offer",
        "customer_name",
        "postal_address",
        "unsubscribe_url",
    ]
    assert [(one["code"], one["lines"]) for one in shown["warnings"]] == [
        ("IMAGE_WITHOUT_ALT", [2]),
        ("LINK_NOT_HTTPS", [3]),
    ]
    assert await connection.fetchval("select count(*) from template") == 0


async def test_a_source_is_shown_for_a_customer_with_its_own_values(
    client: httpx.AsyncClient, connection: Any, office: str, ann: int
) -> None:
    # Given the template's own field, which campaigns give a value for: the sample's stays
    shown = await ask(client, PREVIEW, source=source(), customer=f"Customer_{ann}")
    assert shown["subject"] == "For Ann"
    assert "Hello Ann of Vienna" in shown["html"]
    assert "http://x.example/spring" in shown["html"]
    # And a customer without the value that its mail needs is said to lack it
    bob = await make_customer(connection, addresses=["bob@customer.example"], name=None)
    shown = await ask(client, PREVIEW, source=source(), customer=f"Customer_{bob}")
    assert "Hello you of [customer.attributes.town]" in shown["html"]
    assert {"code": "MERGE_FIELD_MISSING", "blocking": False, "lines": [], "recipients": 1} in shown["warnings"]
    # And there is no such customer, or not any more
    assert await ask(client, PREVIEW, source=source(), customer="Customer_999999") is None
    await connection.execute("update customer set erased_at = now(), name = null where id = $1", ann)
    assert await ask(client, PREVIEW, source=source(), customer=f"Customer_{ann}") is None


async def test_a_source_that_would_be_refused_says_all_that_is_wrong(client: httpx.AsyncClient) -> None:
    shown = await ask(client, PREVIEW, source=source(subject="", html="<p>{% if x %}</p>", locale="??"), customer=None)
    assert sorted((one["code"], *one["field"]) for one in shown["userErrors"]) == [
        ("INVALID", "locale"),
        ("REQUIRED", "subject"),
        ("TEMPLATE_INVALID", "html"),
    ]
    assert (shown["subject"], shown["html"], shown["size"], shown["warnings"]) == (None, None, None, [])
    (refused,) = (await ask(client, PREVIEW, source=source(html="<p>no link</p>"), customer=None))["userErrors"]
    assert refused == {"code": "UNSUBSCRIBE_MISSING", "field": ["html"]}


async def test_the_list_tells_what_a_template_is_written_in_and_how_many_campaigns_use_it(
    client: httpx.AsyncClient, connection: Any, office: str, ann: int
) -> None:
    news = (await publish(client, "News"))["template"]["id"]
    mjml = '<mjml><mj-body><mj-raw><a href="{{ unsubscribe_url }}">x</a></mj-raw></mj-body></mjml>'
    await publish(client, "Offer", html=None, mjml=mjml)
    for number in (1, 2):
        campaign = {"title": "Spring", "mailings": [{"templateId": news}] * 2, "senderId": office}
        made = await ask(
            client,
            "mutation($i: CreateCampaignInput!) { createCampaign(input: $i) { userErrors { message } } }",
            i=campaign | {"idempotencyKey": f"c-{number}"},
        )
        assert made["userErrors"] == []
    nodes = (await ask(client, LIST))["nodes"]
    assert [(one["name"], one["newest"]["kind"], one["usedBy"]) for one in nodes] == [
        ("News", "HTML", 2),
        ("Offer", "MJML", 0),
    ]


# Mailed to ourselves -------------------------------------------------------------------------------------------------


async def test_a_source_is_mailed_as_a_sender_of_ours_and_the_same_call_again_mails_nothing(
    client: httpx.AsyncClient, connection: Any, office: str, ann: int, smtp_server: SmtpServer, start: Start
) -> None:
    start()
    asked = order(customerId=f"Customer_{ann}", senderId=office)
    (result,) = (await ask(client, TEST, i=asked))["results"]
    assert (result["address"], result["verdict"]) == (OURS, "ACCEPTED")
    assert await ask(client, TEST, i=asked) == {"results": [result], "userErrors": []}
    (message,) = smtp_server.messages
    mail = parsed(message.content)
    assert (mail["Subject"], mail["From"], mail["To"]) == ("[Test] For Ann", "office@fabrikam.example", OURS)
    part = mail.get_body(("html",))
    assert part is not None
    body = part.get_content()
    assert "Hello Ann of Vienna" in body
    assert "1 Main Street" in body
    row = await connection.fetchrow(
        "select m.internal, m.campaign_id, t.mailing_id from message m join test_email t on t.message_id = m.id"
    )
    assert tuple(row) == (True, None, None)
    # And another source by the same key is another order
    changed = asked | {"template": source(subject="Else")}
    (refused,) = (await ask(client, TEST, i=changed))["userErrors"]
    assert refused["code"] == "IDEMPOTENCY_CONFLICT"


async def test_all_that_is_wrong_with_a_test_is_said_at_once(client: httpx.AsyncClient, connection: Any) -> None:
    wrong = order("nonsense", key="", senderId="Sender_x", customerId="Campaign_1", template=source(subject=""))
    found = (await ask(client, TEST, i=wrong))["userErrors"]
    assert sorted((one["code"], ".".join(one["field"])) for one in found) == [
        ("ADDRESS_INVALID", "addresses.0"),
        ("NOT_FOUND", "customerId"),
        ("NOT_FOUND", "senderId"),
        ("REQUIRED", "idempotencyKey"),
        ("REQUIRED", "template.subject"),
    ]
    assert await connection.fetchval("select count(*) from message") == 0


async def test_without_a_sender_the_default_one_mails_it_with_the_sample(
    make_context: Callable[..., Context], ann: int, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing_preview, "ANSWER_SECONDS", 0.05)
    result = await schema.execute(TEST, context_value=make_context(), variable_values={"i": order()})
    assert result.errors is None
    assert result.data is not None
    assert result.data["sendTemplateTest"]["results"] == [{"address": OURS, "verdict": "DEFERRED", "response": None}]
    assert await connection.fetchval("select subject from message") == "[Test] For Sam"
    # And of a customer who is not there nothing is mailed
    unknown = order(key="other", customerId="Customer_999999")
    result = await schema.execute(TEST, context_value=make_context(), variable_values={"i": unknown})
    assert result.data is not None
    assert [one["field"] for one in result.data["sendTemplateTest"]["userErrors"]] == [["customerId"]]
