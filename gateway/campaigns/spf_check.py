"""What a domain's SPF record comes to: its includes and redirect are followed, and its look-ups counted (RFC 7208)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from gateway.campaigns.dns_lookup import DnsLookup, IpAddress
from gateway.mail.dns_records import RecordFault, SpfRecord, SpfTerm, read_spf, spf_of

MAX_LOOKUPS = 10
"""Terms that ask DNS again: receivers give up at the eleventh (RFC 7208 4.6.4)."""
MAX_MAIL_HOSTS = 10
"""Hosts of one mx (RFC 7208 4.6.4)."""
_ASKS = frozenset({"include", "a", "mx", "ptr", "exists"})


@dataclass(slots=True)
class _Walk:
    """What was found so far: how many look-ups, and all terms by which mail passes, each with its domain."""

    lookups: int = 0
    passing: list[tuple[str, SpfTerm]] = field(default_factory=list)

    def count(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise RecordFault(
                f"The SPF record needs more than {MAX_LOOKUPS} look-ups, its includes counted, so receivers give up "
                "on it: take out includes that are not used, or write the addresses they stand for."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SpfFinding:
    """A record that receivers can use. `unlisted` are those of the addresses asked about that it does not let send."""

    text: str
    lookups: int
    unlisted: tuple[IpAddress, ...]


async def check_spf(domain: str, text: str, addresses: Sequence[IpAddress], lookup: DnsLookup) -> SpfFinding:
    """Follows a domain's record. Raises RecordFault: receivers cannot use it, or it protects nothing or stops all mail;
    DnsUnavailable."""
    walk = _Walk()
    await _follow(domain, read_spf(text), walk, lookup)
    if any(term.name == "all" for _, term in walk.passing):
        raise RecordFault("The SPF record lets everybody send as this domain (+all): end it by ~all or -all.")
    if not walk.passing:
        raise RecordFault("The SPF record lets nobody send.")
    unlisted = [address for address in addresses if not await _lists(walk, address, lookup)]
    return SpfFinding(text=text, lookups=walk.lookups, unlisted=tuple(unlisted))


async def _follow(domain: str, record: SpfRecord, walk: _Walk, lookup: DnsLookup, *, passes: bool = True) -> None:
    """Note by which terms mail passes; where it does not `passes`, only count. A record that comes round to itself ends
    at the limit of look-ups."""
    for term in record.terms:
        if term.name in _ASKS:
            walk.count()
        if term.name == "include" and not _is_macro(term.domain):
            await _follow_to(term.domain or "", "include", walk, lookup, passes=passes and term.passes)
        elif term.passes and passes:
            walk.passing.append((domain, term))
    if record.redirect is not None and not _is_macro(record.redirect):
        walk.count()
        await _follow_to(record.redirect, "redirect", walk, lookup, passes=passes)


async def _follow_to(domain: str, how: str, walk: _Walk, lookup: DnsLookup, *, passes: bool) -> None:
    text = spf_of(await lookup.texts(domain))
    if text is None:
        raise RecordFault(f"The SPF record has {how} {domain}, which has no SPF record: remove it.")
    await _follow(domain, read_spf(text), walk, lookup, passes=passes)


def _is_macro(domain: str | None) -> bool:
    """Whether a domain differs from one sending address to the next (RFC 7208 7)."""
    return "%" in (domain or "")


async def _lists(walk: _Walk, address: IpAddress, lookup: DnsLookup) -> bool:
    """Whether one of the terms by which mail passes names the address; those that need no question first."""
    terms = sorted(walk.passing, key=lambda one: one[1].network is None)
    for domain, term in terms:
        if term.network is not None:
            if address in term.network:
                return True
        elif await _names(term, term.domain or domain, address, lookup):
            return True
    return False


async def _names(term: SpfTerm, domain: str, address: IpAddress, lookup: DnsLookup) -> bool:
    if term.name not in ("a", "mx") or _is_macro(domain):
        return False
    hosts = (domain,) if term.name == "a" else (await lookup.mail_hosts(domain))[:MAX_MAIL_HOSTS]
    prefix = term.prefixes[0 if address.version == 4 else 1]
    for host in hosts:
        for one in await lookup.addresses(host):
            if one.version == address.version and address in ip_network((one, prefix), strict=False):
                return True
    return False
