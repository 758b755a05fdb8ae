"""`GET /content/TOKEN`: a mail as a page to look at, its bytes, or a file of sent mail, to a client with its signed
link (`message.content`), as long as the token or session lives that asked for it and may see content.

The page is a stranger's in effect: customers' words, and HTML that we did not write. So nothing in it runs, loads,
sends or leads anywhere: `gateway.templates.inert_html` writes it anew, and the policy forbids all of it once more.
Looking at it counts as nothing.
"""

from __future__ import annotations

import asyncio
import base64
import time
from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.mail.content_links import ContentLink, Wanted, read_content_link
from gateway.mail.keys import Keyring
from gateway.mail.mail_content import read_content
from gateway.mail.media_signature import media_type_by_content
from gateway.mail.received import MIB, read_mail
from gateway.mail.received_attachments import safe_name
from gateway.mail.untracked import untracked_html, untracked_text
from gateway.storage import content
from gateway.templates.html_links import too_complex
from gateway.templates.inert_html import inert_page
from service.database import QUERIES, DatabasePools, Reading, statement
from service.error_response import json_error
from service.errors import Busy
from service.graph.contents import Content, read_contents, whole
from service.http.files import HEADERS, as_download

MAX_CONCURRENT_READS = 2
"""Mails being read: each is whole in memory meanwhile."""
MAX_PICTURES = 4 * MIB
"""Octets of a mail's own pictures that its page shows: the rest is in the .eml."""
_SHOWN_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
_SEES = statement("caller_sees_content")
_TEXT_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:1rem;font:1rem/1.5 system-ui,sans-serif;color:CanvasText;background:Canvas}"
    "pre{margin:0;font:inherit;white-space:pre-wrap;overflow-wrap:anywhere}"
)
_NOTHING = "This mail has no text that can be shown here: its .eml has all of it."


def view_policy(frame_ancestors: tuple[str, ...]) -> str:
    """Returns the policy of a mail's page: an origin of its own, inline styles and data: pictures, nothing else; framed
    by our page and its ancestors."""
    framers = " ".join(["'self'", *frame_ancestors])
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox; "
        f"frame-ancestors {framers}"
    )


class Contents:
    """The endpoint. One a process, since it bounds how many mails are read concurrently."""

    def __init__(self) -> None:
        self._reads = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def serve(self, request: Request) -> Response:
        """200 with what the link leads to; 404 for a link that is not ours, whose time is over, or whose caller may not
        see content any more, and for mail that is gone."""
        resources = request.app.state.resources
        keyring: Keyring = resources.deployment.keyring
        link = read_content_link(keyring, request.path_params["token"], now=time.time())
        if link is None:
            return _gone()
        try:
            [caller] = await resources.pools.fetch_latest(_SEES, name=link.caller)
            if not caller["sees"]:
                return _gone()
            async with self._reads:
                if link.wanted is Wanted.FILE:
                    return await _file(resources.pools, link)
                return await self._mail(request, link)
        except Busy as error:
            return json_error(error)

    async def _mail(self, request: Request, link: ContentLink) -> Response:
        resources, key = request.app.state.resources, (link.ref.customer_id, link.ref.message_id)
        fetch = Reading(resources.pools).fetch
        found = (await read_contents(fetch, resources.deployment, [key])).get(key)
        raw = await whole(fetch, found) if found is not None else None
        if found is None or raw is None:
            return _gone()
        if link.wanted is Wanted.RAW:
            return _raw(found, raw)
        keyring, public_url = resources.deployment.keyring, resources.deployment.settings.public_url
        page = await asyncio.to_thread(view, raw, keyring, public_url)
        policy = view_policy(resources.settings.frame_ancestors)
        headers = {**HEADERS, "Content-Security-Policy": policy, "X-DNS-Prefetch-Control": "off"}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def view(raw: bytes, keyring: Keyring, public_url: str) -> str:
    """The page of a mail: its HTML, made inert, else its text."""
    said = read_content(raw)
    if said.html is not None and not too_complex(said.html):
        html = untracked_html(said.html, keyring, public_url)
        return inert_page(html, _pictures(raw, html))
    text = _NOTHING if said.text is None else untracked_text(said.text, keyring, public_url)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta name="robots" content="noindex">'
        f'<style>{_TEXT_STYLE}</style></head><body><pre dir="auto">{escape(text, quote=False)}</pre></body></html>'
    )


def _pictures(raw: bytes, html: str) -> dict[str, str]:
    """The pictures that the HTML shows, by their Content-ID, as `data:` addresses, as far as there is room."""
    room, found = MAX_PICTURES, {}
    for part in read_mail(raw).root.walk(into_mails=False) if "cid:" in html.lower() else ():
        name = (part.header("content-id") or "").strip().removeprefix("<").removesuffix(">")
        octets = part.content(room + 1) if name and name in html and name not in found else b""
        media_type = media_type_by_content(octets) if octets else None
        if media_type in _SHOWN_PICTURES and len(octets) <= room:
            room -= len(octets)
            found[name] = f"data:{media_type};base64,{base64.b64encode(octets).decode()}"
    return found


def _raw(found: Content, raw: bytes) -> Response:
    name = quote(safe_name(found.subject or "mail", ".eml"), safe="")
    named = {"Content-Type": "message/rfc822", "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(raw, headers={**HEADERS, **named})


async def _file(pools: DatabasePools, link: ContentLink) -> Response:
    """A file of sent mail, whose bytes are kept apart."""
    async with pools.reading_connection() as connection:
        row = await QUERIES.file_of_message(
            connection, customer_id=link.ref.customer_id, message_id=link.ref.message_id, position=link.position
        )
    if row is None or row["bytes"] is None:
        return _gone()
    return as_download(row["name"], await asyncio.to_thread(content.decode, row))


def _gone() -> Response:
    text = "This link is not valid any more: it is good for five minutes. Open the mail again for a new one.\n"
    return PlainTextResponse(text, status_code=404, headers=HEADERS)
