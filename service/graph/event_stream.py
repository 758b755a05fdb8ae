"""Results as server-sent events: graphql-sse, distinct connections mode.

Each result is an event `next`, the end is an event `complete`. Errors found before execution are sent as results, too,
because an `EventSource` hides the body of a response that is not 200.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from starlette.responses import StreamingResponse

from service.errors import Busy, RequestRefused, ServiceError
from service.graph.documents import DocumentRefused
from service.graph.masking import mask, present
from service.graph.media import EVENT_STREAM
from service.graph.streams import EVERY_STREAM_TAKEN, RECHECK_SECONDS, Identify, Streams

_HEARTBEAT = b":\n\n"
"""Proxies close idle connections, and only writing shows that a client has disconnected."""
_COMPLETE = b"event: complete\ndata: \n\n"


def respond(results: AsyncGenerator[dict[str, Any], None], streams: Streams, identify: Identify) -> StreamingResponse:
    """The response whose events are these payloads, for as long as `identify` accepts the caller.

    Raises Busy when the process serves as many streams as it may.
    """
    if streams.open >= streams.limit or streams.draining.is_set():
        raise Busy(EVERY_STREAM_TAKEN)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(results, streams, identify), media_type=EVENT_STREAM, headers=headers)


async def _events(
    results: AsyncGenerator[dict[str, Any], None], streams: Streams, identify: Identify
) -> AsyncIterator[bytes]:
    with streams.counted():
        # The client sees that it is connected, however long the first result takes.
        yield _HEARTBEAT
        try:
            async for event in _with_heartbeat(results, streams, identify):
                yield event
        except DocumentRefused as refused:
            yield _next({"errors": present(refused.errors)})
        except RequestRefused as refused:
            yield _next({"errors": [{"message": refused.message, "extensions": refused.extensions}]})
        except Exception as unexpected:
            yield _next({"errors": [mask(unexpected)]})
        yield _COMPLETE


async def _with_heartbeat(
    results: AsyncGenerator[dict[str, Any], None], streams: Streams, identify: Identify
) -> AsyncIterator[bytes]:
    """The results as they come, heartbeats in between, until they end, the process drains or the stream is too old.

    Raises RequestRefused when the caller's token was revoked or its session has ended.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + streams.life_seconds
    recheck_at = loop.time() + RECHECK_SECONDS
    draining: asyncio.Future[Any] = asyncio.ensure_future(streams.draining.wait())
    waiting: asyncio.Future[Any] = asyncio.ensure_future(anext(results))
    try:
        while loop.time() < until and not draining.done():
            await asyncio.wait({waiting, draining}, timeout=RECHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if loop.time() >= recheck_at:
                await _recheck(identify)
                recheck_at = loop.time() + RECHECK_SECONDS
            if not waiting.done():
                yield _HEARTBEAT
                continue
            try:
                yield _next(waiting.result())
            except StopAsyncIteration:
                return
            waiting = asyncio.ensure_future(anext(results))
    finally:
        draining.cancel()
        waiting.cancel()
        await asyncio.wait({waiting})
        await results.aclose()


async def _recheck(identify: Identify) -> None:
    """Raises RequestRefused. While the database is unavailable, callers cannot be checked, and receive nothing."""
    try:
        await identify()
    except RequestRefused:
        raise
    except ServiceError:
        return


def _next(payload: dict[str, Any]) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(payload) + b"\n\n"
