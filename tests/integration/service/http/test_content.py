"""The mail itself: the bytes that a server took, proved; a page that fetches nothing; both only for who may see it."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from gateway.campaigns import drafts, expansion, freezing, lifecycle
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.compose import exact, sender_profiles
from gateway.deployment import Deployment
from gateway.mail.content_links import ContentLink, Wanted, content_url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.mail.letter import Window
from gateway.mail.message import MessageRef
from gateway.storage import attachments, content
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.auth.tokens import create_token, revoke_token
from service.database import Statement
from service.graph import contents
from service.graph.node import message_global_id
from tests.builders import KEYRING, NOON, insert, make_customer, make_message
from tests.engine import Start, deployment, empty, queue_mail, start, until
from tests.integration.gateway.delivery.test_signed_mail import signer, unsigned
from tests.smtp_server import SmtpServer
from tests.unit.gateway.compose.test_individual import WORK_ORDER

__all__ = ["deployment", "signer", "start"]

CONTENT = """query($id: ID!) { message(id: $id) {
    content { html text headers { name value } size sha256 exact inexactWhy viewUrl rawUrl }
    attachments { name sha256 url }
} }"""
PAGE = """<html><body><p>Hello {{ first_name }}</p><a href="https://shop.example/?a=1&amp;b=2">buy</a>
<img src="https://cdn.example/x.png" alt="A picture"><p>{{ postal_address }}</p>
<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>"""
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 40


async def told(client: httpx.AsyncClient, ref: MessageRef) -> dict[str, Any]:
    """What the API tells of a message."""
    variables = {"id": message_global_id(ref.customer_id, ref.message_id)}
    answer = (await client.post("/graphql", json={"query": CONTENT, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["message"]
    return found


def path(url: str) -> str:
    return urlsplit(url).path


async def campaign_mail(connection: Any, deployment: Deployment) -> MessageRef:
    """A campaign's only mail, which waits."""
    published = await versions.publish(
        connection,
        compile_source(TemplateSource(name="News", subject="News for {{ first_name }}", html=PAGE)),
        actor="test",
    )
    profile = await sender_profiles.create(
        connection, name="News", from_address="news@fabrikam.example", postal_address="1 Main"
    )
    customer = await make_customer(connection, addresses=["ann@customer.example"], name="Ann")
    order = CampaignOrder(
        title="News",
        actor="Dana",
        template_id=published.template_id,
        sender_id=profile.sender_id,
        recipients=(CampaignRecipient(customer_id=customer, merge_data={"first_name": "Ann"}),),
        idempotency_key=uuid4().hex,
    )
    made = await drafts.create(connection, order, deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    await freezing.freeze(connection)
    await expansion.make_messages(connection, deployment)
    message = await connection.fetchval("select id from message where campaign_id = $1", made)
    return MessageRef(customer_id=customer, message_id=message)


async def test_a_campaigns_mail_is_the_one_that_the_server_took(
    client: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    signer: Any,
) -> None:
    # Given a tracked campaign mail, signed and sent
    ref = await campaign_mail(connection, deployment)
    start(signer=signer)
    row = await until(connection, ref, "ACCEPTED")
    [received] = smtp_server.taken
    # Then the API has its very bytes, composed again: those that the server took, but for the signatures in front
    said = (await told(client, ref))["content"]
    raw = await anonymous.get(path(said["rawUrl"]))
    assert raw.content == unsigned(received.content) != received.content
    digest = hashlib.sha256(raw.content)
    assert (said["exact"], said["inexactWhy"], said["sha256"], said["size"]) == (
        True, None, digest.hexdigest(), len(raw.content),
    )  # fmt: skip
    assert digest.digest() == row["mail_sha256"]
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["content-disposition"] == "attachment; filename*=UTF-8''News%20for%20Ann.eml"
    # And what it says is without our tracking
    assert f"{deployment.settings.public_url}/c/".encode() in raw.content.replace(b"=\r\n", b"")
    assert '<a href="https://shop.example/?a=1&amp;b=2">buy</a>' in said["html"]
    assert "https://shop.example/?a=1&b=2" in said["text"]
    for part in (said["html"], said["text"]):
        assert not re.search("/[co]/k1", part)
    assert {"name": "Subject", "value": "News for Ann"} in said["headers"]
    # When somebody looks at it
    page = await anonymous.get(path(said["viewUrl"]))
    # Then nothing in it leads anywhere, is fetched or counted
    assert "Hello Ann" in page.text
    assert not re.search(r"href|src|/[co]/k1", page.text.replace(":not([src])", ""))
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox; "
        "frame-ancestors 'self'"
    )
    for name, value in {
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "content-type": "text/html; charset=utf-8",
    }.items():
        assert page.headers[name] == value
    assert await connection.fetchval("select count(*) from hit") == 0


