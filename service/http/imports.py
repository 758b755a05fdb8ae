"""`POST /imports`: a table of customers (CSV) as the body, its name in `?name=` or Content-Disposition; returns its id.

    curl --data-binary @customers.csv -H "Authorization: Bearer $TOKEN" "$URL/imports?name=customers.csv"

The file goes to PostgreSQL in chunks as it comes, so that neither its size nor a slow client holds memory or a
connection. It is an import once it is there as a whole; `startImport` does the rest.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.campaigns import import_upload
from gateway.campaigns.import_upload import UploadedFile
from gateway.errors import Refusal, RefusalCode
from gateway.storage.attachments import check_name
from service.auth.callers import Caller
from service.error_response import json_error
from service.errors import Busy, RequestRefused, ServiceError, TooSlow
from service.graph.node import row_global_id
from service.graph.parameters import malformed
from service.http.attachments import CHUNK_SECONDS, file_name
from service.positions import position_cookie
from service.replicas import Replicas

UPLOAD_SECONDS = 3600.0
"""A gigabyte by two and a half megabits a second."""
MAX_CONCURRENT_UPLOADS = 4
"""Files coming at once to a process: each holds a few chunks."""
EVERY_UPLOAD_TAKEN = "other files are being uploaded: try again in a moment"


class Imports:
    """The upload endpoint. One a process, since it bounds how many files come concurrently."""

    def __init__(self) -> None:
        self._coming = 0

    async def upload(self, request: Request) -> Response:
        """201 with `{id, name, size}`; 400 with what is wrong with the file or its name, 413 above the limit, 507 when
        too many files are kept."""
        try:
            return await self._take(request)
        except Refusal as refusal:
            status = 507 if refusal.code is RefusalCode.TOO_MANY and refusal.field == import_upload.STORE else 400
            return json_error(RequestRefused(status, refusal.code.value, refusal.message))
        except (RequestRefused, Busy) as error:
            return json_error(error)
        except TooSlow:
            return json_error(Busy("the database takes too long: try again in a moment"))

    async def _take(self, request: Request) -> Response:
        caller = await request.app.state.resources.authenticator.writing_caller(request)
        name = check_name(file_name(request, "customers.csv"))
        announced = _announced(request)
        if self._coming >= MAX_CONCURRENT_UPLOADS:
            raise Busy(EVERY_UPLOAD_TAKEN)
        self._coming += 1
        try:
            import_id, size = await _store(request, name, announced, caller.name)
        finally:
            self._coming -= 1
        body = {"id": row_global_id("CustomerImport", import_id), "name": name, "size": size}
        headers = {"Cache-Control": "no-store", **await _position(request.app.state.resources.replicas, caller)}
        return Response(orjson.dumps(body), status_code=201, media_type="application/json", headers=headers)


async def _position(replicas: Replicas | None, caller: Caller) -> dict[str, str]:
    """The headers that name the position of the upload, for the caller's next queries at whichever process."""
    position = None if replicas is None else await replicas.note_seen(caller)
    return {} if position is None else {"Consistency": position, "Set-Cookie": position_cookie(position)}


def _announced(request: Request) -> int:
    """Returns how large the body says to be, 0 when it does not. Raises RequestRefused: 413, 415."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "UNSUPPORTED_ENCODING", "Send the file without Content-Encoding.")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise RequestRefused(415, "UNSUPPORTED_MEDIA_TYPE", "Send the file's bytes as the body: curl --data-binary.")
    declared = request.headers.get("content-length", "")
    size = int(declared.lstrip("0")[:15] or "0") if declared.isdigit() else 0
    _refuse_large(request, size)
    return size


def _refuse_large(request: Request, size: int) -> None:
    limit = request.app.state.resources.deployment.settings.import_max_bytes
    if size > limit:
        raise RequestRefused(413, "TOO_LARGE", f"A file has at most {limit:,} bytes here (IMPORT_MAX_BYTES).")


async def _store(request: Request, name: str, announced: int, actor: str) -> tuple[UUID, int]:
    """Store the body; returns the import's id and the body's size. What did not come as a whole is forgotten."""
    resources = request.app.state.resources
    async with resources.pools.writing_connection() as connection:
        import_id = await import_upload.begin(
            connection, file_name=name, announced=announced, actor=actor, deployment=resources.deployment
        )
    try:
        file = await _receive(request, import_id)
        async with resources.pools.writing_connection() as connection:
            await import_upload.finish(connection, import_id, file)
    except BaseException:
        # Also when the client is gone; where this fails, the sweep does it.
        with suppress(ServiceError):
            async with resources.pools.writing_connection() as connection:
                await import_upload.abandon(connection, import_id)
        raise
    return import_id, file.received


async def _receive(request: Request, import_id: UUID) -> UploadedFile:
    """Store the chunks as they come. Raises Refusal, RequestRefused: 400, 408, 413."""
    file, number = UploadedFile(), 0
    try:
        async with asyncio.timeout(UPLOAD_SECONDS) as whole, asyncio.timeout(CHUNK_SECONDS) as idle:
            async for piece in request.stream():
                _refuse_large(request, file.received + len(piece))
                for chunk in file.add(piece):
                    await _store_chunk(request, import_id, number, chunk, file.received)
                    number += 1
                idle.reschedule(asyncio.get_running_loop().time() + CHUNK_SECONDS)
            for chunk in file.rest():
                await _store_chunk(request, import_id, number, chunk, file.received)
    except TimeoutError:
        if not (whole.expired() or idle.expired()):
            raise
        raise RequestRefused(408, "REQUEST_TIMEOUT", "The upload took too long.", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise malformed("The connection closed before the upload was complete.") from None
    return file


async def _store_chunk(request: Request, import_id: UUID, number: int, chunk: bytes, received: int) -> None:
    resources: Any = request.app.state.resources
    async with resources.pools.writing_connection() as connection:
        await import_upload.store_chunk(
            connection, import_id, number=number, octets=chunk, received=received, deployment=resources.deployment
        )
