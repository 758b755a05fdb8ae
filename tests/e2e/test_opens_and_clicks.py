"""From the mutation over SMTP to opens, clicks and unsubscribes, by people and by machines."""

from __future__ import annotations

import asyncio
import re
from email.message import EmailMessage
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.templates import versions
from tests.campaigning import launch, parse, run, upsert
from tests.engine import Start, empty, start
from tests.eventually import eventually
from tests.smtp_server import SmtpServer

__all__ = ["start"]

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}


@pytest.fixture(autouse=True)
async def builtins(pool: Any) -> None:
    async with pool.acquire() as connection:
        await versions.publish_builtins(connection)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body(preferencelist=(kind,))
    assert found is not None
    content: str = found.get_content()
    return content


def addresses(html: str, start: str) -> list[str]:
    """Returns the service's addresses in a page, in its order."""
    found = [unescape(url) for url in re.findall(r'(?:href|src)="([^"]+)"', html)]
    return [url for url in found if urlsplit(url).path.startswith(start)]


async def history(client: httpx.AsyncClient, customer: str) -> Any:
    document = """query($id: ID!) { customer(id: $id) { optOuts { marketingAt } emails {
      sent { nodes { openedAt clickCount info { status cause } message { openCount clickCount } } }
      people: clicks { nodes { url verdict reasons } }
      everybody: clicks(includeMachine: true) { nodes { url verdict reasons } } } } }"""
    body = (await client.post("/graphql", json={"query": document, "variables": {"id": customer}})).json()
    assert "errors" not in body, body
    return body["data"]["customer"]


async def test_people_and_machines_are_distinguished_from_mail_to_history(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, smtp_server: SmtpServer, start: Start, pool: Any
) -> None:
    # Given a campaign mail that Ann's and Bob's server accepted
    start()
    ann, bob = await upsert(client, "ann", "bob")
    await launch(client, "one", [ann, bob])
    await smtp_server.accepted(2)
    mails = {mail.recipients[0]: parse(mail.content) for mail in smtp_server.messages}
    # Then its links are tracked in both parts, except those that must not be
    mail = mails["ann@customer.example"]
    html, text = part(mail, "html"), part(mail, "plain")
    links = addresses(html, "/c/")
    assert len(links) == 3
    assert len(addresses(html, "/o/")) == 1
    assert 'title="all &quot;offers&quot;"' in html
    assert "caf&eacute; &amp; more" in html
    for kept in ("mailto:office@fabrikam.example", "tel:+1555", '"https://shop.example/imprint"'):
        assert kept in html
    assert "https://shop.example/offers?" not in text
    assert "http://mail.example/c/" in text
    [unsubscribe] = addresses(html, "/u/")
    assert mail["List-Unsubscribe"] == f"<{unsubscribe}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(unsubscribe) < 100
    await empty(pool)
    # When Ann opens and follows one link, and a scanner fetches every link of Bob's mail at once
    assert (await anonymous.get(addresses(html, "/o/")[0], headers=BROWSER)).status_code == 200
    followed = await anonymous.get(links[0], headers=BROWSER)
    assert followed.headers["location"] == "https://shop.example/offers?a=1&b=2"
    scanned = addresses(part(mails["bob@customer.example"], "html"), "/c/")
    answers = await asyncio.gather(*(anonymous.get(link, headers=BROWSER) for link in scanned))
    assert [answer.status_code for answer in answers] == [302] * 3

    await eventually(lambda: pool.fetchval("select count(*) = 5 from hit where rules_version > 0"), "verdicts")
    anns, bobs = [await history(client, one) for one in (ann, bob)]
    # Then Ann read it, and Bob did not
    [sent] = anns["emails"]["sent"]["nodes"]
    assert sent["openedAt"] is not None
    assert sent["clickCount"] == 1
    assert sent["message"] == {"openCount": 1, "clickCount": 1}
    assert [row["url"] for row in anns["emails"]["people"]["nodes"]] == ["https://shop.example/offers?a=1&b=2"]
    [unread] = bobs["emails"]["sent"]["nodes"]
    assert (unread["openedAt"], unread["clickCount"]) == (None, 0)
    assert unread["message"] == {"openCount": 0, "clickCount": 0}
    assert bobs["emails"]["people"]["nodes"] == []
    assert [row["reasons"] for row in bobs["emails"]["everybody"]["nodes"]] == [["LINK_BURST"]] * 3


async def test_after_an_unsubscribe_there_is_no_more_marketing_but_individual_mail(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, smtp_server: SmtpServer, start: Start
) -> None:
    # Given Ann, who got a campaign mail and presses her mail program's button
    start()
    ann, bob = await upsert(client, "ann", "bob")
    await launch(client, "one", [ann])
    await smtp_server.accepted(1)
    address = parse(smtp_server.messages[0].content)["List-Unsubscribe"].strip("<>")
    done = await anonymous.post(address, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    # When the next campaign goes to her and Bob, and a work order to her
    await launch(client, "two", [ann, bob])
    await run(
        client, "sendCardProcessingEmail", "message { id }", customerId=ann, kind="CHARGE",
        amount={"amount": "12.50", "currency": "USD"}, idempotencyKey="card",
    )  # fmt: skip
    await smtp_server.accepted(3)
    # Then the campaign reached Bob alone, and the card mail her, without a pixel or a link of ours
    assert sorted(mail.recipients[0] for mail in smtp_server.messages[1:]) == [
        "ann@customer.example",
        "bob@customer.example",
    ]
    [card] = [mail for mail in smtp_server.messages[1:] if mail.recipients[0] == "ann@customer.example"]
    assert "/o/" not in card.content.decode()
    assert "/c/" not in card.content.decode()
    assert "List-Unsubscribe" not in card.content.decode()
    assert (await history(client, ann))["optOuts"]["marketingAt"] is not None


async def test_an_untracked_campaign_has_no_tracked_address_but_the_unsubscribe(
    client: httpx.AsyncClient, smtp_server: SmtpServer, start: Start
) -> None:
    start()
    [ann] = await upsert(client, "ann")
    await launch(client, "one", [ann], tracked=False)
    await smtp_server.accepted(1)
    html = part(parse(smtp_server.messages[0].content), "html")
    assert addresses(html, "/o/") + addresses(html, "/c/") == []
    assert len(addresses(html, "/u/")) == 1
    assert "https://shop.example/offers?a=1&amp;b=2" in html


async def test_a_template_with_5000_links_is_refused_with_the_limit(client: httpx.AsyncClient) -> None:
    html = "<html><body>" + '<a href="https://shop.example/">x</a>' * 5000 + "</body></html>"
    document = """mutation($input: CreateTemplateInput!) { createTemplate(input: $input) {
      template { id } userErrors { code message field } } }"""
    input = {"name": "many", "subject": "Many", "html": html}
    body = (await client.post("/graphql", json={"query": document, "variables": {"input": input}})).json()
    [error] = body["data"]["createTemplate"]["userErrors"]
    assert (error["code"], error["field"]) == ("TOO_MANY", ["html"])
    assert "1000 links" in error["message"]