async def test_a_letter_is_the_one_that_the_server_took(
    client: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    signer: Any,
) -> None:
    # Given a tracked letter with a file so large that it is read by itself
    octets = b"%PDF-1.7" + b"\0x" * 150_000
    file = await attachments.store(connection, name="Plan.pdf", uploaded_by="tests", stream=octets)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None)
    visit = Window(start=tomorrow, end=tomorrow + timedelta(hours=2), time_zone="UTC")
    letter = replace(WORK_ORDER, window=visit)
    ref = await queue_mail(connection, deployment, letter=letter, attachment_ids=(file,))
    start(signer=signer)
    await until(connection, ref, "ACCEPTED")
    await empty(connection)
    # Then the API has the very bytes and its file
    found = await told(client, ref)
    said, [attached] = found["content"], found["attachments"]
    raw = await anonymous.get(path(said["rawUrl"]))
    assert raw.content == unsigned(smtp_server.taken[0].content)
    assert said["size"] == len(raw.content) > contents.READ_TOGETHER
    assert (said["exact"], said["sha256"]) == (True, hashlib.sha256(raw.content).hexdigest())
    assert WORK_ORDER.number in said["text"]
    assert attached["sha256"] == hashlib.sha256(octets).hexdigest()
    assert (await anonymous.get(path(attached["url"]))).content == octets
    # And its page and its text are without our tracking
    assert not re.search("/[co]/k1", said["html"] + said["text"])
    assert WORK_ORDER.number in (await anonymous.get(path(said["viewUrl"]))).text


async def received_mail(connection: Any, customer: int, mail: EmailMessage | None = None) -> MessageRef:
    """A mail that came in; by default one with a picture in its HTML, and a file."""
    if mail is None:
        mail = EmailMessage()
        mail["Subject"] = "Größe"
        mail.set_content("See below.")
        mail.add_alternative("<p onclick=x()>Look: <img src='cid:pic@x'><img src='https://evil.example/'></p>", "html")
        mail.get_payload()[1].add_related(PNG, "image", "png", cid="<pic@x>")  # type: ignore[union-attr, index]  # parts
    raw = mail.as_bytes()
    stored = await content.store(connection, raw)
    message = await make_message(
        connection, customer, direction="RECEIVED", content_sha256=stored, subject="../Größe\n."
    )
    return MessageRef(customer_id=customer, message_id=message)


