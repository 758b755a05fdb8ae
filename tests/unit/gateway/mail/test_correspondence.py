"""Who wrote, and to what it answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.correspondence import (
    MAX_MESSAGE_IDS,
    AuthorKind,
    Correspondence,
    author_kind,
    read_correspondence,
    split_mailboxes,
)
from gateway.mail.received import read_mail
from tests.examples import examples
from tests.growth import expect_linear


def read(headers: str) -> Correspondence:
    return read_correspondence(read_mail(headers.encode() + b"\n\ntext").root, allow_reserved=True)


def test_headers_are_read() -> None:
    found = read(
        "From: =?utf-8?q?J=C3=BCrgen?= Customer <juergen@Customer.example>\nSender: post@customer.example\n"
        'Reply-To: a@x.example, "B, C" <b@x.example>\nSubject: =?utf-8?b?UmU6IMOc?=\n'
        "Date: Tue, 6 Jan 2026 09:15:00 +0100\nMessage-ID: <m2@customer.example>\nIn-Reply-To: <m1@firm.example>\n"
        "References: <m0@firm.example>\n <m1@firm.example>"
    )
    assert found.author is not None
    assert (found.author.name, found.author.address.text) == ("Jürgen Customer", "juergen@customer.example")
    assert found.sender is not None
    assert found.sender.address.text == "post@customer.example"
    assert [(box.name, box.address.text) for box in found.reply_to] == [
        (None, "a@x.example"), ("B, C", "b@x.example"),
    ]  # fmt: skip
    assert found.subject == "Re: Ü"
    assert found.date == datetime(2026, 1, 6, 8, 15, tzinfo=UTC)
    assert found.message_id == "m2@customer.example"
    assert found.in_reply_to == ("m1@firm.example",)
    assert found.references == ("m0@firm.example", "m1@firm.example")


def test_a_mail_without_headers_is_by_nobody() -> None:
    assert read("X: y") == Correspondence(
        from_=(), sender=None, reply_to=(), subject="", date=None, message_id=None, in_reply_to=(), references=()
    )


def test_a_decoded_name_is_no_address() -> None:
    found = read("From: =?utf-8?q?cara=40customer.example=2C_=3Ccara=40customer.example=3E?= <evil@other.example>")
    assert [box.address.text for box in found.from_] == ["evil@other.example"]


def test_two_from_headers_are_two_authors_and_so_none() -> None:
    found = read("From: cara@customer.example\nFrom: evil@other.example")
    assert len(found.from_) == 2
    assert found.author is None


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        ("a@x.example", [("", "a@x.example")]),
        ("a@x.example (Ann)", [("Ann", "a@x.example")]),
        ("Ann <a@x.example>", [("Ann", "a@x.example")]),
        ('"Ann \\"B\\", C" <a@x.example>', [('Ann "B", C', "a@x.example")]),
        ("Friends: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
        ("undisclosed-recipients:;", []),
        ("Ann (a <b@x.example>) <a@x.example>", [("Ann", "a@x.example")]),
        ("<a@x.example", [("", "a@x.example")]),
        ('"never closed <a@x.example>', [("", '"never closed <a@x.example>')]),
        (",,;", []),
    ],
)
def test_mailboxes(value: str, mailboxes: list[tuple[str, str]]) -> None:
    assert split_mailboxes(value) == mailboxes


def test_the_newest_references_are_kept() -> None:
    found = read("References:" + "".join(f" <m{number}@x.example>" for number in range(80)))
    assert len(found.references) == MAX_MESSAGE_IDS
    assert found.references[-1] == "m79@x.example"


@pytest.mark.parametrize(
    ("is_customer", "has_token", "verified", "kind"),
    [
        (True, True, False, AuthorKind.CUSTOMER),
        (True, False, True, AuthorKind.CUSTOMER),
        (True, False, False, AuthorKind.UNVERIFIED),
        (False, True, False, AuthorKind.OTHER),
        (False, False, True, AuthorKind.UNVERIFIED),
    ],
)
def test_kinds_of_authors(is_customer: bool, has_token: bool, verified: bool, kind: AuthorKind) -> None:
    assert author_kind(is_customer=is_customer, has_token=has_token, verified=verified) is kind


@settings(max_examples=examples(60, proof=150), deadline=None)
@given(st.text(alphabet='a@.<>(),;:"\\= ?é', max_size=200))
def test_no_header_breaks_the_reader(value: str) -> None:
    found = read(f"From: {value}\nDate: {value}\nReferences: {value}\nSubject: {value}")
    assert all("@" in box.address.text for box in found.from_)


@pytest.mark.parametrize("piece", ["(", '"', "<", "a,", "\\", "a@x.example,", ":", "=?"])
def test_long_headers_take_time_in_proportion(piece: str) -> None:
    expect_linear(split_mailboxes, lambda size: piece * (size // len(piece)), 20_000)
