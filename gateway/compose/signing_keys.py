"""Private keys that mail is signed by (DKIM_KEYS): read from their files, and what DNS must say of each."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from nacl import signing

from gateway.errors import SettingsError
from gateway.settings import EXAMPLES, DkimKey

RSA = "rsa-sha256"
_SMALLEST_RSA = 1024
"""Bits that verifiers must take (RFC 8301 3.2); sign with 2048."""


Key = TypeVar("Key")


def keys_of(from_domain: str, by_domain: Mapping[str, tuple[Key, ...]]) -> tuple[Key, ...]:
    """The keys that sign mail from this domain: its own, or those of the nearest domain above; none: it leaves
    unsigned. Domains are in small letters."""
    domain = from_domain.lower()
    while domain:
        if domain in by_domain:
            return by_domain[domain]
        domain = domain.partition(".")[2]
    return ()


class UnfitKey(ValueError):
    """What is wrong with a key that can be read."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SigningKey:
    """A private key. `algorithm` is as `a=` names it; `sign` makes a signature. `public` are the forms in which its
    public half may stand in DNS (RFC 6376 3.6.1, RFC 8463 4), the usual one first."""

    algorithm: str
    sign: Callable[[bytes], bytes]
    public: tuple[bytes, ...]

    @property
    def key_type(self) -> str:
        """As `k=` in DNS names it."""
        return self.algorithm.partition("-")[0]

    @property
    def record(self) -> str:
        """What to put into DNS."""
        return f"v=DKIM1; k={self.key_type}; p={b64encode(self.public[0]).decode()}"


def read_pem(pem: bytes) -> SigningKey:
    """Reads a private key. Raises ValueError or TypeError: it is none; UnfitKey: none to sign mail by."""
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return SigningKey(algorithm="ed25519-sha256", sign=_ed25519(key), public=(raw,))
    if not isinstance(key, rsa.RSAPrivateKey):
        raise UnfitKey("is neither RSA nor ed25519")
    if key.key_size < _SMALLEST_RSA:
        raise UnfitKey(f"has {key.key_size} bits; verifiers want 1024 at least, make it 2048")
    forms = (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)
    public = tuple(key.public_key().public_bytes(Encoding.DER, form) for form in forms)
    return SigningKey(algorithm=RSA, sign=_rsa(key), public=public)


def read_key_file(setting: DkimKey) -> tuple[bytes, SigningKey]:
    """A key's file and what is in it. Raises SettingsError, naming the file that is missing or no key."""
    where = f"DKIM_KEYS: the key file {setting.path!r} of {setting.selector}._domainkey.{setting.domain}"
    example = f" For example: DKIM_KEYS={EXAMPLES['DKIM_KEYS']}"
    try:
        pem = Path(setting.path).read_bytes()
        return pem, read_pem(pem)
    except OSError as error:
        raise SettingsError(f"{where} cannot be read: {error.strerror}.{example}") from None
    except UnfitKey as error:
        raise SettingsError(f"{where} {error}.{example}") from None
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where} is no unencrypted private key in PEM.{example}") from error


def _rsa(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda signed: key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def _ed25519(key: ed25519.Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    # RFC 8463 3: ed25519 signs the SHA-256 of what RSA would sign. libsodium does so in half the time of OpenSSL.
    made = signing.SigningKey(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return lambda signed: made.sign(hashlib.sha256(signed).digest()).signature
