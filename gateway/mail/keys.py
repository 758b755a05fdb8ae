"""Keys derived from the listed master keys: HKDF-SHA256 (RFC 5869) makes one for each purpose.

The first listed key signs; every listed key verifies, so that links in old mail go on working after a rotation.
The last listed key is the oldest: it alone keys addresses, for ever, because opt-outs and suppressions are found by
that key only.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

_SALT = b"customer-emails"


class Purpose(StrEnum):
    """What a key is for; also the `info` of HKDF. A token made for one purpose verifies for no other."""

    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"
    RETURN_PATH = "return-path"
    REPLY = "reply"
    ORIGIN = "origin"
    ADDRESS = "address"
    FILE = "file"
    EXPORT = "export"
    BULK_ACTION = "bulk-action"
    CONTENT = "content"


class MasterKey(Protocol):
    """One entry of SECRET_KEYS: a short id and at least 16 bytes of secret."""

    @property
    def id(self) -> str:
        """1 to 4 small letters and digits."""

    @property
    def secret(self) -> bytes:
        """The master key's bytes."""


class Keyring:
    """Every key derived from the master keys. Immutable; holds secrets, so it shows none."""

    __slots__ = ("_keys", "_newest", "_oldest")

    def __init__(self, masters: Sequence[MasterKey]) -> None:
        if not masters:
            raise ValueError("a keyring needs at least one master key")
        self._keys = {(master.id, purpose): derive(master.secret, purpose) for master in masters for purpose in Purpose}
        if len(self._keys) != len(masters) * len(Purpose):
            raise ValueError("two master keys have one id: every key needs its own")
        self._newest = masters[0].id
        self._oldest = masters[-1].id

    def __repr__(self) -> str:
        """The ids only."""
        return f"Keyring({', '.join(dict.fromkeys(key_id for key_id, _ in self._keys))})"

    def sign_key(self, purpose: Purpose, key_id: str | None = None) -> tuple[str, bytes]:
        """Returns the id and key to sign with: the newest, or the one named, to compose an old mail again.

        Raises LookupError when the named key is no longer listed.
        """
        chosen = key_id or self._newest
        key = self.key(chosen, purpose)
        if key is None:
            raise LookupError(f"secret key {chosen!r} is not in SECRET_KEYS any more")
        return chosen, key

    def key(self, key_id: str, purpose: Purpose) -> bytes | None:
        """Returns the key to verify with; None when no listed key has that id."""
        return self._keys.get((key_id, purpose))

    @property
    def address_key(self) -> bytes:
        """The key of the HMAC of addresses: of the oldest listed key, so that rotation changes no address's hash."""
        return self._keys[self._oldest, Purpose.ADDRESS]


def derive(secret: bytes, purpose: Purpose) -> bytes:
    """Returns 32 bytes by HKDF-SHA256 (RFC 5869): extract with our salt, expand once with the purpose as info."""
    extracted = hmac.digest(_SALT, secret, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
