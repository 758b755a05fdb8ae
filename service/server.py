"""The HTTP server: uvicorn, with limits on request heads and a graceful shutdown that loses no request.

On SIGTERM or SIGINT a process first gives notice: it keeps serving, with `/readyz` at 503 and `Connection: close` in
every response. Then it stops listening, finishes the requests in flight, closes idle connections after a moment, and
exits within `drain_seconds`. A client that stops sending in the middle of a body gets 408; a request that is not
finished in time is cancelled as if its client had disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.settings import Settings

HEAD_LIMIT = 32_768
"""Bytes of request line and headers: a query in a URL, a cookie and a token need far less."""
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
"""Until the whole head has arrived."""
WRITE_SECONDS = 30.0
"""For a client to read what is buffered for it."""
DISCARD_LIMIT = 64 * 1_048_576
"""Bytes of a refused body that are read and discarded, so that the client can read its response; then we close."""
_HEAD_TOO_LARGE = b"431 Request Header Fields Too Large"
_DRAIN_IDLE_SECONDS = 2.0
"""While draining: how long an idle connection may still send a request, and how long a body may pause."""
_DRAIN_RESERVE = 0.2
"""Of `drain_seconds`: for aborted requests to end, then for hits to be written and pools to be closed."""
_REQUEST_TIMEOUT = b"408 Request Timeout"


class LimitedProtocol(HttpToolsProtocol):
    """One connection: 431 or 414 for a head too large, 408 for one too slow; a client that does not read is cut off."""

    _head_bytes = 0
    _field_bytes = 0
    _in_head = True
    _discarded = 0
    _draining = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the timer of the first head."""
        super().connection_made(transport)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._start_timer("head", HEAD_SECONDS, self._refuse, _REQUEST_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        for name in list(self._timers):
            self._stop_timer(name)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads slower than we write: close when it has not caught up within `WRITE_SECONDS`."""
        super().pause_writing()
        self._start_timer("write", WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stop_timer("write")

    def data_received(self, data: bytes) -> None:
        """Count the bytes of an incomplete head; a complete one is measured in `on_url` and `on_header`."""
        if self._in_head:
            self._head_bytes += len(data)
            if "head" not in self._timers:
                self._start_timer("head", HEAD_SECONDS, self._refuse, _REQUEST_TIMEOUT)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT:
            self._refuse(_HEAD_TOO_LARGE)

    def on_url(self, url: bytes) -> None:
        """Measure the URL, which may come in pieces."""
        super().on_url(url)
        if len(self.url) > HEAD_LIMIT:
            self._refuse(b"414 URI Too Long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Measure one header field."""
        super().on_header(name, value)
        self._field_bytes += len(name) + len(value)
        if len(self.headers) > HEAD_FIELDS or self._field_bytes > HEAD_LIMIT:
            self._refuse(_HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Pass a complete head on, unless it was refused."""
        self._in_head = False
        self._stop_timer("head")
        if not self.transport.is_closing():
            super().on_headers_complete()
            if self._draining:
                self._expect_body()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on; discard it, up to a limit, when the response is already complete."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > DISCARD_LIMIT:
                self.transport.close()
        super().on_body(body)
        if self._draining:
            self._expect_body()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._stop_timer("body")
        self._in_head, self._head_bytes, self._field_bytes, self._discarded = True, 0, 0, 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def shutdown(self) -> None:
        """Drain: an idle connection is closed after `_DRAIN_IDLE_SECONDS`, a busy one after its response."""
        self._draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_DRAIN_IDLE_SECONDS, super().shutdown)
        else:
            super().shutdown()
            if self.cycle.more_body:
                self._expect_body()

    def _expect_body(self) -> None:
        self._start_timer("body", _DRAIN_IDLE_SECONDS, self._refuse_body)

    def _refuse_body(self) -> None:
        if self.flow.read_paused:
            # Reading is paused on our side.
            self._expect_body()
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(_REQUEST_TIMEOUT)

    def _start_timer(self, name: str, seconds: float, then: Callable[..., None], *arguments: object) -> None:
        """Start a timer in place of the one of this name."""
        self._stop_timer(name)
        self._timers[name] = self.loop.call_later(seconds, then, *arguments)

    def _stop_timer(self, name: str) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()


class DrainingServer(uvicorn.Server):
    """uvicorn's server, with a notice period before the shutdown."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        notice_seconds: float,
        finish_seconds: float,
        on_ready: Callable[[], None],
        on_drain: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._notice_seconds = notice_seconds
        self._finish_seconds = finish_seconds
        self._on_ready = on_ready
        self._on_drain = on_drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then call `on_ready`."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Do not raise the signal again after the drain, so that the process exits with 0."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def main_loop(self) -> None:
        """Serve until a signal, call `on_drain`, and keep serving for the notice period."""
        await super().main_loop()
        self._on_drain()
        await asyncio.sleep(self._notice_seconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests in flight in time, then abort their connections; uvicorn cancels what is left."""
        aborting = asyncio.get_running_loop().call_later(self._finish_seconds, self._abort_connections)
        try:
            await super().shutdown(sockets)
        finally:
            aborting.cancel()

    def _abort_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def build_server(app: Starlette, settings: Settings, *, on_ready: Callable[[], None]) -> DrainingServer:
    """Returns a server of this application; the listening socket is passed to its `run`."""
    draining: asyncio.Event = app.state.draining
    notice_seconds = min(settings.drain_notice_seconds, settings.drain_seconds / 2)
    finish_seconds = settings.drain_seconds * (1 - _DRAIN_RESERVE) - notice_seconds
    options: dict[str, Any] = {
        "http": LimitedProtocol,
        "ws": "websockets-sansio",
        "ws_max_size": 1_048_576,
        "ws_max_queue": 32,
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "limit_concurrency": settings.max_connections,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": finish_seconds + settings.drain_seconds * _DRAIN_RESERVE / 2,
    }
    config = uvicorn.Config(app, **options)
    return DrainingServer(
        config,
        notice_seconds=notice_seconds,
        finish_seconds=finish_seconds,
        on_ready=on_ready,
        on_drain=draining.set,
    )


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket; workers share it, and its backlog, so no connection is refused. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening
