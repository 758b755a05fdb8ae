"""Browser sessions: one-time login links, session cookies, and the proof that a request comes from our own page."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from gateway.database import Connection
from service.auth.tokens import digest
from service.database import QUERIES
from service.errors import RequestRefused

SESSION_LIFE = timedelta(hours=12)
"""A working day: a browser left signed in is signed out by the next morning."""
_LOGIN_LINK_LIFE = timedelta(minutes=10)
_CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser. `secret` is the cookie's value, from which `csrf_token` is derived; `content`:
    whether its person may see the mail itself; `read_only`: whether they may change nothing."""

    name: str
    secret: str
    expires_at: datetime
    csrf_sha256: bytes
    content: bool = False
    read_only: bool = False

    @property
    def csrf_token(self) -> str:
        """The value that the page sends as `X-CSRF-Token`."""
        return csrf_token(self.secret)


def csrf_token(session_secret: str) -> str:
    """Returns the CSRF token of a session: only a page that may read `GET /session` can know it."""
    return hmac.new(session_secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


async def create_login_link(
    connection: Connection, name: str, public_url: str, *, content: bool = False, read_only: bool = False
) -> str:
    """Returns a URL that signs one browser in as `name`, once, within 10 minutes. `content`: they may see the mail
    itself; `read_only`: they may change nothing."""
    code = secrets.token_urlsafe(32)
    await QUERIES.create_login_link(
        connection,
        link_sha256=digest(code),
        name=name,
        content=content,
        read_only=read_only,
        life=_LOGIN_LINK_LIFE,
    )
    return f"{public_url}/login/{code}"


async def create_session(connection: Connection, name: str, *, content: bool = False, read_only: bool = False) -> str:
    """Create a session of `name`; returns its secret, the cookie's value. `content`: it may see the mail itself;
    `read_only`: it may change nothing."""
    secret = secrets.token_urlsafe(32)
    await QUERIES.create_session(
        connection,
        session_sha256=digest(secret),
        csrf_sha256=digest(csrf_token(secret)),
        name=name,
        content=content,
        read_only=read_only,
        life=SESSION_LIFE,
    )
    return secret


def cookie_name(*, secure: bool) -> str:
    """Returns the session cookie's name; `__Host-` binds it to this host, https and `/` (RFC 6265bis 4.1.3.2)."""
    return "__Host-session" if secure else "session"


def check_csrf(connection: HTTPConnection, session: Session) -> None:
    """Raises RequestRefused (403) unless the request carries the session's CSRF token."""
    sent = connection.headers.get(_CSRF_HEADER, "")
    if not hmac.compare_digest(digest(sent), session.csrf_sha256):
        raise RequestRefused(
            403,
            "CSRF_TOKEN_MISSING",
            "A request with the session cookie needs the X-CSRF-Token header of GET /session.",
        )


def is_same_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a request comes from our own page, by its Sec-Fetch-Site or Origin header; True when it has neither.

    Programs send neither header; browsers send at least Origin with every POST.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is None or _is_ours(origin, connection, public_url)


def has_own_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a request has an `Origin` and it is ours (RFC 6455 10.2): required of a WebSocket with a cookie."""
    origin = connection.headers.get("origin")
    return origin is not None and _is_ours(origin, connection, public_url)


def _is_ours(origin: str, connection: HTTPConnection, public_url: str) -> bool:
    if origin == public_url:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        # Malformed, such as `http://[`.
        return False
    return host != "" and host == connection.headers.get("host")
