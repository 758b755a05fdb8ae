"""The HTTP server: uvicorn, with limits on the head of a request and a shutdown that loses none.

On SIGTERM or SIGINT a process first gives notice (`/readyz` is false and every answer says `Connection: close`, while
it serves on), then stops listening, answers what is in flight, gives idle connections a moment to hear of it, and exits
within `drain_seconds`. Whoever stops sending in the middle of a body then is not waited for; what is not answered in
time is told that its client has left, and ends in order.
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
"""Bytes of request line and headers: a query in a URL, a cookie and a token are far below."""
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
"""For the whole head to arrive."""
WRITE_SECONDS = 30.0
"""For a client to take what was written to it."""
DISCARD_LIMIT = 64 * 1_048_576
"""Bytes of a refused body that are read and forgotten, so that the client can read its answer; then we hang up."""
_HEAD_TOO_LARGE = b"431 Request Header Fields Too Large"
_LAST_WORDS = 2.0
"""Seconds an idle connection may still bring a request after SIGTERM: it is answered, and told to close.
A body that is on its way may be silent for as long."""
_RESERVE = 0.2
"""Of `drain_seconds`: for what is hung up on to end, and then for hits to be written and pools to be closed."""
_REQUEST_TIMEOUT = b"408 Request Timeout"


class BoundedHead(HttpToolsProtocol):
    """One connection: 431 or 414 for a head that is too large, 408 for one that takes too long; no reader dawdles."""

    _head_bytes = 0
    _field_bytes = 0
    _in_head = True
    _discarded = 0
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _body_timer: asyncio.TimerHandle | None = None
    _draining = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Expect a first head."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, _REQUEST_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        self._stop_write_timer()
        self._stop_body_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads slower than we write: it has so long to catch up."""
        super().pause_writing()
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_write_timer()

    def data_received(self, data: bytes) -> None:
        """Count while the head is not whole; of a whole one its parts are counted."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, _REQUEST_TIMEOUT)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT:
            self._refuse(_HEAD_TOO_LARGE)

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        super().on_url(url)
        if len(self.url) > HEAD_LIMIT:
            self._refuse(b"414 URI Too Long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field more."""
        super().on_header(name, value)
        self._field_bytes += len(name) + len(value)
        if len(self.headers) > HEAD_FIELDS or self._field_bytes > HEAD_LIMIT:
            self._refuse(_HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is whole: hand the request on, unless it was refused meanwhile."""
        self._in_head = False
        self._stop_timer()
        if not self.transport.is_closing():
            super().on_headers_complete()
            if self._draining:
                self._expect_body()

    def on_body(self, body: bytes) -> None:
        """A body whose answer is out already is forgotten, up to a limit."""
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
        """The next head begins."""
        self._stop_body_timer()
        self._in_head, self._head_bytes, self._field_bytes, self._discarded = True, 0, 0, 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def shutdown(self) -> None:
        """Answer what comes within the last moment; an idle connection is closed after it."""
        self._draining = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_LAST_WORDS, super().shutdown)
        else:
            super().shutdown()
            if self.cycle.more_body:
                self._expect_body()

    def _expect_body(self) -> None:
        self._stop_body_timer()
        self._body_timer = self.loop.call_later(_LAST_WORDS, self._refuse_body)

    def _refuse_body(self) -> None:
        if self.flow.read_paused:
            # It is we who do not read.
            self._expect_body()
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(_REQUEST_TIMEOUT)

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()


class DrainingServer(uvicorn.Server):
    """uvicorn's server, with notice before the end."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        notice_seconds: float,
        answer_seconds: float,
        on_ready: Callable[[], None],
        on_drain: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._notice_seconds = notice_seconds
        self._answer_seconds = answer_seconds
        self._on_ready = on_ready
        self._on_drain = on_drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the listeners, then tell."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """A drained process has done what the signal asked: it exits with 0, not by the signal."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def main_loop(self) -> None:
        """Serve; then say that it is over, and serve a little longer."""
        await super().main_loop()
        self._on_drain()
        await asyncio.sleep(self._notice_seconds)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is in flight, for so long; uvicorn cancels what then does not end by itself."""
        hanging_up = asyncio.get_running_loop().call_later(self._answer_seconds, self._hang_up)
        try:
            await super().shutdown(sockets)
        finally:
            hanging_up.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def build_server(app: Starlette, settings: Settings, *, on_ready: Callable[[], None]) -> DrainingServer:
    """A server of this application; it is given its listening socket when it runs."""
    draining: asyncio.Event = app.state.draining
    notice_seconds = min(settings.drain_notice_seconds, settings.drain_seconds / 2)
    answer_seconds = settings.drain_seconds * (1 - _RESERVE) - notice_seconds
    options: dict[str, Any] = {
        "http": BoundedHead,
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
        "timeout_graceful_shutdown": answer_seconds + settings.drain_seconds * _RESERVE / 2,
    }
    config = uvicorn.Config(app, **options)
    return DrainingServer(
        config,
        notice_seconds=notice_seconds,
        answer_seconds=answer_seconds,
        on_ready=on_ready,
        on_drain=draining.set,
    )


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, which workers share: connections wait in it while one of them restarts. Raises OSError."""
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
