"""Questions to DNS. The only importer of dnspython.

Answers are anybody's: so many records of an answer are read, each up to so many characters, and what cannot be shown is
replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from gateway.errors import GatewayError
from gateway.settings import DnsServer

SECONDS = 4.0
"""One question may take so long, with its repeats: a resolver that answers at all has answered by then."""
MAX_QUESTIONS = 100
"""Questions of one check: ten SPF look-ups of ten mail servers each, which no record of a working sender comes near."""
MAX_RECORDS = 50
"""Records of one answer: a name of a large firm has some thirty texts, most of them of no meaning for mail."""
LONGEST_TEXT = 4096
"""Characters of one record: an RSA key of 4096 bits has some 750."""

IpAddress = IPv4Address | IPv6Address


class NoResolver(GatewayError):
    """No resolver is set, and this machine names none."""


class DnsUnavailable(GatewayError):
    """DNS did not answer a question in time, or answered that it cannot."""


class DnsLookup:
    """The questions of one check. A name that does not exist has no records. Each raises DnsUnavailable."""

    def __init__(self, servers: Sequence[DnsServer]) -> None:
        """`servers` are asked in their order; without any, those that this machine names. Raises NoResolver."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except (dns.resolver.NoResolverConfiguration, OSError):
            raise NoResolver("This machine names no resolver.") from None
        if servers:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(str(server.address), server.port) for server in servers
            ]
        self._left = MAX_QUESTIONS

    async def texts(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name, each joined of its strings."""
        return tuple(_shown(b"".join(record.strings)) for record in await self._ask(name, "TXT"))

    async def mail_hosts(self, name: str) -> tuple[str, ...]:
        """The hosts of a name's MX records, the preferred first; "" where it says that it takes no mail (RFC 7505)."""
        records = sorted(await self._ask(name, "MX"), key=lambda record: record.preference)
        return tuple(record.exchange.to_text(omit_final_dot=True).lower().removeprefix(".") for record in records)

    async def addresses(self, name: str) -> tuple[IpAddress, ...]:
        """The addresses of a host."""
        records = [*await self._ask(name, "A"), *await self._ask(name, "AAAA")]
        return tuple(ip_address(record.address) for record in records)

    async def _ask(self, name: str, kind: str) -> list[Any]:
        if self._left <= 0:
            raise DnsUnavailable(f"More than {MAX_QUESTIONS} questions to DNS were necessary.")
        self._left -= 1
        try:
            absolute = dns.name.from_text(name)
            answer = await self._resolver.resolve(
                absolute, kind, lifetime=SECONDS, raise_on_no_answer=False, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return []
        except (dns.exception.DNSException, OSError):
            raise DnsUnavailable(f"DNS did not answer about {name}.") from None
        return list(answer.rrset or ())[:MAX_RECORDS]


def _shown(octets: bytes) -> str:
    """A text as it may be shown: ASCII, everything else as a question mark."""
    text = octets[:LONGEST_TEXT].decode("ascii", "replace")
    return "".join(sign if " " <= sign <= "~" else "?" for sign in text)
