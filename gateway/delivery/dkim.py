"""DKIM-Signature (RFC 6376; RFC 8463 for ed25519): headers relaxed, body simple.

`simple` leaves the body's bytes as they are, which is thirty times cheaper than `relaxed` and safe: our bodies are
7-bit with short lines, and no server has a reason to rewrite those.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
    number: int
    domain: str
    selector: str
    algorithm: str
    sign: Callable[[bytes], bytes]
    pem: bytes

    def __repr__(self) -> str:
        return f"_Key({self.selector}._domainkey.{self.domain} {self.algorithm})"


class Signer:
    """Signs mail with the keys of its From's domain, or of the nearest domain above. Thread-safe; holds private keys.

    RSA takes a good part of a millisecond: off the event loop, `ask` says what is to be signed, `dkim_processes` signs
    it, and `finish` puts it together.
    """

    __slots__ = ("_by_domain", "_keys")

    def __init__(self, keys: Sequence[_Key]) -> None:
        self._keys = tuple(keys)
        self._by_domain: dict[str, tuple[_Key, ...]] = {}
        for key in keys:
            self._by_domain[key.domain] = (*self._by_domain.get(key.domain, ()), key)

    def __repr__(self) -> str:
        """The domains only."""
        return f"Signer({', '.join(self._by_domain)})"

    @classmethod
    def from_settings(cls, dkim_keys: Sequence[DkimKey]) -> Signer:
        """Read the key files of DKIM_KEYS. Raises SettingsError, naming the file that is missing or no key."""
        return cls([_read_key(key, number) for number, key in enumerate(dkim_keys)])

    @property
    def pems(self) -> tuple[bytes, ...]:
        """The keys as they were read, by their numbers: secrets, for `signing_key` in a process of our own."""
        return tuple(key.pem for key in self._keys)

    def keys_of(self, from_domain: str) -> tuple[_Key, ...]:
        """The keys that sign mail from this domain; none: it leaves unsigned."""
        domain = from_domain.lower()
        while domain:
            if domain in self._by_domain:
                return self._by_domain[domain]
            domain = domain.partition(".")[2]
        return ()

    def sign(self, content: bytes, from_domain: str) -> bytes:
        """The mail with a DKIM-Signature a key in front of it; as it is when the domain has no key."""
        asked = self.ask(content, from_domain)
        return finish(content, asked, [one.by(one.signed) for one in asked])

    def ask(self, content: bytes, from_domain: str) -> tuple[Asked, ...]:
        """What each key of the domain has to sign of this mail; none: it leaves unsigned."""
        keys = self.keys_of(from_domain)
        if not keys:
            return ()
        head_end = content.find(b"\r\n\r\n") + 2
        names, block = _signed_headers(content[:head_end])
        body_hash = b64encode(_body_hash(content, head_end + 2)).decode("ascii")
        return tuple(_asked(key, names, block, body_hash) for key in keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One signature to be made of `signed`, by the key of this number; `by` makes it here and now. `lines` are the
    DKIM-Signature around it."""

    key: int
    signed: bytes
    by: Callable[[bytes], bytes]
    lines: tuple[str, ...]


def finish(content: bytes, asked: Sequence[Asked], made: Sequence[bytes]) -> bytes:
    """The mail with its signatures in front, in the order in which they were asked for."""
    return "".join(map(_header, asked, made)).encode("ascii") + content


def _header(asked: Asked, made: bytes) -> str:
    coded = b64encode(made).decode("ascii")
    folded = "\r\n ".join([coded[:72], *(coded[at : at + 74] for at in range(72, len(coded), 74))])
    return "DKIM-Signature: " + "\r\n ".join(asked.lines) + folded + "\r\n"


def _asked(key: _Key, names: tuple[str, ...], block: bytes, body_hash: str) -> Asked:
    lines = (
        f"v=1; a={key.algorithm}; c=relaxed/simple; d={key.domain};",
        f"s={key.selector};",
        *_name_lines(names),
        f"bh={body_hash};",
        "b=",
    )
    # Folded on the wire; relaxed, a fold is one space: both forms are made of the same lines.
    signed = block + f"dkim-signature:{' '.join(lines)}".encode()
    return Asked(key=key.number, signed=signed, by=key.sign, lines=lines)


@lru_cache(maxsize=64)
def _name_lines(names: tuple[str, ...]) -> list[str]:
    lines, line = [], "h="
    for name in names:
        if len(line) + len(name) > 74:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return [*lines, f"{line[:-1]};"]


def _signed_headers(head: bytes) -> tuple[tuple[str, ...], bytes]:
    """The names for `h=`, and the headers they mean, relaxed (RFC 6376 3.4.2); the last of several comes first."""
    found: dict[str, list[bytes]] = {}
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        key = _header_key(name)
        if key is not None:
            found.setdefault(key, []).append(b"%b:%b\r\n" % (key.encode(), b" ".join(value.split())))
    names: list[str] = []
    block: list[bytes] = []
    for wanted in SIGNED:
        headers = found.get(wanted, [])
        names += [wanted] * (len(headers) + (wanted in SEALED))
        block += reversed(headers)
    return tuple(names), b"".join(block)


@lru_cache(maxsize=256)
def _header_key(name: bytes) -> str | None:
    """The header's name in small letters where it is one that we sign."""
    key = name.strip().lower().decode("ascii", "replace")
    return key if key in SIGNED else None


def _body_hash(content: bytes, start: int) -> bytes:
    """SHA-256 of the body, empty lines at its end left out (RFC 6376 3.4.3)."""
    end = len(content)
    while end - 4 >= start and content[end - 4 : end] == b"\r\n\r\n":
        end -= 2
    digest = hashlib.sha256(memoryview(content)[start:end])
    if end == start or content[end - 2 : end] != b"\r\n":
        digest.update(b"\r\n")
    return digest.digest()


def _read_key(setting: DkimKey, number: int) -> _Key:
    where = f"DKIM_KEYS: the key file {setting.path!r} of {setting.selector}._domainkey.{setting.domain}"
    example = f" For example: DKIM_KEYS={EXAMPLES['DKIM_KEYS']}"
    try:
        pem = Path(setting.path).read_bytes()
        algorithm, sign = signing_key(pem)
    except OSError as error:
        raise SettingsError(f"{where} cannot be read: {error.strerror}.{example}") from None
    except _UnfitKey as error:
        raise SettingsError(f"{where} {error}.{example}") from None
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where} is no unencrypted private key in PEM.{example}") from error
    domain = setting.domain.lower()
    return _Key(number=number, domain=domain, selector=setting.selector, algorithm=algorithm, sign=sign, pem=pem)


class _UnfitKey(ValueError):
    """What is wrong with a key that can be read."""


def signing_key(pem: bytes) -> tuple[str, Callable[[bytes], bytes]]:
    """A private key's algorithm, as `a=` names it, and what signs by it. Raises ValueError or TypeError: it is none."""
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519-sha256", _ed25519(key)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _UnfitKey("is neither RSA nor ed25519")
    if key.key_size < _SMALLEST_RSA:
        raise _UnfitKey(f"has {key.key_size} bits; verifiers want 1024 at least, make it 2048")
    return "rsa-sha256", _rsa(key)


def _rsa(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda signed: key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def _ed25519(key: ed25519.Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    # RFC 8463 3: ed25519 signs the SHA-256 of what RSA would sign.
    return lambda signed: key.sign(hashlib.sha256(signed).digest())
