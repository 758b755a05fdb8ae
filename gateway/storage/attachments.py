"""Attachments: uploaded files, stored until a letter uses them, deleted after a day when none does."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import filetype  # type: ignore[import-untyped]  # it ships no types

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.card_number import refuse_card_number
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.mime import AttachedFile
from gateway.mail.names import tidy_name
from gateway.storage import content

LARGEST_FILE = 26_214_400
"""Octets of one file, 25 MiB; also of all files of one letter: larger mails are refused by large providers."""

LONGEST_NAME = 255
"""Characters of a file's name: what file systems take."""

UNUSED_AFTER = timedelta(days=1)
"""An upload that no letter uses by then is not needed any more."""

UNKNOWN_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


async def store(
    connection: Connection,
    *,
    name: str,
    uploaded_by: str,
    stream: bytes | AsyncIterable[bytes],
    media_type: str | None = None,
) -> UUID:
    """Store one file; returns its id. `media_type` is what the uploader declares; what the bytes are counts first.

    Raises Refusal, having stored nothing: ATTACHMENT_TOO_LARGE above 25 MiB, CARD_NUMBER, HEADER_INJECTION, REQUIRED,
    INVALID or TOO_LONG for the name.
    """
    checked = check_name(name)
    octets = await _read_whole(stream)
    async with connection.transaction():
        sha256 = await content.store(connection, octets)
        made = await QUERIES.insert_attachment(
            connection,
            sha256=sha256,
            name=checked,
            media_type=media_type_of(octets, checked, media_type),
            size=len(octets),
            uploaded_by=uploaded_by,
        )
    return UUID(str(made))


async def _read_whole(stream: bytes | AsyncIterable[bytes]) -> bytes:
    """Returns all of an upload; stops reading as soon as it is too large. Raises Refusal(ATTACHMENT_TOO_LARGE)."""
    octets = bytearray()
    if isinstance(stream, bytes):
        octets += stream
    else:
        async for chunk in stream:
            octets += chunk
            refuse_large(len(octets))
    refuse_large(len(octets))
    return bytes(octets)


def refuse_large(size: int) -> None:
    """Refuse a file of more octets than the limit (ATTACHMENT_TOO_LARGE)."""
    if size > LARGEST_FILE:
        raise Refusal(
            RefusalCode.ATTACHMENT_TOO_LARGE,
            f"A file has at most {LARGEST_FILE // 1_048_576} MB ({LARGEST_FILE:,} bytes).",
            ("file",),
        )


def check_name(name: str) -> str:
    """Returns a file's name without the folders before it. Raises Refusal."""
    refuse_header_break(name, ("name",))
    refuse_card_number(name, ("name",))
    name = tidy_name(re.split(r"[/\\]", name)[-1])
    if name in ("", ".", ".."):
        raise Refusal(RefusalCode.REQUIRED, "A file needs a name.", ("name",))
    if len(name) > LONGEST_NAME:
        raise Refusal(RefusalCode.TOO_LONG, f"A file's name has at most {LONGEST_NAME} characters.", ("name",))
    return name


def media_type_of(octets: bytes, name: str, declared: str | None) -> str:
    """Returns what the bytes are, else what the uploader declared, else what the name's ending says.

    UNKNOWN_TYPE where the bytes would show that type and do not.
    """
    named = mimetypes.guess_type(name)[0] or ""
    sniffed = filetype.guess_mime(octets[:8192])
    if sniffed:
        # Office files are zip archives: their names say more than the first bytes.
        return named if sniffed == "application/zip" and named.startswith("application/") else str(sniffed)
    cleaned = (declared or "").partition(";")[0].strip().lower()
    claimed = cleaned if _MEDIA_TYPE.fullmatch(cleaned) and cleaned != UNKNOWN_TYPE else named
    return UNKNOWN_TYPE if not claimed or filetype.get_type(mime=claimed) else claimed


async def find(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """Returns the rows of these uploads, in their order, still without their bytes: what is too large is never read.

    Raises Refusal or Refusals: NOT_FOUND for each, ATTACHMENT_TOO_LARGE above 25 MiB together.
    """
    found = {row["id"]: row async for row in QUERIES.attachments_asked_for(connection, ids=list(ids))}
    refusals = RefusalCollector()
    for place, attachment_id in enumerate(ids):
        with refusals.check():
            if attachment_id not in found:
                raise Refusal(RefusalCode.NOT_FOUND, "There is no such attachment.", ("attachmentIds", str(place)))
    refusals.raise_any()
    rows = [found[attachment_id] for attachment_id in ids]
    if sum(row["size"] for row in rows) > LARGEST_FILE:
        message = f"A letter's files have at most {LARGEST_FILE // 1_048_576} MB together."
        raise Refusal(RefusalCode.ATTACHMENT_TOO_LARGE, message, ("attachmentIds",))
    return rows


async def load_many(connection: Connection, ids: Sequence[UUID]) -> tuple[AttachedFile, ...]:
    """Returns the files of these ids, in their order: of uploads that `find` has not refused."""
    found = {row["id"]: row async for row in QUERIES.attachments_with_content(connection, ids=list(ids))}
    rows = [found[attachment_id] for attachment_id in ids]
    return tuple(
        AttachedFile(name=row["name"], media_type=row["media_type"], content=content.decode(row)) for row in rows
    )


async def sweep(connection: Connection, *, older_than: timedelta = UNUSED_AFTER) -> int:
    """Delete uploads that no letter uses, and their bytes where nothing else does; returns how many. Run it daily."""
    async with connection.transaction():
        hashes = [row["sha256"] async for row in QUERIES.delete_stale_attachments(connection, older_than=older_than)]
        if hashes:
            await QUERIES.delete_unused_content(connection, hashes=hashes, older_than=older_than)
    return len(hashes)
