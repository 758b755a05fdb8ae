"""A reply is forwarded to staff: through the queue and the worker, and into no history or count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest

from gateway.compose import sender_profiles
from gateway.compose.sender_profiles import AddressRules
from gateway.deployment import Deployment
from gateway.inbound.forwarding import forward
from gateway.inbound.reading import StoredMail, read
from gateway.inbound.store import Envelope, InboundSource, store
from gateway.mail.message import MessageRef
from gateway.settings import Settings
from service.graph.context import Context
from tests.builders import insert, make_customer, make_message, troubles_amiss
from tests.engine import Start, deployment, empty, start, until
from tests.mails import body, parsed
from tests.smtp_server import Drop, Reply, SmtpServer

__all__ = ["deployment", "start"]

STAFF = "office@fabrikam.example"
OURS = {"bounce_domain": "bounce.fabrikam.example", "reply_domain": "reply.fabrikam.example"}
REPLY = (
    b"From: Ann Lee <ann@customer.example>\r\nTo: r2k1x@reply.fabrikam.example\r\nSubject: Re: Your appointment\r\n"
    b"Message-ID: <1@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nThursday suits me.\r\n"
    b'--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Disposition: attachment\r\n\r\n'
    b"%PDF-1.7\r\n--b--\r\n"
)


async def sender_of(connection: Any, **values: Any) -> Any:
    usual: dict[str, Any] = {"name": "Sales", "from_address": "sales@fabrikam.example", "from_name": "Fabrikam"}
    rules = AddressRules(reply_domain=OURS["reply_domain"])
    return await sender_profiles.create(
        connection, **(usual | {"track_replies": True, "forward_replies_to": STAFF} | values), rules=rules
    )


async def replied(
    connection: Any, raw: bytes = REPLY, *, sender: Any = None, answers: bool = True, **envelope: Any
) -> tuple[MessageRef, StoredMail]:
    """A received mail that became a message of a customer's, as it is when it is to be forwarded."""
    customer = await make_customer(connection, addresses=["ann@customer.example"])
    sent = None
    if answers:
        sender = sender or await sender_of(connection)
        sent = await make_message(connection, customer, status="ACCEPTED", sender_version_id=sender.id)
    way = Envelope(source=InboundSource.SMTP, sender="ann@customer.example", recipient=f"{uuid4().hex}@reply.example")
    mail_id = await store(connection, raw, way)
    row = await connection.fetchrow("select * from inbound_mail where id = $1", mail_id)
    received = await make_message(
        connection, customer, direction="RECEIVED", subject="Re: Your appointment", answers_message_id=sent
    )
    await insert(
        connection, "received_mail", customer_id=customer, message_id=received, author="CUSTOMER", body="Thursday",
        automatic=False, inbound_id=mail_id,
    )  # fmt: skip
    stored = StoredMail(
        id=row["id"], received_at=datetime.now(UTC), source=InboundSource.SMTP, envelope_sender=way.sender,
        envelope_recipient=way.recipient, content_sha256=row["content_sha256"], size=row["size"],
    )  # fmt: skip
    return MessageRef(customer_id=customer, message_id=received), stored


async def forwarded(connection: Any, ref: MessageRef, stored: StoredMail, raw: bytes, house: Deployment) -> Any:
    """Forwards it; returns the internal message, None where there is none."""
    said = read(raw, null_sender=False, authserv_id=None, allow_reserved=True)
    async with connection.transaction():
        await forward(connection, ref, stored, said, deployment=house)
    return await connection.fetchrow("select * from message where internal and customer_id = $1", ref.customer_id)


async def test_a_reply_reaches_the_staff_mailbox_and_no_history(
    connection: Any,
    deployment: Deployment,
    settings: Settings,
    start: Start,
    smtp_server: SmtpServer,
    make_context: Callable[..., Context],
) -> None:
    # Given a customer's reply to a sender whose replies staff read elsewhere
    ref, stored = await replied(connection)
    # When it is forwarded, twice at that
    internal = await forwarded(connection, ref, stored, REPLY, deployment)
    assert await forwarded(connection, ref, stored, REPLY, deployment) == internal
    start(settings.model_copy(update=OURS))
    by = MessageRef(customer_id=ref.customer_id, message_id=internal["id"])
    await until(connection, by, "ACCEPTED")
    # Then it arrives once, from us and to be answered to the customer
    [received] = smtp_server.taken
    message = parsed(received.content)
    assert received.recipients == (STAFF,)
    assert message["From"] == "Ann Lee via Fabrikam <sales@fabrikam.example>"
    assert message["Reply-To"] == "Ann Lee <ann@customer.example>"
    assert body(message, "plain").strip() == "Thursday suits me."
    assert [file.get_filename() for file in message.iter_attachments()] == ["plan.pdf"]
    # And the reply says so
    kept = await connection.fetchrow("select * from received_mail where message_id = $1", ref.message_id)
    assert kept["forwarded_message_id"] == internal["id"]
    assert kept["forwarded_at"] is not None
    events = await connection.fetch("select kind::text, data from event where message_id = $1", ref.message_id)
    assert [event["kind"] for event in events] == ["FORWARDED"]
    # And the history shows the mail and the reply alone
    assert await history_of(make_context(), ref) == ["Re: Your appointment", "Your appointment"]
    found = await read_graph(make_context(), f'{{ node(id: "Message_{by.customer_id}_{by.message_id.hex}") {{ id }} }}')
    assert found == {"node": None}


