"""A file of customers on its way in: cut into chunks, looked at as it comes, and an import once it is here as a whole.

Memory holds one chunk and the file's beginning, whatever the file's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from uuid import UUID

from gateway.campaigns.import_columns import Column, find_columns
from gateway.campaigns.import_encoding import Encoding, EncodingCheck
from gateway.campaigns.import_reader import Head, Unreadable, read_head
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode

CHUNK = 262_144
"""Octets of a chunk: a quarter of what is read at once, and a hundredth of a second's work to store."""
STORE = ("store",)
"""Of refusals that the file can do nothing about."""
MAX_FILES = 100
"""Files that are kept at once: more than anybody looks through."""


class UploadedFile:
    """One file as it comes: `add` its octets and store the chunks, then `finish`."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._check = EncodingCheck()
        self._beginning = b""
        self.received = 0

    def add(self, octets: bytes) -> Iterator[bytes]:
        """Yields the chunks that are whole by now. Raises Refusal INVALID for what is no text."""
        self.received += len(octets)
        self._pending += octets
        while len(self._pending) >= CHUNK:
            yield self._take(CHUNK)

    def rest(self) -> Iterator[bytes]:
        """Yields the last chunk, if anything is left of the file. Raises Refusal INVALID."""
        if self._pending:
            yield self._take(len(self._pending))

    def _take(self, size: int) -> bytes:
        chunk = bytes(self._pending[:size])
        del self._pending[:size]
        self._check.feed(chunk)
        self._beginning = self._beginning or chunk
        return chunk

    def head(self) -> tuple[Encoding, Head, tuple[Column, ...]]:
        """Returns how the file is written and what its columns seem to be, once all of it has come.

        Raises Refusal: INVALID, TOO_MANY columns, TOO_LONG headings.
        """
        encoding = self._check.finish()
        beginning = self._beginning[encoding.mark :]
        try:
            head = read_head(beginning, encoding.codec, is_last=len(self._beginning) == self.received)
        except Unreadable as error:
            raise Refusal(RefusalCode.INVALID, f"Line {error.line}: {error.message}", ("file",)) from None
        if head is None:
            message = "The file is empty: its first line names the columns, each other one is a customer."
            raise Refusal(RefusalCode.INVALID, message, ("file",))
        return encoding, head, find_columns(head.headings, head.sample)


async def begin(connection: Connection, *, file_name: str, announced: int, actor: str, deployment: Deployment) -> UUID:
    """Take note of a file that is coming, of `announced` octets (0 when nobody knows); returns the import's id.

    Raises Refusal TOO_MANY when as many files, or octets, are kept as may be.
    """
    async with connection.transaction():
        await QUERIES.lock_import_store(connection)
        store = await QUERIES.import_store(connection)
        if store["files"] >= MAX_FILES:
            raise _full(f"{MAX_FILES} imported files are kept already")
        _check_store(store["octets"] + announced, deployment)
        made = await QUERIES.begin_import_upload(connection, file_name=file_name, file_bytes=announced, actor=actor)
    return UUID(str(made))


async def store_chunk(
    connection: Connection, import_id: UUID, *, number: int, octets: bytes, received: int, deployment: Deployment
) -> None:
    """Store a chunk; `received` counts the octets of the file so far. Raises Refusal: TOO_MANY, NOT_FOUND."""
    kept = await QUERIES.insert_import_chunk(connection, id=import_id, number=number, bytes=octets, received=received)
    if kept is None:
        raise _gone()
    _check_store(kept, deployment)


async def finish(connection: Connection, import_id: UUID, file: UploadedFile) -> None:
    """Make an import of a file whose chunks are all stored. Raises Refusal: INVALID, TOO_MANY, TOO_LONG, NOT_FOUND."""
    encoding, head, columns = file.head()
    made = await QUERIES.finish_import_upload(
        connection,
        id=import_id,
        file_bytes=file.received,
        encoding=encoding.codec,
        delimiter=head.delimiter,
        columns=[asdict(column) for column in columns],
        body_at=encoding.mark + head.used,
        body_line=head.next_line,
    )
    if made is None:
        raise _gone()


async def abandon(connection: Connection, import_id: UUID) -> None:
    """Forget a file that did not come as a whole, or cannot be read."""
    await QUERIES.abandon_import_upload(connection, id=import_id)


def _check_store(octets: int, deployment: Deployment) -> None:
    if octets > deployment.settings.import_store_bytes:
        raise _full("the imported files that are kept have as many bytes as they may (IMPORT_STORE_BYTES)")


def _full(why: str) -> Refusal:
    message = f"No more room: {why}. Cancel imports that are not needed, or wait: files are deleted after seven days."
    return Refusal(RefusalCode.TOO_MANY, message, STORE)


def _gone() -> Refusal:
    return Refusal(RefusalCode.NOT_FOUND, "The upload took too long: send the file again.", ("file",))
