"""Who is asking: finds the caller of a request by bearer token or session cookie."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from service.auth.sessions import Session, check_csrf, cookie_name, has_own_origin
from service.auth.tokens import digest
from service.database import DatabasePools, statement
from service.errors import RequestRefused

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


def unauthenticated() -> RequestRefused:
    """401 (RFC 6750): the same words whatever was wrong with the token."""
    return RequestRefused(
        401,
        "UNAUTHENTICATED",
        "Send a valid API token: Authorization: Bearer <token>.",
        {"WWW-Authenticate": 'Bearer realm="customer-emails"'},
    )


class Authenticator:
    """Finds out who is asking. One a process; remembers living tokens for a few seconds."""

    def __init__(
        self,
        pools: DatabasePools,
        *,
        public_url: str,
        clock: Callable[[], float],
    ) -> None:
        self._pools = pools
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
        rows = await self._pools.fetch_latest(_FIND_TOKEN, token_sha256=sha256)
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
        for row in await self._pools.fetch_latest(_FIND_SESSION, session_sha256=sha256):
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
