"""GET /exports/TOKEN: the refused lines of an import as a file, to a client with its signed link."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from gateway.deployment import Deployment
from gateway.mail.export_links import ExportFormat, ExportKind, ExportLink, export_url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.settings import Settings
from service.graph.node import row_global_id
from tests.builders import KEYRING
from tests.importing import run

ERRORS = """query($id: ID!, $format: ExportFormat! = CSV) {
  node(id: $id) { ... on CustomerImport { errors(first: 1) { exportUrl(format: $format) } } } }"""
TABLE = """email,name,note
a@fabrikam.com,Ada,right
nobody,Bob,=HYPERLINK("http://x")
,"Cee, D.","two
lines"
x@fabrikam.com
"""


async def path_of(client: httpx.AsyncClient, import_id: UUID, written: str = "CSV") -> str:
    variables = {"id": row_global_id("CustomerImport", import_id), "format": written}
    answer = await client.post("/graphql", json={"query": ERRORS, "variables": variables})
    return str(urlsplit(answer.json()["data"]["node"]["errors"]["exportUrl"]).path)


@pytest.fixture
async def import_id(connection: Any, settings: Settings) -> UUID:
    """An import of which three lines were refused."""
    return await run(connection, TABLE, Deployment.open(settings))


async def test_refused_lines_are_downloaded_by_the_link_alone(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, import_id: UUID
) -> None:
    # When somebody without a session or token follows the link
    answer = await anonymous.get(await path_of(client, import_id))
    # Then each line is there with its reason and its values, and no formula runs
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''refused-lines.csv"
    assert answer.headers["cache-control"] == "private, no-store"
    header, *rows = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert header == ["line", "reason", "email", "name", "note"]
    assert [row[0] for row in rows] == ["3", "4", "6"]
    assert rows[0][1].startswith("email: Not an e-mail address")
    assert rows[0][2:] == ["nobody", "Bob", '\'=HYPERLINK("http://x")']
    assert rows[1][2:] == ["", "Cee, D.", "two\nlines"]
    assert rows[2][1:] == ["The line has 1 values, the header 3.", "x@fabrikam.com"]


async def test_they_are_written_as_json_lines_too(client: httpx.AsyncClient, import_id: UUID) -> None:
    answer = await client.get(await path_of(client, import_id, "JSONL"))
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in found] == [3, 4, 6]
    assert found[0]["errors"][0]["code"] == "ADDRESS_INVALID"
    assert found[1]["values"] == {"email": "", "name": "Cee, D.", "note": "two\nlines"}


async def test_a_long_list_is_written_page_by_page(
    client: httpx.AsyncClient, connection: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given refused lines with two faults each, and pages that would part them
    monkeypatch.setattr("gateway.campaigns.import_export.PAGE", 3)
    table = "email,language\n" + "nobody,nowhere\n" * 8
    import_id = await run(connection, table, Deployment.open(settings))
    # When they are downloaded
    answer = await client.get(await path_of(client, import_id))
    # Then each line is there once, with both reasons
    _, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert [int(row[0]) for row in rows] == list(range(2, 10))
    assert all("email: " in row[1] and "language: " in row[1] for row in rows)


async def test_without_a_valid_link_there_is_nothing(client: httpx.AsyncClient, import_id: UUID) -> None:
    def link(now: float, row_id: UUID = import_id) -> str:
        wanted = ExportLink(kind=ExportKind.IMPORT_ERRORS, row_id=row_id, format=ExportFormat.CSV)
        return export_url(KEYRING, "", wanted, now=now)

    now = time.time()
    path = link(now)
    assert (await client.get(path)).status_code == 200
    for wrong in (link(now - LIFE_SECONDS - 1), path[:-1], f"{path}A", link(now, uuid4())):
        answer = await client.get(wrong)
        assert answer.status_code == 404
        assert "five minutes" in answer.text


async def test_a_few_files_are_written_at_once(
    client: httpx.AsyncClient, import_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await path_of(client, import_id)
    monkeypatch.setattr("service.http.exports.MAX_CONCURRENT_EXPORTS", 0)
    answer = await client.get(path)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
