"""What resolvers get with every request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import strawberry

from gateway.bell import Bell
from gateway.house import House
from service.database import Ledger
from service.graph.loaders import Loaders


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request: where to read and write, what the gateway's doors need, who asks, and what was loaded already.

    `actor` is the name of the token or session, as events keep it. `bound_relay` ties mail put by this service to the
    relay of that name (the demo's safety). `shaping` false sends every list the ordinary way (tests compare).
    """

    ledger: Ledger
    house: House
    bell: Bell
    actor: str
    bound_relay: str | None = None
    shaping: bool = True
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        """Loaders live as long as the request: nothing is cached between requests."""
        object.__setattr__(self, "loaders", Loaders(self.ledger))

    def reading_back(self) -> Context:
        """This request, reading where it wrote: a replica may not have it yet."""
        primary = replace(self.ledger, reading=self.ledger.writing)
        object.__setattr__(self, "ledger", primary)
        object.__setattr__(self, "loaders", Loaders(primary))
        return self


Info = strawberry.Info[Context, None]
