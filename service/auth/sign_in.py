"""HTTP endpoints by which a browser signs in and out.

- `GET /login/{code}` (the one-time link of `python -m service login-link`) shows a button. Its form POSTs to the same
  address, which uses the link up, sets the session cookie and redirects to `/`. Link previews of chat programs only
  GET, so they use up nothing.
- `POST /session` with `{"token": "..."}` (or a form field `token`) signs in with a pasted API token: 200 and the same
  JSON as `GET /session`, or 401; 403 for a token for received mail; 429 after too many bad tokens.
- `GET /session` returns `{"name", "csrfToken", "expiresAt", "readOnly"}`, or 401 when signed out: the page's first
  request. `readOnly`: the session was opened by a link of `login-link --read-only`; what changes something is refused.
- `POST /logout` (with the header below) ends the session: 204.

Every request that is authenticated by the cookie and is not GET or HEAD needs `X-CSRF-Token: <csrfToken>`, else 403
(`CSRF_TOKEN_MISSING`): every `POST /graphql`, for example. A WebSocket needs our own `Origin` instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from service.auth.callers import address_of, only_for_inbound, unauthenticated
from service.auth.sessions import SESSION_LIFE, Session, check_csrf, cookie_name, create_session, is_same_origin
from service.auth.tokens import digest
from service.database import QUERIES, statement
from service.error_response import with_json_errors
from service.errors import RequestRefused
from service.graph.media import is_json
from service.graph.parameters import malformed, read_body
from service.security import page_policy

_PAGE = Path(__file__).parents[1] / "page"
_FORM_LIMIT = 4096
_FIND_LINK = statement("find_login_link")
_NO_STORE = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """Returns the routes of this module."""
    return [
        Route("/login/{code}", with_json_errors(show_login), methods=["GET"]),
        Route("/login/{code}", with_json_errors(use_login), methods=["POST"]),
        Route("/session", with_json_errors(show_session), methods=["GET"]),
        Route("/session", with_json_errors(open_session), methods=["POST"]),
        Route("/logout", with_json_errors(log_out), methods=["POST"]),
    ]


async def show_login(request: Request) -> Response:
    """The page with the button, which programs that fetch every link do not press; 410 for a used or unknown link."""
    resources = request.app.state.resources
    found = await resources.pools.fetch_latest(_FIND_LINK, link_sha256=digest(request.path_params["code"]))
    return _page(request, "login.html" if found else "login-expired.html", 200 if found else 410)


async def use_login(request: Request) -> Response:
    """Use the link up and sign this browser in."""
    _same_origin_only(request)
    async with _transaction(request) as connection:
        used = await QUERIES.use_login_link(connection, link_sha256=digest(request.path_params["code"]))
        if used is None:
            return _page(request, "login-expired.html", 410)
        secret = await create_session(connection, used["name"], content=used["content"], read_only=used["read_only"])
        await QUERIES.sweep_sessions(connection)
    response = RedirectResponse("/", status_code=303, headers=_NO_STORE)
    _set_cookie(request, response, secret)
    return response


async def show_session(request: Request) -> Response:
    """The session's name, CSRF token and end; 401 when signed out."""
    return _describe(await _session(request))


async def open_session(request: Request) -> Response:
    """Sign in with a pasted API token."""
    _same_origin_only(request)
    token = await _pasted_token(request)
    bad_tokens = request.app.state.resources.authenticator.bad_tokens
    bad_tokens.check(address_of(request))
    async with _transaction(request) as connection:
        # Not from the authenticator's cache: a session opened with a revoked token would outlive it by hours.
        held = await QUERIES.hold_token(connection, token_sha256=digest(token))
        if held is None:
            bad_tokens.note(address_of(request))
            raise unauthenticated()
        if held["inbound_only"]:
            raise only_for_inbound()
        name = held["name"]
        secret = await create_session(connection, name, content=held["content"])
        await QUERIES.sweep_sessions(connection)
        row = await QUERIES.find_session(connection, session_sha256=digest(secret))
    response = _describe(
        Session(
            name=name,
            secret=secret,
            expires_at=row["expires_at"],
            csrf_sha256=bytes(row["csrf_sha256"]),
            content=held["content"],
        )
    )
    _set_cookie(request, response, secret)
    return response


async def log_out(request: Request) -> Response:
    """End the session: delete it from the database and the cookie from the browser."""
    session = await _session(request)
    check_csrf(request, session)
    async with _transaction(request) as connection:
        await QUERIES.end_session(connection, session_sha256=digest(session.secret))
    response = Response(status_code=204, headers=_NO_STORE)
    secure = request.app.state.resources.settings.secure
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
    return response


@asynccontextmanager
async def _transaction(request: Request) -> AsyncIterator[Any]:
    pools = request.app.state.resources.pools
    async with pools.writing_connection() as connection, connection.transaction():
        yield connection


def _same_origin_only(request: Request) -> None:
    """Raises RequestRefused (403) for another site's page, which could sign a person in under another name."""
    if not is_same_origin(request, request.app.state.resources.settings.public_url):
        raise RequestRefused(403, "FOREIGN_ORIGIN", "Sign in from this service's own page.")


async def _session(request: Request) -> Session:
    session: Session | None = await request.app.state.resources.authenticator.session(request)
    if session is None:
        raise unauthenticated()
    return session


async def _pasted_token(request: Request) -> str:
    seconds = request.app.state.resources.settings.read_seconds
    body = await read_body(request, limit=_FORM_LIMIT, seconds=seconds)
    try:
        if is_json(request.headers.get("content-type", "")):
            fields = orjson.loads(body)
        else:
            fields = dict(parse_qsl(body.decode(), max_num_fields=10))
    except ValueError:
        raise malformed('Send {"token": "..."} as JSON, or a form with the field token.') from None
    token = fields.get("token") if isinstance(fields, dict) else None
    if not isinstance(token, str):
        raise malformed("The field token is missing.")
    return token.strip()


def _describe(session: Session) -> Response:
    body = {
        "name": session.name,
        "csrfToken": session.csrf_token,
        "expiresAt": session.expires_at,
        "readOnly": session.read_only,
        "content": session.content,
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json", headers=dict(_NO_STORE))


def _set_cookie(request: Request, response: Response, secret: str) -> None:
    secure = request.app.state.resources.settings.secure
    response.set_cookie(
        cookie_name(secure=secure),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _page(request: Request, name: str, status: int) -> Response:
    # The default policy allows no frame around the page that signs in.
    headers = {**_NO_STORE, "Content-Security-Policy": page_policy(), "Referrer-Policy": "same-origin"}
    return Response((_PAGE / name).read_bytes(), status_code=status, media_type="text/html", headers=headers)
