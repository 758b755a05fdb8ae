"""Who wrote a received mail, when, about what, and to which mail it answers (RFC 5322 3.6). Pure, bounded, never
raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.errors import Refusal
from gateway.mail.address import Address, parse_address
from gateway.mail.delivery_status import read_date
from gateway.mail.header_words import decode_words
from gateway.mail.names import tidy_name
from gateway.mail.received import Part

MAX_MAILBOXES = 50
"""Mailboxes of one header that are read: From has one, a Reply-To some."""
MAX_MESSAGE_IDS = 50
"""Message ids of References, the newest: a thread of a year has as many."""
_LONGEST_NAME = 200
_LONGEST_SUBJECT = 998
"""Characters: a line of RFC 5322 2.1.1."""


class AuthorKind(StrEnum):
    """Who wrote a received mail. The GraphQL enum has the same values."""

    CUSTOMER = "CUSTOMER"
    OTHER = "OTHER"
    UNVERIFIED = "UNVERIFIED"


def author_kind(*, is_customer: bool, has_token: bool, verified: bool) -> AuthorKind:
    """Says who wrote a mail. `is_customer`: From is an address of the customer; `has_token`: it came to the signed
    address that only a reader of our mail knows; `verified`: From's domain stands behind it (RFC 8601)."""
    if not is_customer:
        return AuthorKind.OTHER if has_token else AuthorKind.UNVERIFIED
    return AuthorKind.CUSTOMER if has_token or verified else AuthorKind.UNVERIFIED


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """Somebody's name as it is shown, None without one, and address."""

    name: str | None
    address: Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Correspondence:
    """What a mail's headers say of it. Mailboxes without a valid address are left out; message ids stand without
    their angle brackets, those of `references` oldest first."""

    from_: tuple[Mailbox, ...]
    sender: Mailbox | None
    reply_to: tuple[Mailbox, ...]
    subject: str
    date: datetime | None
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]

    @property
    def author(self) -> Mailbox | None:
        """The one who wrote; None where From names nobody, or several."""
        return self.from_[0] if len(self.from_) == 1 else None


def read_correspondence(root: Part, *, allow_reserved: bool) -> Correspondence:
    """Read a mail's headers. `allow_reserved` as in `gateway.mail.address.parse_address`."""
    senders = _mailboxes(root, "sender", allow_reserved=allow_reserved)
    ids = _message_ids(root, "message-id")
    return Correspondence(
        from_=_mailboxes(root, "from", allow_reserved=allow_reserved),
        sender=senders[0] if senders else None,
        reply_to=_mailboxes(root, "reply-to", allow_reserved=allow_reserved),
        subject=tidy_name((root.header("subject") or "")[:_LONGEST_SUBJECT]),
        date=read_date(root.header("date")),
        message_id=ids[0] if ids else None,
        in_reply_to=_message_ids(root, "in-reply-to"),
        references=_message_ids(root, "references"),
    )


_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")


def _message_ids(root: Part, name: str) -> tuple[str, ...]:
    found = _MESSAGE_ID.findall(root.header(name) or "")
    return tuple(dict.fromkeys(found[-MAX_MESSAGE_IDS:]))


def _mailboxes(root: Part, name: str, *, allow_reserved: bool) -> tuple[Mailbox, ...]:
    """The mailboxes of every header of this name: a second From must not hide behind the first."""
    written = [header.written for header in root.headers if header.name == name][:MAX_MAILBOXES]
    found: list[Mailbox] = []
    for text, address in (mailbox for value in written for mailbox in split_mailboxes(value)):
        try:
            parsed = parse_address(address, allow_reserved=allow_reserved)
        except Refusal:
            continue
        found.append(Mailbox(name=tidy_name(decode_words(text)[:_LONGEST_NAME]) or None, address=parsed))
    return tuple(found[:MAX_MAILBOXES])


# A quoted string, a comment's bracket, or one of the signs that part mailboxes; anything else runs up to the next.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[(),;:<>]|[^"\\(),;:<>]+|\\')


def split_mailboxes(value: str) -> list[tuple[str, str]]:
    """Returns a list of mailboxes (RFC 5322 3.4) as names and addresses as written, encoded words and all: they are
    decoded afterwards, since a decoded name may hold commas and angle brackets (RFC 2047 6.2)."""
    found: list[tuple[str, str]] = []
    current = _Mailbox()
    depth = 0
    for piece in _PIECES.findall(value):
        if piece in "()":
            depth = max(0, depth + (1 if piece == "(" else -1))
        elif depth:
            current.comment.append(piece)
        elif piece in ",;":
            found += current.ended()
            current = _Mailbox()
        elif piece == ":" and current.angle is None:
            current = _Mailbox()  # the name of a group
        else:
            current.take(piece)
        if len(found) > MAX_MAILBOXES:
            return found
    return found + current.ended()


class _Mailbox:
    """One mailbox that is being read."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comment: list[str] = []
        self.angle: list[str] | None = None
        self._inside = False

    def take(self, piece: str) -> None:
        if piece == "<" and self.angle is None:
            self.angle, self._inside = [], True
        elif piece == ">":
            self._inside = False
        elif self._inside and self.angle is not None:
            self.angle.append(piece)
        else:
            self.words.append(piece)

    def ended(self) -> list[tuple[str, str]]:
        words = "".join(self.words).strip()
        if self.angle is not None:
            return [(" ".join(map(_unquoted, self.words)).strip(), "".join(self.angle).strip())]
        return [("".join(self.comment).strip(), words)] if words else []


def _unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word.strip()
    return re.sub(r"\\(.)", r"\1", word[1:-1] if len(word) > 1 and word.endswith('"') else word[1:])
