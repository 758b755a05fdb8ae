"""How a mail came, by its headers; and how often a server is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.inbound.imap import Waits, envelope, watch
from gateway.inbound.imap_client import MailboxRefused, MailboxUnavailable
from gateway.inbound.store import Envelope, InboundSource
from gateway.settings import ImapMailbox, Settings, read_settings
from tests.builders import SECRET_KEYS

MAILBOX = ImapMailbox(host="h", port=993, tls=True, username="ada", password="p", folder="INBOX")


@pytest.fixture
def own() -> Settings:
    return read_settings(
        database_url="postgresql://db/mail",
        public_url="https://mail.example",
        default_from="hello@fabrikam.example",
        relay_url="smtp://relay.example",
        secret_keys=SECRET_KEYS,
        bounce_domain="bounce.example",
        reply_domain="reply.example",
    )


@pytest.mark.parametrize(
    ("head", "sender", "recipient"),
    [
        ("", None, None),
        ("Return-Path: <>\r\n", "", None),
        ("Return-Path: <a@b.example>\r\nReturn-Path: <>\r\n", "a@b.example", None),
        ("Return-Path: anything goes\r\n", None, None),
        ("Return-Path: <a@b.example> <c@d.example>\r\n", None, None),
        ("Return-Path: <a\0@b.example>\r\n", None, None),
        ("Delivered-To: b-Token@Bounce.Example\r\n", None, "b-Token@Bounce.Example"),
        ("Envelope-To: <office@reply.example>\r\n", None, "office@reply.example"),
        ("Delivered-To: box@host.example\r\nX-Original-To: t@bounce.example\r\n", None, "t@bounce.example"),
        ("Delivered-To: t1@bounce.example\r\nX-Original-To: t2@bounce.example\r\n", None, "t1@bounce.example"),
        ("Delivered-To: box@host.example\r\n", None, None),
        ("Delivered-To: x@bounce.example.evil.example\r\n", None, None),
        ("To: t@bounce.example\r\n", None, None),
        ("\r\nDelivered-To: t@bounce.example\r\n", None, None),
    ],
)
def test_the_envelope_is_what_the_last_server_wrote(
    own: Settings, head: str, sender: str | None, recipient: str | None
) -> None:
    raw = f"{head}Subject: x\r\n\r\nbody\r\n".encode()
    assert envelope(raw, own) == Envelope(source=InboundSource.IMAP, sender=sender, recipient=recipient)


def test_without_domains_of_ours_no_recipient_is_believed(own: Settings) -> None:
    without = own.model_copy(update={"bounce_domain": None, "reply_domain": None})
    assert envelope(b"Delivered-To: t@bounce.example\r\n\r\n", without).recipient is None


@pytest.mark.parametrize(
    ("error", "waits", "again"),
    [
        (MailboxRefused("no"), Waits(refused=3600.0, first=0.0), False),
        (MailboxRefused("no"), Waits(refused=0.0, first=3600.0), True),
        (MailboxUnavailable("no"), Waits(refused=0.0, first=3600.0), False),
        (MailboxUnavailable("no"), Waits(refused=3600.0, first=0.0), True),
        (ValueError("a fault of ours"), Waits(refused=3600.0, first=0.0), True),
    ],
)
async def test_a_refused_login_and_a_server_that_is_away_wait_each_in_their_way(
    own: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, waits: Waits, again: bool
) -> None:
    tried = []

    def connect(mailbox: ImapMailbox, tls: Any) -> Any:
        tried.append(mailbox)
        raise error

    monkeypatch.setattr("gateway.inbound.imap.connect", connect)
    stopping, nobody = asyncio.Event(), object()
    pool: Any = nobody
    watching = asyncio.create_task(
        watch(MAILBOX, pool, deployment=Deployment.open(own), stopping=stopping, jitter=lambda: 0.0, waits=waits)
    )
    for _ in range(100):
        await asyncio.sleep(0)
    stopping.set()
    await watching
    assert (len(tried) > 1) is again
