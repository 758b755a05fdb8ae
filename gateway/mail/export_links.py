"""Signed links to lists that are written while they are fetched, good for minutes: who has one needs no other right.

    PUBLIC_URL/exports/TOKEN

A TOKEN is `<key id>-<base64url of body and MAC>`. Its body is what is exported and as what (a byte each), the UUID of
whose list it is, and the second at which it ends (four bytes). The MAC is HMAC-SHA-256 cut to 128 bits, under a key of
this purpose alone.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gateway.mail import base64url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.mail.keys import Keyring, Purpose

_MAC = 16
_BODY = 1 + 1 + 16 + 4
_TOKEN = re.compile(r"([a-z0-9]{1,4})-([A-Za-z0-9_-]{51})")


class ExportFormat(StrEnum):
    """As what a list is written."""

    CSV = "CSV"
    JSONL = "JSONL"


class ExportKind(StrEnum):
    """What is exported."""

    IMPORT_ERRORS = "IMPORT_ERRORS"


_KINDS = {1: ExportKind.IMPORT_ERRORS}
_FORMATS = {1: ExportFormat.CSV, 2: ExportFormat.JSONL}
"""Numbers are never given anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportLink:
    """What a link says: which list, of what (`row_id`), as what."""

    kind: ExportKind
    row_id: UUID
    format: ExportFormat


def export_url(keyring: Keyring, public_url: str, link: ExportLink, *, now: float) -> str:
    """The address of an export, good for five minutes; `now` in seconds since 1970."""
    key_id, key = keyring.sign_key(Purpose.EXPORT)
    numbers = bytes([_number(_KINDS, link.kind), _number(_FORMATS, link.format)])
    body = numbers + link.row_id.bytes + (int(now) + LIFE_SECONDS).to_bytes(4, "big")
    return f"{public_url}/exports/{key_id}-{base64url.encode(body + _mac(key, body))}"


def read_export_link(keyring: Keyring, token: str, *, now: float) -> ExportLink | None:
    """The list that a token names; None unless it is ours for exports, and its time is not over."""
    match = _TOKEN.fullmatch(token)
    key = keyring.key(match[1], Purpose.EXPORT) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or len(raw) != _BODY + _MAC:
        return None
    body, mac = raw[:_BODY], raw[_BODY:]
    if not hmac.compare_digest(_mac(key, body), mac) or int.from_bytes(body[18:], "big") < now:
        return None
    kind, written = _KINDS.get(body[0]), _FORMATS.get(body[1])
    if kind is None or written is None:
        return None
    return ExportLink(kind=kind, row_id=UUID(bytes=body[2:18]), format=written)


def _number(numbers: dict[int, ExportKind] | dict[int, ExportFormat], value: StrEnum) -> int:
    return next(number for number, one in numbers.items() if one is value)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
