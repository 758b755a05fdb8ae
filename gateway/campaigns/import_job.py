"""The background job that checks imports and carries them out, one batch a step.

First the whole file is read once, so that what cannot be read at all is refused before anything is written. Then its
lines are carried out. A step is one transaction: it locks the import, reads some lines where the step before stopped,
writes what they say and where the next begins. So whatever dies, nothing is lost or done twice, and any worker goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from gateway.campaigns import import_customers
from gateway.campaigns.import_columns import read_columns
from gateway.campaigns.import_customers import Applied, Interfered
from gateway.campaigns.import_lines import Fault, Line, LineChecker, RefusedLine, kept_cells
from gateway.campaigns.import_reader import WINDOW, Layout, Lines, Unreadable, read_lines
from gateway.campaigns.import_upload import CHUNK
from gateway.database import AWAY, QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import RefusalCode

log = logging.getLogger(__name__)

BATCH = 2000
"""Lines a step: some statements each, half a second's work, so that a person's decision waits no longer. Batches of
5,000 are no faster (measured)."""
SCANNED = 20_000
"""Lines of a step of the first reading: a twentieth of a second's work, and some megabytes."""
MAX_LINES = 1_000_000
"""Lines of one file, without its header."""
MAX_KEPT = 100_000
"""Refused lines whose reasons and values are kept; the others are counted."""


_PASSING = (
    asyncpg.UniqueViolationError,
    # PostgreSQL lacked memory, or a table was changed under a prepared statement.
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidCachedStatementError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Import:
    """An import under way; octets are counted from the file's beginning, lines by their number in it."""

    id: UUID
    file_name: str
    file_bytes: int
    encoding: str
    delimiter: str
    columns: Sequence[dict[str, Any]]
    list_id: int | None
    dry_run: bool
    body_at: int
    body_line: int
    next_at: int
    next_line: int
    scanned: int
    total: int | None
    failed: int

    @property
    def layout(self) -> Layout:
        """How its lines are written."""
        return Layout(codec=self.encoding, delimiter=self.delimiter)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Window:
    """Octets of a file from where a line begins, and whether the file ends with them."""

    octets: bytes
    is_last: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    """Lines of a file that were checked; whether they are its last ones; where the next begins."""

    lines: Sequence[Line]
    refused: Sequence[RefusedLine]
    cells: dict[int, list[str]]
    is_last: bool
    next_at: int
    next_line: int


@dataclass(slots=True)
class ImportJob:
    """Carries imports on, on the connections that it is given; one a worker. It remembers how to check the lines of the
    import at which it worked last."""

    deployment: Deployment
    batch: int = BATCH
    _checker: tuple[UUID, Sequence[dict[str, Any]], LineChecker] | None = None

    async def carry_on(self, connection: Connection) -> bool:
        """Do the next batch of some import; returns whether there was one. Raises what says that PostgreSQL is away or
        that others were in the way: then nothing was done, and it is to be called again."""
        working: _Import | None = None
        try:
            async with connection.transaction():
                row = await QUERIES.import_to_carry_on(connection)
                if row is None:
                    return False
                working = _Import(**row)
                await self._step(connection, working)
        except Unreadable as error:
            if working is not None:
                await _fail(connection, working, error)
        except Interfered:
            pass  # the other transaction has ended: the next step finds what it wrote
        except Exception as error:
            if working is None or _is_passing(error):
                raise
            # What PostgreSQL and asyncpg say may quote values of customers.
            quotes = isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError))
            log.error("an import cannot go on: %s", type(error).__name__, exc_info=not quotes,
                      extra={"fields": {"import": str(working.id)}})  # fmt: skip
            message = "Something in this line, or in one soon after it, cannot be stored: report this, please."
            await _fail(connection, working, Unreadable(working.next_line, message))
        return True

    async def _step(self, connection: Connection, working: _Import) -> None:
        window = await _window(connection, working)
        if working.total is None:
            await _scan(connection, working, window)
        else:
            await self._carry_out(connection, working, window)

    async def _carry_out(self, connection: Connection, working: _Import, window: _Window) -> None:
        batch = await asyncio.to_thread(self._read, working, window)
        if working.list_id is not None:
            await _check_list(connection, working, working.list_id)
        rows = await import_customers.load(connection, batch.lines)
        applied = await asyncio.to_thread(import_customers.apply, rows, batch.lines)
        if not working.dry_run:
            await import_customers.write(connection, applied.customers)
            if working.list_id is not None:
                await import_customers.join_list(
                    connection, working.list_id, applied.customers, actor=f"import {working.file_name}"
                )
        refused = [*batch.refused, *_refused(applied, batch)]
        await _keep(connection, working, refused)
        await QUERIES.note_imported_lines(
            connection,
            id=working.id,
            next_at=batch.next_at,
            next_line=batch.next_line,
            read=applied.created + applied.updated + applied.unchanged + len(refused),
            created=applied.created,
            updated=applied.updated,
            unchanged=applied.unchanged,
            failed=len(refused),
            is_last=batch.is_last,
        )

    def _read(self, working: _Import, window: _Window) -> _Batch:
        """Reads and checks some lines; runs in a thread."""
        found = read_lines(
            window.octets, working.layout, line=working.next_line, is_last=window.is_last, limit=self.batch
        )
        check = self._checker_of(working).check
        lines: list[Line] = []
        refused: list[RefusedLine] = []
        for number, cells in found.rows:
            checked = check(number, cells)
            if isinstance(checked, Line):
                lines.append(checked)
            elif checked is not None:
                refused.append(checked)
        return _Batch(
            lines=lines,
            refused=refused,
            cells=dict(found.rows),
            is_last=_is_end(window, found),
            next_at=working.next_at + found.used,
            next_line=found.next_line,
        )

    def _checker_of(self, working: _Import) -> LineChecker:
        if self._checker is None or self._checker[:2] != (working.id, working.columns):
            checker = LineChecker(read_columns(working.columns), self.deployment)
            self._checker = working.id, working.columns, checker
        return self._checker[2]


