"""What a mail server received holds: the signatures another implementation verifies, the bytes the ledger can prove."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.campaigns import drafts, lifecycle
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.compose import campaign, headers, sender_profiles
from gateway.compose.headers import Composed
from gateway.compose.sender_profiles import AddressRules
from gateway.delivery.dkim import Signer
from gateway.deployment import Deployment
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.tracking import ReturnPath, read_return_path
from gateway.settings import DkimKey, Settings
from gateway.storage import attachments
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from tests.builders import make_customer
from tests.engine import Start, deployment, empty, queue_mail, start, until
from tests.eventually import eventually
from tests.mails import body, parsed
from tests.smtp_server import SmtpServer
from tests.unit.gateway.compose.test_campaign import HTML, TEXT, VALUES
from tests.unit.gateway.delivery.test_dkim import ED25519, RSA, pem, verified

__all__ = ["deployment", "start"]


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    keys = []
    for selector, key in (("r1", RSA), ("e1", ED25519)):
        (tmp_path / selector).write_bytes(pem(key))
        keys.append(DkimKey(domain="fabrikam.example", selector=selector, path=str(tmp_path / selector)))
    return Signer.from_settings(keys)


def unsigned(received: bytes) -> bytes:
    return re.sub(rb"\ADKIM-Signature:.*?(?=From:)", b"", received, count=1, flags=re.DOTALL)


async def test_a_letter_with_a_file_arrives_signed_by_both_keys(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer, signer: Signer
) -> None:
    octets = os.urandom(300_000) + b"\r\n.\r\n" * 1000
    file = await attachments.store(connection, name="Plan Größe.bin", uploaded_by="tests", stream=octets)
    cc = (Mailbox(address="bob@customer.example", name="Bob"),)
    ref = await queue_mail(connection, deployment, attachment_ids=(file,), cc=cc)
    start(signer=signer)

    message = await until(connection, ref, "ACCEPTED")
    await empty(connection)

    assert len(smtp_server.taken) == 2
    for received in smtp_server.taken:
        assert verified(received.content) == [True, True]
        assert hashlib.sha256(unsigned(received.content)).digest() == message["mail_sha256"]
        [arrived] = parsed(received.content).iter_attachments()
        assert (arrived.get_filename(), arrived.get_payload(decode=True)) == ("Plan Größe.bin", octets)


async def test_a_mail_is_known_by_its_return_path_and_by_its_envelope_id(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a server that offers DSN, and a letter with a copy
    smtp_server.keywords.append("DSN")
    cc = (Mailbox(address="bob@customer.example", name="Bob"),)
    ref = await queue_mail(connection, deployment, cc=cc)
    start(deployment.settings.model_copy(update=OWN_DOMAINS))
    await empty(connection)
    # Then each recipient's mail says whose it is, twice
    sent = sorted(smtp_server.taken, key=lambda received: received.recipients)
    for number, received in enumerate(sent):
        known = ReturnPath(ref=ref, recipient_no=number, attempt=1)
        assert received.sender.endswith("@bounce.fabrikam.example")
        assert read_return_path(deployment.keyring, received.sender) == known
        envelope_id = re.search(r" ENVID=(\S+)", received.options)
        assert envelope_id is not None
        assert read_return_path(deployment.keyring, envelope_id[1]) == known


OWN_DOMAINS = {"bounce_domain": "bounce.fabrikam.example", "reply_domain": "reply.fabrikam.example"}


@pytest.mark.parametrize(("version", "separator"), [(2, b"."), (3, b"-"), (headers.COMPOSER_VERSION, b"-")])
async def test_a_campaigns_mail_arrives_signed_and_can_be_made_again(
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    version: int,
    separator: bytes,
) -> None:
    # Given a release that queued mail of this composer version, and a sender whose replies come back
    monkeypatch.setattr(headers, "COMPOSER_VERSION", version)
    settings = deployment.settings.model_copy(update=OWN_DOMAINS)
    published = await versions.publish(
        connection,
        compile_source(TemplateSource(name="News", subject="{{ story }}", html=HTML, text=TEXT)),
        actor="test",
    )
    profile = await sender_profiles.create(
        connection,
        name="News",
        from_address="news@fabrikam.example",
        from_name="Fabrikam",
        postal_address="1 Main",
        track_replies=True,
        rules=AddressRules(reply_domain=settings.reply_domain),
    )
    customer = await make_customer(connection, addresses=["ann@customer.example"], name="Jörg Lee")
    order = CampaignOrder(
        title="News",
        actor="Dana",
        template_id=published.template_id,
        sender_id=profile.sender_id,
        recipients=(CampaignRecipient(customer_id=customer, merge_data=VALUES | {"story": ".Größe & <Glück>"}),),
        idempotency_key=uuid4().hex,
    )
    made = await drafts.create(connection, order, deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    start(settings, signer=signer)

    async def sent() -> Any:
        return await connection.fetchrow("select * from message where campaign_id = $1 and status = 'ACCEPTED'", made)

    row = await eventually(sent, "the campaign's mail")
    [received] = smtp_server.taken
    assert verified(received.content) == [True, True]
    assert b"list-unsubscribe-post" in received.content.split(b"bh=")[0]
    assert row["composer_version"] == version
    # Then what comes back of it names it, and the headers that say so are signed
    ref = MessageRef(customer_id=customer, message_id=row["id"])
    assert read_return_path(deployment.keyring, received.sender) == ReturnPath(ref=ref, recipient_no=0, attempt=1)
    assert received.sender.endswith("@bounce.fabrikam.example")
    says_so, listed = parsed(received.content), received.content.split(b"bh=")[0]
    for name in ("cfbl-address", "cfbl-feedback-id", "reply-to"):
        assert ((name in says_so) and (name.encode() in listed)) == (version >= 4), name
    assert b"/u/k1" + separator in received.content

    again = await made_again(connection, row, settings, deployment)
    assert again.subject == row["subject"]
    assert hashlib.sha256(again.content).digest() == row["mail_sha256"]
    assert unsigned(received.content) == again.content


async def made_again(connection: Any, row: Any, settings: Settings, deployment: Deployment) -> Composed:
    """The mail of a message's row, from the ledger and these settings alone."""
    return campaign.compose_campaign(
        template=versions.with_subject(
            await versions.load(connection, row["template_version_id"]),
            await connection.fetchval("select subject from mailing where id = $1", row["mailing_id"]),
        ),
        sender=await sender_profiles.load(connection, row["sender_version_id"]),
        facts=headers.Facts(
            ref=MessageRef(customer_id=row["customer_id"], message_id=row["id"]),
            mail_date=row["mail_date"],
            to=Mailbox(address=row["recipient"], name=row["recipient_name"]),
            customer_name=row["recipient_name"],
            locale="en",
            time_zone="UTC",
            message_id_domain="fabrikam.example",
            public_url=settings.public_url,
            tracked=row["tracked"],
            campaign_id=row["campaign_id"],
            token_key_id=row["token_key_id"],
            composer_version=row["composer_version"],
            bounce_domain=settings.bounce_domain,
            reply_domain=settings.reply_domain,
        ),
        merge_data=row["merge_data"],
        keyring=deployment.keyring,
    )


