"""What every stream shares: how many there may be, how long one lives, and how results become payloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql import ExecutionResult

from service.auth.callers import Caller
from service.errors import Busy, RequestRefused, ServiceError
from service.graph.documents import DocumentRefused
from service.graph.execution import Execution, is_mutation, is_subscription
from service.graph.masking import mask, present
from service.graph.parameters import Parameters

MAX_STREAMS = 1000
"""WebSockets and event streams that a process serves at once: each holds a connection and some memory."""
LIFE_SECONDS = 3600.0
"""One is closed after this, so that load spreads over the processes. Clients reconnect by themselves."""
RECHECK_SECONDS = 5.0
"""How often the caller of a stream is authenticated again: its token may be revoked, its session ended."""
EVERY_STREAM_TAKEN = "every stream is taken: try again in a moment"

Identify = Callable[[], Awaitable[Caller]]
"""Authenticates the caller again. Raises when its token was revoked or its session has ended."""


@dataclass(kw_only=True, slots=True)
class Streams:
    """Counts the streams of a process. `draining` is set when they must end."""

    draining: asyncio.Event
    limit: int = MAX_STREAMS
    life_seconds: float = LIFE_SECONDS
    open: int = field(default=0, init=False)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one stream. Raises Busy when there are `limit` already, or the process drains."""
        if self.open >= self.limit or self.draining.is_set():
            raise Busy(EVERY_STREAM_TAKEN)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


async def payloads(
    execution: Execution, parameters: Parameters, caller: Caller, *, queries_only: bool = False
) -> AsyncGenerator[dict[str, Any], None]:
    """The results of any operation, one payload each. Raises DocumentRefused or RequestRefused before the first."""
    ready = await execution.prepare(parameters)
    if queries_only and is_mutation(ready):
        raise RequestRefused(405, "METHOD_NOT_ALLOWED", "A mutation is sent by POST.", {"Allow": "POST"})
    # Of a subscription the first event alone has it: it is begun once.
    extensions: dict[str, Any] = {"cost": execution.cost_report(ready.cost)}
    if not is_subscription(ready):
        result = await execution.run(ready, caller)
        yield _payload(result) | _with(extensions, result.extensions or {})
        return
    results = await execution.stream(ready, caller)
    if isinstance(results, ExecutionResult):
        raise DocumentRefused(results.errors or [])
    try:
        async for result in results:
            # What it tells of is to be found by the caller's next query.
            yield _payload(result) | _with(extensions, await execution.seen(caller))
            extensions = {}
    except ServiceError as error:
        yield {"data": None, "errors": [{"message": error.message, "extensions": error.extensions}]}
    except Exception as error:
        # The source itself failed, which graphql-core does not handle. The stream ends with the error.
        yield {"data": None, "errors": [mask(error)]}
    finally:
        close = getattr(results, "aclose", None)
        if close is not None:
            await close()


def _with(extensions: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    every = {**extensions, **more}
    return {"extensions": every} if every else {}


def _payload(result: ExecutionResult) -> dict[str, Any]:
    if result.errors:
        return {"data": result.data, "errors": present(result.errors)}
    return {"data": result.data}
