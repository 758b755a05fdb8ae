"""GraphQL over WebSocket: the graphql-transport-ws protocol, every operation within the limits of HTTP.

The caller is known by a bearer token, in the payload of `connection_init` (`{"Authorization": "Bearer ..."}`) or else
in the handshake's `Authorization` header, which programs can send and browsers cannot; or by the session cookie
together with an `Origin` of ours. It is authenticated again for every operation, and while one runs: a
socket is closed with 4403 when its token was revoked or its session has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.auth.callers import Authenticator, Caller, address_of
from service.errors import Busy, RequestRefused, ServiceError
from service.graph.documents import DocumentRefused
from service.graph.execution import Execution
from service.graph.masking import mask, present
from service.graph.parameters import from_message
from service.graph.streams import RECHECK_SECONDS, Identify, Streams, payloads

PROTOCOL = "graphql-transport-ws"
MAX_OPERATIONS = 20
"""A page shows a few things at once; each operation costs a subscription or a statement."""
INIT_SECONDS = 10.0
IDLE_SECONDS = 300.0
"""A socket without an operation is closed after this: it counts among the streams of the process."""


class _Closed(Exception):
    """The connection ends, with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class GraphQLOverWebSocket:
    """The ASGI application behind `/graphql` for WebSockets."""

    execution: Execution
    authenticator: Authenticator
    streams: Streams
    max_variables: int

    async def serve(self, websocket: WebSocket) -> None:
        """One connection, from the handshake to its end."""
        if PROTOCOL not in websocket.scope.get("subprotocols", []):
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(PROTOCOL)
        try:
            with self.streams.counted():
                await self._run_connection(websocket)
        except Busy as busy:
            await _close(websocket, 1013, busy.message)
        except _Closed as closed:
            await _close(websocket, closed.code, closed.reason)
        except WebSocketDisconnect:
            return

    async def _run_connection(self, websocket: WebSocket) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.streams.life_seconds
        identify = await self._initialise(websocket)
        connection = _Connection(websocket, self.execution, identify, self.max_variables)
        rechecking = asyncio.create_task(connection.recheck())
        try:
            await _send(websocket, {"type": "connection_ack"})
            while loop.time() < until:
                timeout = IDLE_SECONDS if not connection.operations else until - loop.time()
                try:
                    async with asyncio.timeout(timeout):
                        message = await _receive(websocket)
                except TimeoutError:
                    if connection.operations and loop.time() < until:
                        continue
                    break
                await connection.handle(message)
            raise _Closed(1001, "idle, or open for long: connect again")
        finally:
            rechecking.cancel()
            await connection.end()

    async def _initialise(self, websocket: WebSocket) -> Identify:
        """Authenticates the caller; returns what does so again.

        Raises _Closed: 4408 without `connection_init` in time, 4403 for an unknown caller.
        """
        try:
            async with asyncio.timeout(INIT_SECONDS):
                message = await _first_message(websocket)
        except TimeoutError:
            raise _Closed(4408, "Connection initialisation timeout") from None
        if message["type"] != "connection_init":
            raise _Closed(4401, "Unauthorized")
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            raise _Closed(4400, "The payload of connection_init is an object")
        sent = next((value for name, value in payload.items() if name.lower() == "authorization"), None)
        authorization = sent if isinstance(sent, str) else websocket.headers.get("authorization")
        identify = partial(self._identify, websocket, authorization)
        try:
            await identify()
        except ServiceError as error:
            raise _Closed(1013, error.message) from None
        return identify

    async def _identify(self, websocket: WebSocket, authorization: str | None) -> Caller:
        """The caller. Raises _Closed (4403) for an unknown one, ServiceError while callers cannot be checked."""
        try:
            if authorization is not None:
                return await self.authenticator.bearer(authorization, address_of(websocket))
            caller = await self.authenticator.websocket_session(websocket)
        except RequestRefused:
            caller = None
        if caller is None:
            raise _Closed(4403, "Forbidden")
        return caller


