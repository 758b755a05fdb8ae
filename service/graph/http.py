"""GraphQL over HTTP as its specification (draft) says, and no more.

GET runs queries, POST everything. A response of `application/graphql-response+json` shows failures by its status; one
of `application/json` has status 200 for every well-formed request. Results of a subscription are an event stream
(graphql-sse).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from graphql import ExecutionResult
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.access_log import note_operation
from service.auth.callers import Authenticator, Caller
from service.errors import Busy, RequestRefused
from service.graph import event_stream
from service.graph.documents import DocumentRefused
from service.graph.execution import Execution, Ready, is_mutation, is_subscription
from service.graph.masking import mask, present, unavailable
from service.graph.media import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, negotiate
from service.graph.parameters import Parameters, from_body, from_query_string
from service.graph.streams import Streams, payloads
from service.positions import CONSISTENCY_COOKIE, position_cookie, read_position

_WATCH_AFTER_SECONDS = 0.1
"""A request that takes longer is cancelled when its client disconnects."""
_HEADERS = {
    # Responses are personal, and depend on the caller and on these headers.
    "Cache-Control": "no-store",
    "Vary": "Accept, Accept-Encoding, Authorization, Cookie",
}


@dataclass(slots=True)
class GraphQLOverHttp:
    """The ASGI application behind `/graphql`."""

    execution: Execution
    authenticator: Authenticator
    streams: Streams
    read_seconds: float
    max_variables: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; its statements are cancelled when the client disconnects."""
        request = Request(scope, receive)
        watcher = _DisconnectWatcher(receive)
        try:
            response = await self._handle(request, watcher)
            await response(scope, receive, send)
        except asyncio.CancelledError:
            if not watcher.gone:
                raise
        finally:
            watcher.stop()

    async def _handle(self, request: Request, watcher: _DisconnectWatcher) -> Response:
        media_type = JSON
        try:
            # Lines of one name are one list (RFC 9110 5.3).
            media_type = negotiate(", ".join(request.headers.getlist("accept")))
            if request.method not in ("GET", "POST"):
                raise _method_refused("Use GET for queries and POST for everything.", "GET, POST")
            caller = await self.authenticator.caller(request)
            if self.execution.replicas is not None:
                caller = replace(caller, seen=_seen(request))
            parameters = await self._parameters(request)
            if media_type == EVENT_STREAM:
                queries_only = request.method == "GET"
                results = payloads(self.execution, parameters, caller, queries_only=queries_only)
                identify = partial(self.authenticator.caller, request)
                return event_stream.respond(results, self.streams, identify)
            ready = await self.execution.prepare(parameters)
            note_operation(request.scope, ready.operation.name)
            if request.method == "GET" and is_mutation(ready):
                raise _method_refused("A mutation is sent by POST.", "POST")
            watcher.start()
            return await self._run(ready, caller, media_type)
        except RequestRefused as refused:
            return _refusal(refused, media_type)
        except DocumentRefused as refused:
            headers = _cost_headers(refused.cost)
            errors = present(refused.errors)
            return _respond(refused.status, {"errors": errors}, media_type, legacy_status=200, headers=headers)
        except Busy as busy:
            return _unavailable(busy, media_type)
        except Exception as error:
            return _respond(500, {"errors": [mask(error)]}, media_type)

    async def _parameters(self, request: Request) -> Parameters:
        if request.method == "GET":
            return from_query_string(request.scope["query_string"], max_variables=self.max_variables)
        return await from_body(request, max_variables=self.max_variables, seconds=self.read_seconds)

    async def _run(self, ready: Ready, caller: Caller, media_type: str) -> Response:
        if is_subscription(ready):
            raise RequestRefused(
                406, "NOT_ACCEPTABLE", f"A subscription is answered as {EVENT_STREAM}, or over a WebSocket."
            )
        result = await self.execution.run(ready, caller)
        return self.respond(ready, result, media_type)

    def respond(self, ready: Ready, result: ExecutionResult, media_type: str) -> Response:
        """The response for a result; `data` may hold pages that are JSON already (`orjson.Fragment`)."""
        cost = self.execution.cost_report(ready.cost)
        extensions, headers = {"cost": cost, **(result.extensions or {})}, _cost_headers(cost) | _cookie(result)
        if not result.errors:
            return _respond(200, {"data": result.data, "extensions": extensions}, media_type, headers=headers)
        if (busy := unavailable(result.errors)) and not (is_mutation(ready) and _changed_something(result)):
            # A partial response would look like a customer without history. Every mutation may be retried.
            return _unavailable(busy, media_type)
        errors = present(result.errors)
        if result.data is None and all(error.path is None for error in result.errors):
            # A request error: variables that fit no type. `data` is absent, not null.
            body: dict[str, Any] = {"errors": errors, "extensions": extensions}
            return _respond(400, body, media_type, legacy_status=200, headers=headers)
        body = {"data": result.data, "errors": errors, "extensions": extensions}
        return _respond(200, body, media_type, headers=headers)


