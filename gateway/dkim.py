"""DKIM-Signature (RFC 6376; RFC 8463 for ed25519): headers relaxed, body simple.

`simple` leaves the body's bytes as they are, which is thirty times cheaper than `relaxed` and safe: our bodies are
7-bit with short lines, and no server has a reason to rewrite those.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.errors import SettingsError
from gateway.settings import EXAMPLES, DkimKey

SIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id"),
)
"""The headers a signature covers, where the mail has them (RFC 6376 5.4.1; RFC 8058 4 wants the two of the list)."""

SEALED = ("from", "to", "subject", "date", "reply-to")
"""Named once more than the mail has them: adding a second one breaks the signature (RFC 6376 8.15)."""

_SMALLEST_RSA = 1024
"""Bits that verifiers must take (RFC 8301 3.2); sign with 2048."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Key:
    domain: str
    selector: str
    algorithm: str
    sign: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        return f"_Key({self.selector}._domainkey.{self.domain} {self.algorithm})"


class Signer:
    """Signs mail with the keys of its From's domain, or of the nearest domain above. Thread-safe; holds private keys.

    RSA takes a good part of a millisecond and releases the GIL: call it from a thread.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys: dict[str, tuple[_Key, ...]] = {}
        for key in keys:
            self._keys[key.domain] = (*self._keys.get(key.domain, ()), key)

    def __repr__(self) -> str:
        """The domains only."""
        return f"Signer({', '.join(self._keys)})"

    @classmethod
    def from_settings(cls, dkim_keys: Sequence[DkimKey]) -> Signer:
        """Read the key files of DKIM_KEYS. Raises SettingsError, naming the file that is missing or no key."""
        return cls([_read_key(key) for key in dkim_keys])

    def keys_of(self, from_domain: str) -> tuple[_Key, ...]:
        """The keys that sign mail from this domain; none: it leaves unsigned."""
        domain = from_domain.lower()
        while domain:
            if domain in self._keys:
                return self._keys[domain]
            domain = domain.partition(".")[2]
        return ()

    def sign(self, content: bytes, from_domain: str) -> bytes:
        """The mail with a DKIM-Signature a key in front of it; as it is when the domain has no key."""
        keys = self.keys_of(from_domain)
        if not keys:
            return content
        head_end = content.find(b"\r\n\r\n") + 2
        names, block = _signed_headers(content[:head_end])
        body_hash = b64encode(_body_hash(content, head_end + 2)).decode("ascii")
        return "".join(_signature(key, names, block, body_hash) for key in keys).encode("ascii") + content


def _signature(key: _Key, names: list[str], block: bytes, body_hash: str) -> str:
    lines = [
        f"v=1; a={key.algorithm}; c=relaxed/simple; d={key.domain};",
        f"s={key.selector};",
        *_name_lines(names),
        f"bh={body_hash};",
        "b=",
    ]
    # Folded on the wire; relaxed, a fold is one space: both forms are made of the same lines.
    signed = block + f"dkim-signature:{' '.join(lines)}".encode()
    coded = b64encode(key.sign(signed)).decode("ascii")
    folded = "\r\n ".join([coded[:72], *(coded[at : at + 74] for at in range(72, len(coded), 74))])
    return "DKIM-Signature: " + "\r\n ".join(lines) + folded + "\r\n"


def _name_lines(names: list[str]) -> list[str]:
    lines, line = [], "h="
    for name in names:
        if len(line) + len(name) > 74:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return [*lines, f"{line[:-1]};"]


def _signed_headers(head: bytes) -> tuple[list[str], bytes]:
    """The names for `h=`, and the headers they mean, relaxed (RFC 6376 3.4.2); the last of several comes first."""
    found: dict[str, list[bytes]] = {}
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        key = name.strip().lower()
        found.setdefault(key.decode("ascii", "replace"), []).append(key + b":" + b" ".join(value.split()) + b"\r\n")
    names: list[str] = []
    block: list[bytes] = []
    for wanted in SIGNED:
        headers = found.get(wanted, [])
        names += [wanted] * (len(headers) + (wanted in SEALED))
        block += reversed(headers)
    return names, b"".join(block)


def _body_hash(content: bytes, start: int) -> bytes:
    """SHA-256 of the body, empty lines at its end left out (RFC 6376 3.4.3)."""
    end = len(content)
    while end - 4 >= start and content[end - 4 : end] == b"\r\n\r\n":
        end -= 2
    digest = hashlib.sha256(memoryview(content)[start:end])
    if end == start or content[end - 2 : end] != b"\r\n":
        digest.update(b"\r\n")
    return digest.digest()


def _read_key(setting: DkimKey) -> _Key:
    where = f"DKIM_KEYS: the key file {setting.path!r} of {setting.selector}._domainkey.{setting.domain}"
    example = f" For example: DKIM_KEYS={EXAMPLES['DKIM_KEYS']}"
    try:
        key = load_pem_private_key(Path(setting.path).read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(f"{where} cannot be read: {error.strerror}.{example}") from None
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where} is no unencrypted private key in PEM.{example}") from error
    domain = setting.domain.lower()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _Key(domain=domain, selector=setting.selector, algorithm="ed25519-sha256", sign=_ed25519(key))
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _SMALLEST_RSA:
            raise SettingsError(f"{where} has {key.key_size} bits; verifiers want 1024 at least, make it 2048.")
        return _Key(domain=domain, selector=setting.selector, algorithm="rsa-sha256", sign=_rsa(key))
    raise SettingsError(f"{where} is neither RSA nor ed25519.{example}")


def _rsa(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda signed: key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def _ed25519(key: ed25519.Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    # RFC 8463 3: ed25519 signs the SHA-256 of what RSA would sign.
    return lambda signed: key.sign(hashlib.sha256(signed).digest())
