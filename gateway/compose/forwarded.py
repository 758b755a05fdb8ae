"""A customer's reply as mail to our staff, who answer it where they work."""

from __future__ import annotations

from datetime import datetime

from gateway.compose.headers import MIME_VERSION, Composed, date_value
from gateway.compose.sender_profiles import SenderVersion
from gateway.mail import mime
from gateway.mail.correspondence import Correspondence, Mailbox
from gateway.mail.header import mailboxes_header, raw_header, text_header
from gateway.mail.message import MessageRef
from gateway.mail.mime import AttachedFile
from gateway.value import value

FORWARDED_BY = "X-Forwarded-By"
"""Names the mail by which a reply was forwarded; what comes back with it is not forwarded again."""

OUR_MARK = "customer-emails"
"""What its value begins with, whichever deployment writes it: two of them must not forward to each other."""

MAX_REPLY_TO = 5
MAX_REFERENCES = 20
"""Message ids: threads are shown by the newest; a header of hundreds is folded over pages."""


@value
class Forwarded:
    """What is forwarded. `ref` is the message that does it, `to` the staff mailbox, `text` what was written with its
    history. `left_out` says how many files are not among `files`."""

    ref: MessageRef
    mail_date: datetime
    sender: SenderVersion
    to: str
    correspondence: Correspondence
    text: str
    files: tuple[AttachedFile, ...] = ()
    left_out: int = 0


def compose_forwarded(forwarded: Forwarded) -> Composed:
    """From our own address, since DMARC lets nobody else send as the customer; Reply-To is the customer's.

    It has no Auto-Submitted: a person wrote it, and a ticket system must not take it for a machine's mail.
    """
    asked = forwarded.correspondence
    subject = _line(asked.subject) or "(no subject)"
    answer_to = _answer_to(asked)
    head = (
        mailboxes_header("From", [(_shown(forwarded), forwarded.sender.from_address)])
        + mailboxes_header("To", [(None, forwarded.to)])
        + text_header("Subject", subject)
        + raw_header("Date", date_value(forwarded.mail_date))
        + raw_header("Message-ID", forwarded.ref.header_id(forwarded.sender.domain))
        + _thread(asked)
        + (
            mailboxes_header("Reply-To", [(_line(one.name or ""), one.address.text) for one in answer_to])
            if answer_to
            else ""
        )
        + MIME_VERSION
        + raw_header(FORWARDED_BY, f"{OUR_MARK} {forwarded.ref.message_id.hex}")
    )
    body = mime.text_part("plain", _text(forwarded, answerable=bool(answer_to)))
    if forwarded.files:
        boundary = f"=_m{forwarded.ref.message_id.hex}"
        body = mime.multipart("mixed", boundary, [body, *map(mime.file_part, forwarded.files)])
    return Composed(subject=subject, content=b"".join(body.chunks(head)))


def _shown(forwarded: Forwarded) -> str:
    author, sender = forwarded.correspondence.author, forwarded.sender
    who = "A customer" if author is None else _line(author.name or "") or author.address.text
    return f"{who} via {sender.from_name or sender.name}"


def _line(text: str) -> str:
    """What a header may hold of somebody's words (`gateway.mail.header_guard`)."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _answer_to(asked: Correspondence) -> tuple[Mailbox, ...]:
    """Where an answer goes: as any mail client would, by Reply-To, else From. An address beyond ASCII would need a
    relay with SMTPUTF8."""
    wanted = asked.reply_to or asked.from_
    return tuple(one for one in wanted if not one.address.needs_smtputf8)[:MAX_REPLY_TO]


def _thread(asked: Correspondence) -> str:
    """So that the staff's mail client shows it beside what went before, and the customer's does with the answer."""
    if asked.message_id is None or not asked.message_id.isascii():
        return ""
    before = [one for one in asked.references if one.isascii()][-MAX_REFERENCES + 1 :]
    references = "\r\n ".join(f"<{one}>" for one in (*before, asked.message_id))
    return raw_header("In-Reply-To", f"<{asked.message_id}>") + raw_header("References", references)


def _text(forwarded: Forwarded, *, answerable: bool) -> str:
    text = forwarded.text.rstrip() + "\n"
    author = forwarded.correspondence.author
    if not answerable and author is not None:
        text = f"From: {author.address.text}\n\n{text}"
    if forwarded.left_out:
        text += f"\n[Not forwarded: {forwarded.left_out} files. They are in the customer's history.]\n"
    return text.encode("utf-8", "replace").decode()
