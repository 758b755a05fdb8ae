"""`POST /attachments`: a file's bytes as the body, its name in `?name=` or Content-Disposition; returns its id.

    curl --data-binary @offer.pdf -H "Authorization: Bearer $TOKEN" "$URL/attachments?name=offer.pdf"

The upload is written to a spooled file first, so that a slow client holds neither memory nor a database connection.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from email.message import Message
from typing import IO

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.errors import Refusal, RefusalCode
from gateway.storage import attachments
from service.database import statement
from service.error_response import json_error
from service.errors import Busy, RequestRefused
from service.graph.node import row_global_id
from service.graph.parameters import malformed

SPOOL_MEMORY = 1_048_576
"""Bytes of an upload held in memory; a larger one is spooled to disk."""
CHUNK = 262_144
CHUNK_SECONDS = 30.0
"""How long a client may send nothing in the middle of an upload."""
UPLOAD_SECONDS = 900.0
MAX_CONCURRENT_STORES = 2
"""Uploads being written to the database: each is whole in memory meanwhile, 25 MiB and its compressed form."""
_ATTACHMENT = statement("attachment_by_id")


class Attachments:
    """The upload endpoint. One a process, since it bounds how many uploads are stored concurrently."""

    def __init__(self) -> None:
        self._stores = asyncio.Semaphore(MAX_CONCURRENT_STORES)

    async def upload(self, request: Request) -> Response:
        """201 with `{id, name, mediaType, size}`; 413 with the limit, 400 with what is wrong with the name."""
        try:
            return await self._store(request)
        except Refusal as refusal:
            status = 413 if refusal.code is RefusalCode.ATTACHMENT_TOO_LARGE else 400
            return json_error(RequestRefused(status, refusal.code.value, refusal.message))
        except (RequestRefused, Busy) as error:
            return json_error(error)

    async def _store(self, request: Request) -> Response:
        resources = request.app.state.resources
        caller = await resources.authenticator.writing_caller(request)
        name = attachments.check_name(file_name(request, "offer.pdf"))
        media_type = _media_type(request)
        _check_declared_size(request)
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY) as spool:
            await _receive(request, spool)
            async with self._stores, resources.pools.writing_connection() as connection:
                attachment_id = await attachments.store(
                    connection, name=name, uploaded_by=caller.name, stream=_read(spool), media_type=media_type
                )
        row = (await resources.pools.fetch_latest(_ATTACHMENT, id=attachment_id))[0]
        body = {
            "id": row_global_id("Attachment", attachment_id),
            "name": row["name"],
            "mediaType": row["media_type"],
            "size": row["size"],
        }
        return Response(
            orjson.dumps(body), status_code=201, media_type="application/json", headers={"Cache-Control": "no-store"}
        )


def file_name(request: Request, example: str) -> str:
    """Returns an upload's name: the query parameter, else Content-Disposition (RFC 6266). Raises RequestRefused."""
    name = request.query_params.get("name")
    if name is None:
        disposition = Message()
        disposition["Content-Disposition"] = request.headers.get("content-disposition", "")
        name = disposition.get_filename()
    if name is None:
        raise malformed(f"Name the file: POST {request.url.path}?name={example}")
    return name


def _media_type(request: Request) -> str | None:
    media_type = request.headers.get("content-type", "")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "UNSUPPORTED_ENCODING", "Send the file without Content-Encoding.")
    if media_type.startswith("multipart/"):
        raise RequestRefused(415, "UNSUPPORTED_MEDIA_TYPE", "Send the file's bytes as the body: curl --data-binary.")
    # The type that curl --data-binary declares for any file: it says nothing.
    return None if media_type.startswith("application/x-www-form-urlencoded") else media_type or None


def _check_declared_size(request: Request) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdigit():
        attachments.refuse_large(int(declared.lstrip("0")[:12] or "0"))


async def _receive(request: Request, spool: IO[bytes]) -> None:
    """Write the body to `spool` as it arrives. Raises RequestRefused: 400, 408; Refusal when it is too large."""
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS), asyncio.timeout(CHUNK_SECONDS) as idle:
            async for chunk in request.stream():
                idle.reschedule(asyncio.get_running_loop().time() + CHUNK_SECONDS)
                size += len(chunk)
                attachments.refuse_large(size)
                spool.write(chunk)
    except TimeoutError:
        raise RequestRefused(408, "REQUEST_TIMEOUT", "The upload took too long.", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise malformed("The connection closed before the upload was complete.") from None
    spool.seek(0)


async def _read(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := spool.read(CHUNK):
        yield chunk
