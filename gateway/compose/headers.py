"""The header fields of a mail, and the facts they are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from gateway.compose.sender_profiles import SenderVersion
from gateway.mail.header import mailboxes_header, raw_header
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.signed_headers import SignedHeaders
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

COMPOSER_VERSION = 3
"""Rises when the same input would give other bytes; golden files pin each version. 3: links without percent-escapes."""


@value
class Facts:
    """What composing a mail needs besides letter, template and sender.

    `mail_date` is aware and used to the second; `time_zone` is IANA's. `token_key_id` is the key of its links' tokens
    when an old mail is composed again; None: the newest. Before `composer_version` 3 links have their old form.
    `sequence` is a work order's .ics SEQUENCE, as the ledger counts. `honeypot`: tracked mail has a link that no person
    sees.
    """

    ref: MessageRef
    mail_date: datetime
    to: Mailbox
    customer_name: str | None
    locale: str
    time_zone: str
    message_id_domain: str
    public_url: str
    tracked: bool
    cc: tuple[Mailbox, ...] = ()
    sequence: int | None = None
    campaign_id: UUID | None = None
    token_key_id: str | None = None
    composer_version: int = COMPOSER_VERSION
    honeypot: bool = False

    @property
    def message_id(self) -> str:
        """The Message-ID (RFC 5322 3.6.4), with its brackets; it identifies the message's row."""
        return f"<{self.ref.message_id.hex}.{self.ref.customer_id}@{self.message_id_domain}>"


@value
class Composed:
    """A mail as it is sent, before it is signed (DKIM).

    ASCII, unless an address in its To or Cc is not: then only a server with SMTPUTF8 can take it. `signed_headers` are
    those of `content`, where its composer was asked for them.
    """

    subject: str
    content: bytes
    signed_headers: SignedHeaders | None = None


# Header fields, each ended by CRLF -------------------------------------------------------------------------------


def address_headers(sender: SenderVersion, facts: Facts) -> str:
    """From, To and, where there are copies, Cc."""
    head = mailboxes_header("From", [(sender.from_name, sender.from_address)])
    return head + mailboxes_header("To", [(facts.to.name, facts.to.address)]) + copies_header(facts)


def copies_header(facts: Facts) -> str:
    """Cc; nothing when there are no copies."""
    return mailboxes_header("Cc", [(mailbox.name, mailbox.address) for mailbox in facts.cc]) if facts.cc else ""


def date_headers(facts: Facts) -> str:
    """Date and Message-ID: different in every mail."""
    return f"Date: {date_of(facts)}\r\nMessage-ID: {facts.message_id}\r\n"


def reply_headers(sender: SenderVersion) -> str:
    """Reply-To, where the sender has one, and MIME-Version: the same in all mail of a sender."""
    head = mailboxes_header("Reply-To", [(None, sender.reply_to)]) if sender.reply_to else ""
    return head + raw_header("MIME-Version", "1.0")


def date_of(facts: Facts) -> str:
    """The value of Date, in UTC."""
    return _date(int(facts.mail_date.timestamp()))


@lru_cache(maxsize=64)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def campaign_headers(campaign_id: UUID | None, template: CompiledTemplate) -> str:
    """What follows List-Unsubscribe in campaign mail: RFC 8058, and Feedback-ID for providers' reports."""
    return (
        raw_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        + raw_header("Feedback-ID", f"{(campaign_id or template.id).hex}:{template.template_id.hex}:campaign:mail")
        + raw_header("Precedence", "bulk")
    )


def boundary(facts: Facts, which: str) -> str:
    """The line between MIME parts; `which` (a letter) tells one multipart of a mail from another."""
    return f"=_{which}{facts.ref.message_id.hex}"
