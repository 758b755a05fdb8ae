"""What of a received mail goes on to staff, and what has been round already."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.inbound import forwarding
from gateway.inbound.forwarding import MAX_HOPS, has_been_round, prepare
from gateway.inbound.reading import Reading, read
from gateway.mail.received import read_mail

HEAD = "From: Ann <ann@customer.example>\r\nSubject: Re: Hi\r\nMIME-Version: 1.0\r\n"
TEXT = "--b\r\nContent-Type: text/plain\r\n\r\nThursday suits me.\r\n"
PLAN = (
    '--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.7 plan\r\n'
)
PAGE = '--b\r\nContent-Type: text/html; name="x.html"\r\nContent-Disposition: attachment\r\n\r\n<p>x</p>\r\n'
MAIL = "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: bob@customer.example\r\nSubject: Old\r\n\r\nOld.\r\n"


def mail(*parts: str) -> bytes:
    return f"{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n{''.join(parts)}--b--\r\n".encode()


def reading(raw: bytes) -> Reading:
    return read(raw, null_sender=False, authserv_id=None, allow_reserved=True)


def prepared(raw: bytes) -> Any:
    return prepare(raw, reading(raw))


def test_files_go_on_as_they_came() -> None:
    found = prepared(mail(TEXT, PLAN, PAGE))
    assert [(file.name, file.content) for file in found.files] == [
        ("plan.pdf", b"%PDF-1.7 plan"),
        ("x.html", b"<p>x</p>"),
    ]
    assert found.left_out == 0


def test_a_mail_with_a_mail_in_it_goes_on_whole() -> None:
    raw = mail(TEXT, PLAN, MAIL)
    [file] = prepared(raw).files
    assert (file.name, file.content) == ("message.eml", raw)


def test_what_is_too_large_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "MAX_FILES_BYTES", 20)
    found = prepared(mail(TEXT, PLAN, PLAN, PAGE, MAIL))
    assert [file.name for file in found.files] == ["plan.pdf"]
    assert found.left_out == 3


def test_a_text_that_was_cut_goes_on_whole() -> None:
    raw = f"{HEAD}\r\n{'long ' * 60_000}\r\n".encode()
    [file] = prepared(raw).files
    assert file.content == raw


@pytest.mark.parametrize(
    ("headers", "round_already"),
    [
        ("", False),
        ("Received: by mx.customer.example\r\n" * MAX_HOPS, False),
        ("Received: by mx.customer.example\r\n" * (MAX_HOPS + 1), True),
        ("X-Forwarded-By: customer-emails 0123\r\n", True),
        ("x-forwarded-by:customer-emails\r\n", True),
        ("X-Forwarded-By: another system\r\n", False),
    ],
)
def test_a_mail_that_went_round_is_known(headers: str, round_already: bool) -> None:
    raw = f"{headers}{HEAD}\r\nHi\r\n".encode()
    assert has_been_round(read_mail(raw).root) is round_already
    assert (prepared(raw) is None) is round_already
