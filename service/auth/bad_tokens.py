"""Throttles clients that send bad tokens: each costs a look-up in the database, and a line in the log."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from service.errors import RequestRefused

BURST = 30
"""Bad tokens that an address may send at once: a page of wrongly configured requests, not a search."""
_FORGIVEN_A_SECOND = 1.0
"""After that one a second: somebody who has corrected a token is let in within moments."""
MAX_ADDRESSES = 10_000
"""Addresses that are remembered, some 2 MB: the one that was bad longest ago is forgotten first."""


class BadTokens:
    """How many bad tokens each client address has sent lately. One a process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By address: how many, as of when; they are forgiven one by one.
        self._sent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises RequestRefused (429) while this address has sent too many."""
        left = self._count(_key(address))
        if left > BURST - 1:
            raise RequestRefused(
                429,
                "TOO_MANY_BAD_TOKENS",
                "Too many bad tokens came from your address: check the token, and try again in a moment.",
                {"Retry-After": str(math.ceil((left - BURST + 1) / _FORGIVEN_A_SECOND))},
            )

    def note(self, address: str) -> None:
        """Count one more."""
        key = _key(address)
        self._sent[key] = (self._count(key) + 1, self._clock())
        self._sent.move_to_end(key)
        while len(self._sent) > MAX_ADDRESSES:
            self._sent.popitem(last=False)

    def _count(self, key: str) -> float:
        if key not in self._sent:
            return 0.0
        count, at = self._sent[key]
        return max(0.0, count - (self._clock() - at) * _FORGIVEN_A_SECOND)


def _key(address: str) -> str:
    """Returns the address; of IPv6 the network of 64 bits, of which one client has every address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return parsed.packed[:8].hex() if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped else address
