"""A schema of a dozen fields and the transport around it, for tests of the transport itself: no database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import strawberry

from gateway.errors import Refusal, RefusalCode
from service.auth.callers import Caller, unauthenticated
from service.errors import BadInput, Busy, Unavailable
from service.graph.documents import Documents
from service.graph.execution import Execution
from service.graph.http import GraphQLOverHttp
from service.graph.limits import DocumentLimits
from service.graph.persisted import PersistedOperations
from service.graph.streams import Streams
from service.graph.websocket import GraphQLOverWebSocket

LIMITS = DocumentLimits(document_bytes=20_000, tokens=2_000, depth=15, aliases=50)
TOKEN = "right"
PERSONAL = "ada@example.com"
"""What an error's words may quote, and no log may."""


@strawberry.type
class Row:
    """One row."""

    id: strawberry.ID

    @strawberry.field
    def rows(self, first: int = 10) -> RowConnection:
        """Rows below it."""
        return RowConnection(nodes=[])

    @strawberry.field
    def tags(self) -> list[Row]:
        """A short list."""
        return []


@strawberry.type
class RowConnection:
    """A page."""

    nodes: list[Row]


@strawberry.type
class Query:
    """What the tests ask."""

    @strawberry.field
    def hello(self, name: str = "you") -> str:
        """A greeting."""
        return f"hello {name}"

    @strawberry.field
    def number(self, value: int) -> int:
        """The same number."""
        return value

    @strawberry.field
    def rows(self, first: int = 10) -> RowConnection:
        """A page of rows."""
        return RowConnection(nodes=[Row(id=strawberry.ID(str(number))) for number in range(first)])

    @strawberry.field
    def ours(self) -> str | None:
        """An error of ours."""
        raise BadInput("name", "cannot be used")

    @strawberry.field
    def refused(self) -> str | None:
        """A refusal of the gateway's."""
        raise Refusal(RefusalCode.ERASED, "the customer is erased", ("customerId",))

    @strawberry.field
    def broken(self) -> str | None:
        """An unexpected error that quotes somebody."""
        raise ZeroDivisionError(PERSONAL)

    @strawberry.field
    def broken_for_good(self) -> str:
        """The same in a non-null field: `data` becomes null."""
        raise ZeroDivisionError(PERSONAL)

    @strawberry.field
    def busy(self) -> str | None:
        """No connection came free."""
        raise Busy("every connection is in use")

    @strawberry.field
    async def endless(self, info: strawberry.Info[Any, None]) -> str | None:
        """Waits until it is cancelled, and says so."""
        try:
            await asyncio.Event().wait()
        finally:
            info.context["cancelled"].set()
        return None


@strawberry.type
class Mutation:
    """What changes something."""

    @strawberry.mutation
    def rename(self, name: str) -> str | None:
        """The new name."""
        return name

    @strawberry.mutation
    def too_busy(self) -> str | None:
        """No connection came free."""
        raise Busy("every connection is in use")


@strawberry.type
class Subscription:
    """What streams."""

    @strawberry.subscription
    async def count(self, info: strawberry.Info[Any, None], to: int) -> AsyncGenerator[int, None]:
        """Counts, then waits for ever when `to` is negative."""
        try:
            for number in range(abs(to)):
                yield number
            if to < 0:
                await asyncio.Event().wait()
        finally:
            info.context["cancelled"].set()

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        """Fails after its first value."""
        yield 1
        raise ZeroDivisionError(PERSONAL)


schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


class OneToken:
    """An authenticator that knows one token until it is revoked, and no database."""

    def __init__(self) -> None:
        self.revoked = False
        self.away = False

    async def caller(self, connection: Any) -> Caller:
        """The caller, when the token is right."""
        return await self.bearer(connection.headers.get("authorization", ""))

    async def bearer(self, authorization: str) -> Caller:
        """The same for the value alone."""
        if self.away:
            raise Unavailable("the database cannot be reached")
        if self.revoked or authorization != f"Bearer {TOKEN}":
            raise unauthenticated()
        return Caller(name="test")

    async def websocket_session(self, connection: Any) -> Caller | None:
        """Nobody: this one knows no cookies."""
        return None


def make_execution(
    *,
    context: dict[str, Any] | None = None,
    introspection: bool = True,
    persisted: PersistedOperations | None = None,
    max_cost: int = 1_000,
    limits: DocumentLimits = LIMITS,
) -> Execution:
    """The small schema, ready to run."""
    return Execution(
        schema,
        documents=Documents(schema._schema, limits, introspection=introspection),
        persisted=persisted or PersistedOperations(),
        max_cost=max_cost,
        make_context=lambda caller: {"caller": caller, **(context or {})},
        hide_suggestions=not introspection,
    )


def make_transport(
    *, streams: Streams | None = None, one_token: OneToken | None = None, **options: Any
) -> GraphQLOverHttp:
    """The small schema behind HTTP."""
    authenticator: Any = one_token or OneToken()
    streams = streams or Streams(draining=asyncio.Event())
    return GraphQLOverHttp(make_execution(**options), authenticator, streams, read_seconds=0.5, max_variables=10_000)


def make_websocket(
    *, streams: Streams | None = None, one_token: OneToken | None = None, **options: Any
) -> GraphQLOverWebSocket:
    """The small schema behind a WebSocket."""
    authenticator: Any = one_token or OneToken()
    streams = streams or Streams(draining=asyncio.Event())
    return GraphQLOverWebSocket(make_execution(**options), authenticator, streams, max_variables=10_000)
