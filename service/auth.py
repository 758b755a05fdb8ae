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
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from starlette.requests import HTTPConnection

from service.database import QUERIES, Ledger, statement
from service.errors import RequestRefused

TOKEN_PREFIX = "ce_"  # noqa: S105 - names the kind of secret, for scanners that look for leaked ones
SESSION_LIFE = timedelta(hours=12)
"""A working day: a forgotten browser is signed out by the next morning."""
LOGIN_LINK_LIFE = timedelta(minutes=10)
CSRF_HEADER = "x-csrf-token"
_CACHE_SECONDS = 5.0
"""How long a revoked token may go on: a look-up less on nearly every request."""
_CACHED_TOKENS = 1000
_LONGEST_SECRET = 256
_FIND_TOKEN = statement("find_token")
_FIND_SESSION = statement("find_session")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who sent the request: the token's or session's name, which is the actor of what it does."""

    name: str
    by_cookie: bool = False


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


def digest(secret: str) -> bytes:
    """The SHA-256 under which a secret of ours is stored: it is random, so it needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_token(session_secret: str) -> str:
    """The CSRF token that belongs to a session's secret: known to whoever may read `GET /session`."""
    return hmac.new(session_secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def unauthenticated() -> RequestRefused:
    """401 (RFC 6750): the same words whatever was wrong with the token."""
    return RequestRefused(
        401,
        "UNAUTHENTICATED",
        "Send a valid API token: Authorization: Bearer <token>.",
        {"WWW-Authenticate": 'Bearer realm="customer-emails"'},
    )


async def create_token(connection: asyncpg.Connection[Any], name: str) -> str:
    """A new API token under `name`, shown once. Raises asyncpg.UniqueViolationError when the name is taken."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    await QUERIES.create_token(connection, name=name, token_sha256=digest(token))
    return token


async def revoke_token(connection: asyncpg.Connection[Any], name: str) -> bool:
    """End the token of this name and every session opened with it; whether it was living."""
    async with connection.transaction():
        if await QUERIES.revoke_token(connection, name=name) is None:
            return False
        await QUERIES.end_sessions_of_token(connection, name=name)
    return True


async def create_login_link(connection: asyncpg.Connection[Any], name: str, public_url: str) -> str:
    """A one-time address that signs one browser in as `name`, for 10 minutes."""
    code = secrets.token_urlsafe(32)
    await QUERIES.create_login_link(connection, link_sha256=digest(code), name=name, life=LOGIN_LINK_LIFE)
    return f"{public_url}/login/{code}"


async def create_session(connection: asyncpg.Connection[Any], name: str) -> str:
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


class Doorkeeper:
    """Finds out who is asking. One a process; remembers living tokens for a few seconds."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        public_url: str,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._public_url = public_url
        self._secure = public_url.startswith("https://")
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def caller(self, connection: HTTPConnection) -> Caller:
        """The caller of an HTTP request. Raises RequestRefused: 401, or 403 without the CSRF header."""
        authorization = connection.headers.get("authorization")
        if authorization is not None:
            return await self.bearer(authorization)
        session = await self.session(connection)
        if session is None:
            raise unauthenticated()
        if connection.scope.get("method") not in ("GET", "HEAD", None):
            check_csrf(connection, session)
        return Caller(name=session.name, by_cookie=True)

    async def bearer(self, authorization: str) -> Caller:
        """The caller whose token this `Authorization` value holds (RFC 6750 2.1). Raises RequestRefused: 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated()
        name = await self._token_name(token.strip())
        if name is None:
            raise unauthenticated()
        return Caller(name=name)

    async def _token_name(self, token: str) -> str | None:
        """The name of a living token, or None."""
        if not token or len(token) > _LONGEST_SECRET:
            return None
        sha256 = digest(token)
        known, until = self._known.get(sha256, ("", 0.0))
        if until > self._clock():
            return known
        self._known.pop(sha256, None)
        rows = await self._ledger.fetch_latest(_FIND_TOKEN, token_sha256=sha256)
        name = next((row["name"] for row in rows if hmac.compare_digest(row["token_sha256"], sha256)), None)
        if name is None:
            return None
        self._known[sha256] = (name, self._clock() + _CACHE_SECONDS)
        while len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)
        return str(name)

    async def session(self, connection: HTTPConnection) -> Session | None:
        """The living session of the request's cookie, or None."""
        secret = connection.cookies.get(cookie_name(secure=self._secure), "")
        if not secret or len(secret) > _LONGEST_SECRET:
            return None
        sha256 = digest(secret)
        for row in await self._ledger.fetch_latest(_FIND_SESSION, session_sha256=sha256):
            if hmac.compare_digest(row["session_sha256"], sha256):
                csrf = bytes(row["csrf_sha256"])
                return Session(name=row["name"], secret=secret, expires_at=row["expires_at"], csrf_sha256=csrf)
        return None

    async def websocket_session(self, connection: HTTPConnection) -> Caller | None:
        """The caller of a WebSocket that rides on a cookie; None without one or from a foreign origin."""
        if not has_own_origin(connection, self._public_url):
            return None
        session = await self.session(connection)
        return Caller(name=session.name, by_cookie=True) if session else None


def check_csrf(connection: HTTPConnection, session: Session) -> None:
    """Raises RequestRefused (403) unless the request proves that our own page sent it."""
    sent = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(digest(sent), session.csrf_sha256):
        raise RequestRefused(
            403,
            "CSRF_TOKEN_MISSING",
            "A request with the session cookie needs the X-CSRF-Token header of GET /session.",
        )
