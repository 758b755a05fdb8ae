"""Signed tokens of bulk actions: what a preview showed, and who may have it done until when.

    <key id>-<base64url of body and MAC>

The body is the second at which the token ends (four bytes), then, deflated: JSON of caller, action, moment, filter and
numbers, and behind it the keys of the messages that were shown, 24 bytes each. The keys themselves stand in it: by a
digest of them nobody could tell, once some are gone, which of the rest had been shown. Whatever holds is in the token,
so that a preview writes nothing. The MAC is HMAC-SHA-256 cut to 128 bits, under a key of this purpose alone.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.mail import base64url
from gateway.mail.keys import Keyring, Purpose
from gateway.mail.message import MessageRef, Status

LIFE_SECONDS = 900
"""Long enough to read a preview and ask a colleague; what was shown grows old."""
MAX_SHOWN = 10_000
"""Messages of one token: with as many it has some 250,000 characters, a quarter of the largest request."""
LONGEST_WANTED = 100_000
"""Octets of the filter in JSON: 1,000 ids and the longest lists of everything else have less."""

_MAC = 16
_TOKEN = re.compile(r"([a-z0-9]{1,4})-([A-Za-z0-9_-]{30,500000})")
_KEY = struct.Struct(">Q16s")


class BulkMessageAction(StrEnum):
    """What can be done about many messages at once. SQL: the check of `bulk_action.action`."""

    RETRY = "RETRY"
    RETRY_TO_PRESENT_ADDRESS = "RETRY_TO_PRESENT_ADDRESS"
    ASSUME_SENT = "ASSUME_SENT"
    CANCEL = "CANCEL"
    DISMISS = "DISMISS"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownMessage:
    """A message as a preview showed it."""

    ref: MessageRef
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionToken:
    """What a token says. `caller` is a token's or session's name; `wanted` a filter and search in JSON; `shown_at` the
    database's time before the first message was read; `ends_at` in seconds since 1970."""

    caller: str
    action: BulkMessageAction
    wanted: Mapping[str, Any]
    shown_at: datetime
    messages: Sequence[ShownMessage]
    ends_at: int

    def is_over(self, now: float) -> bool:
        """Whether its time is over, at `now` in seconds since 1970."""
        return self.ends_at < now


def sign_action(keyring: Keyring, token: ActionToken) -> str | None:
    """The token as text. None when its filter is too long. Raises ValueError for more than `MAX_SHOWN` messages."""
    if len(token.messages) > MAX_SHOWN:
        raise ValueError("more messages than one token holds")
    wanted = json.dumps(token.wanted, separators=(",", ":"))
    if len(wanted) > LONGEST_WANTED:
        return None
    key_id, key = keyring.sign_key(Purpose.BULK_ACTION)
    body = token.ends_at.to_bytes(4, "big") + zlib.compress(_said(token), 1)
    return f"{key_id}-{base64url.encode(body + _mac(key, body))}"


def read_action(keyring: Keyring, text: str) -> ActionToken | None:
    """What a token says, also when its time is over; None unless it is ours, of this purpose, and unaltered."""
    match = _TOKEN.fullmatch(text)
    key = keyring.key(match[1], Purpose.BULK_ACTION) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or len(raw) < 4 + _MAC:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if not hmac.compare_digest(_mac(key, body), mac):
        return None
    head, _, keys = zlib.decompress(body[4:]).partition(b"\n")
    caller, action, wanted, shown_at, statuses = json.loads(head)
    return ActionToken(
        caller=caller,
        action=BulkMessageAction(action),
        wanted=wanted,
        shown_at=datetime.fromisoformat(shown_at),
        messages=tuple(_messages(statuses, keys)),
        ends_at=int.from_bytes(body[:4], "big"),
    )


def token_digest(text: str) -> bytes:
    """SHA-256 of a token that was read, by which its use is known."""
    return hashlib.sha256(text.encode()).digest()


def _said(token: ActionToken) -> bytes:
    """The JSON on one line, and behind it the keys, in the order of the messages."""
    runs = [(status, len(list(run))) for status, run in itertools.groupby(one.status for one in token.messages)]
    head = json.dumps(
        [token.caller, token.action, token.wanted, token.shown_at.isoformat(), runs], separators=(",", ":")
    )
    keys = (_KEY.pack(one.ref.customer_id, one.ref.message_id.bytes) for one in token.messages)
    return head.encode() + b"\n" + b"".join(keys)


def _messages(runs: Sequence[tuple[str, int]], keys: bytes) -> Iterator[ShownMessage]:
    statuses = itertools.chain.from_iterable(itertools.repeat(Status(status), times) for status, times in runs)
    for status, (customer_id, message_id) in zip(statuses, _KEY.iter_unpack(keys), strict=True):
        ref = MessageRef(customer_id=customer_id, message_id=UUID(bytes=message_id))
        yield ShownMessage(ref=ref, status=status)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
