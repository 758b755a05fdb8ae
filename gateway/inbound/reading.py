"""What a received mail says, read off its bytes and envelope alone: fit to be done in another thread or process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypedDict
from uuid import UUID

from gateway.mail.authentication_results import Authentication, read_authentication
from gateway.mail.correspondence import Correspondence, read_correspondence
from gateway.mail.delivery_status import ADDRESS
from gateway.mail.inbound import Inbound, InboundKind, MatchedBy, UnmatchedReason, read_inbound
from gateway.mail.message import MessageRef
from gateway.mail.received import Part, read_mail
from gateway.mail.received_attachments import ReceivedAttachments, read_attachments
from gateway.mail.reply import Reply, read_reply
from gateway.reply_rules import read_reply_rules
from gateway.report_rules import read_report_rules

if (
    TYPE_CHECKING
):  # the process that reads a large mail needs no database, whose client takes longer to load than a mail
    from gateway.inbound.store import InboundSource

WRITTEN = frozenset({InboundKind.REPLY, InboundKind.AUTOMATIC})
"""What becomes a message of its own in a customer's history."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMail:
    """A row of `inbound_mail` that is to be read. Envelope addresses as in `gateway.inbound.store.Envelope`."""

    id: UUID
    received_at: datetime
    source: InboundSource
    envelope_sender: str | None
    envelope_recipient: str | None
    content_sha256: bytes
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a mail says. `reply` and `attachments` are there for what a person or an answering machine wrote, and so is
    `fingerprint` where the mail has a Message-ID: 32 bytes that are the same for each copy of one mail, whatever its
    way added. `recipients` are the addresses that it says it came to, which tell the one of ours where no envelope
    does."""

    # A fingerprint is no text, which is what JSON would take it for on its way from another process.
    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}

    inbound: Inbound
    correspondence: Correspondence
    authentication: Authentication
    reply: Reply | None
    attachments: ReceivedAttachments | None
    fingerprint: bytes | None = None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """The message that a mail became, or that it reports on, and how that was found."""

    ref: MessageRef
    matched_by: MatchedBy


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmatched:
    """A mail that is nobody's yet."""

    reason: UnmatchedReason


def load_rules() -> None:
    """Compile the rules that reading needs, once: some tenths of a second, in which no event loop should wait."""
    read_report_rules()
    read_reply_rules()


class ReadingOptions(TypedDict):
    """What reading a mail depends on besides its bytes, as the parameters of `read`."""

    null_sender: bool | None
    authserv_id: str | None
    allow_reserved: bool


def read(raw: bytes, *, null_sender: bool | None, authserv_id: str | None, allow_reserved: bool) -> Reading:
    """Read a mail. Pure, bounded, never raises on any bytes. `null_sender`: whether the envelope's sender was empty,
    None when it is not known; the rest as in `gateway.settings`."""
    mail = read_mail(raw)
    inbound = read_inbound(mail, read_report_rules(), null_sender=null_sender)
    written = inbound.kind in WRITTEN
    return Reading(
        inbound=inbound,
        correspondence=read_correspondence(mail.root, allow_reserved=allow_reserved),
        authentication=read_authentication(mail.root.headers, authserv_id),
        reply=read_reply(mail.root, read_reply_rules()) if written else None,
        attachments=read_attachments(mail.root, raw) if written else None,
        fingerprint=_fingerprint(mail.root, raw) if written and mail.root.header("message-id") else None,
        recipients=_recipients(mail.root),
    )


MAX_RECIPIENTS = 20
"""Addresses that are looked at for one of ours: a report names one, a person's mail a few."""
_RECIPIENT_HEADERS = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")


def _recipients(root: Part) -> tuple[str, ...]:
    found = [
        match[0]
        for name in _RECIPIENT_HEADERS
        for value in root.all_headers(name)[:MAX_RECIPIENTS]
        for match in ADDRESS.finditer(value[:4000])
    ]
    return tuple(dict.fromkeys(found))[:MAX_RECIPIENTS]


_AUTHORS_OWN = frozenset(
    {"from", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "content-type"}
)
"""Headers that the author's program writes, and that no server on the way changes."""


def _fingerprint(root: Part, raw: bytes) -> bytes:
    found = hashlib.sha256()
    for header in root.headers:
        if header.name in _AUTHORS_OWN:
            found.update(f"{header.name}:{len(header.written)}:{header.written}\n".encode("utf-8", "replace"))
    found.update(memoryview(raw)[root.span[0] : root.span[1]])
    return found.digest()
