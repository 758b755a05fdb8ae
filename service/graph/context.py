"""What resolvers get with every request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import strawberry

from gateway.deployment import Deployment
from gateway.notify.wakeup import Wakeup
from gateway.templates.compile_process import TemplateCompiler
from service.campaign_changes import CampaignChanges
from service.change_listener import ChangeListener
from service.database import DatabasePools, Reading
from service.graph.loaders import Loaders
from service.shape.read import ListReader


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request: where to read and write, what the gateway's functions need, the caller, and what was read already.

    `actor` is the name of the token or session, as events record it; `sees_content`: whether they
    may see the mail itself. `bound_relay` binds mail that this service queues
    to the relay of that name: the demo sends by no other. `clock` tells seconds since 1970. With `shaping` false all
    lists are read by resolvers, which tests compare.
    """

    pools: DatabasePools
    deployment: Deployment
    wakeup: Wakeup
    compiler: TemplateCompiler
    changes: ChangeListener
    campaign_changes: CampaignChanges
    actor: str
    sees_content: bool = False
    bound_relay: str | None = None
    shaping: bool = True
    clock: Callable[[], float] = time.time
    reading: Reading = field(init=False)
    loaders: Loaders = field(init=False)
    lists: ListReader = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is cached between requests: loaders live as long as one."""
        self._read(Reading(self.pools))

    def reading_back(self) -> Context:
        """Read from the primary from now on: a replica may not have what this request wrote."""
        self._read(Reading(self.pools, latest=True))
        return self

    def _read(self, reading: Reading) -> None:
        object.__setattr__(self, "reading", reading)
        object.__setattr__(self, "loaders", Loaders(reading, self.pools, self.deployment))
        object.__setattr__(self, "lists", ListReader(reading, self))


Info = strawberry.Info[Context, None]
