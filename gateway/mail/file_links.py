"""Signed links to the files of one message, good for minutes: who has one needs no other right.

    PUBLIC_URL/files/TOKEN

A TOKEN is `<key id>-<base64url of body and MAC>`. Its body is the message's UUID, the second at which it ends (four
bytes), the file's place in the message (two bytes), and the customer's id in as few bytes as it needs; it carries no
name and no address. The MAC is HMAC-SHA-256 cut to 128 bits, under a key of this purpose alone.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from uuid import UUID

from gateway.mail import base64url
from gateway.mail.keys import Keyring, Purpose
from gateway.mail.message import MessageRef

LIFE_SECONDS = 300
"""Long enough to press a button of a page that was read a moment ago, too short to be passed on."""

_MAC = 16
_FIXED = 16 + 4 + 2
_LONGEST_CUSTOMER = 8
_TOKEN = re.compile(r"([a-z0-9]{1,4})-([A-Za-z0-9_-]{50,70})")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLink:
    """What a link says: which file of which message."""

    ref: MessageRef
    position: int


def file_url(keyring: Keyring, public_url: str, link: FileLink, *, now: float) -> str:
    """The address of a file, good for `LIFE_SECONDS`; `now` in seconds since 1970."""
    key_id, key = keyring.sign_key(Purpose.FILE)
    customer = link.ref.customer_id
    body = (
        link.ref.message_id.bytes
        + (int(now) + LIFE_SECONDS).to_bytes(4, "big")
        + link.position.to_bytes(2, "big")
        + customer.to_bytes((customer.bit_length() + 7) // 8 or 1, "big")
    )
    return f"{public_url}/files/{key_id}-{base64url.encode(body + _mac(key, body))}"


def read_file_link(keyring: Keyring, token: str, *, now: float) -> FileLink | None:
    """The file that a token names; None unless it is ours for files, and its time is not over."""
    match = _TOKEN.fullmatch(token)
    key = keyring.key(match[1], Purpose.FILE) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or not _FIXED < len(raw) - _MAC <= _FIXED + _LONGEST_CUSTOMER:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not hmac.compare_digest(_mac(key, body), mac) or int.from_bytes(body[16:20], "big") < now:
        return None
    ref = MessageRef(customer_id=int.from_bytes(body[_FIXED:], "big"), message_id=UUID(bytes=body[:16]))
    return FileLink(ref=ref, position=int.from_bytes(body[20:_FIXED], "big"))


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
