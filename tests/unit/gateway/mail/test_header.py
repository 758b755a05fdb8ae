"""Header lines: short enough, ASCII, and read back by the standard library's parser as they were meant."""

from __future__ import annotations

from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.mail.header import mailboxes_header, parameter, text_header

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)


def parsed(header: str) -> EmailMessage:
    message = message_from_bytes(header.encode() + b"\r\n", policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert len(message.keys()) == 1
    return message


def is_wire_safe(header: str, longest: int = 78) -> bool:
    return header.isascii() and header.endswith("\r\n") and all(len(line) <= longest for line in header.split("\r\n"))


@given(LINES)
def test_any_subject_is_read_back(text: str) -> None:
    header = text_header("Subject", text)
    assert is_wire_safe(header)
    assert str(parsed(header)["Subject"]).split() == text.split()


@given(LINES, st.integers(min_value=0, max_value=150))
def test_any_display_name_is_read_back(name: str, padding: int) -> None:
    header = mailboxes_header("To", [(name, "ann@fabrikam.com"), (None, "a" * padding + "b@fabrikam.com")])
    assert is_wire_safe(header, longest=998)
    read = parsed(header)["To"]
    assert isinstance(read, AddressHeader)
    assert [mailbox.addr_spec for mailbox in read.addresses] == ["ann@fabrikam.com", "a" * padding + "b@fabrikam.com"]
    # The standard library shows a space between encoded words of a phrase, which RFC 2047 6.2 ignores.
    assert "".join(read.addresses[0].display_name.split()) == "".join(name.split())


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=255)
    .map(str.strip)
    .filter(bool)
    # The standard library takes what stands around a whole name for quotes.
    .filter(lambda name: (name[0], name[-1]) not in (("<", ">"), ('"', '"')))
)
def test_any_file_name_is_read_back(name: str) -> None:
    header = "Content-Disposition: attachment;\r\n" + parameter("filename", name) + "\r\n"
    assert is_wire_safe(header)
    assert parsed(header).get_filename() == name


@pytest.mark.parametrize("text", ["a\r\nBcc: x@evil.example", "a\nb", "a\rb", "a\0b"])
def test_a_line_break_never_reaches_a_header(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        text_header("Subject", text)
    assert refused.value.code is RefusalCode.HEADER_INJECTION
    with pytest.raises(Refusal):
        mailboxes_header("To", [(text, "ann@fabrikam.com")])


def test_headers_look_as_people_expect() -> None:
    assert text_header("Subject", "Your visit on Tuesday") == "Subject: Your visit on Tuesday\r\n"
    assert text_header("Subject", "Grüße") == "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    assert mailboxes_header("To", [("Ann Lee", "a@b.com")]) == "To: Ann Lee <a@b.com>\r\n"
    assert (
        mailboxes_header("To", [("Lee, Ann", "a@b.com"), (None, "c@d.com")])
        == 'To: "Lee, Ann" <a@b.com>,\r\n c@d.com\r\n'
    )
    assert parameter("filename", "Angebot 1.pdf") == ' filename="Angebot 1.pdf"'
    assert parameter("filename", "Größe.pdf") == " filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf"
