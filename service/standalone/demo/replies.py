"""What the demo's customers write back, and what their answering machines do."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

from service.standalone.demo.answers import Answer, AnswerKind, OutgoingMail, TakenMail
from service.standalone.demo.photo import photo_png
from service.standalone.demo.reports import HOST_NAME

_QUOTED_LINES = 12
"""Lines of the answered mail that are quoted: enough to know it again."""


def reply(mail: TakenMail, answer: Answer, at: datetime) -> OutgoingMail:
    """Returns a person's reply to a mail: the words, the mail quoted below them, to its Reply-To."""
    original = mail.message()
    writer = _writer(mail, answer)
    made = _mail(mail, answer, at, writer)
    recipient = parseaddr(str(original["Reply-To"] or original["From"]))[1]
    made["To"] = recipient
    made["Subject"] = f"Re: {original['Subject']}"
    _thread(made, original)
    quote = answer.quote.format(date=original["Date"].datetime, sender=original["From"])
    if answer.html:
        made.set_content(_html(answer.words, quote, _quoted(original)), subtype="html", cte="quoted-printable")
    else:
        text = "\n".join([answer.words.strip(), "", quote, *(f"> {line}".rstrip() for line in _quoted(original)), ""])
        made.set_content(text, cte="quoted-printable")
    if answer.photo:
        made.add_attachment(photo_png(), maintype="image", subtype="png", filename="amplifier.png")
        made.set_boundary(f"{mail.number}/photo")
    return OutgoingMail(sender=parseaddr(writer)[1], recipient=recipient, content=_bytes(made, writer))


def away(mail: TakenMail, answer: Answer, at: datetime) -> OutgoingMail:
    """Returns an answering machine's mail: to the return path, from nobody in the envelope (RFC 3834 3.3, 4)."""
    original = mail.message()
    writer = _writer(mail, answer)
    made = _mail(mail, answer, at, writer)
    made["To"] = mail.return_path
    made["Subject"] = f"Automatic reply: {original['Subject']}"
    made["Auto-Submitted"] = "auto-replied"
    _thread(made, original)
    made.set_content(answer.words.strip() + "\n", cte="quoted-printable")
    return OutgoingMail(sender="", recipient=mail.return_path, content=_bytes(made, writer))


def letter(mail: TakenMail, answer: Answer, at: datetime) -> OutgoingMail:
    """Returns a mail that a person writes of themselves, to one of the firm's mailboxes."""
    writer = _writer(mail, answer)
    made = _mail(mail, answer, at, writer)
    made["To"] = answer.mailbox
    made["Subject"] = answer.title
    made.set_content(answer.words.strip() + "\n", cte="quoted-printable")
    return OutgoingMail(sender=parseaddr(writer)[1], recipient=answer.mailbox, content=_bytes(made, writer))


def _writer(mail: TakenMail, answer: Answer) -> str:
    """Who writes: the one answers.toml names, else the mail's To, who has a name there."""
    return answer.writes_as or str(mail.message()["To"] or mail.recipient)


def _mail(mail: TakenMail, answer: Answer, at: datetime, writer: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"] = writer
    made["Date"] = format_datetime(at)
    domain = parseaddr(writer)[1].rpartition("@")[2]
    name = hashlib.sha256(f"{mail.number}/{answer.kind}/{answer.to}".encode()).hexdigest()[:24]
    made["Message-ID"] = f"<{name}@{domain}>"
    return made


def _thread(made: EmailMessage, original: EmailMessage) -> None:
    made["In-Reply-To"] = str(original["Message-ID"])
    made["References"] = str(original["Message-ID"])


def _quoted(original: EmailMessage) -> list[str]:
    part = original.get_body(preferencelist=("plain",))
    lines = part.get_content().strip().splitlines() if part is not None else []
    return lines[:_QUOTED_LINES]


def _html(words: str, quote: str, quoted: list[str]) -> str:
    paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in words.strip().split("\n\n"))
    history = "<br>\n".join(escape(line) for line in quoted)
    return (
        f'<html><body><div dir="ltr">{paragraphs}</div>\n<br>\n'
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{escape(quote)}<br></div>\n'
        f'<blockquote class="gmail_quote">{history}</blockquote></div></body></html>\n'
    )


def _bytes(made: EmailMessage, writer: str) -> bytes:
    """Returns the mail below what a receiving server found of its origin (RFC 8601): the demo's people are who they
    say."""
    domain = parseaddr(writer)[1].rpartition("@")[2]
    return f"Authentication-Results: {HOST_NAME}; dmarc=pass header.from={domain}\r\n".encode() + made.as_bytes()


MAKERS = {
    AnswerKind.REPLY: reply,
    AnswerKind.AWAY: away,
    AnswerKind.LETTER: letter,
    AnswerKind.STRANGER: letter,
}
"""Who makes which of a person's or a machine's answers."""
