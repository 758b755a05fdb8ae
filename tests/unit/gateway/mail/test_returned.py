"""What a report brings back of a mail."""

from __future__ import annotations

import pytest

from gateway.mail.received import read_mail
from gateway.mail.returned import find_returned

HEADERS = (
    b"Message-ID: <1@firm.example>\nFrom: office@firm.example\n"
    b"To: Ann <ann@customer.example>, b@x.example\nSubject: Hi\n"
)
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIt failed.\n--b\nContent-Type: "


@pytest.mark.parametrize(
    ("raw", "copy"),
    [
        (MIXED + b"message/rfc822\n\n" + HEADERS + b"\nbody\n--b--\n", ""),
        (MIXED + b"text/rfc822-headers\n\n" + HEADERS + b"--b--\n", ""),
        (MIXED + b"text/plain\n\n\n" + HEADERS + b"--b--\n", ""),
        (b"\nIt failed.", HEADERS.decode()),
        (b"\nIt failed.", "\n-----\n\n  " + HEADERS.decode()),
    ],
    ids=["mail", "headers", "text", "copy", "copy after a line"],
)
def test_the_headers_of_the_returned_mail_are_found(raw: bytes, copy: str) -> None:
    parts = [
        part for part in read_mail(raw).root.walk(into_mails=False) if not part.media_type.startswith("multipart/")
    ]
    returned = find_returned(parts, copy)
    assert returned is not None
    assert (returned.message_id, returned.subject) == ("1@firm.example", "Hi")
    assert returned.recipients == ("ann@customer.example", "b@x.example")
    assert returned.header("from") == "office@firm.example"
    assert returned.header("x-none") is None


def test_nothing_may_come_back() -> None:
    assert find_returned([read_mail(b"\nIt failed.").root], "") is None
