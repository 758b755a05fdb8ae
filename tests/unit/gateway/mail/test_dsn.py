"""What a delivery report means: codes in words, stages, who may report, and how long reading takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.mail.delivery_status import ReportAction
from gateway.mail.dsn import RecipientReport, read_report
from gateway.mail.received import read_mail
from gateway.mail.response import Exchange, Stage
from gateway.mail.verdict import Cause, Outcome, judge
from gateway.report_rules import read_report_rules
from gateway.verdict_rules import read_verdict_rules
from tests.growth import expect_linear
from tests.reports import MAILS
from tests.unit.exchanges import exchange

RULES = read_report_rules()


def reported(name: str) -> RecipientReport:
    report = read_report(read_mail(MAILS[name]), RULES)
    assert report is not None
    return report.recipients[0]


@pytest.mark.parametrize(
    ("name", "outcome", "cause", "suppress"),
    [
        ("postfix-user-unknown", Outcome.REFUSED, Cause.BAD_ADDRESS, True),
        ("gmail-no-such-user", Outcome.REFUSED, Cause.BAD_ADDRESS, True),
        ("gmail-mailbox-full", Outcome.REFUSED, Cause.MAILBOX_FULL, False),
        ("postfix-delayed", Outcome.DEFERRED, None, False),
        ("office365-dmarc", Outcome.REFUSED, Cause.AUTHENTICATION, False),
        ("mailfoundry", Outcome.REFUSED, Cause.MAILBOX_FULL, False),
        ("exchange-5.5", Outcome.REFUSED, Cause.BAD_ADDRESS, False),
        ("kddi-japanese", Outcome.REFUSED, Cause.MAILBOX_FULL, False),
    ],
)
def test_the_rules_of_verdicts_read_a_report_s_words(
    name: str, outcome: Outcome, cause: Cause | None, suppress: bool
) -> None:
    reply = reported(name).response()
    assert reply is not None
    said: Exchange = exchange(stage=reply.stage, response=reply, dot_sent=reply.stage is Stage.END_OF_DATA)
    verdict = judge(said, read_verdict_rules())
    assert (verdict.outcome, verdict.suppress) == (outcome, suppress)
    assert cause is None or verdict.cause is cause


def test_a_delivered_mail_has_no_reply_to_judge() -> None:
    assert reported("postfix-delivered").response() is None


def test_the_address_is_the_one_that_the_mail_was_sent_to() -> None:
    recipient = reported("postfix-forwarded")
    assert (recipient.recipient, recipient.address) == ("ann.old@mailbox.example", "ann@customer.example")
    assert reported("postfix-user-unknown").last_attempt is None
    assert reported("sendmail-user-unknown").last_attempt == datetime(2026, 6, 15, 8, 12, 12, tzinfo=UTC)


def test_permanent_is_what_the_code_says_where_there_is_no_status() -> None:
    recipient = reported("mailfoundry")
    assert (recipient.status, recipient.code, recipient.permanent) == (None, 552, True)


QMAIL = (
    b"Subject: failure notice\n\nHi. This is the qmail-send program at mx.\n<ann@customer.example>:\nSorry. (#5.1.1)\n"
)


@pytest.mark.parametrize(
    ("sender", "null_sender", "read"),
    [
        (b"From: MAILER-DAEMON@mx.customer.example\n", False, True),
        (b"From: Bob <bob@customer.example>\n", False, False),
        (b"From: Bob <bob@customer.example>\n", True, True),
        (b"", False, True),
        (b"From: Bob <postmaster@customer.example>\nSubject: Re: Offer\n", False, False),
        (b"From: Bob <postmaster@customer.example>\nSubject: Re: Offer\n", None, True),
        (b"From: Bob <bob@customer.example>\nSubject: Fwd: failure notice\n", True, False),
    ],
)
def test_a_text_counts_when_a_system_sent_it_or_its_envelope_had_no_sender(
    sender: bytes, null_sender: bool | None, read: bool
) -> None:
    report = read_report(read_mail(sender + QMAIL), RULES, null_sender=null_sender)
    assert (report is not None) == read
    if report is not None:
        assert [recipient.recipient for recipient in report.recipients] == ["ann@customer.example"]
        assert report.recipients[0].action is ReportAction.FAILED


NOBODY = b"From: MAILER-DAEMON@mx.firm.example\nSubject: Delivery failure\n%s\nThere was an error.\n"


@pytest.mark.parametrize(
    ("path", "read"),
    [
        (b"", True),
        (b"Return-Path: <>\n", True),
        (b"Return-Path: <MAILER-DAEMON@mx.firm.example>\n", True),  # sendmail's way to write <>
        (b"Return-Path: <bait@other.example>\n", False),
    ],
)
def test_a_report_that_names_nobody_and_returns_nothing_needs_an_envelope_without_sender(
    path: bytes, read: bool
) -> None:
    report = read_report(read_mail(NOBODY % path), RULES)
    assert (report is not None) == read


def test_a_from_with_a_broken_address_is_no_systems() -> None:
    mail = (
        b"From: Parcels <4711@%parcels.example>\nSubject: Delivery failure\n\nNot delivered to: ann@customer.example\n"
    )
    assert read_report(read_mail(mail), RULES) is None


FROM = b"From: MAILER-DAEMON@mx.firm.example\nSubject: Delivery failure\n"
STATUS = FROM + b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
HOSTILE = {
    "many lines of addresses": lambda size: FROM + b"\nUndeliverable to:\n" + b"a@b.example\n" * (size // 12),
    "one line of addresses": lambda size: FROM + b"\nUndeliverable to:\n" + b"a@b.example," * (size // 12),
    "letters": lambda size: FROM + b"\nundeliverable " + b"a" * size,
    "at signs": lambda size: FROM + b"\nundeliverable " + b"@" * size,
    "dots": lambda size: FROM + b"\nundeliverable a@" + b"a." * (size // 2),
    "blanks": lambda size: FROM + b"\nundeliverable" + b" " * size + b"x",
    "codes": lambda size: FROM + b"\nundeliverable " + b"550 5.1." * (size // 8),
    "quotes": lambda size: FROM + b'\nundeliverable "' + b'"a' * (size // 2),
    "many recipients": lambda size: STATUS + b"Final-Recipient: rfc822;a@b.example\n\n" * (size // 37),
    "many fields": lambda size: STATUS + b"Action: failed\n" * (size // 15),
    "one long field": lambda size: (
        STATUS + b"Final-Recipient: rfc822;a@b.example\nDiagnostic-Code:" + b" x\n" * (size // 3)
    ),
    "status parts": lambda size: (
        FROM
        + b"Content-Type: multipart/report; boundary=b\n\n"
        + b"--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\n" * (size // 80)
    ),
    "html": lambda size: FROM + b"Content-Type: text/html\n\nundeliverable" + b"<p>a@b.example<style>" * (size // 21),
    "text parts": lambda size: (
        FROM + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nundeliverable a@b.example\n" * (size // 31)
    ),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_reports_take_time_in_proportion(make: object) -> None:
    def read(raw: bytes) -> None:
        report = read_report(read_mail(raw), RULES)
        assert report is None or len(report.recipients) <= 200

    expect_linear(read, make, 100_000)  # type: ignore[arg-type]  # mypy takes the values of the table for objects
