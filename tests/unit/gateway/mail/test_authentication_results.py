"""Whether a mail's From is verified: only by what our own server says on top."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.authentication_results import (
    MAX_FINDINGS,
    Authentication,
    Finding,
    Method,
    Result,
    read_authentication,
)
from gateway.mail.received import read_mail
from tests.growth import expect_linear

OURS = "mx.firm.example"


def read(headers: str, authserv_id: str | None = OURS) -> Authentication:
    return read_authentication(read_mail(headers.encode() + b"\n\ntext").root.headers, authserv_id)


def field(content: str, name: str = OURS) -> str:
    return f"Authentication-Results: {name}; {content}\n"


def test_the_results_of_our_server_are_read() -> None:
    found = read(
        "Received: x\n"
        + field(
            'spf=pass (sender; is=ok) smtp.mailfrom=bounce@mail.customer.example;\n dkim=fail reason="bad; key" '
            "header.d=Customer.Example header.s=k1;\n dmarc=pass (p=reject) header.from=customer.example"
        )
    )
    assert found.findings == (
        Finding(method=Method.SPF, result=Result.PASS, domain="mail.customer.example"),
        Finding(method=Method.DKIM, result=Result.FAIL, domain="customer.example"),
        Finding(method=Method.DMARC, result=Result.PASS, domain="customer.example"),
    )
    assert (
        found.words == "spf=pass (mail.customer.example), dkim=fail (customer.example), dmarc=pass (customer.example)"
    )
    assert found.verifies("Customer.example")


@pytest.mark.parametrize(
    ("headers", "verified"),
    [
        (field("dmarc=pass header.from=customer.example"), True),
        (field("dmarc=pass"), True),
        (field("dmarc=pass header.from=other.example"), False),
        (field("dmarc=fail header.from=customer.example; dkim=pass header.d=customer.example"), False),
        (field("dmarc=none; dkim=pass header.d=customer.example"), True),
        (field("dkim=pass header.d=mail.customer.example"), True),
        (field("dkim=pass header.i=@customer.example"), True),
        (field("dkim=pass header.d=example"), False),
        (field("dkim=pass header.d=evilcustomer.example"), False),
        (field("spf=pass smtp.mailfrom=a@customer.example"), True),
        (field("spf=softfail smtp.mailfrom=a@customer.example"), False),
        (field("spf=pass smtp.mailfrom=a@other.example"), False),
        (field("spf=pass"), False),
        (field("none"), False),
        (field("(dmarc=pass) none"), False),
        (field("dmarc=hardfail"), False),
        (field("dmarc=wonderful"), False),
        (field("dmarc=pass", "MX.firm.example 1"), True),
        (field("dmarc=pass", "mx.other.example"), False),
        (field("dmarc=pass", "mx.firm.example.evil.example"), False),
        (field("spf=none", "mx.other.example") + field("dmarc=pass"), True),
        # What came with the mail stands below: it adds nothing.
        (field("dmarc=fail") + field("dmarc=pass"), False),
        (field("spf=none") + "Received: x\n" + field("dmarc=pass"), False),
        (field("spf=none") + field("x=y", "mx.other.example") + field("dmarc=pass"), False),
        (field("spf=none") + field("dmarc=pass"), True),
        ("", False),
    ],
)
def test_a_from_is_verified(headers: str, verified: bool) -> None:
    assert read(headers).verifies("customer.example") is verified


def test_without_a_setting_nothing_is_believed() -> None:
    found = read(field("dmarc=pass"), None)
    assert found == Authentication(findings=())
    assert found.words is None
    assert not read(field("dmarc=pass", ""), "").verifies("customer.example")


def test_without_a_from_nothing_is_verified() -> None:
    assert not read(field("dmarc=pass")).verifies(None)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_field_breaks_the_reader(content: str) -> None:
    assert len(read(field(content)).findings) <= MAX_FINDINGS


@pytest.mark.parametrize("piece", ["(", '"', "\\", "dkim=pass;", "spf=", " ", "header.d="])
def test_a_long_field_takes_time_in_proportion(piece: str) -> None:
    expect_linear(read, lambda size: field(piece * (size // len(piece))), 100_000)