@dataclass(slots=True)
class _Connection:
    """The operations of one connection, by their ids."""

    websocket: WebSocket
    execution: Execution
    identify: Identify
    max_variables: int
    operations: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def handle(self, message: dict[str, Any]) -> None:
        """Handle one message of the client's. Raises _Closed for what the protocol forbids."""
        match message["type"]:
            case "ping":
                await _send(self.websocket, {"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                self._begin(message)
            case "complete":
                task = self.operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case "connection_init":
                raise _Closed(4429, "Too many initialisation requests")
            case _:
                raise _Closed(4400, "Unknown message type")

    async def recheck(self) -> None:
        """Close the socket when the caller of its operations is not valid any more. Runs until the socket is closed."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                if self.operations:
                    await self.identify()
            except ServiceError:
                # While the database is unavailable, callers cannot be checked, and receive nothing.
                continue
            except _Closed as closed:
                return await _close(self.websocket, closed.code, closed.reason)
            except Exception as unexpected:
                mask(unexpected)
                return await _close(self.websocket, 1011, "Internal error")

    async def end(self) -> None:
        """Cancel what still runs, and wait for it."""
        tasks = list(self.operations.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, message: dict[str, Any]) -> None:
        operation = _id(message)
        if operation in self.operations:
            raise _Closed(4409, f"Subscriber for {operation[:50]} already exists")
        if len(self.operations) >= MAX_OPERATIONS:
            raise _Closed(4400, f"More than {MAX_OPERATIONS} operations on one connection")
        task = asyncio.create_task(self._run(operation, message.get("payload")))
        self.operations[operation] = task

    async def _run(self, operation: str, payload: Any) -> None:
        """One operation: `next` for each result, then `complete`; or one `error`."""
        try:
            parameters = from_message(payload, max_variables=self.max_variables)
            async for result in payloads(self.execution, parameters, await self.identify()):
                await _send(self.websocket, {"id": operation, "type": "next", "payload": result})
            final: dict[str, Any] = {"id": operation, "type": "complete"}
        except DocumentRefused as refused:
            final = {"id": operation, "type": "error", "payload": present(refused.errors)}
        except ServiceError as refused:
            error = {"message": refused.message, "extensions": refused.extensions}
            final = {"id": operation, "type": "error", "payload": [error]}
        except _Closed as closed:
            # The connection's own loop then ends, as at any other close.
            return await _close(self.websocket, closed.code, closed.reason)
        except WebSocketDisconnect:
            # The client has disconnected; the connection's own loop ends.
            return
        except Exception as unexpected:
            final = {"id": operation, "type": "error", "payload": [mask(unexpected)]}
        if self.operations.pop(operation, None) is not None:
            with contextlib.suppress(WebSocketDisconnect):
                await _send(self.websocket, final)


def _id(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not found or len(found) > 255:
        raise _Closed(4400, "An operation's id is a string of 1 to 255 characters")
    return found


async def _first_message(websocket: WebSocket) -> dict[str, Any]:
    """The first message that is neither ping nor pong. Raises as `_receive` does."""
    while (message := await _receive(websocket))["type"] in ("ping", "pong"):
        if message["type"] == "ping":
            await _send(websocket, {"type": "pong"})
    return message


async def _receive(websocket: WebSocket) -> dict[str, Any]:
    """The next message. Raises WebSocketDisconnect, or _Closed (4400) when it is malformed."""
    received = await websocket.receive()
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received.get("code", 1005))
    try:
        message = orjson.loads(received.get("text") or "")
    except orjson.JSONDecodeError:
        raise _Closed(4400, "A message is JSON text") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _Closed(4400, "A message is an object with a type")
    return message


async def _send(websocket: WebSocket, message: dict[str, Any]) -> None:
    """Raises WebSocketDisconnect when the client is gone; Starlette raises RuntimeError once the socket is closed."""
    text = orjson.dumps(message).decode()
    try:
        await websocket.send_text(text)
    except RuntimeError as error:
        raise WebSocketDisconnect(1006) from error


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await websocket.close(code, reason)
