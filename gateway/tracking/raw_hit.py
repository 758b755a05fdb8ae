"""One open or click as it came, before it is in the ledger: its id, its origin, its form in the Valkey list."""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.hit import HitKind
from gateway.mail.keys import Purpose
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from gateway.settings import OriginPrivacy


@dataclass(frozen=True, kw_only=True, slots=True)
class RawHit:
    """One fetch as it came. `at` is this process's clock in seconds since 1970; the ledger uses its age."""

    id: UUID
    ref: MessageRef
    kind: HitKind
    at: float
    link: int | None = None
    url: str | None = None
    origin: str | None = None
    agent: str | None = None
    head: bool = False
    prefetch: bool = False
    honeypot: bool = False

    def to_json(self) -> bytes:
        """Returns it as it waits in Valkey."""
        return orjson.dumps(self, default=str)

    @classmethod
    def from_json(cls, text: bytes) -> RawHit:
        """Returns what `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        values = orjson.loads(text)
        ref = values.pop("ref")
        return cls(
            id=UUID(values.pop("id")),
            ref=MessageRef(customer_id=int(ref["customer_id"]), message_id=UUID(ref["message_id"])),
            kind=HitKind(values.pop("kind")),
            at=float(values.pop("at")),
            **values,
        )


def new_hit_id(at: float) -> UUID:
    """Returns a UUIDv7 (RFC 9562) of this moment. Made here and not by PostgreSQL, so that hits written twice, after a
    response that was lost, are there once."""
    raw = bytearray(int(at * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def origin_of(address: str | None, deployment: Deployment) -> str | None:
    """Returns a network address as the setting ORIGIN_PRIVACY keeps it: a keyed hash, in full, or not at all."""
    privacy = deployment.settings.origin_privacy
    if address is None or privacy is OriginPrivacy.NONE:
        return None
    return _origin(address, None if privacy is OriginPrivacy.FULL else deployment.keyring.sign_key(Purpose.ORIGIN)[1])


@lru_cache(maxsize=4096)
def _origin(address: str, key: bytes | None) -> str | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(parsed) if key is None else hmac.digest(key, parsed.packed, "sha256")[:16].hex()


async def insert_hits(connection: Connection, hits: Sequence[RawHit], *, at: float) -> None:
    """Write hits and notify who watches them; `at` is now on the clock of `RawHit.at`. Existing ones stay."""
    await QUERIES.insert_hits(connection, hits=hits, now=at)
    await notify_change(connection, ChangeKind.HIT, [hit.ref for hit in hits])
