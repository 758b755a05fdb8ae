"""The ceiling of the history query: asyncpg and orjson on Starlette, the same statements with plain columns.

No GraphQL, no tokens, no limits: what a hand-written endpoint for this one page would cost.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.mail.message import ICON_COLORS
from gateway.mail.source import ROW_COLORS
from service.database import Statement, open_pools, statement
from service.graph.message_parts import STATUS
from service.shape.compile import PLACEHOLDER

NEWEST = UUID(int=2**128 - 1)
ROWS = 51
ROW = {str(source): str(color) for source, color in ROW_COLORS.items()}
ICON = {str(status): str(color) for status, color in ICON_COLORS.items()}


def _with_columns(name: str, columns: str) -> Statement:
    page = statement(name)
    return replace(page, sql=page.sql.replace(PLACEHOLDER, columns))


CUSTOMER = statement("customer_by_id")
SENT = _with_columns("sent_page", f"c.title, m.subject, m.sent_at, m.opened_at, {STATUS} as status")
CLICKS = _with_columns("clicks_page", "h.occurred_at, h.url, c.title, m.subject")
NOTES = _with_columns(
    "notes_page",
    f"m.mail_date, m.direction, m.campaign_id, m.subject, m.opened_at, m.source_type, {STATUS} as status",
)


def _sent(customer: int, row: Any) -> dict[str, Any]:
    return {
        "campaignTitle": row["title"],
        "subject": row["subject"],
        "sentAt": row["sent_at"],
        "openedAt": row["opened_at"],
        "colorHint": ICON[row["status"]],
        "message": {"id": f"Message_{customer}_{row['id'].hex}"},
    }


def _click(_: int, row: Any) -> dict[str, Any]:
    return {
        "clickedAt": row["occurred_at"],
        "url": row["url"],
        "campaignTitle": row["title"],
        "subject": row["subject"],
    }


def _note(customer: int, row: Any) -> dict[str, Any]:
    return {
        "occurredAt": row["mail_date"],
        "direction": row["direction"],
        "connectionType": "MARKETING_CAMPAIGN" if row["campaign_id"] else "INDIVIDUAL_EMAIL",
        "title": row["subject"],
        "openedAt": row["opened_at"],
        "colorHint": ROW[row["source_type"]],
        "info": {"colorHint": ICON[row["status"]], "status": row["status"]},
        "message": {"id": f"Message_{customer}_{row['id'].hex}"},
    }


def _connection(customer: int, rows: Sequence[Any], node: Callable[[int, Any], dict[str, Any]]) -> dict[str, Any]:
    kept = rows[: ROWS - 1]
    return {
        "edges": [{"cursor": row["id"].hex, "node": node(customer, row)} for row in kept],
        "pageInfo": {"hasNextPage": len(rows) == ROWS, "endCursor": kept[-1]["id"].hex if kept else None},
    }


async def history(request: Request) -> Response:
    """`GET /history/42`."""
    customer = int(request.path_params["id"])
    page = {"customer_id": customer, "before": NEWEST, "rows": ROWS, "id": customer}
    async with request.app.state.ledger.reading_connection() as connection:

        async def read(wanted: Statement) -> Any:
            return await connection.fetch(wanted.sql, *[page[name] for name in wanted.parameters])

        [known], sent, clicks, notes = await read(CUSTOMER), await read(SENT), await read(CLICKS), await read(NOTES)
    emails = {
        "sent": _connection(customer, sent, _sent),
        "clicks": _connection(customer, clicks, _click),
        "connectionNotes": _connection(customer, notes, _note),
    }
    answer = {"data": {"customer": {"id": f"Customer_{customer}", "name": known["name"], "emails": emails}}}
    return Response(orjson.dumps(answer), media_type="application/json")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.ledger = await open_pools(os.environ["DATABASE_URL"])
    yield
    await app.state.ledger.close()


if __name__ == "__main__":
    served = Starlette(routes=[Route("/history/{id}", history)], lifespan=_lifespan)
    uvicorn.run(
        served, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", access_log=False, timeout_keep_alive=300
    )
