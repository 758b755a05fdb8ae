"""What all connections of a listener share: how many there are, how fast each client is, how much mail is in memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_MINUTE = 60.0
_MAX_CLIENTS = 10_000
"""Clients that are counted; the one that came first is forgotten first, and begins anew."""
_IPV6_SITE = 64
"""Bits of an IPv6 address that name a site: its hosts choose the others as they like."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListenerLimits:
    """What a listener takes on at a time. A client is a network address; those of this machine are not limited one by
    one, since our own mail server is one of them."""

    connections: int = 500
    connections_of_client: int = 50
    """So that ten clients cannot take every connection."""
    per_minute: int = 3000
    """Connections and mails of one client: more than a mail server sends on with its usual limits."""
    memory: int = 67_108_864
    """Octets of mail that is being received or stored."""


class Admission:
    """Counts connections, mails and octets against the limits. Times are of `clock`, in seconds."""

    def __init__(self, limits: ListenerLimits, *, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._connections: Counter[str] = Counter()
        self._minutes: OrderedDict[str, _Minute] = OrderedDict()
        self.memory_used = 0
        """Octets reserved."""

    @property
    def connections(self) -> int:
        """Those open now."""
        return self._connections.total()

    def connect(self, client: str) -> bool:
        """Count a connection; False, and none counted, when there are too many."""
        of_client = self._connections[client]
        if self.connections >= self._limits.connections or (
            of_client >= self._limits.connections_of_client and not _is_local(client)
        ):
            return False
        self._connections[client] = of_client + 1
        return True

    def disconnect(self, client: str) -> None:
        """A counted connection has ended."""
        self._connections[client] -= 1
        if self._connections[client] <= 0:
            del self._connections[client]

    def count(self, client: str) -> bool:
        """Count a connection or a mail of this minute; False when it is one too many."""
        if _is_local(client):
            return True
        now = self._clock()
        minute = self._minutes.get(client)
        if minute is None or now - minute.begun >= _MINUTE:
            self._minutes.pop(client, None)
            minute = self._minutes[client] = _Minute(now)
            while len(self._minutes) > _MAX_CLIENTS:
                self._minutes.popitem(last=False)
        minute.counted += 1
        return minute.counted <= self._limits.per_minute

    def has_memory(self, octets: int) -> bool:
        """Whether so much more mail fits."""
        return self.memory_used + octets <= self._limits.memory

    def reserve(self, octets: int) -> bool:
        """Take memory for mail; False, and none taken, when there is not so much."""
        if not self.has_memory(octets):
            return False
        self.memory_used += octets
        return True

    def release(self, octets: int) -> None:
        """Give it back."""
        self.memory_used -= octets


class _Minute:
    __slots__ = ("begun", "counted")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.counted = 0


def client_of(address: str) -> str:
    """Returns by what a client is counted: its address, for IPv6 its site's. Empty stays empty."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        if not parsed.is_loopback:
            return f"{IPv6Address(int(parsed) >> _IPV6_SITE << _IPV6_SITE)}/{_IPV6_SITE}"
    return str(parsed)


def _is_local(client: str) -> bool:
    return client == "::1" or client.startswith("127.")
