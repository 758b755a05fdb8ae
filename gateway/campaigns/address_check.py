"""Whether anybody takes mail for the domain of an address that a person types."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from gateway.campaigns.dns_lookup import DnsLookup, DnsUnavailable, NoResolver
from gateway.mail.address import RESERVED_NAMES, Address
from gateway.settings import Settings

LONGEST_SECONDS = 4.0
"""A person waits for the answer: without one by then nothing is said."""


class AddressWarningKind(StrEnum):
    """What speaks against an address."""

    TYPO = "TYPO"
    NO_MAIL_SERVER = "NO_MAIL_SERVER"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressWarning:
    """One thing that speaks against an address. `address` is the one that may be meant; None when it names none."""

    kind: AddressWarningKind
    text: str
    address: str | None = None


async def look_for_mail_server(address: Address, settings: Settings) -> AddressWarning | None:
    """Asks DNS where mail for the domain goes: its MX, else its address records (RFC 5321 5.1).

    Returns None when somebody takes it, and when that is not known: no resolver, no answer in time, or a name that is
    reserved for tests, which a demo's relay takes and DNS does not know.
    """
    domain = address.domain
    if domain.rpartition(".")[2] in RESERVED_NAMES or domain.startswith("["):
        return None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            lookup = DnsLookup(settings.dns_servers)
            hosts = await lookup.mail_hosts(domain)
            if hosts and any(hosts):
                return None
            text = f"{domain} says that it takes no mail."
            if not hosts:
                if await lookup.addresses(domain):
                    return None
                text = f"{domain} takes no mail: DNS names no server for it."
    except (NoResolver, DnsUnavailable, TimeoutError):
        return None
    return AddressWarning(kind=AddressWarningKind.NO_MAIL_SERVER, text=text)
