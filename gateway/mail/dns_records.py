"""What stands in DNS about mail from a domain, read: SPF (RFC 7208), DKIM keys (RFC 6376) and DMARC (RFC 7489). Pure.

Anybody may write anything there. What cannot be read raises RecordFault, whose words are for people.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

MAX_SPF_TERMS = 100
"""Terms of one SPF record that are read: those of the largest providers have some twenty."""
MAX_TREE_WALK = 8
"""Names that are asked for one domain's policy (the tree walk of the DMARC revision, 4.10)."""


class DnsRecordKind(StrEnum):
    """Which record of a sender's domain."""

    SPF = "SPF"
    DKIM = "DKIM"
    DMARC = "DMARC"
    RETURN_PATH = "RETURN_PATH"


class RecordFault(ValueError):
    """A record that receivers cannot use; the message says why."""


# SPF ---------------------------------------------------------------------------------------------------------------

_SPF_TERM = re.compile(
    r"(?P<qualifier>[+?~-])?(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)(?P<value>[:/].*)?", re.IGNORECASE
)
_SPF_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>.*)", re.IGNORECASE)
_PREFIXES = re.compile(r"(?P<domain>[^/]*)(?:/(?P<ip4>\d{1,2}))?(?://(?P<ip6>\d{1,3}))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfTerm:
    """One mechanism: who is meant, and by its qualifier what becomes of their mail. `domain` is None for the record's
    own; `network` is of ip4 and ip6; `prefixes` are those of a and mx, for IPv4 and IPv6 addresses."""

    qualifier: str
    name: str
    domain: str | None = None
    network: Network | None = None
    prefixes: tuple[int, int] = (32, 128)

    @property
    def passes(self) -> bool:
        """Whether mail of those who are meant passes."""
        return self.qualifier == "+"


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfRecord:
    """A record that can be read. `redirect` counts only where no term is `all`."""

    terms: tuple[SpfTerm, ...]
    redirect: str | None = None

    @property
    def all(self) -> str | None:
        """The qualifier for everybody else; None when the record does not say."""
        return next((term.qualifier for term in self.terms if term.name == "all"), None)


def spf_of(texts: Iterable[str]) -> str | None:
    """The one SPF record among a name's texts; None without one. Raises RecordFault for several."""
    found = [text for text in texts if re.match(r"v=spf1(?: |$)", text, re.IGNORECASE)]
    if len(found) > 1:
        raise RecordFault("There are several SPF records, so receivers heed none: join them into one.")
    return found[0] if found else None


def read_spf(text: str) -> SpfRecord:
    """Reads a record. Raises RecordFault."""
    words = text.split()[1:]
    if len(words) > MAX_SPF_TERMS:
        raise RecordFault(f"The SPF record has more than {MAX_SPF_TERMS} terms.")
    terms: list[SpfTerm] = []
    redirect = None
    for word in words:
        modifier = _SPF_MODIFIER.fullmatch(word)
        if modifier is None:
            terms.append(_read_term(word))
        elif modifier["name"].lower() == "redirect":
            redirect = _spf_domain(modifier["value"], word)
    ends = next((place for place, term in enumerate(terms) if term.name == "all"), len(terms))
    return SpfRecord(terms=tuple(terms[: ends + 1]), redirect=redirect if ends == len(terms) else None)


def _read_term(word: str) -> SpfTerm:
    match = _SPF_TERM.fullmatch(word)
    if match is None:
        raise RecordFault(f"The SPF record has a term that receivers cannot read: {word[:100]}")
    name, value, qualifier = match["name"].lower(), match["value"] or "", match["qualifier"] or "+"
    given = value.removeprefix(":")
    match name:
        case "all":
            return SpfTerm(qualifier=qualifier, name=name)
        case "ip4" | "ip6":
            return SpfTerm(qualifier=qualifier, name=name, network=_spf_network(name, given, word))
        case "include" | "exists":
            return SpfTerm(qualifier=qualifier, name=name, domain=_spf_domain(given, word))
    prefixes = _PREFIXES.fullmatch(given)
    if prefixes is None or int(prefixes["ip4"] or 32) > 32 or int(prefixes["ip6"] or 128) > 128:
        raise RecordFault(f"The SPF record has a term that receivers cannot read: {word[:100]}")
    return SpfTerm(
        qualifier=qualifier,
        name=name,
        domain=_spf_domain(prefixes["domain"], word) if prefixes["domain"] else None,
        prefixes=(int(prefixes["ip4"] or 32), int(prefixes["ip6"] or 128)),
    )


def _spf_network(name: str, text: str, word: str) -> Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise RecordFault(f"The SPF record names no network here: {word[:100]}") from None
    if network.version != (4 if name == "ip4" else 6):
        raise RecordFault(f"The SPF record names an address of the other kind here: {word[:100]}")
    return network


def _spf_domain(text: str, word: str) -> str:
    if not text or len(text) > 253:
        raise RecordFault(f"The SPF record names no domain here: {word[:100]}")
    return text.lower().rstrip(".")


# DKIM --------------------------------------------------------------------------------------------------------------

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimRecord:
    """A public key: `rsa` or `ed25519`. `testing`: receivers are asked to treat signatures as if there were none."""

    key_type: str
    key: bytes
    testing: bool = False


def read_dkim_key(text: str) -> DkimRecord:
    """Reads a key record (RFC 6376 3.6.1). Raises RecordFault."""
    tags = _read_tags(text, "key record")
    if tags.get("v", "DKIM1") != "DKIM1":
        raise RecordFault("The key record begins with another version than v=DKIM1.")
    if "p" not in tags:
        raise RecordFault("The key record has no p=, the key.")
    if not tags["p"]:
        raise RecordFault("The key was revoked: p= is empty.")
    if "h" in tags and "sha256" not in tags["h"].lower().split(":"):
        raise RecordFault("The key record does not allow sha256, by which we sign: remove h=.")
    if "s" in tags and not {"*", "email"} & {service.strip().lower() for service in tags["s"].split(":")}:
        raise RecordFault("The key record is not for mail: remove s=.")
    key_type = tags.get("k", "rsa").lower()
    if key_type not in ("rsa", "ed25519"):
        raise RecordFault("The key record has a kind of key that receivers do not know: k= is rsa or ed25519.")
    try:
        key = b64decode("".join(tags["p"].split()), validate=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        raise RecordFault("The key in p= is no base64.") from None
    return DkimRecord(key_type=key_type, key=key, testing="y" in tags.get("t", "").lower().split(":"))


def _read_tags(text: str, what: str) -> dict[str, str]:
    """`name=value` between semicolons, each name once."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        match = _TAG.fullmatch(part)
        if match is None or match[1].lower() in tags:
            raise RecordFault(f"The {what} cannot be read here: {part.strip()[:100]}")
        tags[match[1].lower()] = match[2]
    return tags


# DMARC -------------------------------------------------------------------------------------------------------------

POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, kw_only=True, slots=True)
class DmarcRecord:
    """A policy. `strict_dkim` and `strict_spf`: the domains must be the same, not only of one organisation. `psd`: `y`
    for a registry's own name, `n` for an organisation's, `u` when it is not said."""

    policy: str
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"


def dmarc_of(texts: Iterable[str]) -> str | None:
    """The one DMARC record among a name's texts; None without one. Raises RecordFault for several."""
    found = [text for text in texts if re.match(r"\s*v\s*=\s*DMARC1\s*(?:;|$)", text)]
    if len(found) > 1:
        raise RecordFault("There are several DMARC records, so receivers heed none: leave one.")
    return found[0] if found else None


def read_dmarc(text: str) -> DmarcRecord:
    """Reads a policy record. Raises RecordFault."""
    tags = {name: value.lower() for name, value in _read_tags(text, "DMARC record").items()}
    if "p" not in tags:
        raise RecordFault("The DMARC record has no policy: add p=none, p=quarantine or p=reject.")
    if tags["p"] not in POLICIES:
        raise RecordFault("The DMARC record has a policy that receivers do not know: p= is none, quarantine or reject.")
    return DmarcRecord(
        policy=tags["p"],
        strict_dkim=tags.get("adkim") == "s",
        strict_spf=tags.get("aspf") == "s",
        psd=tags.get("psd", "u"),
    )


def tree_walk(domain: str) -> tuple[str, ...]:
    """The names at which a policy of the domain may stand, nearest first: itself, and above it those of at most seven
    labels."""
    labels = domain.lower().rstrip(".").split(".")
    above = labels[max(1, len(labels) - MAX_TREE_WALK + 1) :]
    return (".".join(labels), *(".".join(above[place:]) for place in range(len(above))))


def organisation_of(domain: str, found: Iterable[tuple[str, DmarcRecord]]) -> str:
    """The domain of the organisation that a domain belongs to, by the records found on its tree walk, nearest first:
    no list of public suffixes is asked."""
    domain, records = domain.lower().rstrip("."), list(found)
    for name, record in records:
        if record.psd == "n":
            return name
        if record.psd == "y" and name != domain:
            return ".".join(domain.split(".")[-name.count(".") - 2 :])
    return records[-1][0] if records else domain
