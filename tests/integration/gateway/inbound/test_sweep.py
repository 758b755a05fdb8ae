"""Mail that is nobody's goes after a while; what anything refers to stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.inbound import decisions
from gateway.inbound.sweep import sweep
from gateway.settings import Settings
from gateway.storage import attachments, content
from tests.builders import insert, make_message
from tests.integration.gateway.inbound.returning import make_sent, path, receive, report, take_in


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def contents(connection: Any) -> int:
    found: int = await connection.fetchval("select count(*) from content")
    return found


async def left(connection: Any) -> set[Any]:
    return {row["id"] for row in await connection.fetch("select id from inbound_mail")}


async def test_only_old_mail_that_is_nobodys_goes_with_its_bytes(connection: Any, deployment: Deployment) -> None:
    # Given mail of all kinds: nobody's, dismissed, a message's, unread
    sent = await make_sent(connection)
    nobodys = await receive(connection, deployment, report(own_id="<1@x.example>"))
    dismissed = await receive(connection, deployment, report(own_id="<2@x.example>"))
    await decisions.dismiss(connection, inbound_ids=[dismissed["id"]], actor="jo")
    matched = await receive(connection, deployment, report(own_id="<3@x.example>"), to=path(sent.ref))
    unread = await take_in(connection, report(own_id="<4@x.example>"))
    # When nothing is old enough, nothing goes
    assert await sweep(connection) == 0
    assert await left(connection) == {nobodys["id"], dismissed["id"], matched["id"], unread}
    # When all of it is, what is nobody's goes, in batches
    assert await sweep(connection, kept_for=timedelta(seconds=-1), batch=1) == 2
    assert await left(connection) == {matched["id"], unread}
    assert await contents(connection) == 2


async def test_no_more_than_the_newest_are_kept(connection: Any, deployment: Deployment) -> None:
    rows = [await receive(connection, deployment, report(own_id=f"<{n}@x.example>")) for n in range(4)]
    assert await sweep(connection, most=3) == 1
    assert await left(connection) == {row["id"] for row in rows[1:]}
    assert await sweep(connection, most=3) == 0


async def test_no_more_octets_than_the_newest_have_are_kept(connection: Any, deployment: Deployment) -> None:
    # Given mail of one size that is nobody's, between mail of customers, which does not count
    sent = await make_sent(connection)
    rows = [await receive(connection, deployment, report(own_id=f"<{n}@x.example>")) for n in range(4)]
    matched = await receive(connection, deployment, report(own_id="<9@x.example>"), to=path(sent.ref))
    [size] = {
        row["size"] for row in await connection.fetch("select size from inbound_mail where unmatched is not null")
    }
    # When there is room for two and a half of it, then the newest two stay
    assert await sweep(connection, most_octets=size * 5 // 2) == 2
    assert await left(connection) == {rows[2]["id"], rows[3]["id"], matched["id"]}
    assert await sweep(connection, most_octets=size * 5 // 2) == 0


async def test_bytes_that_something_else_refers_to_stay(connection: Any, deployment: Deployment) -> None:
    # Given mails that are nobody's, whose bytes a message, an upload, a message's file or another mail has, too
    sent = await make_sent(connection)
    key = {"customer_id": sent.ref.customer_id, "message_id": sent.ref.message_id}
    file = {"name": "a.eml", "media_type": "message/rfc822", "size": 1}
    rows = [await receive(connection, deployment, report(own_id=f"<{n}@x.example>")) for n in range(5)]
    hashes = [row["content_sha256"] for row in rows]
    await make_message(connection, sent.ref.customer_id, content_sha256=hashes[0])
    await insert(connection, "attachment", sha256=hashes[1], uploaded_by="jo", **file)
    await insert(connection, "message_attachment", sha256=hashes[2], position=0, **key, **file)
    await take_in(connection, report(own_id="<3@x.example>"), to=path(sent.ref))
    # When they go
    assert await sweep(connection, kept_for=timedelta(seconds=-1)) == 5
    # Then their bytes stay, but for those of the last
    kept = {row["sha256"] for row in await connection.fetch("select sha256 from content")}
    assert kept == set(hashes[:4])


async def test_the_sweep_of_uploads_leaves_received_mail_alone(connection: Any, deployment: Deployment) -> None:
    # Given an upload that nobody used, of the very bytes of a received mail
    raw = report()
    row = await receive(connection, deployment, raw)
    await attachments.store(connection, name="a.eml", uploaded_by="jo", stream=raw)
    await connection.execute("update content set created_at = now() - interval '2 days'")
    await connection.execute("update attachment set created_at = now() - interval '2 days'")
    # When uploads are swept
    assert await attachments.sweep(connection) == 1
    # Then the mail is still whole
    assert await content.load(connection, row["content_sha256"]) == raw
