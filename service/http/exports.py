"""`GET /exports/TOKEN`: a list as a file that is written while it is fetched, to a client with its signed link."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from gateway.campaigns import import_export
from gateway.mail.export_links import ExportFormat, read_export_link
from service.error_response import json_error
from service.errors import Busy

MAX_CONCURRENT_EXPORTS = 4
"""Files being written by a process: each reads a page at a time."""
MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/jsonl; charset=utf-8"}
HEADERS = {
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
        """200 with the file; 404 for a link that is not ours or whose time is over, and for a list that is gone."""
        resources = request.app.state.resources
        link = read_export_link(resources.deployment.keyring, request.path_params["token"], now=time.time())
        if link is None:
            return gone()
        if self._written >= MAX_CONCURRENT_EXPORTS:
            return json_error(Busy("other files are being fetched: try again in a moment"))
        try:
            async with resources.pools.reading_connection() as connection:
                names = await import_export.headings(connection, link.row_id)
        except Busy as error:
            return json_error(error)
        if names is None:
            return gone()
        name = f"refused-lines.{link.format.value.lower()}"
        headers = {**HEADERS, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        pieces = self._pieces(request, link.row_id, names, link.format)
        return StreamingResponse(pieces, headers={**headers, "Content-Type": MEDIA_TYPES[link.format]})

    async def _pieces(
        self, request: Request, import_id: UUID, names: list[str], written: ExportFormat
    ) -> AsyncIterator[str]:
        self._written += 1
        try:
            read = request.app.state.resources.pools.reading_connection
            async for piece in import_export.write_file(read, import_id, names, written):
                yield piece
        finally:
            self._written -= 1


def gone() -> Response:
    """What a link that is not valid answers."""
    text = "This link is not valid any more: it is good for five minutes. Ask for the list again for a new one.\n"
    return PlainTextResponse(text, status_code=404, headers=HEADERS)
