"""What the demo's customers write is read as what it is, with their words apart from the mail they quote."""

from __future__ import annotations

import pytest

from gateway.mail.authentication_results import read_authentication
from gateway.mail.correspondence import read_correspondence
from gateway.mail.inbound import InboundKind, read_inbound
from gateway.mail.received import MailTree, read_mail
from gateway.mail.received_attachments import read_attachments
from gateway.mail.reply import read_reply
from gateway.reply_rules import read_reply_rules
from gateway.report_rules import read_report_rules
from service.standalone.demo.answers import Answer, AnswerKind, OutgoingMail, read_answers
from service.standalone.demo.outgoing import make_answer
from service.standalone.mail_listener import DEMO_SETTINGS
from tests.unit.service.standalone.demo.mails import AT, MESSAGE_ID, REPLY_TO, RETURN_PATH, taken

REPLIES = [answer for answer in read_answers() if answer.kind is AnswerKind.REPLY]
MACHINES = [answer for answer in read_answers() if answer.kind is AnswerKind.AWAY]
LETTERS = [answer for answer in read_answers() if answer.mailbox]


def made_for(answer: Answer) -> tuple[OutgoingMail, MailTree]:
    """The mail, and it read."""
    to = f"{answer.to}anywhere.example" if answer.by_hand else answer.to
    made = make_answer(taken(f"A Customer <{to}>", answer.subject or "Hello"), answer, AT)
    assert made is not None
    assert b"\n" not in made.content.replace(b"\r\n", b"")
    return made, read_mail(made.content)


def kind_of(made: OutgoingMail, mail: MailTree) -> InboundKind:
    return read_inbound(mail, read_report_rules(), null_sender=made.sender == "").kind


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("answer", REPLIES, ids=lambda answer: answer.to)
def test_a_reply_is_a_persons_and_answers_our_mail(answer: Answer) -> None:
    made, mail = made_for(answer)
    assert kind_of(made, mail) is InboundKind.REPLY
    assert made.recipient == REPLY_TO
    headers = read_correspondence(mail.root, allow_reserved=True)
    assert (headers.in_reply_to, headers.references) == ((MESSAGE_ID,), (MESSAGE_ID,))
    assert headers.subject.startswith("Re: ")
    assert headers.author is not None
    assert headers.author.address.text == made.sender
    # The person's words are the text, ours are folded
    read = read_reply(mail.root, read_reply_rules())
    assert words(read.text) == words(answer.words)
    assert "we come on Thursday." in read.history


def test_one_reply_is_html_alone_and_one_brings_a_photo() -> None:
    [html] = [answer for answer in REPLIES if answer.html]
    assert made_for(html)[1].root.media_type == "text/html"
    [photo] = [answer for answer in REPLIES if answer.photo]
    made, mail = made_for(photo)
    attached = read_attachments(mail.root, made.content)
    assert [(file.name, file.found_type) for file in attached.listed] == [("amplifier.png", "image/png")]


@pytest.mark.parametrize("answer", MACHINES, ids=lambda answer: answer.to)
def test_an_answering_machine_says_that_it_is_one(answer: Answer) -> None:
    made, mail = made_for(answer)
    assert kind_of(made, mail) is InboundKind.AUTOMATIC
    assert (made.sender, made.recipient) == ("", RETURN_PATH)
    assert words(read_reply(mail.root, read_reply_rules()).text) == words(answer.words)


@pytest.mark.parametrize("answer", LETTERS, ids=lambda answer: answer.title)
def test_who_writes_of_themselves_writes_to_a_mailbox_of_the_firm(answer: Answer) -> None:
    made, mail = made_for(answer)
    assert kind_of(made, mail) is InboundKind.REPLY
    assert made.recipient == f"{DEMO_SETTINGS['REPLY_MAILBOXES']}@{DEMO_SETTINGS['REPLY_DOMAIN']}"
    assert read_correspondence(mail.root, allow_reserved=True).subject == answer.title


@pytest.mark.parametrize("answer", [*REPLIES, *MACHINES, *LETTERS], ids=lambda answer: answer.to)
def test_the_receiving_server_vouches_for_who_writes(answer: Answer) -> None:
    _, mail = made_for(answer)
    headers = read_correspondence(mail.root, allow_reserved=True)
    assert headers.author is not None
    found = read_authentication(mail.root.headers, DEMO_SETTINGS["AUTHSERV_ID"])
    assert found.verifies(headers.author.address.domain)
