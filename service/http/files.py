"""`GET /files/TOKEN`: a file of a received mail, to a client with its signed link (`message.attachments`). Files of
sent mail have links that end with their caller (`service.http.content`).

Files are a stranger's: they are only ever downloaded, never shown by a browser, and run nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.errors import Refusal
from gateway.inbound.received_files import read_file
from gateway.mail.file_links import FileLink, read_file_link
from gateway.mail.media_signature import media_type_by_content
from gateway.storage.attachments import UNKNOWN_TYPE
from service.database import QUERIES, DatabasePools
from service.error_response import json_error
from service.errors import Busy

MAX_CONCURRENT_READS = 2
"""Files being read: each is whole in memory meanwhile, and the mail that it is part of."""
_SHOWN_BY_BROWSERS = frozenset({"text/html", "application/xml", "image/svg+xml"})
"""Types that could run scripts: said to be bytes, though nothing is shown inline."""
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Files:
    """The download endpoint. One a process, since it bounds how many files are read concurrently."""

    def __init__(self) -> None:
        self._reads = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def download(self, request: Request) -> Response:
        """200 with the file; 404 for a link that is not ours or whose time is over, and for a file that is gone."""
        resources = request.app.state.resources
        link = read_file_link(resources.deployment.keyring, request.path_params["token"], now=time.time())
        if link is None:
            return _gone()
        try:
            async with self._reads:
                found = await _read(resources.pools, link)
        except Busy as error:
            return json_error(error)
        return _gone() if found is None else as_download(*found)


async def _read(pools: DatabasePools, link: FileLink) -> tuple[str, bytes] | None:
    """The file's name and bytes, which are part of the mail."""
    of: dict[str, Any] = {
        "customer_id": link.ref.customer_id,
        "message_id": link.ref.message_id,
        "position": link.position,
    }
    async with pools.reading_connection() as connection:
        row = await QUERIES.file_of_message(connection, **of)
        if row is None or row["part"] is None:
            return None
        try:
            received = await read_file(connection, **of)
        except Refusal:
            return None
    return received.name, received.content


def as_download(name: str, octets: bytes) -> Response:
    """The answer with a file: to be saved, whatever it is."""
    sniffed = media_type_by_content(octets) or UNKNOWN_TYPE
    media_type = UNKNOWN_TYPE if sniffed in _SHOWN_BY_BROWSERS else sniffed
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    # Not Response's media_type: it adds a charset to text.
    headers = {**HEADERS, "Content-Type": media_type, "Content-Disposition": disposition}
    return Response(octets, headers=headers)


def _gone() -> Response:
    text = "This link is not valid any more: it is good for five minutes. Open the mail again for a new one.\n"
    return PlainTextResponse(text, status_code=404, headers=HEADERS)
