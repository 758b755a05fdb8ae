"""A log line and a metric for every request: method, route, status, time, and the name of a GraphQL operation.

Never the path, which holds tokens and references of customers, the query string, or an address.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import REQUEST_SECONDS, REQUESTS

_log = logging.getLogger("service.access")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by balancers and Prometheus: a line only where the answer is not 200."""
_UNKNOWN = "none"
"""The route of a path that has none."""
_CLIENT_GONE = 499
"""The status of a request whose client went away before the response began, as nginx writes it."""
_LONGEST_NAME = 100

# Looked up once: a label costs more than what it counts.
_requests = cache(REQUESTS.labels)
_request_seconds = cache(REQUEST_SECONDS.labels)


def note_operation(scope: Scope, name: str | None) -> None:
    """Remember the name of the GraphQL operation of this request, for its line."""
    scope.setdefault("state", {})["operation"] = (name or "unnamed")[:_LONGEST_NAME]


class AccessLog:
    """ASGI middleware, around all others. The line of a WebSocket is written when it ends, without a status."""

    def __init__(
        self, app: ASGIApp, *, routes: Iterable[BaseRoute], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._clock = clock
        self._templates: dict[tuple[Any, frozenset[str]], str] = {}
        for route in routes:
            if isinstance(route, (Route, WebSocketRoute)):
                self._templates.setdefault((route.endpoint, frozenset(route.param_convertors)), route.path_format)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, then write its line."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        started = self._clock()
        status, began = None, started

        async def send_noted(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                status, began = message["status"], self._clock()
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            # The server's error page is made outside of this.
            status, began = status or 500, self._clock()
            raise
        finally:
            self._note(scope, status, began=began - started, ended=self._clock() - started)

    def _note(self, scope: Scope, status: int | None, *, began: float, ended: float) -> None:
        template = self._template(scope)
        fields: dict[str, Any] = {"route": template, "duration_ms": round(ended * 1000, 1)}
        if scope["type"] == "http":
            method = scope["method"] if scope["method"] in _METHODS else "other"
            fields |= {"method": method, "status": status or _CLIENT_GONE}
            _requests(method, template, str(fields["status"])).inc()
            _request_seconds(template).observe(began)
        else:
            fields["method"] = "WEBSOCKET"
        operation = scope.get("state", {}).get("operation")
        if operation is not None:
            fields["operation"] = operation
        if template not in _PROBES or status != 200:
            _log.info("request", extra={"fields": fields})

    def _template(self, scope: Mapping[str, Any]) -> str:
        """The route's path with names for its parts, as `/c/{token}`."""
        return self._templates.get((scope.get("endpoint"), frozenset(scope.get("path_params", ()))), _UNKNOWN)
