"""A stored individual mail, made for another address of its customer: its To, and the guest of its appointment."""

from __future__ import annotations

import base64
import re

from gateway.compose.calendar import PRODUCT, attendee_line
from gateway.mail.header import mailboxes_header
from gateway.mail.letter import Mailbox

_TO = re.compile(rb"^To:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", re.MULTILINE)
_CALENDAR = re.compile(
    rb"(^Content-Type: (?:text/calendar|application/ics);[^\r]*\r\n(?:[^\r]+\r\n)*\r\n)([A-Za-z0-9+/=\r\n]+)",
    re.MULTILINE,
)
_ATTENDEE = re.compile(rb"^ATTENDEE;[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", re.MULTILINE)


def readdressed(content: bytes, to: Mailbox) -> bytes:
    """Returns the bytes that the same letter would have had, had it been for this address.

    `content` is a mail as `individual.compose` makes it: everything else stays as it is, byte for byte.
    """
    head, blank, body = content.partition(b"\r\n\r\n")
    line = mailboxes_header("To", [(to.name, to.address)]).encode()
    head = _TO.sub(lambda _: line, head + b"\r\n", count=1).removesuffix(b"\r\n")
    return head + blank + _CALENDAR.sub(lambda part: part[1] + _with_guest(part[2], to), body)


def _with_guest(coded: bytes, to: Mailbox) -> bytes:
    calendar = base64.b64decode(coded)
    if PRODUCT.encode() not in calendar:  # somebody's own file
        return coded
    calendar = _ATTENDEE.sub(lambda _: attendee_line(to), calendar)
    return base64.encodebytes(calendar).replace(b"\n", b"\r\n")
