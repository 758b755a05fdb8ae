"""Signed tokens: open, click, unsubscribe, return path. They carry customer, message and link, and no address.

    open          PUBLIC_URL/o/TOKEN
    click         PUBLIC_URL/c/TOKEN/DESTINATION      base64url; the MAC covers it: never an open redirect
    unsubscribe   PUBLIC_URL/u/TOKEN                  under 100 characters: long folded headers have broken DKIM
    return path   b<length of key id><key id><base32>@domain     under 64 octets, survives case folding

A TOKEN is `<key id>-<base64url of body and MAC>`; a body is the message's UUID, the link's number where there is
one, and the customer's id in as few bytes as it needs. The MAC is HMAC-SHA-256 cut to 96 bits (80 in a return
path, which has 64 octets for everything), under a key of its purpose alone.

No path holds anything but letters, digits, `-`, `_` and `/`: proxies decode percent-escapes, merge slashes or refuse
either, and link finders stop at punctuation. Links of the first releases (`LinkForm.ESCAPED`) hold them and are read
for ever. `gateway.mail.link_readings` finds token and destination in a path that was changed on its way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote, urlsplit
from uuid import UUID

import idna

from gateway.mail import base32, base64url
from gateway.mail.keys import Keyring, Purpose
from gateway.mail.message import MessageRef

UrlOf = Callable[[MessageRef], str]
"""Makes one address for any message."""


class LinkForm(StrEnum):
    """How a path is written. ESCAPED: `<key id>.<base64url>`, and the destination percent-encoded."""

    PLAIN = "plain"
    ESCAPED = "escaped"


MAX_DESTINATION = 3000
"""Characters of a link we rewrite, as a Location header has it. A longer one stays as its author wrote it: by default
nginx answers 502 when the head of our redirect has more than 4 KiB, and 414 to a request line of more than 8 KiB."""

MAX_ESCAPED_DESTINATION = 8192
"""The limit of `LinkForm.ESCAPED`, in octets: mail of its time is composed again as it was."""

LONGEST_PUBLIC_URL = 42
"""Characters: with the longest token behind it, a List-Unsubscribe address still has under 100."""

MAX_LINK_NUMBER = 32767
"""Two bytes, and `hit.link` is a smallint."""

HONEYPOT_LINK = 0
"""The number of the link no person sees; real links are numbered from 1."""

CHECK = MessageRef(customer_id=0, message_id=UUID(int=0))
"""The message of links that `python -m service check` makes; no mail has it, and their clicks are not recorded."""

_MAC = 12
_RETURN_PATH_MAC = 10
_UUID = 16
_TOKEN = re.compile(r"([a-z0-9]{1,4})[.-]([A-Za-z0-9_-]{20,60})")
_RETURN_PATH = re.compile(r"b([1-4])([a-z0-9]{5,60})")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_SEPARATORS = {LinkForm.PLAIN: "-", LinkForm.ESCAPED: "."}


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What a click token says: which link of which message. `number` 0 is the honeypot."""

    ref: MessageRef
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnPath:
    """What a return path says: which recipient of which message, in which attempt. Number 0 is the message's To;
    `attempt` is None in those of the first releases, which did not carry it."""

    ref: MessageRef
    recipient_no: int
    attempt: int | None = None


def open_urls(
    keyring: Keyring, public_url: str, *, key_id: str | None = None, form: LinkForm = LinkForm.PLAIN
) -> UrlOf:
    """Makes the pixel's address in any message. `key_id` signs with an older key, to compose old mail again
    (LookupError: removed)."""
    return _urls(keyring, Purpose.OPEN, f"{public_url}/o/", key_id=key_id, form=form)


def open_url(
    keyring: Keyring, public_url: str, ref: MessageRef, *, key_id: str | None = None, form: LinkForm = LinkForm.PLAIN
) -> str:
    """The pixel's address in one message."""
    return open_urls(keyring, public_url, key_id=key_id, form=form)(ref)


