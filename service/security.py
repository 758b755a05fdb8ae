"""Security headers of every response (OWASP secure headers)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DENY_ALL = "default-src 'none'; base-uri 'none'; form-action 'none'"
_YEAR = 31_536_000


def page_policy(frame_ancestors: Sequence[str] = (), *, fonts: str = "'self'") -> str:
    """Returns the Content-Security-Policy of our page: scripts, styles and data from this origin, nothing inline."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src {fonts}; "
        "connect-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        f"{_frame_directive(frame_ancestors)}"
    )


def _frame_directive(frame_ancestors: Sequence[str]) -> str:
    """Returns the frame-ancestors directive: none, or this origin and the named ones."""
    return "frame-ancestors " + (" ".join(["'self'", *frame_ancestors]) if frame_ancestors else "'none'")


class SecurityHeaders:
    """ASGI middleware. A response with headers of its own keeps them; while draining it closes its connection."""

    def __init__(
        self, app: ASGIApp, *, secure: bool, frame_ancestors: Sequence[str], is_draining: Callable[[], bool]
    ) -> None:
        self._app = app
        self._is_draining = is_draining
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            # Forms of our own page have to send their origin; other sites learn no path.
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": f"{_DENY_ALL}; {_frame_directive(frame_ancestors)}",
        }
        if secure:
            self._headers["Strict-Transport-Security"] = f"max-age={_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers that the response lacks."""
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
