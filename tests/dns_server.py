"""A DNS server on loopback: what a test says of names, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from gateway.settings import DnsServer


class DnsZone(asyncio.DatagramProtocol):
    """Serves `records`: a name and its type, `x.example MX`, with what stands there. Names in `failing` are
    answered with SERVFAIL, those in `silent` not at all. `asked` are the questions that came."""

    def __init__(self, records: Mapping[str, Sequence[str]]) -> None:
        self.records = dict(records)
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's and asyncio's have no class in common.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        if name not in self.silent:
            self._transport.sendto(self._answer(query, name, kind).to_wire(max_size=65535), addr)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get(f"{name} {kind}"):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *found))
        elif not any(known.partition(" ")[0] == name for known in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@asynccontextmanager
async def dns_server(records: Mapping[str, Sequence[str]]) -> AsyncIterator[tuple[DnsZone, DnsServer]]:
    """The zone, served, and where."""
    zone = DnsZone(records)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: zone, local_addr=("127.0.0.1", 0))
    try:
        yield zone, DnsServer(address=ip_address("127.0.0.1"), port=transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


def quoted(text: str) -> str:
    """A text as a zone has it: in strings of at most 255 octets."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
