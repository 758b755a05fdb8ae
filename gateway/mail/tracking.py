"""Signed tokens: open, click, unsubscribe, return path, reply. They carry customer, message and link, and no address.

    open          PUBLIC_URL/o/TOKEN
    click         PUBLIC_URL/c/TOKEN/DESTINATION      base64url; the MAC covers it: never an open redirect
    unsubscribe   PUBLIC_URL/u/TOKEN                  under 100 characters: long folded headers have broken DKIM
    return path   v<length of key id><key id><base32>@domain     at most 64 octets, survives case folding
    reply         r<length of key id><key id><base32>@domain     the same
    customer      c<length of key id><key id><base32>@domain     the same; no message, the customer alone

A TOKEN is `<key id>-<base64url of body and MAC>`; a body is the message's UUID, the link's number where there is
one, and the customer's id in as few bytes as it needs. The MAC is HMAC-SHA-256 cut to 96 bits (80 in an address,
which has 64 octets for everything), under a key of its purpose alone. Return paths of the first releases start with
`b` and carry no attempt; they are read for ever.

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
_ADDRESS_MAC = 10
_UUID = 16
_LONGEST_NUMBER = 8
"""Bytes of a customer's id."""
MAX_ATTEMPT = 255
"""One byte: an attempt after the 255th is named as the 255th."""
_TOKEN = re.compile(r"([a-z0-9]{1,4})[.-]([A-Za-z0-9_-]{20,60})")
_LOCAL_PART = re.compile(r"([bvrc])([1-4])([a-z0-9]{5,62})")
_RETAGGED = re.compile(r"(?:prvs=[0-9a-z]{1,20}=|btv1==[0-9a-z]{1,20}==|prvs/[0-9a-z]{1,20}/)")
"""What a relay that signs return paths itself (BATV) puts in front, and should have taken off again."""
_LONGEST_ADDRESS = 1000
"""Characters that are looked at: a path has 256 (RFC 5321 4.5.3.1.3), and what stands around it has less."""
_OLD, _NEW, _REPLY, _CUSTOMER = "b", "v", "r", "c"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_SEPARATORS = {LinkForm.PLAIN: "-", LinkForm.ESCAPED: "."}


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What a click token says: which link of which message. `number` 0 is the honeypot."""

    ref: MessageRef
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnPath:
    """What a return path says: which recipient of which message, and by which attempt (1 is the first; `MAX_ATTEMPT`
    also stands for later ones; None in a token of the first releases). Recipient 0 is the message's To."""

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


def return_paths(keyring: Keyring, domain: str) -> Callable[[MessageRef, int, int], str]:
    """Makes the envelope's sender of any attempt to reach any recipient of any message: a bounce that comes back names
    all three, whatever its text says."""
    key_id, key = keyring.sign_key(Purpose.RETURN_PATH)
    start, end, tail = f"{_NEW}{len(key_id)}{key_id}", f"@{domain}", _MAC_TAILS[_NEW]

    def path(ref: MessageRef, recipient_no: int, attempt: int) -> str:
        named = attempt if attempt < MAX_ATTEMPT else MAX_ATTEMPT
        body = _body(ref, (recipient_no << 8 | named).to_bytes(2, "big"))
        return start + base32.encode(body + _mac(key, body, tail)[:_ADDRESS_MAC]) + end

    return path


def return_path(keyring: Keyring, domain: str, ref: MessageRef, recipient_no: int = 0, attempt: int = 1) -> str:
    """The same for one attempt."""
    return return_paths(keyring, domain)(ref, recipient_no, attempt)


def reply_addresses(keyring: Keyring, domain: str, *, key_id: str | None = None) -> UrlOf:
    """Makes the address to which replies to any message come back. `key_id` signs with an older key, to compose old
    mail again (LookupError: removed)."""
    signed_by, key = keyring.sign_key(Purpose.REPLY, key_id)
    start, end = f"{_REPLY}{len(signed_by)}{signed_by}", f"@{domain}"

    def address(ref: MessageRef) -> str:
        body = _body(ref)
        return start + base32.encode(body + _mac(key, body)[:_ADDRESS_MAC]) + end

    return address


