"""GET /files/TOKEN: a file of a message, to a client with its signed link; never shown by a browser."""

from __future__ import annotations

import time
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from gateway.mail.file_links import LIFE_SECONDS, FileLink, file_url
from gateway.mail.message import MessageRef
from gateway.storage import content
from service.graph.node import message_global_id
from tests.builders import KEYRING, insert, make_customer, make_message

PDF = b"%PDF-1.7\n" + b"x" * 2000
ATTACHMENTS = "query($id: ID!) { message(id: $id) { attachments { name url } } }"


async def make_sent(connection: Any, octets: bytes, name: str) -> MessageRef:
    """A sent mail with this file."""
    customer = await make_customer(connection)
    message = await make_message(connection, customer)
    ref = MessageRef(customer_id=customer, message_id=message)
    await attach(connection, ref, name=name, size=len(octets), sha256=await content.store(connection, octets))
    return ref


async def attach(connection: Any, ref: MessageRef, **values: Any) -> None:
    usual = {"position": 0, "media_type": "application/pdf"}
    of = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    await insert(connection, "message_attachment", **of, **(usual | values))


async def url_of(client: httpx.AsyncClient, ref: MessageRef) -> str:
    """The path of the message's first file, as the API tells it."""
    variables = {"id": message_global_id(ref.customer_id, ref.message_id)}
    answer = await client.post("/graphql", json={"query": ATTACHMENTS, "variables": variables})
    return str(urlsplit(answer.json()["data"]["message"]["attachments"][0]["url"]).path)


async def test_a_file_that_we_sent_is_downloaded_by_its_link_alone(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    # Given a sent mail with a file, and a caller who may see its content
    ref = await make_sent(connection, PDF, "Angebot „7“.pdf")
    path = await url_of(client, ref)
    # When somebody without a session or token follows its link
    answer = await anonymous.get(path)
    # Then it is downloaded, and a browser shows and runs nothing of it
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Angebot%20%E2%80%9E7%E2%80%9C.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cache-control"] == "private, no-store"
    # And the link says nothing of whose it is
    assert "customer" not in path


async def test_a_file_of_received_mail_is_read_out_of_the_mail(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any
) -> None:
    # Given a received mail whose second part is a file
    ref = await make_received(connection)
    # When its link is followed
    answer = await anonymous.get(await url_of(client, ref))
    # Then it is there without its transfer encoding, of the type that its bytes show
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"


async def make_received(connection: Any) -> MessageRef:
    """A received mail with a file."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ann@customer.example", "A picture"
    mail.set_content("See below.")
    mail.add_attachment(PDF, maintype="application", subtype="octet-stream", filename="sketch.bin")
    customer = await make_customer(connection)
    stored = await content.store(connection, mail.as_bytes())
    message = await make_message(connection, customer, direction="RECEIVED", content_sha256=stored)
    ref = MessageRef(customer_id=customer, message_id=message)
    await attach(connection, ref, name="sketch.bin", size=len(PDF), part=2)
    return ref


@pytest.mark.parametrize(
    ("octets", "media_type"),
    [
        (b"<html><script>alert(1)</script>", "application/octet-stream"),
        (b"<?xml version='1.0'?><svg onload='alert(1)'/>", "application/octet-stream"),
        (b"just text", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
    ],
)
async def test_the_type_is_what_the_bytes_show_and_never_what_could_run(
    client: httpx.AsyncClient, connection: Any, octets: bytes, media_type: str
) -> None:
    ref = await make_sent(connection, octets, "x.pdf")
    answer = await client.get(await url_of(client, ref))
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, media_type, octets)


async def test_without_a_valid_link_there_is_nothing(client: httpx.AsyncClient, connection: Any) -> None:
    # Given a file, and links that are too old, altered, of another message, of a file that is gone, or of a sent one
    ref, sent = await make_received(connection), await make_sent(connection, PDF, "offer.pdf")
    path = await url_of(client, ref)

    def link(now: float, ref: MessageRef = ref, position: int = 0) -> str:
        return file_url(KEYRING, "", FileLink(ref=ref, position=position), now=now)

    now = time.time()
    elsewhere = MessageRef(customer_id=ref.customer_id, message_id=UUID(int=1))
    assert (await client.get(link(now))).status_code == 200
    gone = (link(now - LIFE_SECONDS - 1), link(now, elsewhere), link(now, position=1), link(now, sent))
    for wrong in (path[:-1], f"{path}A", *gone):
        # When they are followed, by a caller with a token as well
        answer = await client.get(wrong)
        # Then all are answered alike
        assert answer.status_code == 404
        assert "five minutes" in answer.text
