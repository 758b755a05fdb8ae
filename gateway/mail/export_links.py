"""Signed links to whole lists, written while they are fetched: good for minutes, while their caller is.

    PUBLIC_URL/exports/TOKEN

A TOKEN is `<key id>-<base64url of body and MAC>`. Its body is the second at which it ends (four bytes) and JSON: whose
token or session asked, as what the list is written, and which list. The MAC is HMAC-SHA-256 cut to 128 bits, under a
key of this purpose alone.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.mail import base64url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.mail.keys import Keyring, Purpose

LONGEST_WANTED = 4000
"""Octets of the JSON: with it a request line stays below the 8 KiB that nginx takes by default."""

_MAC = 16
_TOKEN = re.compile(r"([a-z0-9]{1,4})-([A-Za-z0-9_-]{30,6000})")


class ExportFormat(StrEnum):
    """As what a list is written."""

    CSV = "CSV"
    JSONL = "JSONL"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportLink:
    """What a link says: `wanted` names a list and its filter, in JSON. `caller` is a token's or session's name."""

    caller: str
    format: ExportFormat
    wanted: Mapping[str, Any]


def export_url(keyring: Keyring, public_url: str, link: ExportLink, *, now: float) -> str | None:
    """The address of a list as a file, good for five minutes; `now` in seconds since 1970. None when it would be too
    long: a filter of thousands of values."""
    key_id, key = keyring.sign_key(Purpose.EXPORT)
    said = json.dumps([link.caller, link.format, link.wanted], separators=(",", ":")).encode()
    if len(said) > LONGEST_WANTED:
        return None
    body = (int(now) + LIFE_SECONDS).to_bytes(4, "big") + said
    return f"{public_url}/exports/{key_id}-{base64url.encode(body + _mac(key, body))}"


def read_export_link(keyring: Keyring, token: str, *, now: float) -> ExportLink | None:
    """The list that a token names; None unless it is ours for lists, and its time is not over."""
    match = _TOKEN.fullmatch(token)
    key = keyring.key(match[1], Purpose.EXPORT) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or len(raw) < 4 + _MAC:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not hmac.compare_digest(_mac(key, body), mac) or int.from_bytes(body[:4], "big") < now:
        return None
    caller, written, wanted = json.loads(body[4:])
    return ExportLink(caller=caller, format=ExportFormat(written), wanted=wanted)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
