"""Base64url (RFC 4648 5) without padding: letters, digits, `-` and `_`, which no proxy and no mail client escapes."""

from __future__ import annotations

import base64
import binascii


def encode(raw: bytes) -> str:
    """Returns four characters for three bytes; the last group may be shorter."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes | None:
    """Returns the bytes; None unless `text` is their one spelling: the last character's spare bits must be zero."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if encode(raw) == text else None
