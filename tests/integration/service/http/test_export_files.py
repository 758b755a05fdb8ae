"""What is in files: refused lines of imports, and members of lists. `test_exports.py` has recipients."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from gateway.deployment import Deployment
from gateway.mail.export_links import ExportFormat, ExportLink, export_url
from gateway.settings import Settings
from service.auth.tokens import revoke_token
from service.graph.node import customer_global_id, number_global_id, row_global_id
from tests.builders import KEYRING, NOON, insert, make_customer, make_message
from tests.importing import run
from tests.integration.gateway.campaigns.audiences import dynamic_list, fixed_list

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
    assert answer.headers["content-disposition"] == 'attachment; filename="refused-lines.csv"'
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


async def test_a_link_dies_with_its_token_or_list(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any, import_id: UUID
) -> None:
    path = await path_of(client, import_id)
    assert (await anonymous.get(path)).status_code == 200
    for wanted in ({"import": uuid4().hex}, {"list": 999, "search": None}):
        gone = ExportLink(caller="test", format=ExportFormat.CSV, wanted=wanted)
        assert (await anonymous.get(str(export_url(KEYRING, "", gone, now=time.time())))).status_code == 404
    assert await revoke_token(connection, "test")
    answer = await anonymous.get(path)
    assert (answer.status_code, "five minutes" in answer.text) == (404, True)


async def test_a_few_files_are_written_at_once(
    client: httpx.AsyncClient, import_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await path_of(client, import_id)
    monkeypatch.setattr("service.http.exports.MAX_CONCURRENT_EXPORTS", 0)
    answer = await client.get(path)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


# Members of lists ------------------------------------------------------------------------------------------------

MEMBERS = """query($id: ID!, $search: String) { node(id: $id) {
  ... on CustomerList { members(first: 1, search: $search) { exportUrl } } } }"""
LISTS_OF = "query($id: ID!) { customer(id: $id) { lists(first: 1) { exportUrl } } }"


async def download(client: httpx.AsyncClient, query: str, **variables: Any) -> list[dict[str, str]]:
    """The lines of a list's CSV."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    [[found]] = [one.values() for one in answer.json()["data"].values()]
    file = await client.get(urlsplit(found["exportUrl"]).path)
    assert file.status_code == 200
    return list(csv.DictReader(io.StringIO(file.text, newline=""), strict=True))


@pytest.fixture
async def ann_and_others(connection: Any) -> list[int]:
    """Ann, who has two addresses, and four more with a label."""
    ann = await make_customer(connection, name="Ann", addresses=["ann@c.example", "old@c.example"])
    others = [await make_customer(connection, name=f"=N{one}", addresses=[], tags=["vip"]) for one in range(4)]
    return [ann, *others]


async def test_members_are_downloaded_batch_by_batch(
    client: httpx.AsyncClient, connection: Any, ann_and_others: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a fixed list of five, and batches of two
    monkeypatch.setattr("service.graph.list_pages.EXPORTED_AT_ONCE", 2)
    global_id = number_global_id("CustomerList", await fixed_list(connection, ann_and_others))
    # When they are downloaded, then each is there once, the newest first
    lines = await download(client, MEMBERS, id=global_id)
    assert [line["customerId"] for line in lines] == [customer_global_id(one) for one in reversed(ann_and_others)]
    assert [line["name"] for line in lines] == ["'=N3", "'=N2", "'=N1", "'=N0", "Ann"]
    assert (lines[4]["address"], lines[4]["by"], lines[4]["listId"]) == ("ann@c.example", "test", global_id)
    assert lines[0]["address"] == ""
    # And a search goes with the link
    assert [line["name"] for line in await download(client, MEMBERS, id=global_id, search="ann")] == ["Ann"]


async def test_members_of_dynamic_lists_and_lists_of_customers_are_downloaded(
    client: httpx.AsyncClient, connection: Any, ann_and_others: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.graph.list_pages.EXPORTED_AT_ONCE", 1)
    fixed = await fixed_list(connection, ann_and_others)
    dynamic = await dynamic_list(connection, "vip")
    # When the members of a dynamic list are downloaded, then they are there; since when, nobody says
    lines = await download(client, MEMBERS, id=number_global_id("CustomerList", dynamic))
    assert [line["name"] for line in lines] == ["'=N3", "'=N2", "'=N1", "'=N0"]
    assert {line["addedAt"] for line in lines} == {""}
    # And when one's lists are, then both are there
    lines = await download(client, LISTS_OF, id=customer_global_id(ann_and_others[1]))
    assert [line["listId"] for line in lines] == [number_global_id("CustomerList", one) for one in (dynamic, fixed)]
    assert [bool(line["addedAt"]) for line in lines] == [False, True]


async def test_what_waits_for_a_person_is_fetched_as_files(
    client: httpx.AsyncClient, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mail that waits in each list, more than is read at once
    monkeypatch.setattr("service.graph.waiting_list.EXPORTED_AT_ONCE", 2)
    monkeypatch.setattr("service.graph.unmatched_list.EXPORTED_AT_ONCE", 2)
    customer = await make_customer(connection, name="Ada")
    waiting = {"uncertain": ("UNCERTAIN", "TIMEOUT"), "held": ("HELD", "WRONG_RELAY"), "failed": ("REFUSED", "POLICY")}
    for number in range(3):
        for status, cause in waiting.values():
            decided_at = NOON + timedelta(minutes=number)
            await make_message(connection, customer, status=status, cause=cause, decided_at=decided_at)
        await insert(
            connection, "inbound_mail", source="SMTP", size=9, kind="REPLY", unmatched="UNKNOWN_SENDER", read_at=NOON,
            from_address=f"x{number}@elsewhere.example",
        )  # fmt: skip
    fields = " ".join(f"{name}(first: 1) {{ exportUrl nodes {{ id }} }}" for name in (*waiting, "unmatchedMail"))
    answer = await client.post("/graphql", json={"query": f"{{ needsAttention {{ {fields} }} }}"})
    found = answer.json()["data"]["needsAttention"]
    for name, (status, _) in waiting.items():
        # When a list is fetched
        file = await client.get(urlsplit(found[name]["exportUrl"]).path)
        assert file.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
        rows = [*csv.DictReader(io.StringIO(file.text, newline=""))]
        # Then all of it is there, in its order
        assert [row["status"] for row in rows] == [status] * 3
        assert rows[0]["messageId"] == found[name]["nodes"][0]["id"]
    file = await client.get(urlsplit(found["unmatchedMail"]["exportUrl"]).path)
    rows = [*csv.DictReader(io.StringIO(file.text, newline=""))]
    assert [row["from"] for row in rows] == [f"x{number}@elsewhere.example" for number in (2, 1, 0)]
    assert rows[0]["mailId"] == found["unmatchedMail"]["nodes"][0]["id"]
