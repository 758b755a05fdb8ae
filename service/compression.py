"""Compresses responses for clients that accept gzip (RFC 9110 12.5.3)."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.graph.media import read_coding

_COMPRESS_FROM = 1400
"""Bytes: a smaller response fits one packet uncompressed."""
_FILES = "/files/"
"""Large, and compressed already as a rule: a second of the event loop for nothing."""
_LEVEL = 5
"""A tenth larger than the best level, in a third of the time."""


def accepts_gzip(headers: Headers) -> bool:
    """Whether a client accepts gzip by name. `*` alone does not count: it accepts uncompressed bytes as well."""
    codings = [read_coding(part) for part in ",".join(headers.getlist("accept-encoding")).split(",")]
    return any(name in ("gzip", "x-gzip") and quality > 0 for name, quality in codings)


def _merge_vary(headers: MutableHeaders) -> None:
    """Name each header once in `Vary`: responders add `Accept-Encoding` to what a response says itself."""
    found = headers.getlist("vary")
    if found:
        names = [name.strip() for name in ",".join(found).split(",")]
        headers["Vary"] = ", ".join({name.lower(): name for name in names}.values())


class Compression:
    """ASGI middleware: Starlette's responders, chosen by quality value; its own middleware takes `gzip;q=0` for gzip.

    Responses of `/graphql` set `Vary` themselves: without gzip they pass unchanged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_one_vary(message: Message) -> None:
            if message["type"] == "http.response.start":
                _merge_vary(MutableHeaders(scope=message))
            await send(message)

        await self._responder(scope)(scope, receive, send_with_one_vary)

    def _responder(self, scope: Scope) -> ASGIApp:
        if scope["path"].startswith(_FILES):
            return self._app
        if accepts_gzip(Headers(scope=scope)):
            return GZipResponder(self._app, _COMPRESS_FROM, compresslevel=_LEVEL)
        return self._app if scope["path"] == "/graphql" else IdentityResponder(self._app, _COMPRESS_FROM)
