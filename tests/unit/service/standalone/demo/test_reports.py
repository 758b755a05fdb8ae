"""What the demo's mail systems report is read as what it is."""

from __future__ import annotations

import pytest

from gateway.mail.delivery_status import ReportAction
from gateway.mail.inbound import Inbound, InboundKind, read_inbound
from gateway.mail.received import read_mail
from gateway.mail.verdict import Cause, judge
from gateway.report_rules import read_report_rules
from gateway.verdict_rules import read_verdict_rules
from service.standalone.demo.answers import Answer, AnswerKind, OutgoingMail, read_answers
from service.standalone.demo.outgoing import make_answer
from service.standalone.demo.reports import complaint
from tests.unit.exchanges import exchange
from tests.unit.service.standalone.demo.mails import AT, COMPLAINTS_TO, MESSAGE_ID, RETURN_PATH, taken

RULES = read_report_rules()


def of_kind(kind: AnswerKind) -> list[Answer]:
    return [answer for answer in read_answers() if answer.kind is kind]


def made_for(answer: Answer) -> OutgoingMail:
    to = f"{answer.to}anywhere.example" if answer.by_hand else answer.to
    made = make_answer(taken(to, answer.subject), answer, AT)
    assert made is not None
    assert b"\n" not in made.content.replace(b"\r\n", b"")
    return made


def read(made: OutgoingMail) -> Inbound:
    return read_inbound(read_mail(made.content), RULES, null_sender=made.sender == "")


@pytest.mark.parametrize(
    ("answer", "cause", "suppress"),
    [
        (of_kind(AnswerKind.BOUNCE)[0], Cause.BAD_ADDRESS, True),
        (of_kind(AnswerKind.BOUNCE)[1], Cause.CONTENT, False),
    ],
)
def test_a_bounce_names_the_recipient_the_mail_and_why(answer: Answer, cause: Cause, suppress: bool) -> None:
    made = made_for(answer)
    assert (made.sender, made.recipient) == ("", RETURN_PATH)
    found = read(made)
    assert found.kind is InboundKind.BOUNCE
    assert found.report is not None
    assert found.report.form == "rfc3464"
    [recipient] = found.report.recipients
    assert (recipient.address, recipient.action) == (answer.to, ReportAction.FAILED)
    assert recipient.remote_mta == "mx.postbox.example"
    assert found.report.returned is not None
    assert found.report.returned.message_id == MESSAGE_ID
    response = recipient.response()
    assert response is not None
    verdict = judge(exchange(stage=response.stage, response=response), read_verdict_rules())
    assert (verdict.cause, verdict.suppress) == (cause, suppress)


@pytest.mark.parametrize("answer", of_kind(AnswerKind.DELAY), ids=lambda answer: answer.to)
def test_a_delay_is_no_failure_and_says_until_when_it_is_tried(answer: Answer) -> None:
    made = made_for(answer)
    assert (made.sender, made.recipient) == ("", RETURN_PATH)
    found = read(made)
    assert found.kind is InboundKind.BOUNCE
    assert found.report is not None
    [recipient] = found.report.recipients
    assert (recipient.action, recipient.status, recipient.permanent) == (ReportAction.DELAYED, "4.4.1", False)
    assert recipient.retried_until is not None
    assert (recipient.retried_until - AT).days == 5


@pytest.mark.parametrize("answer", of_kind(AnswerKind.COMPLAINT), ids=lambda answer: answer.to)
def test_a_complaint_brings_our_headers_to_the_address_that_they_name(answer: Answer) -> None:
    made = made_for(answer)
    assert made.recipient == COMPLAINTS_TO
    found = read(made)
    assert found.kind is InboundKind.COMPLAINT
    assert found.complaint is not None
    assert found.complaint.complains
    assert found.complaint.cfbl_feedback_id == "t0kenOfOurs"
    assert found.complaint.returned is not None
    assert found.complaint.returned.message_id == MESSAGE_ID


def test_nobody_complains_where_the_mail_does_not_ask_for_it() -> None:
    mail = taken()
    without = mail.content.replace(b"CFBL-Address", b"X-Address")
    other = type(mail)(return_path=mail.return_path, recipient=mail.recipient, content=without, number=mail.number)
    assert complaint(other, AT) is None
