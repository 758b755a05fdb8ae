"""How many rows a list has in all, and how surely that is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Self, TypeVar

import strawberry

from gateway.campaigns import counts
from gateway.campaigns.counts import CountPrecision
from gateway.mail.export_links import ExportFormat
from service.graph.connection import Connection
from service.graph.cost import Cost
from service.graph.exporting import SENTENCE, FormatArgument, Linking
from service.graph.scalars import BigInt
from service.shape.field import apart

T = TypeVar("T")


@strawberry.type(description="How many, and how surely.")
class Count:
    """One of the gateway's counts."""

    value: BigInt = strawberry.field(description="The number.")
    precision: CountPrecision = strawberry.field(description="Whether that is all.")

    @classmethod
    def of(cls, count: counts.Count) -> Self:
        """The same number."""
        return cls(value=BigInt(count.value), precision=count.precision)


Counting = Callable[[], Awaitable[counts.Count]]
"""Counts a list's rows when its client asks how many there are."""


@strawberry.type(name="Connection", description="One page of a list.")
class CountableConnection(Connection[T], Generic[T]):
    """A connection that also tells how many rows there are in all."""

    counting: strawberry.Private[Counting]

    @strawberry.field(
        description="How many in all, counted up to 10,000; beyond that estimated, or at least so many, as `precision` "
        "says.",
        directives=[Cost(objects=20)],
        metadata=apart(),
    )
    async def total_count(self) -> Count | None:
        """A statement of its own, when it is asked for."""
        return Count.of(await self.counting())

    @classmethod
    def countable(cls, page: Connection[T], counting: Counting) -> CountableConnection[T]:
        """A page, of which the whole can be counted."""
        return cls(edges=page.edges, nodes=page.nodes, page_info=page.page_info, counting=counting)


@strawberry.type(name="Connection", description="One page of a list.")
class CountedConnection(CountableConnection[T], Generic[T]):
    """A connection that also tells how many rows there are in all, and links to the whole list as a file."""

    linking: strawberry.Private[Linking]

    @strawberry.field(description=SENTENCE, metadata=apart())
    def export_url(self, format: FormatArgument = ExportFormat.CSV) -> str | None:
        """Good for every client that has it, while the caller's token lives."""
        return self.linking(format)

    @classmethod
    def counted(cls, page: Connection[T], counting: Counting, linking: Linking) -> CountedConnection[T]:
        """A page, of which the whole can be counted and fetched."""
        return cls(edges=page.edges, nodes=page.nodes, page_info=page.page_info, counting=counting, linking=linking)