async def test_a_forward_that_fails_is_nobodys_trouble(
    connection: Any,
    deployment: Deployment,
    start: Start,
    smtp_server: SmtpServer,
    make_context: Callable[..., Context],
) -> None:
    # Given a staff mailbox that does not exist
    smtp_server.script(rcpt={STAFF: Reply(550, "5.1.1 No such user")})
    ref, stored = await replied(connection)
    internal = await forwarded(connection, ref, stored, REPLY, deployment)
    by = MessageRef(customer_id=ref.customer_id, message_id=internal["id"])
    # When its server refuses it
    start()
    await until(connection, by, "REFUSED")
    await empty(connection)
    # Then it is no trouble of the customer's
    assert await connection.fetchval("select count(*) from message_trouble") == 0
    assert await troubles_amiss(connection) == []
    asked = f'{{ customer(id: "Customer_{ref.customer_id}") {{ needsAttention }} }}'
    assert await read_graph(make_context(), asked) == {"customer": {"needsAttention": False}}
    # And nobody can retry what nobody sees
    found = await read_graph(
        make_context(),
        f'mutation {{ retryMessage(input: {{messageId: "Message_{by.customer_id}_{by.message_id}"}})'
        " { message { id } userErrors { code } } }",
    )
    assert found == {"retryMessage": {"message": None, "userErrors": [{"code": "NOT_FOUND"}]}}


async def test_a_forward_that_may_have_arrived_is_tried_once_more(
    connection: Any, deployment: Deployment, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a server that is gone after the content, before it has answered
    smtp_server.script(after_dot=Drop())
    ref, stored = await replied(connection)
    internal = await forwarded(connection, ref, stored, REPLY, deployment)
    start()
    # Then the mail waits for its second try instead of a person whom nobody tells
    by = MessageRef(customer_id=ref.customer_id, message_id=internal["id"])
    assert await until(connection, by, "DEFERRED")


async def history_of(context: Context, ref: MessageRef) -> list[str]:
    found = await read_graph(
        context,
        f'{{ customer(id: "Customer_{ref.customer_id}") {{ emails {{ connectionNotes {{ nodes {{ title }} }}'
        " sent { nodes { id } } } } }",
    )
    return [node["title"] for node in found["customer"]["emails"]["connectionNotes"]["nodes"]]


async def read_graph(context: Context, text: str) -> Any:
    from service.graph.schema import schema

    result = await schema.execute(text, context_value=context)
    assert result.errors is None, result.errors
    return orjson.loads(orjson.dumps(result.data))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (b"Auto-Submitted: auto-replied\r\n", "a machine wrote it"),
        (b"X-Forwarded-By: customer-emails 12\r\n", "it was forwarded before"),
        (b"Received: by mx.example\r\n" * 30, "it came round"),
    ],
)
async def test_what_would_go_round_is_not_forwarded(
    connection: Any, deployment: Deployment, headers: bytes, why: str
) -> None:
    ref, stored = await replied(connection, headers + REPLY)
    assert await forwarded(connection, ref, stored, headers + REPLY, deployment) is None, why
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_staff_who_write_to_the_customer_get_no_copy_of_it(connection: Any, deployment: Deployment) -> None:
    raw = REPLY.replace(b"ann@customer.example", b"Office@Fabrikam.example")
    ref, stored = await replied(connection, raw)
    assert await forwarded(connection, ref, stored, raw, deployment) is None


async def test_nothing_is_forwarded_to_a_domain_that_became_ours(connection: Any, deployment: Deployment) -> None:
    sender = await sender_of(connection, forward_replies_to="office@mx.reply.fabrikam.example.net")
    ref, stored = await replied(connection, sender=sender)
    ours = deployment.settings.model_copy(update={"reply_domain": "reply.fabrikam.example.net"})
    house = Deployment(settings=ours, keyring=deployment.keyring)
    assert await forwarded(connection, ref, stored, REPLY, house) is None


async def test_the_senders_present_mailbox_gets_replies_to_its_old_mail(
    connection: Any, deployment: Deployment
) -> None:
    first = await sender_of(connection)
    ref, stored = await replied(connection, sender=first)
    await sender_profiles.update(connection, first.sender_id, {"forward_replies_to": "new@fabrikam.example"})
    internal = await forwarded(connection, ref, stored, REPLY, deployment)
    assert internal["recipient"] == "new@fabrikam.example"


async def test_a_mail_that_answers_nothing_goes_to_the_default_senders_mailbox(
    connection: Any, deployment: Deployment
) -> None:
    ref, stored = await replied(connection, answers=False)
    assert await forwarded(connection, ref, stored, REPLY, deployment) is None
    default = await sender_profiles.current(connection, None, default_from=deployment.settings.default_from)
    await sender_profiles.update(connection, default.sender_id, {"forward_replies_to": STAFF})
    internal = await forwarded(connection, ref, stored, REPLY, deployment)
    assert (internal["recipient"], internal["sender_version_id"] is None) == (STAFF, False)


async def test_nothing_of_an_erased_customers_is_forwarded(connection: Any, deployment: Deployment) -> None:
    ref, stored = await replied(connection)
    await connection.execute("update customer set erased_at = now() where id = $1", ref.customer_id)
    assert await forwarded(connection, ref, stored, REPLY, deployment) is None