def click_urls(
    keyring: Keyring,
    public_url: str,
    link_no: int,
    destination: str,
    *,
    key_id: str | None = None,
    form: LinkForm = LinkForm.PLAIN,
) -> UrlOf:
    """Makes a link that counts the click, in any message, and leads to `destination`, which must be `trackable` (else
    ValueError)."""
    if not 0 <= link_no <= MAX_LINK_NUMBER:
        raise ValueError(f"a link's number is 0 to {MAX_LINK_NUMBER}: {link_no}")
    if not trackable(destination, form):
        raise ValueError(f"only http and https links of at most {MAX_DESTINATION} characters are tracked")
    return _urls(
        keyring,
        Purpose.CLICK,
        f"{public_url}/c/",
        extra=link_no.to_bytes(2, "big"),
        tail=destination.encode(),
        end=f"/{_written(destination, form)}",
        key_id=key_id,
        form=form,
    )


def click_url(
    keyring: Keyring,
    public_url: str,
    ref: MessageRef,
    link_no: int,
    destination: str,
    *,
    key_id: str | None = None,
    form: LinkForm = LinkForm.PLAIN,
) -> str:
    """The same in one message."""
    return click_urls(keyring, public_url, link_no, destination, key_id=key_id, form=form)(ref)


def unsubscribe_urls(
    keyring: Keyring, public_url: str, *, key_id: str | None = None, form: LinkForm = LinkForm.PLAIN
) -> UrlOf:
    """Makes the address of List-Unsubscribe (RFC 8058) and of the visible link in any message: at most 57 characters
    after PUBLIC_URL."""
    return _urls(keyring, Purpose.UNSUBSCRIBE, f"{public_url}/u/", key_id=key_id, form=form)


def unsubscribe_url(
    keyring: Keyring, public_url: str, ref: MessageRef, *, key_id: str | None = None, form: LinkForm = LinkForm.PLAIN
) -> str:
    """The same in one message."""
    return unsubscribe_urls(keyring, public_url, key_id=key_id, form=form)(ref)


def return_paths(keyring: Keyring, domain: str) -> Callable[[MessageRef, int], str]:
    """Makes the envelope's sender of any recipient of any message: a bounce that comes back names both, whatever its
    text says."""
    key_id, key = keyring.sign_key(Purpose.RETURN_PATH)
    start, end = f"b{len(key_id)}{key_id}", f"@{domain}"

    def path(ref: MessageRef, recipient_no: int) -> str:
        body = _body(ref, recipient_no.to_bytes(1, "big"))
        return start + base32.encode(body + _mac(key, body)[:_RETURN_PATH_MAC]) + end

    return path


def return_path(keyring: Keyring, domain: str, ref: MessageRef, recipient_no: int = 0) -> str:
    """The same for one recipient."""
    return return_paths(keyring, domain)(ref, recipient_no)


def read_open(keyring: Keyring, token: str) -> MessageRef | None:
    """The message whose pixel this is; None when the token is not one of ours for opens."""
    body = _verified(keyring, Purpose.OPEN, token)
    return _read_body(body) if body else None


def read_click(keyring: Keyring, token: str, destination: bytes) -> Link | None:
    """The link clicked; None unless the token is ours for clicks and its MAC covers exactly this destination.

    `destination` is what follows the token in the URL, decoded.
    """
    body = _verified(keyring, Purpose.CLICK, token, destination)
    ref = _read_body(body, extra=2) if body else None
    if body is None or ref is None:
        return None
    return Link(ref=ref, number=int.from_bytes(body[_UUID : _UUID + 2], "big"))


def read_unsubscribe(keyring: Keyring, token: str) -> MessageRef | None:
    """The message whose unsubscribe link this is; None when the token is not one of ours for that."""
    body = _verified(keyring, Purpose.UNSUBSCRIBE, token)
    return _read_body(body) if body else None


def read_return_path(keyring: Keyring, address: str) -> ReturnPath | None:
    """The recipient whose return path this is, in whatever case it came back; None when it is not one of ours."""
    match = _RETURN_PATH.fullmatch(address.partition("@")[0].lower())
    if match is None:
        return None
    length, rest = int(match[1]), match[2]
    key = keyring.key(rest[:length], Purpose.RETURN_PATH)
    raw = base32.decode(rest[length:])
    if key is None or raw is None or len(raw) <= _UUID + 1 + _RETURN_PATH_MAC:
        return None
    body, mac = raw[:-_RETURN_PATH_MAC], raw[-_RETURN_PATH_MAC:]
    ref = _read_body(body, extra=1) if hmac.compare_digest(_mac(key, body)[:_RETURN_PATH_MAC], mac) else None
    return ReturnPath(ref=ref, recipient_no=body[_UUID]) if ref else None


