"""`/o/…`, `/c/…`, `/u/…`: the endpoints that mails link to, over the gateway's tracking and consent functions.

A pixel and a redirect wait for no database: the signed address has all they need, and the hit is written later. An
unsubscribe waits for its commit and is never buffered: without the database it returns 503 and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import compat32
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import asyncpg
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.consent import opt_outs
from gateway.deployment import Deployment
from gateway.mail.choice import OptOutKind, OptOutSource
from gateway.mail.hit import HitKind, clean_agent, is_prefetch
from gateway.mail.keys import Keyring
from gateway.mail.link_readings import clicks, tokens
from gateway.mail.message import MessageRef
from gateway.mail.tracking import CHECK, HONEYPOT_LINK, Link, ascii_url, read_click, read_open, read_unsubscribe
from gateway.tracking.raw_hit import RawHit, new_hit_id, origin_of
from gateway.tracking.recorder import HitRecorder
from service.database import DatabasePools
from service.errors import ServiceError
from service.http.plain_page import POLICY
from service.http.unsubscribe_page import (
    KINDS,
    Choice,
    done_page,
    form_page,
    language_of,
    missing_page,
    unavailable_page,
)

PIXEL = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
"""A transparent GIF of one pixel."""

MAX_FORM_BYTES = 16_384
"""Our form and that of RFC 8058 have under 200 bytes; some mail programs add to it."""

RECEIVED_PATH = "Link-Received"
"""The response header that shows `python -m service check` the path as it arrived."""

_NO_STORE = {"Cache-Control": "no-store"}
_PAGE = {**_NO_STORE, "Content-Security-Policy": POLICY, "X-Robots-Tag": "noindex"}
_ONE_CLICK = ("list-unsubscribe", "one-click")


@dataclass(slots=True)
class Tracking:
    """What the endpoints share; one a process, in `app.state.tracking`."""

    pools: DatabasePools
    recorder: HitRecorder
    deployment: Deployment
    clock: Callable[[], float] = time.time

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write hits until the block ends, then what is still buffered."""
        self.recorder.start()
        try:
            yield
        finally:
            await self.recorder.close()

    def record(self, request: Request, ref: MessageRef, *, link: int | None = None, url: str | None = None) -> None:
        """Queue the hit, a click when `link` is given, for the recorder. Does not block."""
        at = self.clock()
        headers = dict(request.scope["headers"])
        self.recorder.add(
            RawHit(
                id=new_hit_id(at),
                ref=ref,
                kind=HitKind.OPEN if link is None else HitKind.CLICK,
                at=at,
                link=link,
                url=url,
                origin=origin_of(request.client.host if request.client else None, self.deployment),
                agent=clean_agent(headers.get(b"user-agent")),
                head=request.method == "HEAD",
                prefetch=is_prefetch(headers),
                honeypot=link == HONEYPOT_LINK,
            )
        )