def _is_passing(error: Exception) -> bool:
    """Whether the same batch may succeed the next time. A value that asyncpg cannot send is one of its InterfaceErrors,
    and the file's fault."""
    if isinstance(error, _PASSING):
        return True
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


async def _check_list(connection: Connection, working: _Import, list_id: int) -> None:
    if await QUERIES.fixed_list_of_import(connection, list_id=list_id) is None:
        raise Unreadable(working.next_line, "The list that its customers join was deleted.")


async def _window(connection: Connection, working: _Import) -> _Window:
    first = working.next_at // CHUNK
    chunks = QUERIES.import_chunks(connection, id=working.id, first=first, last=first + WINDOW // CHUNK)
    octets = b"".join([chunk["bytes"] async for chunk in chunks])[working.next_at - first * CHUNK :][:WINDOW]
    return _Window(octets=octets, is_last=working.next_at + len(octets) >= working.file_bytes)


def _is_end(window: _Window, found: Lines) -> bool:
    return window.is_last and found.used == len(window.octets)


async def _scan(connection: Connection, working: _Import, window: _Window) -> None:
    """Read on, to find out whether all of the file can be read, and how many lines it has. Raises Unreadable."""
    found = await asyncio.to_thread(
        read_lines, window.octets, working.layout, line=working.next_line, is_last=window.is_last, limit=SCANNED
    )
    scanned = sum(1 for _, cells in found.rows if any(cells))
    if working.scanned + scanned > MAX_LINES:
        raise Unreadable(found.next_line, f"A file has at most {MAX_LINES:,} lines of customers: send it in parts.")
    if _is_end(window, found):
        await QUERIES.finish_import_scan(connection, id=working.id, scanned=scanned)
        return
    await QUERIES.note_scanned_lines(
        connection,
        id=working.id,
        next_at=working.next_at + found.used,
        next_line=found.next_line,
        scanned=scanned,
    )


def _refused(applied: Applied, batch: _Batch) -> Iterable[RefusedLine]:
    """Lines that were right in themselves, and not for their customer."""
    for number, refusal in applied.refused:
        fault = Fault(heading=None, code=refusal.code, message=refusal.message)
        yield RefusedLine(number=number, faults=[fault], cells=kept_cells(batch.cells[number]))


async def _keep(connection: Connection, working: _Import, refused: Sequence[RefusedLine]) -> None:
    """Keep what was refused, as far as there is room."""
    faults = [
        {
            "line": line.number,
            "number": number,
            "heading": fault.heading,
            "code": fault.code,
            "message": fault.message,
            "line_values": line.cells if number == 0 else None,
        }
        for line in sorted(refused, key=lambda one: one.number)[: max(0, MAX_KEPT - working.failed)]
        for number, fault in enumerate(line.faults)
    ]
    if faults:
        await QUERIES.insert_import_errors(connection, id=working.id, faults=faults)


async def _fail(connection: Connection, working: _Import, error: Unreadable) -> None:
    """End an import that cannot be read on; its one error says why."""
    fault = {"line": error.line, "number": 0, "code": RefusalCode.INVALID, "message": error.message}
    async with connection.transaction():
        if await QUERIES.fail_import(connection, id=working.id) is not None:
            await QUERIES.insert_import_errors(connection, id=working.id, faults=[fault])
