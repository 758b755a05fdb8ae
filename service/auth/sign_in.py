"""How a browser signs in and out: `/login/{code}`, `/session`, `/logout`. `sessions` says how they are used."""

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

from service.auth.callers import unauthenticated as signed_out
from service.auth.sessions import SESSION_LIFE, Session, check_csrf, cookie_name, create_session, is_same_origin
from service.auth.tokens import digest
from service.database import QUERIES, statement
from service.errors import Busy, RequestRefused, ServiceError
from service.graph.media import is_json
from service.graph.parameters import malformed, read_body
from service.security import page_policy

_PAGE = Path(__file__).parents[1] / "page"
_FORM_LIMIT = 4096
_FIND_LINK = statement("find_login_link")
_NO_STORE = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """The addresses of this file."""
    return [
        Route("/login/{code}", _guarded(show_login), methods=["GET"]),
        Route("/login/{code}", _guarded(use_login), methods=["POST"]),
        Route("/session", _guarded(show_session), methods=["GET"]),
        Route("/session", _guarded(open_session), methods=["POST"]),
        Route("/logout", _guarded(log_out), methods=["POST"]),
    ]


async def show_login(request: Request) -> Response:
    """A page with a button: programs that fetch every link of a chat or mail do not press it."""
    resources = request.app.state.resources
    found = await resources.pools.fetch_latest(_FIND_LINK, link_sha256=digest(request.path_params["code"]))
    return _page(request, "login.html" if found else "login-expired.html", 200 if found else 410)


async def use_login(request: Request) -> Response:
    """Uses the link up and signs this browser in."""
    _same_origin_only(request)
    async with _transaction(request) as connection:
        name = await QUERIES.use_login_link(connection, link_sha256=digest(request.path_params["code"]))
        if name is None:
            return _page(request, "login-expired.html", 410)
        secret = await create_session(connection, name)
        await QUERIES.sweep_sessions(connection)
    answer = RedirectResponse("/", status_code=303, headers=_NO_STORE)
    _set_cookie(request, answer, secret)
    return answer


async def show_session(request: Request) -> Response:
    """Who is signed in, and the CSRF token."""
    return _describe(await _session(request))


async def open_session(request: Request) -> Response:
    """Signs in with a pasted API token."""
    _same_origin_only(request)
    token = await _pasted_token(request)
    async with _transaction(request) as connection:
        # Not from the doorkeeper's memory: a session that a revoked token opened would outlive it by hours.
        name = await QUERIES.hold_token(connection, token_sha256=digest(token))
        if name is None:
            raise signed_out()
        secret = await create_session(connection, name)
        await QUERIES.sweep_sessions(connection)
        row = await QUERIES.find_session(connection, session_sha256=digest(secret))
    answer = _describe(
        Session(name=name, secret=secret, expires_at=row["expires_at"], csrf_sha256=bytes(row["csrf_sha256"]))
    )
    _set_cookie(request, answer, secret)
    return answer


async def log_out(request: Request) -> Response:
    """Ends the session, here and in the database."""
    session = await _session(request)
    check_csrf(request, session)
    async with _transaction(request) as connection:
        await QUERIES.end_session(connection, session_sha256=digest(session.secret))
    answer = Response(status_code=204, headers=_NO_STORE)
    secure = request.app.state.resources.settings.secure
    answer.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
    return answer


@asynccontextmanager
async def _transaction(request: Request) -> AsyncIterator[Any]:
    pools = request.app.state.resources.pools
    async with pools.writing_connection() as connection, connection.transaction():
        yield connection


def _guarded(endpoint: Any) -> Any:
    """The endpoint, with our errors as JSON answers."""

    async def answer(request: Request) -> Response:
        try:
            response: Response = await endpoint(request)
            return response
        except RequestRefused as refused:
            return _error(refused.status, refused, refused.headers)
        except Busy as busy:
            return _error(503, busy, {"Retry-After": str(busy.retry_after_seconds)})

    return answer


def _error(status: int, error: ServiceError, headers: dict[str, str]) -> Response:
    body = orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions}]})
    return Response(body, status_code=status, media_type="application/json", headers={**_NO_STORE, **headers})


def _same_origin_only(request: Request) -> None:
    """Nobody else's page signs a browser in: it would then work under a name that is not its person's."""
    if not is_same_origin(request, request.app.state.resources.settings.public_url):
        raise RequestRefused(403, "FOREIGN_ORIGIN", "Sign in from this service's own page.")


async def _session(request: Request) -> Session:
    session: Session | None = await request.app.state.resources.authenticator.session(request)
    if session is None:
        raise signed_out()
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
    body = {"name": session.name, "csrfToken": session.csrf_token, "expiresAt": session.expires_at}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json", headers=dict(_NO_STORE))


def _set_cookie(request: Request, answer: Response, secret: str) -> None:
    secure = request.app.state.resources.settings.secure
    answer.set_cookie(
        cookie_name(secure=secure),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _page(request: Request, name: str, status: int) -> Response:
    # A link that signs in is shown in nobody's frame.
    headers = {**_NO_STORE, "Content-Security-Policy": page_policy(), "Referrer-Policy": "same-origin"}
    return Response((_PAGE / name).read_bytes(), status_code=status, media_type="text/html", headers=headers)
