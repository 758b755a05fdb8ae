"""Delivery reports, complaints and mail that is neither: the corpus is `tests/corpus/reports`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.arf import read_complaint
from gateway.mail.dsn import DeliveryReport, RecipientReport, read_report
from gateway.mail.received import MailTree, read_mail
from gateway.report_rules import read_report_rules
from tests.examples import examples
from tests.reports import COMPLAINTS, MAILS, OTHER_MAIL, REPORTS

RULES = read_report_rules()


def read(raw: bytes) -> tuple[MailTree, DeliveryReport | None]:
    mail = read_mail(raw)
    return mail, read_report(mail, RULES)


def test_the_corpus_covers_what_systems_send() -> None:
    assert set(MAILS) == {*REPORTS, *COMPLAINTS, *OTHER_MAIL}
    assert len(REPORTS) >= 100
    assert len(OTHER_MAIL) >= 40
    assert {form.name for form in RULES.forms} <= {entry["form"] for entry in REPORTS.values()}
    actions = {recipient["action"] for entry in REPORTS.values() for recipient in entry["recipients"]}
    assert actions == {"FAILED", "DELAYED", "DELIVERED", "RELAYED", "EXPANDED"}


def as_expected(recipient: RecipientReport, entry: dict[str, Any]) -> dict[str, Any]:
    """What is read of a recipient, as the table writes it; `original` only where the table has it."""
    found: dict[str, Any] = {
        "address": recipient.recipient or "",
        "action": recipient.action.value,
        "status": recipient.status,
        "code": recipient.code,
        "permanent": recipient.permanent,
        "original": recipient.original if "original" in entry else None,
    }
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_read(name: str) -> None:
    expected = REPORTS[name]
    _, report = read(MAILS[name])
    assert report is not None
    found = [
        as_expected(recipient, entry)
        for recipient, entry in zip(report.recipients, expected["recipients"], strict=True)
    ]
    assert found == expected["recipients"]
    assert report.form == expected["form"]
    assert (report.returned.message_id if report.returned else None) == expected.get("message_id")
    first = report.recipients[0]
    details = {
        "reporting_mta": report.reporting_mta,
        "envelope_id": report.envelope_id,
        "remote_mta": first.remote_mta,
        "last_attempt": first.last_attempt and first.last_attempt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "retried_until": first.retried_until and first.retried_until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert {key: value for key, value in details.items() if key in expected} == {
        key: value for key, value in expected.items() if key in details
    }


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_complaint_is_read(name: str) -> None:
    expected = COMPLAINTS[name]
    mail, report = read(MAILS[name])
    complaint = read_complaint(mail)
    assert report is None
    assert complaint is not None
    found = {
        "complaint": complaint.feedback_type.value,
        "recipients": list(complaint.recipients),
        "complains": complaint.complains,
        "message_id": complaint.returned.message_id if complaint.returned else None,
        "incidents": complaint.incidents,
        "feedback_id": complaint.feedback_id,
        "cfbl_feedback_id": complaint.cfbl_feedback_id,
        "cfbl_address": complaint.cfbl_address,
        "source_ip": complaint.source_ip,
        "mail_from": complaint.mail_from,
    }
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", OTHER_MAIL)
def test_other_mail_is_no_report(name: str) -> None:
    mail, report = read(MAILS[name])
    assert report is None
    assert read_report(mail, RULES, null_sender=True) is None
    assert read_complaint(mail) is None


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_no_complaint(name: str) -> None:
    assert read_complaint(read_mail(MAILS[name])) is None


@pytest.mark.parametrize("name", REPORTS)
def test_what_failed_or_waits_has_a_reply_for_the_rules_of_verdicts(name: str) -> None:
    _, report = read(MAILS[name])
    assert report is not None
    for recipient in report.recipients:
        reply = recipient.response()
        assert (reply is not None) == (recipient.action.value in ("FAILED", "DELAYED"))
        if reply is not None:
            assert reply.code // 100 == (5 if recipient.permanent else 4) or recipient.code is not None
            assert reply.text


def known_addresses(mail: MailTree) -> str:
    """All that a mail says, in small letters: every text and header of every part."""
    said = []
    for part in mail.root.walk(into_mails=True):
        said += [part.text(1_000_000), *(header.value for header in part.headers)]
    return "\n".join(said).lower().replace("+40", "@")


def expect_nothing_invented(raw: bytes) -> None:
    mail, report = read(raw)
    read_complaint(mail)
    if report is not None:
        said = known_addresses(mail)
        for recipient in report.recipients:
            for address in (recipient.recipient, recipient.original):
                assert address is None or address.lower() in said


@settings(max_examples=examples(60, proof=150), deadline=None)
@given(st.sampled_from(sorted(MAILS)), st.integers(0, 100))
def test_a_mail_that_breaks_off_is_read_without_inventing_anybody(name: str, percent: int) -> None:
    raw = MAILS[name]
    expect_nothing_invented(raw[: len(raw) * percent // 100])


DAMAGE = st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 40)), max_size=8)


@settings(max_examples=examples(60, proof=150), deadline=None)
@given(st.sampled_from(sorted(MAILS)), DAMAGE)
def test_damaged_mail_is_read_without_inventing_anybody(name: str, damage: list[tuple[int, bytes, int]]) -> None:
    raw = MAILS[name]
    for place, written, lost in damage:
        at = place % (len(raw) + 1)
        raw = raw[:at] + written + raw[at + lost :]
    expect_nothing_invented(raw)


LINES = sorted({line for name in REPORTS for line in MAILS[name].splitlines()})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.just(b""), max_size=60))
def test_the_lines_of_all_reports_in_any_order_are_read_without_inventing_anybody(lines: list[bytes]) -> None:
    expect_nothing_invented(b"From: MAILER-DAEMON@mx.firm.example\n" + b"\n".join(lines))
