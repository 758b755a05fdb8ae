"""Files of received mail: listed with the message, and read out of the mail as they came."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.inbound.reading import Joined
from gateway.inbound.received_files import ReceivedFile, read_file
from gateway.mail.message import MessageRef
from tests.builders import make_customer, make_message
from tests.replying import deployment, letter, receive, token_address

__all__ = ["deployment"]

PDF = b"%PDF-1.7 plan\x00\xff" * 1000
INNER = b"Subject: Inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nwords\r\n--i--"


async def receive_files(connection: Any, deployment: Deployment, *parts: str) -> MessageRef:
    customer = await make_customer(connection)
    sent = MessageRef(customer_id=customer, message_id=await make_message(connection, customer, status="ACCEPTED"))
    body = "".join(f"--b\r\n{part}\r\n" for part in ("\r\nSee the plan.", *parts))
    raw = letter(body=f"{body}--b--", content_type="multipart/mixed; boundary=b")
    found = await receive(connection, deployment, raw, to=token_address(sent))
    assert isinstance(found, Joined)
    return found.ref


def file(name: str, content: bytes, media_type: str = "application/octet-stream") -> str:
    encoded = base64.encodebytes(content).decode().replace("\n", "\r\n").strip()
    return (
        f"Content-Type: {media_type}; name={name}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment\r\n\r\n{encoded}"
    )


async def read(connection: Any, ref: MessageRef, position: int) -> ReceivedFile:
    return await read_file(connection, customer_id=ref.customer_id, message_id=ref.message_id, position=position)


async def test_files_are_listed_and_come_back_as_they_were(connection: Any, deployment: Deployment) -> None:
    ref = await receive_files(
        connection, deployment,
        file("plan.pdf", PDF),
        f"Content-Type: message/rfc822\r\n\r\n{INNER.decode()}",
        file("winmail.dat", b"\x78\x9f\x3e\x22 Outlook's", "application/ms-tnef"),
        "Content-Type: text/html\r\nContent-Disposition: attachment; filename=../page.html\r\n\r\n<p>page",
    )  # fmt: skip
    listed = await connection.fetch("select * from message_attachment order by position")
    assert [(row["name"], row["media_type"], row["sha256"]) for row in listed] == [
        ("plan.pdf", "application/pdf", None),
        ("Inner.eml", "message/rfc822", None),
        ("winmail.dat", "application/ms-tnef", None),
        ("page.html", "application/octet-stream", None),
    ]
    assert [row["position"] for row in listed] == [0, 1, 2, 3]
    assert listed[0]["size"] == len(PDF)
    found = [await read(connection, ref, position) for position in range(4)]
    assert [one.content for one in found] == [PDF, INNER, b"\x78\x9f\x3e\x22 Outlook's", b"<p>page"]
    assert (found[0].name, found[0].media_type) == ("plan.pdf", "application/pdf")


@pytest.mark.parametrize(
    ("content", "declared", "media_type"),
    [
        (b"MZ program", "image/png", "application/vnd.microsoft.portable-executable"),
        (b"no picture", "image/png", "application/octet-stream"),
        (b"no page", "text/html", "application/octet-stream"),
        (b"BM bitmap", "image/bmp", "image/bmp"),
        (b"a,b", "text/csv", "text/csv"),
    ],
)
async def test_a_type_is_what_the_octets_show(
    content: bytes, declared: str, media_type: str, connection: Any, deployment: Deployment
) -> None:
    ref = await receive_files(connection, deployment, file("file", content, declared))
    assert (await read(connection, ref, 0)).media_type == media_type


async def test_more_files_than_are_listed_are_counted(connection: Any, deployment: Deployment) -> None:
    await receive_files(connection, deployment, *[file(f"{number}.txt", b"x") for number in range(120)])
    assert await connection.fetchval("select count(*) from message_attachment") == 100
    assert await connection.fetchval("select more_attachments from received_mail") == 20


async def test_what_is_not_there_is_refused(connection: Any, deployment: Deployment) -> None:
    ref = await receive_files(connection, deployment, file("plan.pdf", PDF))
    other = MessageRef(customer_id=ref.customer_id + 1, message_id=ref.message_id)
    for missing, position in ((ref, 1), (other, 0), (MessageRef(customer_id=1, message_id=uuid4()), 0)):
        with pytest.raises(Refusal, match="no such file"):
            await read(connection, missing, position)
    # and neither is a file of a mail that was erased since
    await connection.execute("update message set content_sha256 = null where direction = 'RECEIVED'")
    with pytest.raises(Refusal, match="no such file"):
        await read(connection, ref, 0)