async def test_a_mail_with_the_customers_values_can_be_made_again_after_they_changed(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a template with values of each customer, customers who have them, one who lacks one, one who loses it
    page = "<p>Hello {{ customer.name }} of {{ customer.attributes.city }}: {{ customer.attributes.plan|default('-') }}"
    source = TemplateSource(
        name="Values",
        subject="{{ story }} for {{ customer.attributes.city }}, {{ customer.attributes.points|default('no') }} points",
        html=page + ' {{ story }}</p><a href="{{ unsubscribe_url }}">unsubscribe</a>',
    )
    published = await versions.publish(connection, compile_source(source), actor="test")
    profile = await sender_profiles.create(
        connection, name="News", from_address="news@fabrikam.example", postal_address="1 Main"
    )
    values = {"city": "Köln & Bonn", "points": 1.5, "vip": True, "unused": "secret"}
    named = {
        name: await make_customer(connection, name=name, attributes=attributes, addresses=[f"{name}@customer.example"])
        for name, attributes in {"ann": values, "bob": {"city": "Rom"}, "lacks": {"plan": "x"}}.items()
    }
    order = CampaignOrder(
        title="Values",
        template_id=published.template_id,
        sender_id=profile.sender_id,
        actor="Dana",
        merge_data={"story": "Spring"},
        recipients=tuple(CampaignRecipient(customer_id=customer) for customer in named.values()),
        idempotency_key=uuid4().hex,
    )
    made = await drafts.create(connection, order, deployment)
    await lifecycle.launch(connection, made, uuid4().hex, deployment, actor="Dana")
    # When it is sent, and the values change then
    start()

    async def sent() -> Any:
        rows = await connection.fetch(
            "select * from message where campaign_id = $1 and status = 'ACCEPTED' order by customer_id", made
        )
        return rows if len(rows) == 2 else None

    rows = await eventually(sent, "the campaign's mail")
    await connection.execute("""update customer set name = 'New', attributes = '{"city": "Elsewhere"}'""")
    # Then each got a mail with its own, of which the ledger keeps those that the template shows
    received = {one.recipients[0].partition("@")[0]: one.content for one in smtp_server.taken}
    assert received.keys() == {"ann", "bob"}
    assert str(parsed(received["ann"])["Subject"]) == "Spring for Köln & Bonn, 1.5 points"
    assert "Hello ann of Köln &amp; Bonn: - Spring" in body(parsed(received["ann"]), "html")
    assert str(parsed(received["bob"])["Subject"]) == "Spring for Rom, no points"
    assert [row["merge_data"] for row in rows] == [
        {"customer.attributes.city": "Köln & Bonn", "customer.attributes.points": "1.5"},
        {"customer.attributes.city": "Rom"},
    ]
    # And the exact copy is made again
    for row in rows:
        row = {**row, "merge_data": {"story": "Spring", **row["merge_data"]}}
        again = await made_again(connection, row, deployment.settings, deployment)
        assert again.subject == row["subject"]
        assert again.content == received[row["recipient"].partition("@")[0]]
        assert hashlib.sha256(again.content).digest() == row["mail_sha256"]
    # And who lacks a value that is needed is left out
    left_out = await connection.fetch("select customer_id, reason::text from mailing_left_out")
    assert [tuple(row) for row in left_out] == [(named["lacks"], "MERGE_FIELD_MISSING")]
