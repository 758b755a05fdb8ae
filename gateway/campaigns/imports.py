"""Imports as people decide about them: start one, as a check or for good, and end one; what is kept how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from gateway.campaigns.import_columns import ColumnChoice, map_columns, read_columns
from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode, RefusalCollector

KEPT_FOR = timedelta(days=7)
"""A file and its refused lines after the import's end: they hold values of customers."""
PARTIAL_AFTER = timedelta(hours=2)
"""Since its beginning, for an upload that never ended: twice what one may take."""
CHUNKS_AT_ONCE = 256
"""Chunks deleted in one step, 64 MiB: a fraction of a second."""
ERRORS_AT_ONCE = 10_000
"""Refused lines deleted in one step: some tenths of a second."""


class ImportStatus(StrEnum):
    """Where an import is. SQL: `import_status`."""

    UPLOADED = "UPLOADED"
    RUNNING = "RUNNING"
    CHECKED = "CHECKED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ENDED = frozenset({ImportStatus.FINISHED, ImportStatus.FAILED, ImportStatus.CANCELLED})
"""From which an import never goes on."""
_WAITING = frozenset({ImportStatus.UPLOADED, ImportStatus.CHECKED})


async def start(
    connection: Connection, import_id: UUID, *, dry_run: bool, columns: Sequence[ColumnChoice], list_id: int | None
) -> None:
    """Check an import, or carry it out; workers do it. `columns` says what other columns become than was found.

    Raises Refusal or Refusals: NOT_FOUND, ILLEGAL_STATE, MAPPING_INVALID, INVALID for a list that is not fixed.
    """
    async with connection.transaction():
        row = await _locked(connection, import_id)
        if row["status"] not in _WAITING:
            message = f"Only an import that waits can be started; this one is {str(row['status']).lower()}."
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("importId",))
        if not row["file_kept"]:
            raise Refusal(RefusalCode.ILLEGAL_STATE, "Its file was deleted: send it again.", ("importId",))
        found = RefusalCollector()
        mapped = read_columns(row["columns"])
        with found.check():
            mapped = map_columns(mapped, columns)
        if list_id is not None:
            with found.check():
                await _check_list(connection, list_id)
        found.raise_any()
        await QUERIES.forget_import_errors(connection, id=import_id)
        await QUERIES.start_import(
            connection, id=import_id, dry_run=dry_run, columns=[asdict(one) for one in mapped], list_id=list_id
        )


async def _check_list(connection: Connection, list_id: int) -> None:
    row = await QUERIES.fixed_list_of_import(connection, list_id=list_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such list.", ("listId",))
    if not row["is_fixed"]:
        message = "Customers join a fixed list; whom a dynamic one holds is said by its criteria."
        raise Refusal(RefusalCode.INVALID, message, ("listId",))


async def cancel(connection: Connection, import_id: UUID) -> None:
    """End an import; what it has done stays. Raises Refusal: NOT_FOUND, ILLEGAL_STATE for one that has ended."""
    async with connection.transaction():
        row = await _locked(connection, import_id)
        if row["status"] in ENDED:
            message = f"Only an import that has not ended can be cancelled; this one is {str(row['status']).lower()}."
            raise Refusal(RefusalCode.ILLEGAL_STATE, message, ("importId",))
        await QUERIES.cancel_import(connection, id=import_id)


async def _locked(connection: Connection, import_id: UUID) -> Any:
    row = await QUERIES.lock_import(connection, id=import_id)
    if row is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such import.", ("importId",))
    return row


async def sweep(
    connection: Connection, *, kept_for: timedelta = KEPT_FOR, partial_after: timedelta = PARTIAL_AFTER
) -> bool:
    """Delete the next part of a file that is not needed any more, or of its refused lines; returns whether there was
    one."""
    async with connection.transaction():
        row = await QUERIES.old_import_file(connection, older_than=kept_for, partial_after=partial_after)
        if row is None:
            return False
        deleted = [
            chunk async for chunk in QUERIES.delete_import_chunks(connection, id=row["id"], limit=CHUNKS_AT_ONCE)
        ]
        if len(deleted) < CHUNKS_AT_ONCE and await _forget_errors(connection, row["id"]):
            if row["is_partial"]:
                await QUERIES.abandon_import_upload(connection, id=row["id"])
            else:
                await QUERIES.forget_import_file(connection, id=row["id"])
    return True


async def _forget_errors(connection: Connection, import_id: UUID) -> bool:
    """Delete the next of what was refused; returns whether nothing is left of it."""
    deleted: int = await QUERIES.delete_import_errors(connection, id=import_id, limit=ERRORS_AT_ONCE)
    return deleted < ERRORS_AT_ONCE
