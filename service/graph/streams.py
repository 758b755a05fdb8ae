"""What every stream shares: how many there may be, how long one lives, and how results become payloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql import ExecutionResult

from service.auth.callers import Caller
from service.errors import Busy, RequestRefused, ServiceError
from service.graph.documents import DocumentRefused
from service.graph.execution import Execution, Ready, is_subscription
from service.graph.masking import mask, present
from service.graph.parameters import Parameters

MAX_STREAMS = 1000
"""Sockets and event streams a process serves at once: each holds a connection, some memory and a watch."""
LIFE_SECONDS = 3600.0
"""How long one lives: it stays with the process that it came to. Clients reconnect by themselves."""
LOOK_AGAIN_SECONDS = 5.0
"""Until who follows something is looked at again: a token may be revoked meanwhile, a session ended."""

Ask = Callable[[], Awaitable[Caller]]
"""Finds out who asks, now. Raises when that is nobody whom we know any more."""


@dataclass(kw_only=True, slots=True)
class Streams:
    """Counts the streams of a process. `draining` is set when it must end them."""

    draining: asyncio.Event
    limit: int = MAX_STREAMS
    life_seconds: float = LIFE_SECONDS
    open: int = field(default=0, init=False)

    @contextmanager
    def place(self) -> Iterator[None]:
        """One stream's place. Raises Busy when all are taken, or the process is about to end."""
        if self.open >= self.limit or self.draining.is_set():
            raise Busy("every stream is taken: try again in a moment")
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
    if queries_only and not (is_subscription(ready) or is_query(ready)):
        raise RequestRefused(405, "METHOD_NOT_ALLOWED", "A mutation is sent by POST.", {"Allow": "POST"})
    if not is_subscription(ready):
        yield _payload(await execution.run(ready, caller))
        return
    results = await execution.stream(ready, caller)
    if isinstance(results, ExecutionResult):
        raise DocumentRefused(results.errors or [])
    try:
        async for result in results:
            yield _payload(result)
    except ServiceError as error:
        yield {"data": None, "errors": [{"message": error.message, "extensions": error.extensions}]}
    except Exception as error:
        # The source itself broke; graphql-core leaves that to us. The stream ends with the reason.
        yield {"data": None, "errors": [mask(error)]}
    finally:
        close = getattr(results, "aclose", None)
        if close is not None:
            await close()


def is_query(ready: Ready) -> bool:
    """Whether running it changes nothing."""
    return ready.operation.type.value == "query"


def _payload(result: ExecutionResult) -> dict[str, Any]:
    if result.errors:
        return {"data": result.data, "errors": present(result.errors)}
    return {"data": result.data}
