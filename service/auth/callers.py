"""Authentication: finds the caller of a request by its bearer token or session cookie."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from service.auth.bad_tokens import BadTokens
from service.auth.sessions import Session, check_csrf, cookie_name, has_own_origin
from service.auth.tokens import digest
from service.database import LatestRows, statement
from service.errors import RequestRefused

_CACHE_SECONDS = 5.0
"""How long a token is valid without another look-up, hence how long a revoked one still works at most."""
_CACHED_TOKENS = 1000
_MAX_SECRET_LENGTH = 256
_FIND_TOKEN = statement("find_token")
_FIND_SESSION = statement("find_session")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The sender of a request. `name`, of the token or session, is the actor recorded in events; `content`: whether
    they may see the mail itself; `read_only`: whether they may change nothing, as a session may be; `seen`: up to which
    position of the write-ahead log a query must show everything (`service.replicas`)."""

    name: str
    content: bool = False
    read_only: bool = False
    seen: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cached:
    """A valid token's name, what it is for, and until when it is not looked up again."""

    name: str
    inbound_only: bool
    content: bool
    until: float


def unauthenticated() -> RequestRefused:
    """Returns the 401 of RFC 6750: the same whatever was wrong with the token."""
    return RequestRefused(
        401,
        "UNAUTHENTICATED",
        "Send a valid API token: Authorization: Bearer <token>.",
        {"WWW-Authenticate": 'Bearer realm="customer-emails"'},
    )


def only_for_inbound() -> RequestRefused:
    """Returns the 403 of a token that hands in received mail and does nothing else."""
    return RequestRefused(
        403, "INBOUND_ONLY", "This token hands in received mail by POST /inbound/raw and does nothing else."
    )


def only_reading() -> RequestRefused:
    """Returns the 403 of a session that looks and changes nothing."""
    return RequestRefused(
        403,
        "READ_ONLY",
        "Your session may look at everything and change nothing: ask for a link that is not read-only.",
    )


def address_of(connection: HTTPConnection) -> str:
    """Returns the client's network address, by which bad tokens are counted; empty where there is none."""
    return connection.client.host if connection.client else ""


class Authenticator:
    """Finds the caller of a request. One a process; caches valid tokens for `_CACHE_SECONDS`."""

    def __init__(self, rows: LatestRows, *, public_url: str, clock: Callable[[], float]) -> None:
        self._rows = rows
        self._public_url = public_url
        self._secure = public_url.startswith("https://")
        self._clock = clock
        self._cached: OrderedDict[bytes, _Cached] = OrderedDict()
        """Valid tokens by their digests."""
        self.bad_tokens = BadTokens(clock)

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Returns the caller of an HTTP request. Raises RequestRefused: 401, or 403 without the CSRF header or by a
        token for received mail."""
        authorization = connection.headers.get("authorization")
        if authorization is not None:
            return await self.bearer(authorization, address_of(connection))
        session = await self.session(connection)
        if session is None:
            raise unauthenticated()
        if connection.scope.get("method") not in ("GET", "HEAD", None):
            check_csrf(connection, session)
        return _caller_of(session)

    async def writing_caller(self, connection: HTTPConnection) -> Caller:
        """Returns the caller of a request that changes something. Raises RequestRefused: as `caller`, and 403 for a
        session that is read-only."""
        caller = await self.caller(connection)
        if caller.read_only:
            raise only_reading()
        return caller

    async def bearer(self, authorization: str, address: str) -> Caller:
        """Returns the caller of an `Authorization` header's token (RFC 6750 2.1). Raises RequestRefused: 401, 403 for a
        token for received mail, or 429 when too many bad ones came from this address."""
        token = await self._valid_token(authorization, address)
        if token.inbound_only:
            raise only_for_inbound()
        return Caller(name=token.name, content=token.content)

    async def inbound_caller(self, connection: HTTPConnection) -> Caller:
        """Returns who hands in received mail: by any token, never by a session. Raises RequestRefused: 401, 429."""
        token = await self._valid_token(connection.headers.get("authorization", ""), address_of(connection))
        return Caller(name=token.name)

    async def _valid_token(self, authorization: str, address: str) -> _Cached:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated()
        token = await self._token(secret.strip(), address)
        if token is None:
            self.bad_tokens.note(address)
            raise unauthenticated()
        return token

    async def _token(self, token: str, address: str) -> _Cached | None:
        """Returns a valid token, or None. Raises RequestRefused (429) before a look-up too many."""
        if not token or len(token) > _MAX_SECRET_LENGTH:
            return None
        sha256 = digest(token)
        cached = self._cached.get(sha256)
        if cached is None:
            # One that was valid lately is looked up all the same: others behind its address must not shut it out.
            self.bad_tokens.check(address)
        elif cached.until > self._clock():
            return cached
        rows = await self._rows.fetch_latest(_FIND_TOKEN, token_sha256=sha256)
        row = next((row for row in rows if hmac.compare_digest(row["token_sha256"], sha256)), None)
        self._cached.pop(sha256, None)
        if row is None:
            return None
        until = self._clock() + _CACHE_SECONDS
        found = self._cached[sha256] = _Cached(
            name=row["name"], inbound_only=row["inbound_only"], content=row["content"], until=until
        )
        while len(self._cached) > _CACHED_TOKENS:
            self._cached.popitem(last=False)
        return found

    async def session(self, connection: HTTPConnection) -> Session | None:
        """Returns the valid session of the request's cookie, or None."""
        secret = connection.cookies.get(cookie_name(secure=self._secure), "")
        if not secret or len(secret) > _MAX_SECRET_LENGTH:
            return None
        sha256 = digest(secret)
        for row in await self._rows.fetch_latest(_FIND_SESSION, session_sha256=sha256):
            if hmac.compare_digest(row["session_sha256"], sha256):
                csrf = bytes(row["csrf_sha256"])
                return Session(
                    name=row["name"],
                    secret=secret,
                    expires_at=row["expires_at"],
                    csrf_sha256=csrf,
                    content=row["content"],
                    read_only=row["read_only"],
                )
        return None

    async def websocket_session(self, connection: HTTPConnection) -> Caller | None:
        """Returns the caller of a WebSocket by its cookie; None without a session or from another origin."""
        if not has_own_origin(connection, self._public_url):
            return None
        session = await self.session(connection)
        return _caller_of(session) if session else None


def _caller_of(session: Session) -> Caller:
    return Caller(name=session.name, content=session.content, read_only=session.read_only)
