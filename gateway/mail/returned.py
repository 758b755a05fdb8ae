"""What a report brings back of the mail it is about: its headers, of a part or of a copy in the text. Pure, bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.mail.delivery_status import ADDRESS
from gateway.mail.received import KIB, MAIL_TYPES, Header, Part, read_headers

_MAX_HEADERS = 200
"""Headers of a returned mail that are kept: a long journey has 100."""
_MAX_TEXT = 64 * KIB
_MAX_HEADER_PARTS = 5
"""Text parts that are looked at for a returned mail's headers: real reports have one or two."""

HEADER_TYPES = frozenset(
    {"text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers", "text/rfc822"}
)
"""Parts that are a mail's headers alone (RFC 6522 4), by the names that systems give them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """What comes back of a mail: at most 200 of its headers. `recipients` are the addresses of its To, as written."""

    message_id: str | None
    recipients: tuple[str, ...]
    subject: str | None
    headers: tuple[Header, ...]

    def header(self, name: str) -> str | None:
        """The first header of this name (small letters), None without one."""
        return next((header.value for header in self.headers if header.name == name), None)


def find_returned(parts: Sequence[Part], copy: str) -> Returned | None:
    """The returned mail's headers: of a part, else of the copy behind the text. None when nothing comes back."""
    tried = 0
    for number, part in enumerate(parts):
        if part.media_type in MAIL_TYPES and part.parts:
            return returned_mail(part.parts[0].headers)
        text = part.media_type == "text/plain" and number > 0
        if (text or part.media_type in HEADER_TYPES) and tried < _MAX_HEADER_PARTS:
            tried += 1
            headers = read_headers(part.content(_MAX_TEXT).lstrip())
            if any(header.name in ("message-id", "received", "from") for header in headers):
                return returned_mail(headers)
    headers = read_headers(copied_mail(copy))
    return returned_mail(headers) if headers else None


def copied_mail(copy: str) -> bytes:
    """A copy from its first header on."""
    return _FIRST_LINES.sub("", copy, count=1).encode("utf-8", "replace")


_FIRST_LINES = re.compile(r"\A(?:(?:[^:\n]{0,200}|>?From [^\n]{0,200})\n){0,8}(?=[ \t]*[\w-]{2,40}:)[ \t]*")
"""Lines between the words that start a copy and its first header."""
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")


def returned_mail(headers: tuple[Header, ...]) -> Returned:
    """A mail that is known by its headers."""

    def first(name: str) -> str:
        return next((header.value for header in headers if header.name == name), "")

    message_id = _MESSAGE_ID.search(first("message-id"))
    return Returned(
        message_id=message_id[1] if message_id else None,
        recipients=tuple(dict.fromkeys(found[0].rstrip(".-_") for found in ADDRESS.finditer(first("to")[:4000]))),
        subject=first("subject") or None,
        headers=headers[:_MAX_HEADERS],
    )
