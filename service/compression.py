"""Answers compressed for who can read them (RFC 9110 12.5.3)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Receive, Scope, Send

from service.graph.media import read_coding

_COMPRESS_FROM = 1400
"""Bytes: less fits one packet as it is."""
_COMPRESSION = 5
"""A tenth larger than the best, in a third of the time."""


def accepts_gzip(headers: Headers) -> bool:
    """Whether a client names gzip as something it takes. Who says only `*` takes the bytes as they are, too."""
    codings = [read_coding(part) for part in ",".join(headers.getlist("accept-encoding")).split(",")]
    return any(name in ("gzip", "x-gzip") and quality > 0 for name, quality in codings)


class Compression:
    """ASGI middleware: Starlette's two responders, chosen by quality; its own test takes `gzip;q=0` for a wish.

    Answers of `/graphql` name their Vary themselves: who accepts no gzip gets them untouched.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._responder(scope)(scope, receive, send)

    def _responder(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self._app
        if accepts_gzip(Headers(scope=scope)):
            return GZipResponder(self._app, _COMPRESS_FROM, compresslevel=_COMPRESSION)
        return self._app if scope["path"] == "/graphql" else IdentityResponder(self._app, _COMPRESS_FROM)
