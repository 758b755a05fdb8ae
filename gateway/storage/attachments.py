"""Attachments: uploaded files, kept until a letter takes them, swept after a day when none does."""

from __future__ import annotations

import mimetypes
import re
import zlib
from collections.abc import AsyncIterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import filetype  # type: ignore[import-untyped]  # it ships no types

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.card_number import refuse_card_number
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.mime import AttachedFile
from gateway.storage import content

LARGEST_FILE = 26_214_400
"""Octets of one file, 25 MiB; also of all files of one letter: larger mails are refused by large providers."""

LONGEST_NAME = 255
"""Characters of a file's name: what file systems take."""

UNUSED_AFTER = timedelta(days=1)
"""An upload that no letter took by then was given up."""

UNKNOWN_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


async def keep(
    connection: Connection,
    *,
    name: str,
    uploaded_by: str,
    stream: bytes | AsyncIterable[bytes],
    media_type: str | None = None,
) -> UUID:
    """Keep one file; its id. `media_type` is what the uploader says; what the bytes say counts first.

    Raises Refusal, having kept nothing: ATTACHMENT_TOO_LARGE above 25 MiB, CARD_NUMBER, HEADER_INJECTION, REQUIRED,
    INVALID or TOO_LONG for the name.
    """
    checked = check_name(name)
    octets = await read_whole(stream)
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


async def read_whole(stream: bytes | AsyncIterable[bytes]) -> bytes:
    """All of an upload; stops reading as soon as it is too large. Raises Refusal(ATTACHMENT_TOO_LARGE)."""
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
    """Refuse a file above the limit; for whoever knows the size before the bytes."""
    if size > LARGEST_FILE:
        raise Refusal(
            RefusalCode.ATTACHMENT_TOO_LARGE,
            f"A file has at most {LARGEST_FILE // 1_048_576} MB ({LARGEST_FILE:,} bytes).",
            ("file",),
        )


def check_name(name: str) -> str:
    """A file's name without the folders before it. Raises Refusal."""
    refuse_header_break(name, ("name",))
    refuse_card_number(name, ("name",))
    name = re.split(r"[/\\]", name)[-1].strip()
    if name in ("", ".", ".."):
        raise Refusal(RefusalCode.REQUIRED, "A file needs a name.", ("name",))
    if len(name) > LONGEST_NAME:
        raise Refusal(RefusalCode.TOO_LONG, f"A file's name has at most {LONGEST_NAME} characters.", ("name",))
    return name


def media_type_of(octets: bytes, name: str, declared: str | None) -> str:
    """What the bytes are, else what the uploader says, else what the name's ending says; unknown where the bytes would
    show it and do not."""
    named = mimetypes.guess_type(name)[0] or ""
    sniffed = filetype.guess_mime(octets[:8192])
    if sniffed:
        # Office files are zip archives: their names know better than the first bytes.
        return named if sniffed == "application/zip" and named.startswith("application/") else str(sniffed)
    said = (declared or "").partition(";")[0].strip().lower()
    claimed = said if _MEDIA_TYPE.fullmatch(said) and said != UNKNOWN_TYPE else named
    return UNKNOWN_TYPE if not claimed or filetype.get_type(mime=claimed) else claimed


async def asked_for(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """The uploads of these ids, in their order, still without their bytes: what is too large is never read.

    Raises Refusal: NOT_FOUND, ATTACHMENT_TOO_LARGE above 25 MiB together.
    """
    found = {row["id"]: row async for row in QUERIES.attachments_asked_for(connection, ids=list(ids))}
    for place, attachment_id in enumerate(ids):
        if attachment_id not in found:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such attachment.", ("attachmentIds", str(place)))
    rows = [found[attachment_id] for attachment_id in ids]
    if sum(row["size"] for row in rows) > LARGEST_FILE:
        message = f"A letter's files have at most {LARGEST_FILE // 1_048_576} MB together."
        raise Refusal(RefusalCode.ATTACHMENT_TOO_LARGE, message, ("attachmentIds",))
    return rows


async def load_many(connection: Connection, ids: Sequence[UUID]) -> tuple[AttachedFile, ...]:
    """The files of these ids, in their order; `asked_for` has said that they may be read."""
    found = {row["id"]: row async for row in QUERIES.attachments_with_content(connection, ids=list(ids))}
    return tuple(_file(found[attachment_id]) for attachment_id in ids)


def _file(row: Any) -> AttachedFile:
    octets = zlib.decompress(row["bytes"]) if row["encoding"] == "zlib" else bytes(row["bytes"])
    return AttachedFile(name=row["name"], media_type=row["media_type"], content=octets)


async def sweep(connection: Connection, *, older_than: timedelta = UNUSED_AFTER) -> int:
    """Delete uploads that no letter took, and their bytes where nothing else uses them; how many. Call it daily."""
    async with connection.transaction():
        hashes = [row["sha256"] async for row in QUERIES.delete_stale_attachments(connection, older_than=older_than)]
        if hashes:
            await QUERIES.delete_unused_content(connection, hashes=hashes, older_than=older_than)
    return len(hashes)
