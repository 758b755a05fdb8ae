"""The header fields of a mail, and the facts they are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from gateway.compose.sender_profiles import SenderVersion
from gateway.mail.header import LONGEST_LINE, mailboxes_header, raw_header
from gateway.mail.keys import Keyring
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.signed_headers import SignedHeaders
from gateway.mail.tracking import UrlOf, reply_addresses
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

COMPOSER_VERSION = 4
"""Rises when the same input would give other bytes; golden files pin each version. 3: links without percent-escapes.
4: where replies and complaints come back to us, mail says so."""

_FIRST_THAT_COMES_BACK = 4
COMPLAINTS = "complaints"
"""The local part, under BOUNCE_DOMAIN, that complaints about campaign mail come to (RFC 9477)."""


@value
class Facts:
    """What composing a mail needs besides letter, template and sender.

    `mail_date` is aware and used to the second; `time_zone` is IANA's. `token_key_id` is the key of its links' tokens
    when an old mail is composed again; None: the newest. Before `composer_version` 3 links have their old form.
    `sequence` is a work order's .ics SEQUENCE, as the ledger counts. `honeypot`: tracked mail has a link that no person
    sees. `bounce_domain` and `reply_domain` are the settings of these names; before `composer_version` 4 they are
    ignored.
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
    bounce_domain: str | None = None
    reply_domain: str | None = None

    @property
    def complaint_address(self) -> str | None:
        """Where complaints about it come to (RFC 9477); None when they do not come to us."""
        known = self.bounce_domain is not None and self.composer_version >= _FIRST_THAT_COMES_BACK
        return f"{COMPLAINTS}@{self.bounce_domain}" if known else None

    @property
    def message_id(self) -> str:
        """The Message-ID (RFC 5322 3.6.4), with its brackets; it identifies the message's row."""
        return self.ref.header_id(self.message_id_domain)


class KeptFacts(Protocol):
    """What the ledger keeps of a message's facts; the rest is its sender's and the settings'."""

    @property
    def mail_date(self) -> datetime: ...
    @property
    def recipient(self) -> str: ...
    @property
    def recipient_name(self) -> str | None: ...
    @property
    def campaign_id(self) -> UUID | None: ...
    @property
    def tracked(self) -> bool: ...
    @property
    def token_key_id(self) -> str | None: ...
    @property
    def composer_version(self) -> int: ...


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


def tracked_replies(sender: SenderVersion, facts: Facts, keyring: Keyring) -> UrlOf | None:
    """Makes the address of ours that replies to any message come back to; None when they go elsewhere. What it makes
    serves every message that shares sender, settings, token key and composer version."""
    if not sender.track_replies or facts.reply_domain is None or facts.composer_version < _FIRST_THAT_COMES_BACK:
        return None
    return reply_addresses(keyring, facts.reply_domain, key_id=facts.token_key_id)


def reply_to_header(sender: SenderVersion, tracked: str | None) -> str:
    """Reply-To: `tracked`, an address of ours behind the sender's name; else the sender's own, where it has one."""
    if tracked is not None:
        return tracked.join(around_tracked_replies(sender))
    return mailboxes_header("Reply-To", [(None, sender.reply_to)]) if sender.reply_to else ""


def around_tracked_replies(sender: SenderVersion) -> tuple[str, str]:
    """What stands before and behind an address of ours in Reply-To. Behind a name it has a line of its own."""
    before, _, after = mailboxes_header("Reply-To", [(sender.from_name, _LONG_ADDRESS)]).partition(_LONG_ADDRESS)
    return before, after


_LONG_ADDRESS = "x" * LONGEST_LINE
"""Stands for an address of ours: nearly every one is too long for the line of its name, and no name is as long."""
MIME_VERSION = raw_header("MIME-Version", "1.0")


def date_of(facts: Facts) -> str:
    """The value of Date, in UTC."""
    return date_value(facts.mail_date)


def date_value(moment: datetime) -> str:
    """The value of Date at a moment, in UTC."""
    return _date(int(moment.timestamp()))


@lru_cache(maxsize=64)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def campaign_headers(facts: Facts, template: CompiledTemplate) -> str:
    """What follows List-Unsubscribe in campaign mail, the same in all mail of a campaign: RFC 8058, Feedback-ID for
    providers' reports, and where complaints come to us, the address for them (RFC 9477 3.1)."""
    address = facts.complaint_address
    return (
        raw_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        + raw_header(
            "Feedback-ID", f"{(facts.campaign_id or template.id).hex}:{template.template_id.hex}:campaign:mail"
        )
        + raw_header("Precedence", "bulk")
        + (raw_header("CFBL-Address", f"{address}; report=arf") if address else "")
    )


def complaint_id(unsubscribe_url: str) -> str:
    """A campaign mail's CFBL-Feedback-ID (RFC 9477 3.2): the token of its List-Unsubscribe."""
    return unsubscribe_url.rpartition("/")[2]


def boundary(facts: Facts, which: str) -> str:
    """The line between MIME parts; `which` (a letter) tells one multipart of a mail from another."""
    return f"=_{which}{facts.ref.message_id.hex}"
