"""Whatever bytes come, something readable is joined: bounded, in time, and as PostgreSQL can hold it."""

from __future__ import annotations

import zipfile
from base64 import encodebytes
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.deployment import Deployment
from gateway.inbound.reading import Joined
from gateway.inbound.received_files import read_file
from gateway.mail.message import MessageRef
from gateway.mail.received import MIB
from gateway.mail.reply import MAX_TEXT
from tests.replying import deployment, receive, sent, token_address

__all__ = ["deployment", "sent"]

HEAD = b"From: Cara <cara@customer.example>\r\nSubject: Re: Your appointment\r\n"


async def join(connection: Any, deployment: Deployment, sent: MessageRef, raw: bytes) -> Any:
    """Receive a mail; returns what its message says."""
    found = await receive(connection, deployment, raw, to=token_address(sent))
    assert isinstance(found, Joined)
    return await connection.fetchrow(
        "select customer_id, message_id, body, cut from received_mail where message_id = $1", found.ref.message_id
    )


async def read_files(connection: Any, row: Any) -> list[bytes]:
    """The content of every file of a message."""
    files = await connection.fetch("select position from message_attachment where message_id = $1", row["message_id"])
    return [
        (
            await read_file(
                connection,
                customer_id=row["customer_id"],
                message_id=row["message_id"],
                position=file["position"],
            )
        ).content
        for file in files
    ]


HEADERS = st.sampled_from(
    [
        b"Content-Type: text/plain; charset=utf-8", b"Content-Type: text/html; charset=no-such",
        b"Content-Type: text/plain; charset=utf-16", b"Content-Type: application/ms-tnef; name=winmail.dat",
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: attachment; filename*=utf-8''%00%ED%A0%80.txt", b"From: \xff\xfe\0 <a@b.example>",
        b"From: =?utf-16?b?2AA=?= <a@b.example>", b"Subject: =?utf-8?b?7aCA?=\0\xff", b"Message-ID: <a@b>",
        b"In-Reply-To: <" + b"0" * 32 + b".99999999999999999999@x>", b"References: <" + b"f" * 32 + b".1@x>",
        b"Authentication-Results: mx.fabrikam.example; dmarc=pass header.from=\xff\0", b"Auto-Submitted: auto-replied",
        b"To: r2k1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@reply.example",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [b"words", b"\0", b"\xed\xa0\x80", b"\xff\xfe", b"<p>&#0;&#xD800;", b"> quoted", b"7aCA", b"--b0"]
)
LEAF = st.tuples(st.lists(HEADERS, max_size=3), st.lists(WORDS, max_size=4)).map(
    lambda leaf: b"\r\n".join([*leaf[0], b"", *leaf[1]])
)


def _within(parts: tuple[str, list[bytes]]) -> bytes:
    kind, inner = parts
    if kind == "message/rfc822":
        return b"Content-Type: message/rfc822\r\n\r\n" + inner[0]
    boundary = f"b{len(inner)}{sum(map(len, inner))}".encode()
    delimited = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in inner)
    return b"Content-Type: " + kind.encode() + b"; boundary=" + boundary + b"\r\n\r\n" + delimited


KINDS = st.sampled_from(["multipart/mixed", "multipart/alternative", "multipart/related", "message/rfc822"])
TREES = st.recursive(
    LEAF, lambda inner: st.tuples(KINDS, st.lists(inner, min_size=1, max_size=4)).map(_within), max_leaves=8
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.lists(HEADERS, max_size=4), tree=TREES)
async def test_trees_of_any_parts_are_joined(
    head: list[bytes], tree: bytes, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    unique = f"X: {uuid4()}".encode()  # the same bytes would be one mail
    row = await join(connection, deployment, sent, b"\r\n".join([unique, *head, tree]))
    assert len(row["body"].encode()) <= MAX_TEXT
    assert len(await read_files(connection, row)) <= 100


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (HEAD + b"\r\nThur\0sday", "Thursday"),
        (HEAD + b"Content-Type: text/plain; charset=no-such\r\n\r\nThursday \xff", "Thursday"),
        (HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\nThursday \xed\xa0\x80", "Thursday"),
        (HEAD + b"Content-Type: text/html\r\n\r\n<p>Thursday &#0;&#xD800;", "Thursday"),
        (b"X: y\r\n" * 50_000 + HEAD + b"\r\nThursday", "Thursday"),
        (HEAD + b"Subject: " + b"x" * MIB + b"\r\n\r\nThursday", "Thursday"),
        (HEAD + b"\r\nThursday " + b"and Friday " * 400_000, "Thursday"),
        (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nThursday\r\n"
            + b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n" * 10_000,
            "Thursday",
        ),
        (HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 3000 + b"Thursday", ""),
        (b"", ""),
        (b"\xff" * 100, ""),
    ],
    ids=[
        "nul", "charset", "surrogate", "html", "headers", "long-header", "text", "parts", "nested", "nothing", "noise",
    ],
)  # fmt: skip
async def test_something_readable_comes_out(
    raw: bytes, text: str, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    row = await join(connection, deployment, sent, raw)
    assert row["body"].startswith(text)
    assert len(row["body"].encode()) <= MAX_TEXT
    assert await connection.fetchval("select count(*) from message_attachment") <= 100
    assert row["cut"] == (len(raw) > 4 * MIB)


async def test_a_mail_of_the_largest_size_is_joined_and_a_bomb_stays_as_it_is(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(64 * MIB))
    bomb = packed.getvalue()
    filling = encodebytes(bytes(range(256)) * (73 * 1024))  # some 18 MiB, which become 24
    part = b"--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nThursday\r\n"
        + part + encodebytes(bomb) + part + filling + b"\r\n--b--\r\n"
    )  # fmt: skip
    assert 24 * MIB < len(raw) < 26 * MIB
    row = await join(connection, deployment, sent, raw)
    assert row["body"] == "Thursday"
    assert (await read_files(connection, row))[0] == bomb
