"""A reply as mail to staff: from us, to be answered to the customer, with its thread and files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compose.forwarded import FORWARDED_BY, MAX_REFERENCES, Forwarded, compose_forwarded
from gateway.mail.correspondence import read_correspondence
from gateway.mail.mime import AttachedFile
from gateway.mail.received import read_mail
from tests.mails import FACTS, SENDER, body, parsed

REPLY = (
    "From: Ann Lee <ann@customer.example>\r\nSubject: Re: Your appointment\r\n"
    "Message-ID: <1@customer.example>\r\nReferences: <0@fabrikam.example>\r\n"
)


def forwarded(headers: str = REPLY, **values: Any) -> Forwarded:
    usual: dict[str, Any] = {
        "ref": FACTS.ref,
        "mail_date": datetime(2026, 11, 30, 12, tzinfo=UTC),
        "sender": SENDER,
        "to": "office@fabrikam.example",
        "correspondence": read_correspondence(read_mail(headers.encode() + b"\r\n\r\n").root, allow_reserved=True),
        "text": "Thursday suits me.\n\n> When?\n",
    }
    return Forwarded(**(usual | values))


def test_staff_see_who_wrote_and_answer_the_customer() -> None:
    message = parsed(compose_forwarded(forwarded()).content)
    assert message["From"] == '"Ann Lee via Fabrikam Installers" <hello@fabrikam.example>'.replace('"', "")
    assert message["To"] == "office@fabrikam.example"
    assert message["Reply-To"] == "Ann Lee <ann@customer.example>"
    assert message["Subject"] == "Re: Your appointment"
    assert (message["In-Reply-To"], message["References"]) == (
        "<1@customer.example>",
        "<0@fabrikam.example> <1@customer.example>",
    )
    assert message["Message-ID"] == FACTS.message_id
    assert message[FORWARDED_BY] == f"customer-emails {FACTS.ref.message_id.hex}"
    assert body(message, "plain").splitlines() == ["Thursday suits me.", "", "> When?"]
    # a person wrote it
    assert "Auto-Submitted" not in message
    assert "Precedence" not in message


def test_files_go_with_it_and_what_is_left_out_is_said() -> None:
    file = AttachedFile(name="Größe.pdf", media_type="application/pdf", content=b"%PDF-1.7")
    message = parsed(compose_forwarded(forwarded(files=(file,), left_out=2)).content)
    [attached] = message.iter_attachments()
    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("Größe.pdf", b"%PDF-1.7")
    assert "[Not forwarded: 2 files. They are in the customer's history.]" in body(message, "plain")


@pytest.mark.parametrize(
    ("headers", "reply_to", "shown"),
    [
        ("From: a@b.example\r\nReply-To: Desk <d@b.example>\r\n", "Desk <d@b.example>", "a@b.example via"),
        ("From: jörg@b.example\r\n", None, "jörg@b.example via"),
        ("Subject: x\r\n", None, "A customer via"),
        ("From: a@b.example, c@b.example\r\n", "a@b.example, c@b.example", "A customer via"),
    ],
)
def test_answers_go_where_a_mail_client_would_send_them(headers: str, reply_to: str | None, shown: str) -> None:
    composed = compose_forwarded(forwarded(headers))
    message = parsed(composed.content)
    assert message["Reply-To"] == reply_to
    assert message["From"].addresses[0].display_name.startswith(shown)
    assert composed.content.isascii()
    if "jörg" in headers:
        assert body(message, "plain").splitlines()[0] == "From: jörg@b.example"


def test_a_reply_without_a_subject_or_an_identity_is_forwarded_all_the_same() -> None:
    message = parsed(compose_forwarded(forwarded("From: a@b.example\r\n")).content)
    assert message["Subject"] == "(no subject)"
    assert "References" not in message
    assert compose_forwarded(forwarded(sender=replace(SENDER, from_name=None))).content.startswith(
        b"From: Ann Lee via main"
    )


def test_of_a_long_thread_the_newest_mails_are_named() -> None:
    before = " ".join(f"<{number}@b.example>" for number in range(300))
    headers = f"From: a@b.example\r\nMessage-ID: <x@b.example>\r\nReferences: {before}\r\n"
    named = parsed(compose_forwarded(forwarded(headers)).content)["References"].split()
    assert len(named) == MAX_REFERENCES
    assert named[-2:] == ["<299@b.example>", "<x@b.example>"]


@given(text=st.text(max_size=300), subject=st.text(max_size=100), name=st.text(max_size=100))
def test_whatever_a_customer_writes_is_one_mail_in_ascii(text: str, subject: str, name: str) -> None:
    headers = f'From: "{name}" <a@b.example>\r\nSubject: {subject}\r\n'
    root = read_mail(headers.encode("utf-8", "replace") + b"\r\n").root
    asked = read_correspondence(root, allow_reserved=True)
    content = compose_forwarded(forwarded(correspondence=asked, text=text)).content
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    head = content.partition(b"\r\n\r\n")[0]
    assert head.count(b"\r\nReply-To:") <= 1
    assert head.count(b"\r\nSubject:") == 1
