"""The fields of message/delivery-status, as the standard has them and as systems write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.mail.delivery_status import (
    MAX_RECIPIENTS,
    ReportAction,
    decode_xtext,
    read_date,
    read_status,
    typed_address,
)
from tests.growth import expect_linear


def test_fields_are_read_by_groups() -> None:
    status = read_status(
        "Reporting-MTA: dns; mx.firm.example\nOriginal-Envelope-Id: QQ+3D1\n"
        "Arrival-Date: Mon, 15 Jun 2026 10:12:11 +0200\n\n"
        "Final-Recipient: rfc822; ann@customer.example\nAction: failed\nStatus: 5.1.1 (no such user)\n"
        "Remote-MTA: dns; mx.customer.example\nDiagnostic-Code: smtp; 550 5.1.1\n  No such user\n"
        "Last-Attempt-Date: Mon, 15 Jun 2026 10:12:12 +0200\n\n"
        "Final-Recipient: rfc822; bob@other.example\nOriginal-Recipient: rfc822;bob+40alias.example\nAction: delayed\n"
        "Will-Retry-Until: Sat, 20 Jun 2026 10:12:11 +0200\n"
    )
    assert (status.reporting_mta, status.envelope_id) == ("mx.firm.example", "QQ=1")
    assert status.arrived_at == datetime(2026, 6, 15, 8, 12, 11, tzinfo=UTC)
    ann, bob = status.recipients
    assert (ann.final_recipient, ann.action, ann.status) == ("ann@customer.example", ReportAction.FAILED, "5.1.1")
    assert (ann.words, ann.remote_mta) == ("550 5.1.1 No such user", "mx.customer.example")
    assert ann.last_attempt == datetime(2026, 6, 15, 8, 12, 12, tzinfo=UTC)
    assert (bob.final_recipient, bob.original_recipient) == ("bob@other.example", "bob@alias.example")
    assert (bob.action, bob.retried_until) == (ReportAction.DELAYED, datetime(2026, 6, 20, 8, 12, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ("Action: failed", ReportAction.FAILED),
        ("Action: Failure", ReportAction.FAILED),
        ("Action: expired", ReportAction.FAILED),
        ("Action: delayed (will be tried again)", ReportAction.DELAYED),
        ("Action: deferred", ReportAction.DELAYED),
        ("Action: relayed", ReportAction.RELAYED),
        ("Action: delivered", ReportAction.DELIVERED),
        ("Action: expanded", ReportAction.EXPANDED),
        ("Status: 5.1.1", ReportAction.FAILED),
        ("Status: 4.4.1", ReportAction.DELAYED),
        ("Status: 2.0.0", ReportAction.DELIVERED),
        ("Action: none of these\nStatus: 5.0.0", ReportAction.FAILED),
        ("Diagnostic-Code: smtp; gone", None),
    ],
)
def test_an_action_is_read_or_follows_from_the_status(fields: str, action: ReportAction | None) -> None:
    assert read_status(f"Final-Recipient: rfc822; a@b.example\n{fields}").recipients[0].action is action


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822; ann@customer.example", "ann@customer.example"),
        ("RFC822;<ann@customer.example>", "ann@customer.example"),
        ("ann@customer.example", "ann@customer.example"),
        ("rfc822; Ann Customer <ann@customer.example>.", "ann@customer.example"),
        ("rfc822;ann+40customer.example", "ann@customer.example"),
        ('rfc822; "ann b"@customer.example', '"ann b"@customer.example'),
        ("utf-8; müller@kunde.example", "müller@kunde.example"),
        ("rfc822; o'brien+tag@customer.example", "o'brien+tag@customer.example"),
        ("rfc822; ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ("x400; /G=Ann/S=x@y.example/", None),
        ("rfc822; ann", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_read_without_its_type(value: str | None, address: str | None) -> None:
    assert typed_address(value) == address


def test_xtext_is_decoded() -> None:
    assert decode_xtext("m+C3+BCller+40kunde.example+2B") == "müller@kunde.example+"
    assert decode_xtext("+FF+zz") == "ÿ+zz"


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", "x" * 200, "Mon, 99 Jun 2026 10:12:11 +0200", "1 Jan 99999 0:0 +0"]
)
def test_what_is_no_date_is_none(value: str | None) -> None:
    assert read_date(value) is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert read_date("Mon, 15 Jun 2026 10:12:11 -0000") == datetime(2026, 6, 15, 10, 12, 11, tzinfo=UTC)


def test_a_flood_of_recipients_is_cut() -> None:
    assert (
        len(read_status("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * 999).recipients) == MAX_RECIPIENTS
    )


@pytest.mark.parametrize(
    "line", ["Action: failed\n", "Final-Recipient: rfc822;a@b.example\n\n", " x\n", "x\n", "\n", "a:"]
)
def test_long_statuses_take_time_in_proportion(line: str) -> None:
    expect_linear(read_status, lambda size: "Status: 5.0.0\n" + line * (size // len(line)), 200_000)
