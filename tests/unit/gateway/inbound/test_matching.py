"""Which message a mail is about: tokens wherever they come back, and Message-IDs of our form."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.matching import (
    MAX_MESSAGE_IDS,
    OwnMessageId,
    find_complaint_token,
    find_report_token,
    own_message_ids,
)
from gateway.inbound.reading import Reading, StoredMail, read
from gateway.inbound.store import InboundSource
from gateway.mail.inbound import MatchedBy
from gateway.mail.message import MessageRef
from gateway.mail.tracking import return_path, unsubscribe_url
from tests.builders import KEYRING

REF = MessageRef(customer_id=7, message_id=UUID("01a22c7e-9911-7a0a-99ae-81bb3b266018"))
OTHER = MessageRef(customer_id=8, message_id=UUID("01a22c7e-9911-7a0a-99ae-81bb3b266019"))
PATH = return_path(KEYRING, "bounce.example", REF, 2)


def stored(recipient: str | None) -> StoredMail:
    return StoredMail(
        id=REF.message_id,
        received_at=datetime(2026, 11, 30, tzinfo=UTC),
        source=InboundSource.SMTP,
        envelope_sender="",
        envelope_recipient=recipient,
        content_sha256=bytes(32),
        size=1,
    )


def reading(head: str = "", *, kind: str = "delivery-status", returned: str = "") -> Reading:
    """A report, or with `feedback-report` a complaint."""
    fields = (
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1"
        if kind == "delivery-status"
        else "Feedback-Type: abuse\r\nVersion: 1"
    )
    raw = (
        f"From: MAILER-DAEMON@mx.example\r\n{head}MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n--b\r\n\r\nWords.\r\n'
        f"--b\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: hello@fabrikam.example\r\n{returned}\r\n--b--\r\n"
    )
    return read(raw.encode(), null_sender=True, authserv_id=None, allow_reserved=True)


@pytest.mark.parametrize(
    ("recipient", "head", "returned"),
    [
        (PATH, "", ""),
        (PATH.upper(), "", ""),
        (None, f"To: <{PATH}>\r\n", ""),
        (None, f"To: a@b.example\r\nDelivered-To: {PATH}\r\n", ""),
        (None, "", f"Return-Path: <{PATH}>\r\n"),
        (f"b{PATH[1:20]}", "", f"Return-Path: <{PATH}>\r\n"),
    ],
)
def test_a_return_path_is_found_where_it_comes_back(recipient: str | None, head: str, returned: str) -> None:
    found = find_report_token(stored(recipient), reading(head, returned=returned), KEYRING)
    assert found.trace is not None
    assert (found.trace.ref, found.trace.recipient_no, found.trace.matched_by) == (REF, 2, MatchedBy.TOKEN)


def test_the_envelope_goes_before_what_the_mail_says() -> None:
    foreign = return_path(KEYRING, "bounce.example", OTHER)
    found = find_report_token(
        stored(PATH), reading(f"To: {foreign}\r\n", returned=f"Return-Path: <{foreign}>"), KEYRING
    )
    assert found.trace is not None
    assert found.trace.ref == REF


@given(st.integers(min_value=3, max_value=58), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_an_altered_return_path_is_no_token_and_is_told(place: int, letter: str) -> None:
    local, _, domain = PATH.partition("@")
    altered = f"{local[:place]}{letter}{local[place + 1 :]}@{domain}"
    found = find_report_token(stored(altered), reading(), KEYRING)
    if altered == PATH:
        assert found.trace is not None
    elif found.trace is not None:
        assert found.trace.ref == REF  # base32's last letter has bits to spare
    else:
        assert found.invalid


def test_a_name_that_people_choose_is_no_token() -> None:
    found = find_report_token(stored("b2b.sales.department.of.the.largest.company@reply.example"), reading(), KEYRING)
    assert (found.trace, found.invalid) == (None, False)


def test_what_only_the_complained_of_mail_carries_proves_a_complaint_and_no_report() -> None:
    returned = f"List-Unsubscribe: <{unsubscribe_url(KEYRING, 'https://mail.example', REF)}>, <mailto:x@y.example>\r\n"
    complained = find_complaint_token(stored(None), reading(kind="feedback-report", returned=returned), KEYRING)
    assert complained.trace is not None
    assert (complained.trace.ref, complained.trace.recipient_no) == (REF, 0)
    assert find_report_token(stored(None), reading(returned=returned), KEYRING).trace is None


def own(ref: MessageRef) -> str:
    return f"<{ref.message_id.hex}.{ref.customer_id}@Fabrikam.example>"


def test_message_ids_of_our_form_are_read_the_nearest_first() -> None:
    head = f"References: {own(OTHER)} <x@y.example> {own(REF)}\r\n"
    found = own_message_ids(reading(head, returned=f"Message-ID: {own(OTHER)}\r\n"))
    assert found == [OwnMessageId(ref=ref, domain="fabrikam.example") for ref in (OTHER, REF)]


def test_no_more_message_ids_are_looked_up_than_a_conversation_has() -> None:
    many = " ".join(own(MessageRef(customer_id=n, message_id=REF.message_id)) for n in range(1, 100))
    assert len(own_message_ids(reading(f"References: {many}\r\n"))) <= MAX_MESSAGE_IDS


@pytest.mark.parametrize("written", ["<1@x>", f"<{'0' * 32}.{10**30}@x>", f"<{'0' * 31}.1@x>", f"<{'0' * 32}.1>"])
def test_other_message_ids_are_not_ours(written: str) -> None:
    assert own_message_ids(reading(f"In-Reply-To: {written}\r\n")) == []