@lru_cache(maxsize=4096)
def trackable(url: str, form: LinkForm = LinkForm.PLAIN) -> bool:
    """Whether a link may be rewritten: http or https with a host, no control characters, not too long for its form."""
    try:
        if len(url.encode()) > MAX_ESCAPED_DESTINATION or _CONTROLS.search(url):
            return False
        parts, shown = urlsplit(url), ascii_url(url)
        fits = form is LinkForm.ESCAPED or len(shown) <= MAX_DESTINATION
        return fits and parts.scheme in ("http", "https") and bool(parts.hostname) and shown.isascii()
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def ascii_url(url: str) -> str:
    """A link as a Location header may carry it (RFC 3986): IDN hosts as A-labels, other foreign bytes percent-encoded.

    Raises ValueError when it has no such form.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        coded = idna.encode(host, uts46=True).decode()
        userinfo, at, _ = parts.netloc.rpartition("@")
        port = f":{parts.port}" if parts.port else ""
        url = parts._replace(netloc=f"{userinfo}{at}{coded}{port}").geturl()
    return quote(url, safe="%:/?#[]@!$&'()*+,;=-._~")


@lru_cache(maxsize=4096)
def _written(destination: str, form: LinkForm) -> str:
    return base64url.encode(destination.encode()) if form is LinkForm.PLAIN else quote(destination, safe="")


def _body(ref: MessageRef, extra: bytes = b"") -> bytes:
    width = (ref.customer_id.bit_length() + 7) // 8 or 1
    return ref.message_id.bytes + extra + ref.customer_id.to_bytes(width, "big")


def _read_body(body: bytes, extra: int = 0) -> MessageRef | None:
    customer = body[_UUID + extra :]
    if not 1 <= len(customer) <= 8:
        return None
    return MessageRef(customer_id=int.from_bytes(customer, "big"), message_id=UUID(bytes=body[:_UUID]))


def _mac(key: bytes, body: bytes, tail: bytes = b"") -> bytes:
    """HMAC-SHA-256 (RFC 2104), its two hashes started once a key: a campaign mail costs one a link."""
    started, finishing = _started(key)
    inner, outer = started.copy(), finishing.copy()
    # The body's length goes first: no byte can move between body and destination.
    inner.update(bytes([len(body)]) + body + tail)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=64)
def _started(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    block = key.ljust(64, b"\0")  # our keys are 32 octets, below SHA-256's block
    return hashlib.sha256(bytes(octet ^ 0x36 for octet in block)), hashlib.sha256(
        bytes(octet ^ 0x5C for octet in block)
    )


def _urls(
    keyring: Keyring,
    purpose: Purpose,
    start: str,
    *,
    extra: bytes = b"",
    tail: bytes = b"",
    end: str = "",
    key_id: str | None,
    form: LinkForm,
) -> UrlOf:
    """Makes `start`, a token and `end`; the token's MAC covers `tail`, too. What every message shares is found now."""
    signed_by, key = keyring.sign_key(purpose, key_id)
    start = f"{start}{signed_by}{_SEPARATORS[form]}"

    def url(ref: MessageRef) -> str:
        body = _body(ref, extra)
        return f"{start}{base64url.encode(body + _mac(key, body, tail)[:_MAC])}{end}"

    return url


def _verified(keyring: Keyring, purpose: Purpose, token: str, tail: bytes = b"") -> bytes | None:
    """The token's body when its MAC is right. Compared in constant time."""
    match = _TOKEN.fullmatch(token)
    key = keyring.key(match[1], purpose) if match else None
    raw = base64url.decode(match[2]) if match else None
    if key is None or raw is None or len(raw) <= _UUID + _MAC:
        return None
    body, mac = raw[:-_MAC], raw[-_MAC:]
    return body if hmac.compare_digest(_mac(key, body, tail)[:_MAC], mac) else None
