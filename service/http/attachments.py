"""`POST /attachments`: a file's bytes as the body, its name in `?name=` or Content-Disposition; answers its id.

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
from service.errors import Busy, RequestRefused, ServiceError
from service.graph.node import row_global_id
from service.graph.parameters import malformed

IN_MEMORY = 1_048_576
"""Bytes of an upload kept in memory; the rest of it waits on disk."""
CHUNK = 262_144
CHUNK_SECONDS = 30.0
"""How long a client may be silent in the middle of an upload."""
UPLOAD_SECONDS = 900.0
KEPT_AT_ONCE = 2
"""Uploads on their way into the database: each is whole in memory for that moment, 25 MiB and its compression."""
_ATTACHMENT = statement("attachment_by_id")
_TOO_LARGE = f"A file has at most {attachments.LARGEST_FILE // 1_048_576} MB ({attachments.LARGEST_FILE:,} bytes)."


class Attachments:
    """Takes uploads. One a process."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(KEPT_AT_ONCE)

    async def take(self, request: Request) -> Response:
        """201 with `{id, name, mediaType, size}`; 413 names the limit, 400 says what is wrong with the name."""
        try:
            return await self._take(request)
        except RequestRefused as refused:
            return _error(refused.status, refused, refused.headers)
        except Refusal as refusal:
            status = 413 if refusal.code is RefusalCode.ATTACHMENT_TOO_LARGE else 400
            return _error(status, RequestRefused(status, refusal.code.value, refusal.message), {})
        except Busy as busy:
            return _error(503, busy, {"Retry-After": str(busy.retry_after_seconds)})

    async def _take(self, request: Request) -> Response:
        resources = request.app.state.resources
        caller = await resources.authenticator.caller(request)
        name = attachments.check_name(_name(request))
        media_type = _media_type(request)
        _refuse_declared(request)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            await _receive(request, spool)
            async with self._turn, resources.pools.writing_connection() as connection:
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


def _name(request: Request) -> str:
    """The file's name: the query parameter, else Content-Disposition (RFC 6266). Raises RequestRefused."""
    name = request.query_params.get("name")
    if name is None:
        disposition = Message()
        disposition["Content-Disposition"] = request.headers.get("content-disposition", "")
        name = disposition.get_filename()
    if name is None:
        raise malformed("Name the file: POST /attachments?name=offer.pdf")
    return name


def _media_type(request: Request) -> str | None:
    media_type = request.headers.get("content-type", "")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "UNSUPPORTED_ENCODING", "Send the file without Content-Encoding.")
    if media_type.startswith("multipart/"):
        raise RequestRefused(415, "UNSUPPORTED_MEDIA_TYPE", "Send the file's bytes as the body: curl --data-binary.")
    # What curl says of any body it is given.
    return None if media_type.startswith("application/x-www-form-urlencoded") else media_type or None


def _refuse_declared(request: Request) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 12 or int(declared) > attachments.LARGEST_FILE):
        raise RequestRefused(413, RefusalCode.ATTACHMENT_TOO_LARGE.value, _TOO_LARGE)


async def _receive(request: Request, spool: IO[bytes]) -> None:
    """The body, written as it comes. Raises RequestRefused: 408, 413."""
    size = 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS), asyncio.timeout(CHUNK_SECONDS) as silence:
            async for chunk in request.stream():
                silence.reschedule(asyncio.get_running_loop().time() + CHUNK_SECONDS)
                size += len(chunk)
                if size > attachments.LARGEST_FILE:
                    raise RequestRefused(413, RefusalCode.ATTACHMENT_TOO_LARGE.value, _TOO_LARGE)
                spool.write(chunk)
    except TimeoutError:
        raise RequestRefused(408, "REQUEST_TIMEOUT", "The upload took too long.", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise malformed("The client left before its file was whole.") from None
    spool.seek(0)


async def _read(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := spool.read(CHUNK):
        yield chunk


def _error(status: int, error: ServiceError, headers: dict[str, str]) -> Response:
    body = orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions}]})
    return Response(
        body, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store", **headers}
    )
