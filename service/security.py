"""Headers that every answer carries: what browsers may do with it (OWASP secure headers)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"
_YEAR = 31_536_000


def page_policy(frame_ancestors: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of our own page: scripts, styles and data from this origin, nothing inline."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        f"{framing(frame_ancestors)}"
    )


def framing(frame_ancestors: Sequence[str]) -> str:
    """Who may show us in a frame: nobody, or ourselves and the named origins."""
    return "frame-ancestors " + (" ".join(["'self'", *frame_ancestors]) if frame_ancestors else "'none'")


class SecurityHeaders:
    """ASGI middleware. An answer that brings a policy of its own keeps it; while draining, connections are closed."""

    def __init__(
        self, app: ASGIApp, *, secure: bool, frame_ancestors: Sequence[str], is_draining: Callable[[], bool]
    ) -> None:
        self._app = app
        self._is_draining = is_draining
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            # Forms of our own page must tell their origin; nobody else learns a path.
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": f"{_NOTHING}; {framing(frame_ancestors)}",
        }
        if secure:
            self._headers["Strict-Transport-Security"] = f"max-age={_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what is missing to the head of the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if self._is_draining():
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_guarded)
