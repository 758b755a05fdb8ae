"""A received mail is a report, a complaint, a machine's answer, or a person's."""

from __future__ import annotations

import pytest

from gateway.mail.inbound import InboundKind, is_automatic, read_inbound
from gateway.mail.received import read_mail
from gateway.report_rules import read_report_rules
from tests.reports import COMPLAINTS, MAILS, OTHER_MAIL, REPORTS

RULES = read_report_rules()

PERSONS = {
    "reply", "reply-about-delivery", "reply-quotes-a-bounce", "reply-pastes-a-bounce", "forwards-a-bounce-inline",
    "forwards-a-bounce-attached", "forwards-a-bounce-whole", "staff-forwards-a-bounce", "original-as-attachment",
    "signature-with-daemon", "polite-refusal", "customer-reports-typo", "postmaster-writes", "calendar-acceptance",
    "arf-forwarded-by-a-person", "empty",
}  # fmt: skip
UNSURE = {
    "cron", "spam-like-a-bounce", "subscription-confirmation", "parcel-status", "pizza", "cron-with-a-mail-log",
    "mailbox-bait", "mailbox-bait-without-words", "parcel-from-nowhere",
}  # fmt: skip
"""Of machines that do not say so: these are taken for a person's."""


@pytest.mark.parametrize("name", MAILS)
def test_the_corpus_is_told_apart(name: str) -> None:
    inbound = read_inbound(read_mail(MAILS[name]), RULES)
    if name in REPORTS:
        expected = InboundKind.BOUNCE
    elif name in COMPLAINTS:
        expected = InboundKind.COMPLAINT
    else:
        expected = InboundKind.REPLY if name in PERSONS | UNSURE else InboundKind.AUTOMATIC
    assert inbound.kind is expected
    assert (inbound.report is not None, inbound.complaint is not None) == (name in REPORTS, name in COMPLAINTS)


def test_persons_are_of_the_corpus() -> None:
    assert set(OTHER_MAIL) >= PERSONS | UNSURE


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ("Auto-Submitted: auto-replied (vacation)", True),
        ("Auto-Submitted: auto-generated; owner-email=a@x.example", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: No; x=y", False),
        ("Precedence: bulk", True),
        ("Precedence: first-class", False),
        ("X-Autoreply: yes", True),
        ("List-Id: <l.x.example>", True),
        ("Return-Path: <>", True),
        ("Return-Path: <a@x.example>", False),
        ("From: no-reply@x.example", True),
        ("From: Mary No <noreplya@x.example>", False),
        ("Subject: Automatic reply: Offer", True),
        ("Subject: Re: our automatic reply machine", False),
        ("Subject: Abwesenheitsnotiz", True),
        ("Subject: Re: Offer", False),
    ],
)
def test_a_machine_is_known_by_its_headers(headers: str, automatic: bool) -> None:
    assert is_automatic(read_mail(f"{headers}\n\nI am away.".encode()).root, RULES) is automatic


def test_a_mail_whose_envelope_has_no_sender_is_automatic() -> None:
    mail = read_mail(b"From: a@x.example\nSubject: Hello\n\nI am away.")
    assert read_inbound(mail, RULES, null_sender=True).kind is InboundKind.AUTOMATIC
    assert read_inbound(mail, RULES, null_sender=False).kind is InboundKind.REPLY