def reply_address(keyring: Keyring, domain: str, ref: MessageRef, *, key_id: str | None = None) -> str:
    """The same for one message."""
    return reply_addresses(keyring, domain, key_id=key_id)(ref)


def customer_address(keyring: Keyring, domain: str, customer_id: int) -> str:
    """The address by which mail joins a customer's history, whatever it answers: Reply-To of what people write to the
    customer in their own mail programs."""
    key_id, key = keyring.sign_key(Purpose.REPLY)
    body = _number(customer_id)
    signed = body + _mac(key, body, _MAC_TAILS[_CUSTOMER])[:_ADDRESS_MAC]
    return f"{_CUSTOMER}{len(key_id)}{key_id}{base32.encode(signed)}@{domain}"


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
    """The attempt whose return path this is, however mail servers wrote it (`_local_part`) and whatever its domain;
    None when it is not one of ours."""
    letter, body = _verified_address(keyring, Purpose.RETURN_PATH, address)
    if letter == _NEW:
        ref = _read_body(body, extra=2)
        return ReturnPath(ref=ref, recipient_no=body[_UUID], attempt=body[_UUID + 1]) if ref else None
    ref = _read_body(body, extra=1) if letter == _OLD else None
    return ReturnPath(ref=ref, recipient_no=body[_UUID], attempt=None) if ref else None


def read_reply_address(keyring: Keyring, address: str) -> MessageRef | None:
    """The message that is answered by mail to this address, written and read as return paths are; None when it is not
    one of ours."""
    letter, body = _verified_address(keyring, Purpose.REPLY, address)
    return _read_body(body) if letter == _REPLY else None


def read_customer_address(keyring: Keyring, address: str) -> int | None:
    """The customer whose history mail to this address joins, written and read as return paths are; None when it is not
    one of ours."""
    letter, body = _verified_address(keyring, Purpose.REPLY, address)
    return int.from_bytes(body, "big") if letter == _CUSTOMER and len(body) <= _LONGEST_NUMBER else None


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


_MAC_TAILS = {_OLD: b"", _NEW: b"v", _REPLY: b"", _CUSTOMER: b"c"}
"""What the MAC covers besides the body: without it, a `b` for the `v` would move the bytes of attempt and customer."""


def _verified_address(keyring: Keyring, purpose: Purpose, address: str) -> tuple[str, bytes]:
    """The letter and body of an address of ours whose MAC is right, else two empty ones. Compared in constant time."""
    match = _LOCAL_PART.fullmatch(_local_part(address))
    if match is None:
        return "", b""
    letter, length, rest = match[1], int(match[2]), match[3]
    key = keyring.key(rest[:length], purpose)
    raw = base32.decode(rest[length:])
    if key is None or raw is None or len(raw) <= _ADDRESS_MAC + (0 if letter == _CUSTOMER else _UUID):
        return "", b""
    body, mac = raw[:-_ADDRESS_MAC], raw[-_ADDRESS_MAC:]
    right = hmac.compare_digest(_mac(key, body, _MAC_TAILS[letter])[:_ADDRESS_MAC], mac)
    return (letter, body) if right else ("", b"")


def _local_part(address: str) -> str:
    """The local part in small letters, without what mail servers put around it: blanks, angle brackets, a source route
    (RFC 5321 4.1.1.3), quotes and backslashes (4.1.2), the signature of a relay of its own."""
    text = address[:_LONGEST_ADDRESS].strip().strip("<>").lower()
    if text.startswith("@"):
        text = text.partition(":")[2]
    text = text.partition("@")[0].strip().strip('"').replace("\\", "")
    return _RETAGGED.sub("", text, count=1) if _RETAGGED.match(text) else text


def _body(ref: MessageRef, extra: bytes = b"") -> bytes:
    return ref.message_id.bytes + extra + _number(ref.customer_id)


def _number(customer_id: int) -> bytes:
    return customer_id.to_bytes((customer_id.bit_length() + 7) // 8 or 1, "big")


def _read_body(body: bytes, extra: int = 0) -> MessageRef | None:
    customer = body[_UUID + extra :]
    if not 1 <= len(customer) <= _LONGEST_NUMBER:
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
