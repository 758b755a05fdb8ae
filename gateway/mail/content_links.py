"""Signed links to a mail itself, its page, its bytes, its files: good for minutes, while their caller may see it.

    PUBLIC_URL/content/TOKEN

A TOKEN is `<key id>-<base64url of body and MAC>`. Its body is the message's UUID, the second at which it ends (four
bytes), what is wanted (a byte) with the file's place (two bytes), the customer's id (eight bytes), and in UTF-8 whose
token or session asked. The MAC is HMAC-SHA-256 cut to 128 bits, under a key of this purpose alone.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from gateway.mail import base64url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.mail.keys import Keyring, Purpose
from gateway.mail.message import MessageRef

_MAC = 16
_CALLER = 16 + 4 + 1 + 2 + 8
_TOKEN = re.compile(r"([a-z0-9]{1,4})-([A-Za-z0-9_-]{60,6000})")


class Wanted(IntEnum):
    """What of a mail a link leads to."""

    PAGE = 0
    RAW = 1
    FILE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ContentLink:
    """What a link says. `caller` is a token's or session's name; `position` is that of a file among the message's."""

    caller: str
    ref: MessageRef
    wanted: Wanted
    position: int = 0


def content_url(keyring: Keyring, public_url: str, link: ContentLink, *, now: float) -> str:
    """The address of a mail's page, bytes or file, good for five minutes; `now` in seconds since 1970."""
    key_id, key = keyring.sign_key(Purpose.CONTENT)
    body = (
        link.ref.message_id.bytes
        + (int(now) + LIFE_SECONDS).to_bytes(4, "big")
        + bytes([link.wanted])
        + link.position.to_bytes(2, "big")
        + link.ref.customer_id.to_bytes(8, "big")
        + link.caller.encode()
    )
    return f"{public_url}/content/{key_id}-{base64url.encode(body + _mac(key, body))}"


def read_content_link(keyring: Keyring, token: str, *, now: float) -> ContentLink | None:
    """What a token leads to; None unless it is ours for content, and its time is not over."""
    match = _TOKEN.fullmatch(token)
    key = keyring.key(match[1], Purpose.CONTENT) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or len(raw) < _CALLER + _MAC:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not hmac.compare_digest(_mac(key, body), mac) or int.from_bytes(body[16:20], "big") < now:
        return None
    return ContentLink(
        caller=body[_CALLER:].decode(),
        ref=MessageRef(customer_id=int.from_bytes(body[23:_CALLER], "big"), message_id=UUID(bytes=body[:16])),
        wanted=Wanted(body[20]),
        position=int.from_bytes(body[21:23], "big"),
    )


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
