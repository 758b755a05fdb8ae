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
"""Personal data in an exception's message, which must not be logged."""


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
    """The queries of the tests."""

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
        """One of the service's errors."""
        raise BadInput("name", "cannot be used")

    @strawberry.field
    def refused(self) -> str | None:
        """A refusal of the gateway's."""
        raise Refusal(RefusalCode.ERASED, "the customer is erased", ("customerId",))

    @strawberry.field
    def broken(self) -> str | None:
        """An unexpected error whose message has personal data."""
        raise ZeroDivisionError(PERSONAL)

    @strawberry.field
    def broken_for_good(self) -> str:
        """The same in a non-null field: `data` becomes null."""
        raise ZeroDivisionError(PERSONAL)

    @strawberry.field
    def busy(self) -> str | None:
        """No connection became free."""
        raise Busy("every connection is in use")

    @strawberry.field
    async def endless(self, info: strawberry.Info[Any, None]) -> str | None:
        """Waits until it is cancelled, then sets `cancelled`."""
        try:
            await asyncio.Event().wait()
        finally:
            info.context["cancelled"].set()
        return None


@strawberry.type
class Mutation:
    """The mutations of the tests."""

    @strawberry.mutation
    def rename(self, name: str) -> str | None:
        """The new name."""
        return name

    @strawberry.mutation
    def too_busy(self) -> str | None:
        """No connection became free."""
        raise Busy("every connection is in use")


@strawberry.type
class Subscription:
    """The subscriptions of the tests."""

    @strawberry.subscription
    async def count(self, info: strawberry.Info[Any, None], to: int) -> AsyncGenerator[int, None]:
        """Counts to `to`; for a negative one counts to its absolute value, then waits until cancelled."""
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
    """An authenticator with one token, valid until it is revoked, and no database."""

    def __init__(self) -> None:
        self.revoked = False
        self.away = False

    async def caller(self, connection: Any) -> Caller:
        """Returns the caller of a request with the token."""
        return await self.bearer(connection.headers.get("authorization", ""))

    async def bearer(self, authorization: str, address: str = "") -> Caller:
        """Returns the caller of an Authorization header with the token."""
        if self.away:
            raise Unavailable("the database cannot be reached")
        if self.revoked or authorization != f"Bearer {TOKEN}":
            raise unauthenticated()
        return Caller(name="test")

    async def websocket_session(self, connection: Any) -> Caller | None:
        """Returns None: there are no cookies."""
        return None


def make_execution(
    *,
    context: dict[str, Any] | None = None,
    introspection: bool = True,
    persisted: PersistedOperations | None = None,
    max_cost: int = 1_000,
    limits: DocumentLimits = LIMITS,
) -> Execution:
    """Returns the small schema, ready to execute."""
    return Execution(
        schema,
        documents=Documents(schema._schema, limits, introspection=introspection),
        persisted=persisted or PersistedOperations(),
        max_cost=max_cost,
        make_context=lambda caller, pools: {"caller": caller, **(context or {})},
        hide_suggestions=not introspection,
    )


def make_transport(
    *, streams: Streams | None = None, one_token: OneToken | None = None, **options: Any
) -> GraphQLOverHttp:
    """Returns the small schema over HTTP."""
    authenticator: Any = one_token or OneToken()
    streams = streams or Streams(draining=asyncio.Event())
    return GraphQLOverHttp(make_execution(**options), authenticator, streams, read_seconds=0.5, max_variables=10_000)


def make_websocket(
    *, streams: Streams | None = None, one_token: OneToken | None = None, **options: Any
) -> GraphQLOverWebSocket:
    """Returns the small schema over a WebSocket."""
    authenticator: Any = one_token or OneToken()
    streams = streams or Streams(draining=asyncio.Event())
    return GraphQLOverWebSocket(make_execution(**options), authenticator, streams, max_variables=10_000)
