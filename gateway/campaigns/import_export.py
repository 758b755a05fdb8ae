"""The refused lines of an import as a file, each with its values and why it was refused: mend it and send it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from gateway.campaigns.import_columns import read_columns
from gateway.database import QUERIES, Connection
from gateway.mail.export_links import ExportFormat
from gateway.mail.table_text import csv_line

PAGE = 1000
"""Rows that are read at once: some megabytes at most."""


async def headings(connection: Connection, import_id: UUID) -> list[str] | None:
    """Returns an import's headings in the file's order; None when there is no such import."""
    columns = await QUERIES.import_headings(connection, id=import_id)
    return None if columns is None else [column.heading for column in read_columns(columns)]


async def refused_lines(
    connection: Connection, import_id: UUID, after: tuple[int, int]
) -> tuple[list[Any], tuple[int, int] | None]:
    """Returns the next rows after (line, number), those of one line together, and after what to go on; None at the
    end."""
    line, number = after
    found = QUERIES.refused_lines(connection, id=import_id, after_line=line, after_number=number, limit=PAGE + 1)
    rows = [row async for row in found]
    if len(rows) <= PAGE:
        return rows, None
    # The last line may have more faults than were read: it begins the next page.
    cut = rows[-1]["line"]
    rows = [row for row in rows if row["line"] != cut]
    return rows, (rows[-1]["line"], rows[-1]["number"])


def write_header(names: Sequence[str], written: ExportFormat) -> str:
    """Returns what begins the file."""
    return csv_line(["line", "reason", *names]) if written is ExportFormat.CSV else ""


def write_lines(rows: Sequence[Any], names: Sequence[str], written: ExportFormat) -> str:
    """Returns these rows as lines of the file, one for each refused line."""
    write = _csv if written is ExportFormat.CSV else _json
    return "".join(write(names, rows))


def _csv(names: Sequence[str], rows: Sequence[Any]) -> Iterator[str]:
    for line, of_line in groupby(rows, key=lambda row: int(row["line"])):
        faults = list(of_line)
        yield csv_line([str(line), " ".join(map(_reason, faults)), *(faults[0]["line_values"] or [])])


def _reason(row: Any) -> str:
    return f"{row['heading']}: {row['message']}" if row["heading"] else str(row["message"])


def _json(names: Sequence[str], rows: Sequence[Any]) -> Iterator[str]:
    for line, of_line in groupby(rows, key=lambda row: int(row["line"])):
        faults = list(of_line)
        errors = [{"heading": row["heading"], "code": row["code"], "message": row["message"]} for row in faults]
        values = faults[0]["line_values"] or []
        named = {"line": line, "errors": errors, "values": dict(zip(names, values, strict=False))}
        if len(values) > len(names):
            named["more"] = values[len(names) :]
        yield orjson.dumps(named).decode() + "\n"


async def write_file(
    read: Callable[[], AbstractAsyncContextManager[Connection]],
    import_id: UUID,
    names: Sequence[str],
    written: ExportFormat,
) -> AsyncIterator[str]:
    """Yields the file in pieces; `read` lends a connection for each page, so that a slow reader holds none."""
    yield write_header(names, written)
    after: tuple[int, int] | None = (0, -1)
    while after is not None:
        async with read() as connection:
            rows, after = await refused_lines(connection, import_id, after)
        yield write_lines(rows, names, written)