class _DisconnectWatcher:
    """Cancels the task of a request when its client disconnects; asyncpg then cancels the statement it waits for."""

    def __init__(self, receive: Receive) -> None:
        self.gone = False
        self._receive = receive
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch, once the request takes long. The body must have been read."""
        task = asyncio.current_task()
        if task is not None:
            self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self._watch, task)

    def stop(self) -> None:
        """The response is ready."""
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting is not None:
            self._waiting.cancel()

    def _watch(self, task: asyncio.Task[Any]) -> None:
        self._waiting = asyncio.get_running_loop().create_task(self._wait(task))

    async def _wait(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        task.cancel()


def _seen(request: Request) -> int:
    """The position up to which the caller has seen everything, by its header or, in a browser, our cookie. Raises
    RequestRefused (400) for a header that names none."""
    named = request.headers.get("consistency")
    position = read_position(named) if named is not None else None
    if named is not None and position is None:
        raise RequestRefused(400, "BAD_REQUEST", "Consistency is a position that `extensions` named: 16/B374D848.")
    return max(position or 0, read_position(request.cookies.get(CONSISTENCY_COOKIE, "")) or 0)


def _cookie(result: ExecutionResult) -> dict[str, str]:
    """Has a browser name the position of its last write to whichever process it asks next."""
    position = (result.extensions or {}).get("consistency")
    return {} if position is None else {"Set-Cookie": position_cookie(position)}


def _cost_headers(cost: Mapping[str, int] | None) -> dict[str, str]:
    """The same as `extensions.cost`, for what sees no bodies: a dictionary (RFC 9651)."""
    if cost is None:
        return {}
    return {"GraphQL-Cost": ", ".join(f"{name}={number}" for name, number in cost.items())}


def _method_refused(message: str, allow: str) -> RequestRefused:
    return RequestRefused(405, "METHOD_NOT_ALLOWED", message, {"Allow": allow})


def _changed_something(result: ExecutionResult) -> bool:
    return any(value is not None for value in (result.data or {}).values())


def _refusal(refused: RequestRefused, media_type: str) -> Response:
    error = {"message": refused.message, "extensions": {"code": refused.code}}
    return _respond(refused.status, {"errors": [error]}, media_type, headers=refused.headers)


def _unavailable(busy: Busy, media_type: str) -> Response:
    error = {"message": busy.message, "extensions": {"code": busy.code}}
    headers = {"Retry-After": str(busy.retry_after_seconds)}
    return _respond(503, {"errors": [error]}, media_type, headers=headers)


def _respond(
    status: int,
    payload: Mapping[str, Any],
    media_type: str,
    *,
    legacy_status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The payload as JSON; shaped pages within it are bytes already (`orjson.Fragment`)."""
    if media_type != GRAPHQL_RESPONSE:
        status, media_type = legacy_status or status, JSON
    return Response(
        orjson.dumps(payload),
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
        media_type=f"{media_type}; charset=utf-8",
    )
