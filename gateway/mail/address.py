"""One e-mail address: its syntax (RFC 5321 4.1.2, RFC 6531), its normal form, its key, its likely typing error."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass

import idna
from email_validator import EmailNotValidError, validate_email

from gateway.errors import Refusal, RefusalCode
from gateway.mail.header_guard import refuse_header_break

LONGEST_ADDRESS = 254
"""Octets: a path of RFC 5321 4.5.3.1.3 is 256, with its angle brackets."""

RESERVED_NAMES = frozenset({"test", "example", "invalid", "localhost"})
"""Top-level domains that have no mailboxes (RFC 2606 2, RFC 6761)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A valid address. `text` is its normal form: the local part as written, the domain as lower-case A-labels."""

    text: str
    local: str
    domain: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it: its local part is not ASCII."""
        return not self.local.isascii()


def parse_address(text: str, *, allow_reserved: bool, field: tuple[str, ...] = ()) -> Address:
    """Read `local@domain`; quoted local parts and international domains are accepted, display names are not.

    Raises Refusal: HEADER_INJECTION for CR, LF or NUL; ADDRESS_RESERVED for a domain under `.test`, `.example`,
    `.invalid` or `.localhost` unless `allow_reserved`; ADDRESS_INVALID for everything else that is no address.
    """
    refuse_header_break(text, field)
    text = text.strip()
    if len(text) > LONGEST_ADDRESS:  # the library reads all of it first; A-labels have no fewer characters
        raise _too_long(field)
    rest, dot, top = text.rpartition(".")
    reserved = top.casefold() if dot and top.casefold() in RESERVED_NAMES else None
    try:
        found = validate_email(
            # The library refuses some reserved names itself: it checks the address with another one.
            f"{rest}.com" if reserved else text,
            allow_quoted_local=True,
            check_deliverability=False,
            strict=True,  # 64 octets of local part (RFC 5321 4.5.3.1.1)
        )
    except EmailNotValidError as error:
        raise Refusal(RefusalCode.ADDRESS_INVALID, f"Not an e-mail address. {error}", field) from None
    domain = found.ascii_domain
    if reserved:
        domain = f"{domain.removesuffix('.com')}.{reserved}"
        if not allow_reserved:
            raise Refusal(
                RefusalCode.ADDRESS_RESERVED,
                f"Nobody can have an address under .{reserved}: that name is reserved for tests.",
                field,
            )
    address = Address(text=f"{found.local_part}@{domain}", local=found.local_part, domain=domain)
    if len(address.text.encode()) > LONGEST_ADDRESS:
        raise _too_long(field)
    return address


def _too_long(field: tuple[str, ...]) -> Refusal:
    return Refusal(RefusalCode.ADDRESS_INVALID, f"An address has at most {LONGEST_ADDRESS} octets.", field)


def parse_own_address(text: str, *, allow_reserved: bool, field: tuple[str, ...]) -> Address:
    """Read an address to send as, which every server must be able to take. Raises Refusal."""
    address = parse_address(text, allow_reserved=allow_reserved, field=field)
    if address.needs_smtputf8:
        message = "Many servers refuse senders beyond ASCII: use another."
        raise Refusal(RefusalCode.ADDRESS_INVALID, message, field)
    return address


def with_a_labels(text: str) -> str:
    """Returns an address as typed with its domain as `parse_address` keeps it; refuses nothing.

    What is too long for an address comes back as it is.
    """
    if len(text) > LONGEST_ADDRESS:
        return text
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return text
    return f"{local}{at}{ascii_domain.lower()}"


def domain_of(address: str) -> str:
    """Returns the domain of an address, in small letters; nothing for one without."""
    return address.rpartition("@")[2].lower()


def split_mailbox(text: str) -> tuple[str | None, str]:
    """Returns `Name <a@b.example>` or `a@b.example` as (name, address), neither checked."""
    text = text.strip()
    if not text.endswith(">") or "<" not in text:
        return None, text
    name, _, address = text[:-1].rpartition("<")
    name = name.strip()
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return name or None, address.strip()


def address_key(text: str, key: bytes) -> bytes:
    """Returns 32 bytes that stand for an address without naming it: HMAC-SHA256 of its normal form, case folded.

    The local part is folded, too, on purpose: who opted out as `Ann@` is not to be mailed as `ann@`.
    """
    local, _, domain = unicodedata.normalize("NFC", text).casefold().rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return hmac.digest(key, f"{local}@{domain}".encode(), hashlib.sha256)


_MISTYPED = (
    *("gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "hotmail.fr", "outlook.com"),
    *("yahoo.com", "yahoo.co.uk", "yahoo.fr", "icloud.com", "comcast.net", "verizon.net", "earthlink.net"),
    *("protonmail.com", "sbcglobal.net", "bellsouth.net", "btinternet.com", "virginmedia.com", "ntlworld.com"),
    *("bigpond.com", "t-online.de", "freenet.de", "orange.fr", "wanadoo.fr", "laposte.net", "libero.it", "bluewin.ch"),
)
# Real providers one letter away from another, and other firms' names: no typing errors.
_REAL = frozenset(
    {
        *("mail.com", "email.com", "ymail.com", "zmail.com", "cloud.com", "lacoste.net", "libera.it", "grange.fr"),
        *("gmx.com", "outlook.de", "outlook.fr", "outlook.es", "hotmail.it", "yahoo.ca", "yahoo.de", "yahoo.it"),
    }
)
_SWAPPED_ENDINGS = {".con": ".com", ".cmo": ".com", ".ocm": ".com", ".vom": ".com", ".comm": ".com", ".ent": ".net"}


def suggest_typo(domain: str) -> str | None:
    """Returns the large provider's domain that was most likely meant, or None: `gmail.com` for `gmial.com`."""
    domain = domain.casefold()
    if domain in _MISTYPED or domain in _REAL:
        return None
    for known in _MISTYPED:
        if _one_edit_apart(domain, known) and not _in_another_country(domain, known):
            return known
    for wrong, right in _SWAPPED_ENDINGS.items():
        if domain.endswith(wrong):
            corrected = domain.removesuffix(wrong) + right
            return suggest_typo(corrected) or corrected
    return None


def _in_another_country(domain: str, known: str) -> bool:
    """Whether the two differ in the country alone, where a provider, or its namesake, may have a domain of its own."""
    name, _, ending = domain.rpartition(".")
    known_name, _, known_ending = known.rpartition(".")
    return name == known_name and len(ending) == len(known_ending) == 2


def _one_edit_apart(a: str, b: str) -> bool:
    """One letter more, fewer or other, or two neighbours swapped (a Damerau-Levenshtein distance of 1)."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        return rest_a[1:] == rest_b[1:] or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    return rest_a[1:] == rest_b or rest_a == rest_b[1:]