class _Anything(Convertor[str]):
    """The rest of a path with slashes and, unlike Starlette's `path`, line breaks, which people paste."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def routes() -> list[BaseRoute]:
    """Returns the routes of the addresses inside mails."""
    return [
        Route("/o/{token}", open_pixel, methods=["GET"]),
        Route("/c/{token}", follow_link, methods=["GET"]),
        Route("/c/{token}/{rest:anything}", follow_link, methods=["GET"]),
        Route("/u/{token}", show_form, methods=["GET"]),
        Route("/u/{token}", unsubscribe, methods=["POST"]),
        Route("/u/{token}/{rest:anything}", show_form, methods=["GET"]),
        Route("/u/{token}/{rest:anything}", unsubscribe, methods=["POST"]),
    ]


async def open_pixel(request: Request) -> Response:
    """The pixel of one mail: records an open. 43 bytes, not cacheable."""
    tracking = _tracking(request)
    ref = _ref(request, read_open)
    if ref is None:
        return _missing(request)
    tracking.record(request, ref)
    return Response(PIXEL, media_type="image/gif", headers=_NO_STORE)


async def follow_link(request: Request) -> Response:
    """A link of one mail: records a click and redirects to the signed destination."""
    tracking = _tracking(request)
    found = _click(request)
    if found is None:
        return _missing(request)
    link, url = found
    headers = {"Location": ascii_url(url), **_NO_STORE}
    if link.ref == CHECK:
        headers[RECEIVED_PATH] = _raw_path(request).decode("latin-1")
    else:
        tracking.record(request, link.ref, link=link.number, url=url)
    return Response(status_code=302, headers=headers)


async def show_form(request: Request) -> Response:
    """The unsubscribe page. It changes nothing, since link scanners GET every address."""
    ref = _ref(request, read_unsubscribe)
    if ref is None:
        return _missing(request)
    return await _form_response(request, ref)


async def unsubscribe(request: Request) -> Response:
    """A mail program's one click (RFC 8058), or the page's form: committed when it responds, no login, no redirect."""
    ref = _ref(request, read_unsubscribe)
    if ref is None:
        return _missing(request)
    fields = await _read_form(request)
    if fields is None:
        return _html("", status=413)
    choice = _choice(fields)
    if choice is not None:
        return await _opt_out(request, ref, KINDS[choice], OptOutSource.LINK)
    if _ONE_CLICK in {(name.lower(), value.lower()) for name, value in fields.items()}:
        return await _opt_out(request, ref, None, OptOutSource.ONE_CLICK)
    return await _form_response(request, ref, invalid=True)


async def _opt_out(
    request: Request, ref: MessageRef, kinds: frozenset[OptOutKind] | None, source: OptOutSource
) -> Response:
    tracking = _tracking(request)
    try:
        async with tracking.pools.writing_connection() as connection:
            chosen = await opt_outs.opt_out_by_link(
                connection, ref, kinds=kinds, source=source, deployment=tracking.deployment
            )
            subscription = await opt_outs.read_subscription(connection, ref, deployment=tracking.deployment)
    except (ServiceError, asyncpg.PostgresError):
        return _unavailable(request)
    if chosen is None or subscription is None:
        return _missing(request)
    return _html(done_page(chosen, locale=subscription.locale, sender=subscription.sender))


async def _form_response(request: Request, ref: MessageRef, *, invalid: bool = False) -> Response:
    tracking = _tracking(request)
    try:
        async with tracking.pools.writing_connection() as connection:
            subscription = await opt_outs.read_subscription(connection, ref, deployment=tracking.deployment)
    except (ServiceError, asyncpg.PostgresError):
        return _unavailable(request)
    if subscription is None:
        return _missing(request)
    return _html(form_page(subscription, invalid=invalid), status=400 if invalid else 200)


def _tracking(request: Request) -> Tracking:
    tracking: Tracking = request.app.state.tracking
    return tracking


def _ref(request: Request, read: Callable[[Keyring, str], MessageRef | None]) -> MessageRef | None:
    """Returns the message whose token the path holds."""
    keyring = _tracking(request).deployment.keyring
    return next((ref for token in tokens(_behind_prefix(request)) if (ref := read(keyring, token))), None)


def _click(request: Request) -> tuple[Link, str] | None:
    """Returns the link whose token the path holds, and its signed destination."""
    keyring = _tracking(request).deployment.keyring
    for token, destination in clicks(_behind_prefix(request), request.scope["query_string"]):
        link = read_click(keyring, token, destination)
        if link is not None:
            return link, destination.decode()
    return None


def _raw_path(request: Request) -> bytes:
    """Returns the path before decoding: the decoded one confuses `%2F` with `/`."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw


def _behind_prefix(request: Request) -> bytes:
    """Returns what follows `/o/`, `/c/` or `/u/`, however that slash was written."""
    raw = _raw_path(request)
    return raw[3:] if raw[2:3] == b"/" else unquote_to_bytes(raw)[3:]


def _choice(fields: dict[str, str]) -> Choice | None:
    try:
        return Choice(fields.get("choice", ""))
    except ValueError:
        return None


async def _read_form(request: Request) -> dict[str, str] | None:
    """Returns the form's fields in either encoding (RFC 8058): empty when unreadable, None when it is too large."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                return None
    except ClientDisconnect:
        return {}
    media_type = request.headers.get("content-type", "")
    if media_type.lower().startswith("multipart/form-data"):
        return _read_multipart(media_type, body)
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20)) if body.count(b"&") < 20 else {}


def _read_multipart(media_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {media_type}\r\n\r\n".encode("latin-1", "replace")
    # The newer policies parse every header by its grammar and raise for one that does not fit.
    whole = BytesParser(policy=compat32).parsebytes(head + body)
    parts: Any = whole.get_payload() if whole.is_multipart() else ()
    fields: dict[str, str] = {}
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            content = part.get_payload(decode=True)
            fields[name] = content.decode("utf-8", "replace").strip() if isinstance(content, bytes) else ""
    return fields


def _missing(request: Request) -> Response:
    return _html(missing_page(_language(request)), status=404)


def _unavailable(request: Request) -> Response:
    response = _html(unavailable_page(_language(request)), status=503)
    response.headers["Retry-After"] = "5"
    return response


def _language(request: Request) -> str:
    """Returns the browser's first language, for a page without a known customer."""
    return language_of(request.headers.get("accept-language", "en")[:100].partition(",")[0].partition(";")[0].strip())


def _html(page: str, *, status: int = 200) -> Response:
    return HTMLResponse(page, status_code=status, headers=_PAGE)
