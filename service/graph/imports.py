"""Imports: files of customers on their way in, and what people decide about them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import datetime
from uuid import UUID

import strawberry
from asyncpg import Record

from gateway.campaigns import counts, imports
from gateway.campaigns.import_columns import FIELDS, ColumnChoice
from gateway.campaigns.import_encoding import ENCODING_NAMES
from gateway.campaigns.imports import ENDED, ImportStatus
from gateway.errors import RefusalCode
from service.database import statement
from service.errors import BadInput
from service.graph.connection import After, Connection, First, read_text_window, read_window
from service.graph.context import Context, Info
from service.graph.counting import CountedConnection
from service.graph.customer import CustomerList
from service.graph.exporting import linking
from service.graph.intent import Input
from service.graph.loaders import MAX_COUNTED_ERRORS, existing_row, existing_rows
from service.graph.node import Node, asked_id, row_global_id
from service.graph.row import FromRow
from service.graph.sending import read_number_id, read_row_id
from service.graph.user_error import UserError

IMPORTS_PAGE = statement("imports_page")
FOLLOW_SECONDS = 1.0
"""Between two looks at an import that somebody follows: one read by key each."""
_ERROR_CURSOR = re.compile(r"[1-9][0-9]{0,8}-[0-9]{1,4}")


@strawberry.type(description="One column of an import.")
class ImportColumn:
    """Over an entry of `customer_import.columns`."""

    heading: str = strawberry.field(description="Its heading.")
    field: str | None = strawberry.field(
        description=f"What it becomes: {', '.join(FIELDS)}, or attributes.NAME; null when left out. An attribute is a "
        "text; attributes.NAME:number and attributes.NAME:boolean make it one of those."
    )
    sample: list[str] = strawberry.field(description="Its first values: at most three.")


@strawberry.type(name="ImportError", description="One refused line, and one thing that is wrong with it.")
class RefusedImportLine(FromRow):
    """Over a row of import_error."""

    line: int = strawberry.field(description="Its number in the file; the header is 1.")
    heading: str | None = strawberry.field(description="The column's heading; null when the line itself.")
    code: RefusalCode = strawberry.field(description="The kind of refusal.")
    message: str = strawberry.field(description="What is wrong and what to do.")


@strawberry.type(
    description="A file of customers on its way in. A node: it is followed by `importChanged`, found again after a "
    "restart, and kept; the file and its refused lines are deleted seven days after its end."
)
class CustomerImport(FromRow, Node):
    """Over a row of customer_import."""

    @strawberry.field(description="The id, unique over all types: `POST /imports` answers it.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("CustomerImport", self.row["id"])

    status: ImportStatus = strawberry.field(description="Where it is.")
    file_name: str = strawberry.field(description="Its file's name.")

    @strawberry.field(description="The encoding it is read in: UTF-8, UTF-16LE, UTF-16BE or windows-1252.")
    def encoding(self) -> str:
        """As the world calls it."""
        return ENCODING_NAMES[self.row["encoding"]]

    @strawberry.field(description="Its columns as found, with what they are taken for and their first values.")
    def columns(self) -> list[ImportColumn]:
        """In the file's order."""
        return [
            ImportColumn(heading=one["heading"], field=one["field"], sample=one["sample"])
            for one in self.row["columns"]
        ]

    @strawberry.field(description="The list that its customers join; null for none, and for one that was deleted.")
    async def list(self, info: Info) -> CustomerList | None:
        """One statement for all lists of a page."""
        number = self.row["list_id"]
        found = await info.context.loaders.lists.load(number) if number is not None else None
        return CustomerList.of(found) if found else None

    dry_run: bool = strawberry.field(description="Whether it is only checked; nothing is written.")
    read: int = strawberry.field(description="Lines read so far, the header and blank ones left out.")
    total: int | None = strawberry.field(description="Lines in all; null until the end was seen.")
    created: int = strawberry.field(
        description="Customers new. A check counts one again that stands in the file far apart."
    )
    updated: int = strawberry.field(description="Lines that changed a customer.")
    unchanged: int = strawberry.field(description="Lines that say what is known already.")
    failed: int = strawberry.field(description="Lines refused.")

    @strawberry.field(
        description="What was refused, by line: of the first 100,000 refused lines, five faults each. A file that "
        "could not be read has one, which says why. `exportUrl` has them with the values of their lines."
    )
    async def errors(
        self, info: Info, first: First = 50, after: After = None
    ) -> CountedConnection[RefusedImportLine] | None:
        """Raises BadInput."""
        window = read_text_window(first, after, _ERROR_CURSOR)
        line, _, number = (window.before or "0-0").partition("-")
        loaders, import_id = info.context.loaders, self.row["id"]
        rows = await loaders.import_errors.page((int(line), int(number)), window.rows).load(import_id)

        async def count() -> counts.Count:
            errors = (await existing_row(loaders.import_error_counts, import_id))["errors"]
            return counts.Count.up_to(MAX_COUNTED_ERRORS, errors)

        page = window.connect(
            [RefusedImportLine.of(row) for row in rows], [f"{row['line']}-{row['number']}" for row in rows]
        )
        return CountedConnection.counted(page, count, linking(info.context, {"import": import_id.hex}))

    actor: str = strawberry.field(name="by", description="Who brought it.")
    created_at: datetime = strawberry.field(description="When its file came.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null before.")


