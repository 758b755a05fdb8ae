"""A received mail read in one call: what it is, who wrote it, where it came to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.reading import MAX_RECIPIENTS, Reading, read
from gateway.mail.inbound import InboundKind


def reading(raw: bytes, *, null_sender: bool | None = False) -> Reading:
    return read(raw, null_sender=null_sender, authserv_id=None, allow_reserved=True)


def test_a_persons_mail_has_its_text_and_files() -> None:
    found = reading(b"From: Ann <ann@customer.example>\r\nTo: office@reply.example\r\n\r\nThursday.\r\n")
    assert found.inbound.kind is InboundKind.REPLY
    assert found.reply is not None
    assert found.reply.text.strip() == "Thursday."
    assert found.attachments is not None
    assert found.recipients == ("office@reply.example",)


def test_a_report_has_neither() -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; ann@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    found = reading(raw, null_sender=True)
    assert (found.inbound.kind, found.reply, found.attachments) == (InboundKind.BOUNCE, None, None)


def test_where_it_came_to_is_told_by_those_who_delivered_it_first() -> None:
    head = b"To: Office <office@a.example>, b@b.example\r\n"
    head += b"Delivered-To: r1@reply.example\r\nX-Original-To: r1@reply.example"
    assert reading(head + b"\r\n\r\n").recipients == ("r1@reply.example", "office@a.example", "b@b.example")


def test_no_more_recipients_are_read_than_a_mail_has() -> None:
    many = b", ".join(b"r%d@reply.example" % number for number in range(1000))
    assert len(reading(b"To: " + many + b"\r\n\r\n").recipients) <= MAX_RECIPIENTS


@given(st.binary(max_size=2000), st.sampled_from([None, True, False]))
def test_no_bytes_make_it_raise(raw: bytes, null_sender: bool | None) -> None:
    assert reading(raw, null_sender=null_sender).inbound.kind in InboundKind
