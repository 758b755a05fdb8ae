"""A table of customers from a client's upload to customers that can be mailed, on real sockets, by a real worker."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from service.settings import Settings
from tests.engine import Start, deployment, queue_mail, start, until
from tests.serving import serve

__all__ = ["deployment", "start"]

LINES = 12_000
START = "mutation($i: StartImportInput!) { a: startImport(input: $i) { import { status } userErrors { message } } }"
FOLLOW = """subscription($id: ID!) { importChanged(importId: $id) {
  status read total created failed errors(first: 5) { nodes { line code } exportUrl } } }"""


def table() -> bytes:
    """Customers in UTF-16 with semicolons, as Excel saves them; one line in a thousand is broken."""
    rows = [
        f"C{number};c{number}@customer.example;Ünal {number}" if number % 1000 else f"C{number};nobody;"
        for number in range(LINES)
    ]
    return "\r\n".join(["Kundennummer;E-Mail;Name", *rows]).encode("utf-16")


async def changes(own: httpx.AsyncClient, import_id: str) -> AsyncIterator[dict[str, Any]]:
    """What `importChanged` tells, by server-sent events."""
    body = {"query": FOLLOW, "variables": {"id": import_id}}
    async with own.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))["data"]["importChanged"]


async def test_an_upload_becomes_customers_while_mail_goes_out(
    app: Starlette, service_settings: Settings, token: str, start: Start, connection: Any, deployment: Any
) -> None:
    async with serve(app, service_settings) as serving:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=serving.url, headers=headers, timeout=60) as own:
            # Given a worker, and a file that a client uploads in pieces
            start()

            async def pieces() -> AsyncIterator[bytes]:
                whole = table()
                for at in range(0, len(whole), 65_536):
                    yield whole[at : at + 65_536]

            made = (await own.post("/imports?name=Kunden.csv", content=pieces())).json()
            # When it is carried out, and a mail is put meanwhile
            variables = {"i": {"importId": made["id"], "dryRun": False}}
            answer = (await own.post("/graphql", json={"query": START, "variables": variables})).json()
            assert answer["data"]["a"] == {"import": {"status": "RUNNING"}, "userErrors": []}
            ref = await queue_mail(connection, deployment)
            await until(connection, ref, "ACCEPTED")
            # Then its subscription tells how it goes on, and its end
            seen = [change async for change in changes(own, made["id"])]
            assert [one["read"] for one in seen] == sorted(one["read"] for one in seen)
            done = seen[-1]
            assert (done["status"], done["read"], done["total"]) == ("FINISHED", LINES, LINES)
            assert (done["created"], done["failed"]) == (LINES - 12, 12)
            assert done["errors"]["nodes"][1] == {"line": 1002, "code": "ADDRESS_INVALID"}
            # And the refused lines can be downloaded
            refused = await own.get(urlsplit(done["errors"]["exportUrl"]).path)
            rows = list(csv.reader(io.StringIO(refused.text, newline="")))
            assert rows[0] == ["line", "reason", "Kundennummer", "E-Mail", "Name"]
            assert (rows[2][0], rows[2][2:]) == ("1002", ["C1000", "nobody", ""])
    assert await connection.fetchval("select name from customer where external_ref = 'C7'") == "Ünal 7"
