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

from gateway.compose.signing_keys import RSA, keys_of, read_key_file
from gateway.mail.signed_headers import SignedHeaders, signed_headers
from gateway.settings import DkimKey
from gateway.value import value


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Key:
    number: int
    domain: str
    selector: str
    algorithm: str
    sign: Callable[[bytes], bytes]
    pem: bytes

    @property
    def slow(self) -> bool:
        """Whether a signature takes longer than asking a process for it."""
        return self.algorithm == RSA

    def __repr__(self) -> str:
        return f"_Key({self.selector}._domainkey.{self.domain} {self.algorithm})"


class Signer:
    """Signs mail with the keys of its From's domain, or of the nearest domain above. Thread-safe; holds private keys.

    `ask` says what is to be signed and `finish` puts it together. Between them an ed25519 signature is made at once;
    RSA takes a good part of a millisecond, and is signed by `dkim_processes` off the event loop.
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
        """The keys as they were read, by their numbers: secrets, for `read_pem` in a process of our own."""
        return tuple(key.pem for key in self._keys)

    def keys_of(self, from_domain: str) -> tuple[_Key, ...]:
        """The keys that sign mail from this domain; none: it leaves unsigned."""
        return keys_of(from_domain, self._by_domain)

    def sign(self, content: bytes, from_domain: str) -> bytes:
        """The mail with a DKIM-Signature a key in front of it; as it is when the domain has no key."""
        asked = self.ask(content, from_domain)
        return finish(content, asked, [one.by(one.signed) for one in asked])

    def ask(self, content: bytes, from_domain: str, headers: SignedHeaders | None = None) -> tuple[Asked, ...]:
        """What each key of the domain has to sign of this mail; none: it leaves unsigned. `headers` are its own, where
        its composer knows them."""
        keys = self.keys_of(from_domain)
        if not keys:
            return ()
        head_end = content.find(b"\r\n\r\n") + 2
        covered = headers or signed_headers(content[:head_end])
        body_hash = b64encode(_body_hash(content, head_end + 2))
        return tuple([_asked(_form(key, covered.names), covered.block, body_hash) for key in keys])


@value
class Asked:
    """One signature to be made of `signed` by the key of this number; `by` makes it here and now, which takes long
    where it is `slow`. `header` is the DKIM-Signature up to it."""

    key: int
    signed: bytes
    by: Callable[[bytes], bytes]
    slow: bool
    header: bytes


def finish(content: bytes, asked: Sequence[Asked], made: Sequence[bytes]) -> bytes:
    """The mail with its signatures in front, in the order in which they were asked for."""
    return b"".join((*map(_header, asked, made), content))


def _header(asked: Asked, made: bytes) -> bytes:
    coded = b64encode(made)
    lines = (coded[:72], *[coded[at : at + 74] for at in range(72, len(coded), 74)])
    return asked.header + b"\r\n ".join(lines) + b"\r\n"


@value
class _Form:
    """A DKIM-Signature without its body hash and signature: as it is sent and, relaxed, as it is signed."""

    key: _Key
    header: bytes
    signed: bytes


@lru_cache(maxsize=256)
def _form(key: _Key, names: tuple[str, ...]) -> _Form:
    """The same for all mail of a domain with these headers."""
    lines = [
        f"v=1; a={key.algorithm}; c=relaxed/simple; d={key.domain};",
        f"s={key.selector};",
        *_name_lines(names),
        "bh=",
    ]
    # Folded on the wire; relaxed, a fold is one space: both forms are made of the same lines.
    header, signed = "\r\n ".join(lines), " ".join(lines)
    return _Form(key=key, header=f"DKIM-Signature: {header}".encode(), signed=f"dkim-signature:{signed}".encode())


def _asked(form: _Form, block: bytes, body_hash: bytes) -> Asked:
    key = form.key
    return Asked(
        key=key.number,
        signed=b"%b%b%b; b=" % (block, form.signed, body_hash),
        by=key.sign,
        slow=key.slow,
        header=b"%b%b;\r\n b=" % (form.header, body_hash),
    )


def _name_lines(names: tuple[str, ...]) -> list[str]:
    lines, line = [], "h="
    for name in names:
        if len(line) + len(name) > 74:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return [*lines, f"{line[:-1]};"]


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
    pem, key = read_key_file(setting)
    return _Key(
        number=number,
        domain=setting.domain.lower(),
        selector=setting.selector,
        algorithm=key.algorithm,
        sign=key.sign,
        pem=pem,
    )