async def test_a_received_mail_is_what_came(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    ref = await received_mail(connection, await make_customer(connection))
    said = (await told(client, ref))["content"]
    raw = await anonymous.get(path(said["rawUrl"]))
    assert hashlib.sha256(raw.content).hexdigest() == said["sha256"]
    assert said["exact"]
    assert raw.headers["content-disposition"] == "attachment; filename*=UTF-8''-Gr%C3%B6%C3%9Fe.eml"
    page = (await anonymous.get(path(said["viewUrl"]))).text
    assert '<img src="data:image/png;base64,' in page
    assert "evil" not in page
    assert "onclick" not in page


async def test_a_mail_of_text_alone_is_shown_as_text(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    mail = EmailMessage()
    mail.set_content("1 < 2 & <script>alert(1)</script>")
    ref = await received_mail(connection, await make_customer(connection), mail)
    said = (await told(client, ref))["content"]
    page = (await anonymous.get(path(said["viewUrl"]))).text
    assert "1 &lt; 2 &amp; &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert said["html"] is None


# What is not proved says why ---------------------------------------------------------------------------------------


UNPROVED = {
    "select": exact.NO_OUTCOME,
    "update message set status = 'CANCELLED', decided_at = now()": exact.NO_PROOF,
    "update message set mail_sha256 = sha256('x')": exact.OTHER_SETTINGS,
    "update message set composer_version = 99": exact.NEWER_COMPOSER.format(version=99),
    "update message set composer_version = 4, token_key_id = 'k0'": exact.KEY_GONE.format(key="k0"),
    "update message set merge_data = null": exact.VALUES_ERASED,
}


async def test_a_campaigns_mail_that_is_not_proved_says_why(
    client: httpx.AsyncClient, connection: Any, deployment: Deployment
) -> None:
    # Given a campaign's mail that waits
    ref = await campaign_mail(connection, deployment)
    for change, why in UNPROVED.items():
        # When its row becomes what nothing proves, then it is shown all the same, with why it is not proved
        await connection.execute(change)
        said = (await told(client, ref))["content"]
        assert (said["exact"], said["inexactWhy"]) == (False, why)
        assert "Hello" in said["html"]
    # And without an address it was never to, there is none
    await connection.execute("update message set recipient = null, recipient_key = sha256('x')")
    assert (await told(client, ref))["content"] is None


async def test_kept_bytes_that_are_not_those_of_the_outcome_say_so(client: httpx.AsyncClient, connection: Any) -> None:
    customer = await make_customer(connection)
    stored = await content.store(connection, b"Subject: x\n\nbody")
    message = await make_message(
        connection, customer, status="ACCEPTED", content_sha256=stored, mail_sha256=hashlib.sha256(b"other").digest()
    )
    said = (await told(client, MessageRef(customer_id=customer, message_id=message)))["content"]
    assert (said["exact"], said["inexactWhy"]) == (False, contents.OTHER_BYTES)


async def test_of_an_erased_customer_there_is_nothing(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    customer = await make_customer(connection)
    ref = await received_mail(connection, customer)
    said = (await told(client, ref))["content"]
    await connection.execute("update customer set erased_at = now()")
    assert (await told(client, ref))["content"] is None
    for url in (said["rawUrl"], said["viewUrl"]):
        assert (await anonymous.get(path(url))).status_code == 404


# Who may see it --------------------------------------------------------------------------------------------------


async def test_a_token_without_the_flag_sees_no_content_and_goes_on_fetching_received_files(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    # Given a sent mail and a received one, each with a file
    customer = await make_customer(connection)
    stored = await content.store(connection, b"Subject: x\n\nbody")
    sent = MessageRef(
        customer_id=customer,
        message_id=await make_message(connection, customer, status="ACCEPTED", content_sha256=stored),
    )
    came = await received_mail(connection, customer)
    for ref, of in ((sent, {"sha256": stored}), (came, {"part": 4})):
        key = {"customer_id": customer, "message_id": ref.message_id}
        file = {"name": "a.txt", "media_type": "text/plain", "size": 1, "position": 0}
        await insert(connection, "message_attachment", **key, **file, **of)
    # When a token asks that was not given content
    client.headers["Authorization"] = f"Bearer {await create_token(connection, 'crm')}"
    # Then it is told of no content and of no sent file, and fetches the received one as before
    assert (await told(client, sent))["content"] is None
    assert (await told(client, came))["content"] is None
    assert (await told(client, sent))["attachments"][0]["url"] is None
    url = (await told(client, came))["attachments"][0]["url"]
    assert (await anonymous.get(path(url))).content.startswith(PNG)


async def test_a_link_lives_five_minutes_while_its_caller_may_see_content(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    # Given links of a caller
    ref = await received_mail(connection, await make_customer(connection))
    said = (await told(client, ref))["content"]

    async def alive() -> set[int]:
        return {(await anonymous.get(path(said[name]))).status_code for name in ("viewUrl", "rawUrl")}

    assert await alive() == {200}
    old = ContentLink(caller="test", ref=ref, wanted=Wanted.RAW)
    gone = await anonymous.get(content_url(KEYRING, "", old, now=time.time() - LIFE_SECONDS - 1))
    assert (gone.status_code, "five minutes" in gone.text) == (404, True)
    assert (await anonymous.get("/content/k1-nonsense")).status_code == 404
    nowhere = ContentLink(caller="test", ref=ref, wanted=Wanted.FILE, position=9)
    assert (await anonymous.get(content_url(KEYRING, "", nowhere, now=time.time()))).status_code == 404
    # When what it may see is taken from it, they are dead; and given back, alive
    await connection.execute("update api_token set content = false")
    assert await alive() == {404}
    await connection.execute("update api_token set content = true")
    assert await alive() == {200}
    # And dead for ever when its token is revoked
    await revoke_token(connection, "test")
    assert await alive() == {404}


async def test_a_page_of_mail_has_the_content_of_each(client: httpx.AsyncClient, connection: Any) -> None:
    # Given a customer with received mail, one so old that it is not kept any more
    customer = await make_customer(connection)
    for number in range(3):
        mail = EmailMessage()
        mail.set_content(f"Mail {number}")
        await received_mail(connection, customer, mail)
    await make_message(connection, customer, direction="RECEIVED", mail_date=NOON)
    # When a page is asked for
    query = """query($id: ID!) { customer(id: $id) { emails { connectionNotes(first: 10) {
        nodes { message { content { text exact } } } } } } }"""
    answer = await client.post("/graphql", json={"query": query, "variables": {"id": f"Customer_{customer}"}})
    # Then each has its own
    nodes = answer.json()["data"]["customer"]["emails"]["connectionNotes"]["nodes"]
    texts = [node["message"]["content"] and node["message"]["content"]["text"] for node in nodes]
    assert texts == [None, "Mail 2\n", "Mail 1\n", "Mail 0\n"]


async def test_a_page_of_mail_is_read_together(connection: Any, deployment: Deployment) -> None:
    # Given received mail and a campaign's, whose template and sender are in memory by now
    campaign = await campaign_mail(connection, deployment)
    refs = [campaign] + [await received_mail(connection, await make_customer(connection)) for _ in range(4)]
    asked: list[str] = []

    async def fetch(wanted: Statement, **values: Any) -> Any:
        asked.append(wanted.name)
        return await connection.fetch(wanted.sql, *[values[name] for name in wanted.parameters])

    async def statements(*wanted: MessageRef) -> list[str]:
        asked.clear()
        found = await contents.read_contents(fetch, deployment, [(ref.customer_id, ref.message_id) for ref in wanted])
        said = await contents.read_texts(fetch, deployment, list(found.values()))
        assert len(said) == len(wanted)
        return list(asked)

    # When one is read, or all, then it takes as many statements
    assert await statements(*refs) == ["contents_of_messages", "starts_of_contents"]
    assert await statements(refs[-1]) == ["contents_of_messages", "starts_of_contents"]
    assert await statements(campaign) == ["contents_of_messages"]
