"""Operations answered as server-sent events: graphql-sse, distinct connections mode.

Each result is an event `next`, the end is an event `complete`; errors found before execution are results, too, because
an `EventSource` shows its page nothing of a response that is not 200.
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
from service.graph.streams import LOOK_AGAIN_SECONDS, Ask, Streams

_BEAT = b":\n\n"
"""Proxies end what is silent for long; a client that is gone shows itself when it is written to."""
_COMPLETE = b"event: complete\ndata: \n\n"


def respond(results: AsyncGenerator[dict[str, Any], None], streams: Streams, ask: Ask) -> StreamingResponse:
    """The response whose events are these payloads, for as long as `ask` knows who asked.

    Raises Busy when there is no place for it.
    """
    if streams.open >= streams.limit or streams.draining.is_set():
        raise Busy("every stream is taken: try again in a moment")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(results, streams, ask), media_type=EVENT_STREAM, headers=headers)


async def _events(results: AsyncGenerator[dict[str, Any], None], streams: Streams, ask: Ask) -> AsyncIterator[bytes]:
    with streams.place():
        # The first bytes tell the client that it is connected, however long the first result takes.
        yield _BEAT
        try:
            async for event in _with_heartbeat(results, streams, ask):
                yield event
        except DocumentRefused as refused:
            yield _next({"errors": present(refused.errors)})
        except RequestRefused as refused:
            yield _next({"errors": [{"message": refused.message, "extensions": refused.extensions}]})
        except Exception as unexpected:
            yield _next({"errors": [mask(unexpected)]})
        yield _COMPLETE


async def _with_heartbeat(
    results: AsyncGenerator[dict[str, Any], None], streams: Streams, ask: Ask
) -> AsyncIterator[bytes]:
    """The results as they come, a beat in between, until they end, the process drains or the stream is old.

    Raises RequestRefused when who asked is known no more.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + streams.life_seconds
    look_at = loop.time() + LOOK_AGAIN_SECONDS
    draining: asyncio.Future[Any] = asyncio.ensure_future(streams.draining.wait())
    waiting: asyncio.Future[Any] = asyncio.ensure_future(anext(results))
    try:
        while loop.time() < until and not draining.done():
            await asyncio.wait({waiting, draining}, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if loop.time() >= look_at:
                await _look_again(ask)
                look_at = loop.time() + LOOK_AGAIN_SECONDS
            if not waiting.done():
                yield _BEAT
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


async def _look_again(ask: Ask) -> None:
    """Raises RequestRefused. A database that is away says nothing of who asks, and has nothing to tell them."""
    try:
        await ask()
    except RequestRefused:
        raise
    except ServiceError:
        return


def _next(payload: dict[str, Any]) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(payload) + b"\n\n"
