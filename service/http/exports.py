"""`GET /exports/TOKEN`: a list as a file that is written while it is fetched, to a client with its signed link, as long
as the token or session lives that asked for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from gateway.mail.export_links import ExportFormat, ExportLink, read_export_link
from service.database import DatabasePools, statement
from service.error_response import json_error
from service.errors import Busy
from service.http.export_files import ExportFiles

CALLER_LIVES = statement("caller_lives")

MAX_CONCURRENT_EXPORTS = 4
"""Files being written by a process: each reads a batch at a time."""
_MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/jsonl; charset=utf-8"}
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Exports:
    """The download endpoint. One a process, since it bounds how many files are written concurrently."""

    def __init__(self) -> None:
        self._written = 0

    async def download(self, request: Request) -> Response:
        """200 with the file; 404 for a link that is not ours, whose time is over, whose token was revoked, or whose
        list is gone."""
        resources = request.app.state.resources
        link = read_export_link(resources.deployment.keyring, request.path_params["token"], now=time.time())
        if link is None:
            return _gone()
        if self._written >= MAX_CONCURRENT_EXPORTS:
            return json_error(Busy("other files are being fetched: try again in a moment"))
        files = ExportFiles(pools=resources.pools, deployment=resources.deployment)
        try:
            file = await files.open(link) if await _lives(resources.pools, link) else None
        except Busy as error:
            return json_error(error)
        if file is None:
            return _gone()
        named = {
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Content-Type": _MEDIA_TYPES[link.format],
        }
        return StreamingResponse(self._pieces(resources.pools, link, file.pieces), headers={**_HEADERS, **named})

    async def _pieces(self, pools: DatabasePools, link: ExportLink, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        """Cuts the file off, as a failed one is, when its token is revoked meanwhile or PostgreSQL does not answer."""
        self._written += 1
        try:
            async for piece in pieces:
                yield piece
                if not await _lives(pools, link):
                    raise ConnectionAbortedError("the token of this export was revoked")
        finally:
            self._written -= 1


async def _lives(pools: DatabasePools, link: ExportLink) -> bool:
    [row] = await pools.fetch_latest(CALLER_LIVES, name=link.caller)
    return bool(row["lives"])


def _gone() -> Response:
    """What a link that is not valid answers."""
    text = "This link is not valid any more: it is good for five minutes. Ask for the list again for a new one.\n"
    return PlainTextResponse(text, status_code=404, headers=_HEADERS)
