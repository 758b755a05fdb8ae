"""`GET /exports/lists/TOKEN`: a list that a filter picks as a file, written while it is fetched, to a client with its
signed link, as long as the token or session lives that asked for it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from asyncpg import Record
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.mail.export_links import ExportFormat
from gateway.mail.query_links import QueryLink, read_query_link
from gateway.mail.table_text import csv_line
from service.database import DatabasePools, Reading, Statement, statement
from service.error_response import json_error
from service.errors import Busy
from service.graph.node import customer_global_id, message_global_id, number_global_id
from service.graph.recipient_lists import export_rows
from service.http.exports import HEADERS, MAX_CONCURRENT_EXPORTS, MEDIA_TYPES, gone

CALLER_LIVES = statement("caller_lives")
CUSTOMERS = statement("customers_by_id")

COLUMNS = (
    "customerId",
    "externalRef",
    "name",
    "mailingId",
    "address",
    "status",
    "leftOut",
    "cause",
    "dueAt",
    "opened",
    "clicked",
    "messageId",
)
"""The columns of a file of recipients, and the names of its JSON."""


class ListExports:
    """The download endpoint. One a process, since it bounds how many files are written concurrently."""

    def __init__(self) -> None:
        self._written = 0

    async def download(self, request: Request) -> Response:
        """200 with the file; 404 for a link that is not ours, whose time is over, or whose token was revoked."""
        resources = request.app.state.resources
        link = read_query_link(resources.deployment.keyring, request.path_params["token"], now=time.time())
        if link is None:
            return gone()
        if self._written >= MAX_CONCURRENT_EXPORTS:
            return json_error(Busy("other files are being fetched: try again in a moment"))
        try:
            if not await _lives(resources.pools, link):
                return gone()
        except Busy as error:
            return json_error(error)
        name = f"recipients.{link.format.value.lower()}"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        pieces = self._pieces(resources.pools, link)
        return StreamingResponse(pieces, headers={**headers, "Content-Type": MEDIA_TYPES[link.format]})

    async def _pieces(self, pools: DatabasePools, link: QueryLink) -> AsyncIterator[str]:
        """Cuts the file off, as a failed one is, when its token is revoked meanwhile or PostgreSQL does not answer."""
        self._written += 1
        try:
            if link.format is ExportFormat.CSV:
                yield csv_line(COLUMNS)
            async for rows in export_rows(_Fetching(pools), link.query):
                yield await _lines(pools, rows, link.format)
                if not await _lives(pools, link):
                    raise ConnectionAbortedError("the token of this export was revoked")
        finally:
            self._written -= 1


async def _lives(pools: DatabasePools, link: QueryLink) -> bool:
    [row] = await pools.fetch_latest(CALLER_LIVES, name=link.caller)
    return bool(row["lives"])


class _Fetching:
    """Takes a connection for each statement: none waits while a client reads slowly."""

    def __init__(self, pools: DatabasePools) -> None:
        self._pools = pools

    async def __call__(self, wanted: Statement, **values: Any) -> list[Record]:
        return await Reading(self._pools).fetch(wanted, **values)


async def _lines(pools: DatabasePools, rows: Sequence[Record], written: ExportFormat) -> str:
    if not rows:
        return ""
    wanted = sorted({row["customer_id"] for row in rows})
    names = {row["id"]: row for row in await Reading(pools).fetch(CUSTOMERS, ids=wanted)}
    lines = (_values(row, names[row["customer_id"]]) for row in rows)
    if written is ExportFormat.JSONL:
        return "".join(orjson.dumps(dict(zip(COLUMNS, line, strict=True))).decode() + "\n" for line in lines)
    return "".join(csv_line(map(_text, line)) for line in lines)


def _values(row: Record, customer: Record) -> tuple[Any, ...]:
    made = row["message_id"]
    return (
        customer_global_id(row["customer_id"]),
        customer["external_ref"],
        customer["name"],
        number_global_id("Mailing", row["mailing_id"]),
        row["address"],
        row["status"],
        row["left_out"],
        row["cause"],
        row["due_at"],
        row["opened"],
        row["clicked"],
        message_global_id(row["customer_id"], made) if made else None,
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
