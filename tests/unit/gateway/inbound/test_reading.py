"""A mail is read in one call: what it is, what it says, and by what its copies are known."""

from __future__ import annotations

import pytest

from gateway.inbound.reading import Reading, read
from gateway.mail.inbound import InboundKind

MAIL = (
    b"From: Cara <cara@customer.example>\r\nTo: Office <office@firm.example>\r\n"
    b"Cc: a@x.example, office@firm.example\r\n"
    b"Subject: Re: Visit\r\nMessage-ID: <1@customer.example>\r\n\r\nThursday suits me.\r\n"
)


def reading(raw: bytes, *, null_sender: bool | None = False) -> Reading:
    return read(raw, null_sender=null_sender, authserv_id=None, allow_reserved=True)


def test_a_persons_mail_is_read_whole() -> None:
    found = reading(MAIL)
    assert found.inbound.kind is InboundKind.REPLY
    assert found.reply is not None
    assert found.reply.text == "Thursday suits me."
    assert found.attachments is not None
    assert found.recipients == ("office@firm.example", "a@x.example")


def test_the_null_sender_is_a_machines() -> None:
    assert reading(MAIL, null_sender=True).inbound.kind is InboundKind.AUTOMATIC


def test_a_report_has_no_text_of_a_person() -> None:
    found = reading(
        b"Message-ID: <r@mx>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    assert found.inbound.kind is InboundKind.BOUNCE
    assert (found.reply, found.attachments, found.fingerprint) == (None, None, None)


def test_copies_of_one_mail_have_one_fingerprint_whatever_their_way_added() -> None:
    way = b"Return-Path: <cara@customer.example>\r\nDelivered-To: office@firm.example\r\nReceived: from a by b\r\n"
    copies = {reading(MAIL).fingerprint, reading(way + MAIL).fingerprint, reading(b"X-Spam: no\r\n" + MAIL).fingerprint}
    assert len(copies) == 1
    assert None not in copies


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"Thursday", b"Friday"),
        (b"<1@", b"<2@"),
        (b"Re: Visit", b"Re: A visit"),
        (b"From: Cara", b"From: Dora"),
        (b"suits me.\r\n", b"suits me.\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n"),
    ],
)
def test_another_mail_has_another_fingerprint(part: bytes, other: bytes) -> None:
    assert reading(MAIL.replace(part, other, 1)).fingerprint != reading(MAIL).fingerprint


def test_a_mail_without_an_id_has_no_fingerprint() -> None:
    assert reading(MAIL.replace(b"Message-ID", b"X-ID")).fingerprint is None
