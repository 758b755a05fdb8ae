"""Who is asking: bearer tokens for programs, one-time links and sessions for browsers.

Tokens, links, sessions and CSRF tokens are random; the database keeps only their SHA-256, compared in constant time.

How a browser signs in:

- `GET /login/{code}` (the one-time link of `python -m service login-link`) shows a button; its form POSTs to the same
  address, uses the link up, sets the session cookie and goes to `/`. Previews of chat programs only GET.
- `POST /session` with `{"token": "..."}` (or a form field `token`) signs in with a pasted API token: 200 and the same
  JSON as `GET /session`, or 401.
- `GET /session` answers `{"name", "csrfToken", "expiresAt"}`, or 401 when signed out: the page's first request.
- Every request that rides on the cookie and is not GET or HEAD carries `X-CSRF-Token: <csrfToken>`, else 403
  (`CSRF_TOKEN_MISSING`). That includes every `POST /graphql`. A WebSocket needs an `Origin` of ours instead.
- `POST /logout` (with the header) ends the session: 204.

"""

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
"""A working day: a forgotten browser is signed out by the next morning."""
LOGIN_LINK_LIFE = timedelta(minutes=10)
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser. `secret` is the cookie's value; `csrf_token` is derived from it."""

    name: str
    secret: str
    expires_at: datetime
    csrf_sha256: bytes

    @property
    def csrf_token(self) -> str:
        """What the page sends as `X-CSRF-Token`."""
        return csrf_token(self.secret)


def csrf_token(session_secret: str) -> str:
    """The CSRF token that belongs to a session's secret: known to whoever may read `GET /session`."""
    return hmac.new(session_secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


async def create_login_link(connection: Connection, name: str, public_url: str) -> str:
    """A one-time address that signs one browser in as `name`, for 10 minutes."""
    code = secrets.token_urlsafe(32)
    await QUERIES.create_login_link(connection, link_sha256=digest(code), name=name, life=LOGIN_LINK_LIFE)
    return f"{public_url}/login/{code}"


async def create_session(connection: Connection, name: str) -> str:
    """A new session of `name`: the cookie's value."""
    secret = secrets.token_urlsafe(32)
    await QUERIES.create_session(
        connection,
        session_sha256=digest(secret),
        csrf_sha256=digest(csrf_token(secret)),
        name=name,
        life=SESSION_LIFE,
    )
    return secret


def cookie_name(*, secure: bool) -> str:
    """`__Host-` binds the cookie to this host, https and `/` (RFC 6265bis 4.1.3.2)."""
    return "__Host-session" if secure else "session"


def is_same_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a browser says the request comes from our own page; programs send neither header."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is None or _is_ours(origin, connection, public_url)


def has_own_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a WebSocket's `Origin` is ours (RFC 6455 10.2): required when it rides on a cookie."""
    origin = connection.headers.get("origin")
    return origin is not None and _is_ours(origin, connection, public_url)


def _is_ours(origin: str, connection: HTTPConnection, public_url: str) -> bool:
    if origin == public_url:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        # What is no address, `http://[`, is nobody's.
        return False
    return host != "" and host == connection.headers.get("host")


def check_csrf(connection: HTTPConnection, session: Session) -> None:
    """Raises RequestRefused (403) unless the request proves that our own page sent it."""
    sent = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(digest(sent), session.csrf_sha256):
        raise RequestRefused(
            403,
            "CSRF_TOKEN_MISSING",
            "A request with the session cookie needs the X-CSRF-Token header of GET /session.",
        )