async def list_imports(info: Info, first: int, after: str | None) -> Connection[CustomerImport]:
    """Newest first. Raises BadInput."""
    window = read_window(first, after)
    keys = [row["id"] for row in await info.context.reading.fetch(IMPORTS_PAGE, before=window.before, rows=window.rows)]
    rows = await existing_rows(info.context.loaders.imports, keys[: window.first])
    return window.connect([CustomerImport.of(row) for row in rows], [key.hex for key in keys])


@strawberry.input(description="What one column becomes.")
class ImportColumnInput:
    """By its heading."""

    heading: str = strawberry.field(description="Its heading.")
    field: str | None = strawberry.field(default=None, description="As ImportColumn.field; null leaves it out.")


@strawberry.input(description="An import to check or carry out.")
class StartImportInput:
    """By its global id."""

    import_id: strawberry.ID = strawberry.field(description="A CustomerImport's id.")
    dry_run: bool = strawberry.field(default=True, description="Only check it.")
    columns: list[ImportColumnInput] | None = strawberry.field(
        default=None, description="What columns become; those that are not named stay as they are."
    )
    list_id: strawberry.ID | None = strawberry.field(
        default=None, description="The fixed list that its customers join."
    )


@strawberry.input(description="An import to end.")
class CancelImportInput:
    """By its global id."""

    import_id: strawberry.ID = strawberry.field(description="A CustomerImport's id.")


@strawberry.type(description="What came of a decision about an import.")
class ImportPayload:
    """Either the import or the errors."""

    customer_import: CustomerImport | None = strawberry.field(
        name="import", default=None, description="The import as it is now; null when refused."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


async def start_import(info: Info, input: Input[StartImportInput]) -> ImportPayload:
    """Returns at once; a worker does it."""
    import_id = read_row_id(input.import_id, "CustomerImport", ("importId",))
    choices = [ColumnChoice(heading=one.heading, field=one.field) for one in input.columns or ()]
    list_id = None if input.list_id is None else read_number_id(input.list_id, "CustomerList", ("listId",))
    async with info.context.pools.writing_connection() as connection:
        await imports.start(connection, import_id, dry_run=input.dry_run, columns=choices, list_id=list_id)
    return await _payload(info.context, import_id)


async def cancel_import(info: Info, input: Input[CancelImportInput]) -> ImportPayload:
    """At the latest when the batch under way is done."""
    import_id = read_row_id(input.import_id, "CustomerImport", ("importId",))
    async with info.context.pools.writing_connection() as connection:
        await imports.cancel(connection, import_id)
    return await _payload(info.context, import_id)


async def _payload(context: Context, import_id: UUID) -> ImportPayload:
    row = await existing_row(context.reading_back().loaders.imports, import_id)
    return ImportPayload(customer_import=CustomerImport.of(row))


async def follow_import(info: Info, text: str) -> AsyncGenerator[CustomerImport, None]:
    """Yields an import as it is, then whenever it has changed, until it has ended. Raises BadInput."""
    found = asked_id(text, "CustomerImport", "importId")
    shown: Record | None = None
    while True:
        # Read anew each time, by the primary: a replica may lag behind its end.
        loaders = info.context.reading_back().loaders
        row = await loaders.imports.load(found.row_id) if found.row_id is not None else None
        if row is None:
            raise BadInput("importId", "there is no such import")
        if row != shown:
            yield CustomerImport.of(row)
            shown = row
        if row["status"] in ENDED:
            return
        await asyncio.sleep(FOLLOW_SECONDS)
