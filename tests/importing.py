"""Imports in tests: a file that was uploaded, carried on step by step, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from gateway.campaigns import import_upload, imports
from gateway.campaigns.import_columns import ColumnChoice
from gateway.campaigns.import_job import ImportJob
from gateway.campaigns.import_upload import UploadedFile
from gateway.deployment import Deployment

COUNTS = ("read", "created", "updated", "unchanged", "failed")


async def upload(connection: Any, content: bytes | str, deployment: Deployment, name: str = "customers.csv") -> UUID:
    """A file as `POST /imports` takes it, in one piece; returns the import's id."""
    octets = content.encode() if isinstance(content, str) else content
    import_id = await import_upload.begin(
        connection, file_name=name, announced=len(octets), actor="tester", deployment=deployment
    )
    file = UploadedFile()
    for number, chunk in enumerate([*file.add(octets), *file.rest()]):
        await import_upload.store_chunk(
            connection, import_id, number=number, octets=chunk, received=file.received, deployment=deployment
        )
    await import_upload.finish(connection, import_id, file)
    return import_id


async def start(
    connection: Any, import_id: UUID, *, dry_run: bool = False, list_id: int | None = None, **fields: str | None
) -> None:
    """Start it; `fields` says what columns become, by their headings."""
    columns: Sequence[ColumnChoice] = [ColumnChoice(heading=key, field=field) for key, field in fields.items()]
    await imports.start(connection, import_id, dry_run=dry_run, columns=columns, list_id=list_id)


async def carry_out(connection: Any, deployment: Deployment, *, batch: int = 5000) -> int:
    """Carry every import on until nothing is left to do; returns the number of steps."""
    job, steps = ImportJob(deployment, batch), 0
    while await job.carry_on(connection):
        steps += 1
    return steps


async def run(connection: Any, content: bytes | str, deployment: Deployment, **options: Any) -> UUID:
    """Upload a file and carry it out."""
    import_id = await upload(connection, content, deployment)
    await start(connection, import_id, **options)
    await carry_out(connection, deployment)
    return import_id


async def outcome(connection: Any, import_id: UUID) -> tuple[str, dict[str, int]]:
    """Where an import is, and its counts that are not zero."""
    row = await connection.fetchrow("select * from customer_import where id = $1", import_id)
    return row["status"], {name: row[name] for name in COUNTS if row[name]}


async def errors(connection: Any, import_id: UUID) -> list[tuple[int, str | None, str]]:
    """What was refused: line, heading, code."""
    rows = await connection.fetch(
        "select line, heading, code from import_error where import_id = $1 order by line, number", import_id
    )
    return [tuple(row) for row in rows]


async def customers(connection: Any) -> list[dict[str, Any]]:
    """Every customer with its addresses, by reference; without what differs between runs."""
    rows = await connection.fetch(
        "select c.external_ref, c.name, c.locale, c.time_zone, c.tags, c.attributes,"
        " array(select a.address from customer_address a where a.customer_id = c.id order by a.position) as addresses,"
        " array(select l.list_id from list_member l where l.customer_id = c.id order by l.list_id) as lists"
        " from customer c order by c.external_ref"
    )
    return [dict(row) for row in rows]
