"""Received mail in the database: once for each recipient, alone or with others in one transaction."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from gateway.inbound.store import Envelope, InboundSource, Received, store, store_all
from gateway.storage import content
from tests.inbound import OFFICE, TOKEN

SMALL = b"Subject: a\r\n\r\n"
LARGE = b"".join(b"%d: a line of a long report\r\n" % number for number in range(20_000))


def envelope(recipient: str | None, sender: str | None = "") -> Envelope:
    return Envelope(source=InboundSource.SMTP, sender=sender, recipient=recipient)


async def test_the_same_mail_is_one_for_one_recipient_and_two_for_two(connection: Any) -> None:
    mail = Received(raw=SMALL, envelopes=(envelope(TOKEN), envelope(OFFICE), envelope(TOKEN.upper())))
    await store_all(connection, [mail, mail, Received(raw=LARGE, envelopes=(envelope(TOKEN),))])
    await store_all(connection, [mail])
    assert await store(connection, SMALL, envelope(OFFICE)) is None
    rows = await connection.fetch(
        "select envelope_to, content_sha256, size from inbound_mail order by size, envelope_to"
    )
    assert [(row["envelope_to"], row["size"]) for row in rows] == [
        (OFFICE, len(SMALL)),
        (TOKEN, len(SMALL)),
        (TOKEN, len(LARGE)),
    ]
    assert [await content.load(connection, row["content_sha256"]) for row in rows] == [SMALL, SMALL, LARGE]


async def test_what_a_way_does_not_tell_is_kept_as_unknown(connection: Any) -> None:
    await store_all(connection, [Received(raw=SMALL, envelopes=(envelope(None, None),))])
    await store_all(connection, [Received(raw=SMALL, envelopes=(envelope(None, "a@b.example"),))])
    rows = await connection.fetch("select envelope_from, envelope_to from inbound_mail")
    assert [tuple(row) for row in rows] == [(None, None)]


async def test_several_are_stored_all_or_not_at_all(connection: Any) -> None:
    good, bad = (Received(raw=SMALL, envelopes=(envelope(TOKEN, sender),)) for sender in ("", "a\0b"))
    with pytest.raises(asyncpg.DataError):
        await store_all(connection, [good, bad])
    assert await connection.fetchval("select count(*) from inbound_mail") == 0
    assert await connection.fetchval("select count(*) from content") == 0
