"""Complaints that are written otherwise than the standard says. The corpus has the ordinary ones."""

from __future__ import annotations

import pytest

from gateway.mail.arf import Complaint, FeedbackType, read_complaint
from gateway.mail.received import read_mail
from tests.growth import expect_linear

HEAD = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"


def complaint(fields: str, returned: str = "") -> Complaint:
    mail = (
        HEAD + fields.encode() + b"\n--b\nContent-Type: message/rfc822\n\n" + returned.encode() + b"\n\nbody\n--b--\n"
    )
    read = read_complaint(read_mail(mail))
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("written", "read", "complains"),
    [
        ("abuse", FeedbackType.ABUSE, True),
        ("Fraud", FeedbackType.FRAUD, True),
        ("virus", FeedbackType.VIRUS, True),
        ("opt-out", FeedbackType.OPT_OUT, True),
        ("opt-out-list", FeedbackType.OPT_OUT, True),
        ("not-spam", FeedbackType.NOT_SPAM, False),
        ("auth-failure", FeedbackType.AUTH_FAILURE, False),
        ("other", FeedbackType.OTHER, True),
        ("", FeedbackType.ABUSE, True),
    ],
)
def test_the_type_is_read(written: str, read: FeedbackType, complains: bool) -> None:
    found = complaint(f"Feedback-Type: {written}")
    assert (found.feedback_type, found.complains) == (read, complains)


@pytest.mark.parametrize(
    "address", ["redacted@x.example", "x@x.example", "xxxx@x.example", "a@redacted", "hidden-1@x.example"]
)
def test_a_redacted_address_is_nobody_s(address: str) -> None:
    assert complaint(f"Original-Rcpt-To: <{address}>", f"To: {address}").recipients == ()


def test_the_to_of_several_names_nobody() -> None:
    assert complaint("Feedback-Type: abuse", "To: a@x.example, b@x.example").recipients == ()
    assert complaint("Feedback-Type: abuse", "To: a@x.example").recipients == ("a@x.example",)


@pytest.mark.parametrize(("written", "read"), [("3", 3), ("0", 0), ("-1", 1), ("many", 1), ("9" * 99, 1), ("²", 1)])
def test_incidents_are_a_sensible_number(written: str, read: int) -> None:
    assert complaint(f"Incidents: {written}").incidents == read


def test_fields_that_the_system_wrote_as_a_mail_are_read() -> None:
    assert complaint("\n\nFeedback-Type: virus").feedback_type is FeedbackType.VIRUS


def test_a_mail_without_a_report_is_no_complaint() -> None:
    assert read_complaint(read_mail(b"Subject: FW: abuse\n\nFeedback-Type: abuse\n")) is None


@pytest.mark.parametrize("line", [b"Original-Rcpt-To: <a@x.example>\n", b"a:b\n", b" x\n", b"x", b"@"])
def test_long_complaints_take_time_in_proportion(line: bytes) -> None:
    expect_linear(lambda raw: read_complaint(read_mail(raw)), lambda size: HEAD + line * (size // len(line)), 200_000)
