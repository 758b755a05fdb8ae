"""Which of the demo's mail is answered: of the demo's customers, and by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.mail.address import parse_address
from service.standalone.demo.answers import AnswerKind, answers_to, read_answers
from service.standalone.demo.customers import read_customers
from tests.unit.service.standalone.demo.mails import taken

DEMO = [answer for answer in read_answers() if not answer.by_hand]


def test_every_kind_occurs_and_each_answers_a_mail_of_a_customer() -> None:
    addresses = {address for customer in read_customers() for address in customer.addresses}
    assert {answer.to for answer in DEMO} <= addresses
    assert Counter(answer.kind for answer in DEMO) == {
        AnswerKind.BOUNCE: 2,
        AnswerKind.DELAY: 1,
        AnswerKind.COMPLAINT: 1,
        AnswerKind.REPLY: 6,
        AnswerKind.AWAY: 1,
        AnswerKind.LETTER: 1,
        AnswerKind.STRANGER: 1,
    }
    assert {answer.kind for answer in read_answers() if answer.by_hand} == set(AnswerKind) - {
        AnswerKind.LETTER,
        AnswerKind.STRANGER,
    }


def test_everybody_who_writes_lives_under_a_reserved_domain() -> None:
    for answer in DEMO:
        for mailbox in filter(None, (answer.writes_as, answer.mailbox)):
            address = mailbox.rpartition("<")[2].rstrip(">")
            assert parse_address(address, allow_reserved=True).domain.endswith(".example")


@pytest.mark.parametrize(
    ("to", "subject", "kinds"),
    [
        ("g.petrakis@postbox.example", "An hour for your system, George Petrakis", [AnswerKind.BOUNCE]),
        ("g.petrakis@postbox.example", "Proposal to sign: Cinema seating", []),
        ("leila.haddad@willowmail.example", "Reminder: Installation, Monday", [AnswerKind.REPLY]),
        ("eleanor.hartley@willowmail.example", "An hour for your system, Eleanor Hartley", []),
        ("Bounces@anywhere.example", "Whatever", [AnswerKind.BOUNCE]),
    ],
)
def test_a_mail_is_answered_by_its_recipient_and_subject(to: str, subject: str, kinds: list[AnswerKind]) -> None:
    assert [answer.kind for answer in answers_to(taken(to, subject))] == kinds
