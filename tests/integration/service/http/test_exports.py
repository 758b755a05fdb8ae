"""GET /exports/TOKEN: lists as files, batch by batch, to who has the link while its token lives."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse

from gateway.deployment import Deployment
from gateway.mail.export_links import ExportFormat, ExportLink, export_url
from gateway.mail.file_links import LIFE_SECONDS
from gateway.settings import Settings
from service.auth.tokens import revoke_token
from service.graph.node import customer_global_id, row_global_id
from service.http.export_files import RECIPIENT_COLUMNS
from service.http.exports import Exports
from tests.builders import KEYRING, NOON, insert, mailing_of, make_campaign, make_customer, make_message
from tests.eventually import eventually
from tests.finding import keep_up

RECIPIENTS = """query($id: ID!, $f: CampaignRecipientFilter, $format: ExportFormat! = CSV) { campaign(id: $id) {
  recipients(filter: $f, first: 1) { exportUrl(format: $format) } } }"""
OF_CUSTOMER = "query($id: ID!) { customer(id: $id) { campaigns(first: 1) { exportUrl } } }"


@pytest.fixture
async def campaign(connection: Any) -> UUID:
    """Five recipients, one of whom was mailed and opened it, and one left out."""
    made = await make_campaign(connection)
    mailing = await mailing_of(connection, made)
    names = ["=HYPERLINK(1)", 'Ada, "the" first', "+49", "@cee", "Zoë"]
    for number, name in enumerate(names):
        customer = await make_customer(connection, name=name, addresses=[f"{number}@customer.example"])
        keys = {"mailing_id": mailing, "due_at": NOON, "customer_id": customer}
        await insert(connection, "mailing_recipient", **keys, address=f"{number}@customer.example")
        if number == 0:
            message = await make_message(connection, customer, campaign_id=made, status="ACCEPTED")
            keys = {"mailing_id": mailing, "customer_id": customer, "message_id": message}
            await insert(connection, "message_engagement", **keys, opened=True)
    left_out = await make_customer(connection, addresses=[], name=None)
    await insert(connection, "mailing_left_out", mailing_id=mailing, customer_id=left_out, reason="NO_ADDRESS")
    return made


async def path_of(client: httpx.AsyncClient, query: str, **variables: Any) -> str:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    [[found]] = [one.values() for one in answer.json()["data"].values()]
    return str(urlsplit(found["exportUrl"]).path)


async def path_of_field(client: httpx.AsyncClient, query: str, **variables: Any) -> str:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    [found] = answer.json()["data"].values()
    return str(urlsplit(found["exportUrl"]).path)


async def test_recipients_are_downloaded_by_the_link_alone_and_run_nothing(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    # When somebody without a session or token follows the link, and the file is written in batches of two
    monkeypatch.setattr("service.graph.recipient_lists.EXPORTED_AT_ONCE", 2)
    answer = await anonymous.get(await path_of(client, RECIPIENTS, id=row_global_id("Campaign", campaign)))
    # Then everybody is in it once, with a header, and no formula
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="recipients.csv"'
    assert answer.headers["cache-control"] == "private, no-store"
    header, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""), strict=True)
    assert tuple(header) == RECIPIENT_COLUMNS
    named = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["name"] for row in named] == ["'=HYPERLINK(1)", 'Ada, "the" first', "'+49", "'@cee", "Zoë", ""]
    assert [row["status"] for row in named] == ["ACCEPTED", *["QUEUED"] * 4, ""]
    assert [row["leftOut"] for row in named] == [*[""] * 5, "NO_ADDRESS"]
    assert [row["opened"] for row in named] == ["true", *["false"] * 5]
    assert len({row["customerId"] for row in named}) == 6


async def test_a_filter_goes_with_the_link_and_lines_may_be_json(
    client: httpx.AsyncClient, connection: Any, campaign: UUID
) -> None:
    filter = {"leftOut": ["NO_ADDRESS"], "statuses": ["ACCEPTED"]}
    path = await path_of(client, RECIPIENTS, id=row_global_id("Campaign", campaign), f=filter, format="JSONL")
    answer = await client.get(path)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["status"], line["leftOut"], line["opened"]) for line in lines] == [
        ("ACCEPTED", None, True),
        (None, "NO_ADDRESS", False),
    ]
    assert lines[0]["name"] == "=HYPERLINK(1)"  # in JSON it is a text
    customer = lines[0]["customerId"]
    answer = await client.get(await path_of(client, OF_CUSTOMER, id=customer))
    assert answer.text.count("\r\n") == 2
    assert customer in answer.text
    nobody = customer_global_id(await make_customer(connection))
    assert (await client.get(await path_of(client, OF_CUSTOMER, id=nobody))).text.count("\r\n") == 1


async def test_a_link_dies_with_its_token_its_time_and_any_change(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, connection: Any, campaign: UUID
) -> None:
    path = await path_of(client, RECIPIENTS, id=row_global_id("Campaign", campaign))
    assert (await anonymous.get(path)).status_code == 200
    for wrong in (f"{path[:-2]}xx", "/exports/k1-abc", "/exports/" + "x" * 100):
        assert (await anonymous.get(wrong)).status_code == 404
    old = ExportLink(caller="test", format=ExportFormat.CSV, wanted={"recipients": {"mailing_ids": []}})
    expired = export_url(KEYRING, "", old, now=NOON.timestamp() - LIFE_SECONDS)
    assert (await anonymous.get(str(expired))).status_code == 404
    # When the token that asked for it is revoked
    assert await revoke_token(connection, "test")
    # Then the link is dead, too
    answer = await anonymous.get(path)
    assert (answer.status_code, "five minutes" in answer.text) == (404, True)


async def test_a_file_ends_when_its_token_is_revoked_meanwhile(
    client: httpx.AsyncClient, connection: Any, campaign: UUID, monkeypatch: pytest.MonkeyPatch, app: Starlette
) -> None:
    # Given a file of which the first batch was fetched
    monkeypatch.setattr("service.graph.recipient_lists.EXPORTED_AT_ONCE", 2)
    pieces = await _pieces(app, Exports(), await path_of(client, RECIPIENTS, id=row_global_id("Campaign", campaign)))
    await anext(pieces)
    assert len(str(await anext(pieces)).splitlines()) == 2
    # When its token is revoked, then it is cut off
    await revoke_token(connection, "test")
    with pytest.raises(ConnectionAbortedError):
        [_ async for _ in pieces]


async def test_a_client_that_goes_away_leaves_nothing_behind(
    client: httpx.AsyncClient, campaign: UUID, monkeypatch: pytest.MonkeyPatch, app: Starlette
) -> None:
    monkeypatch.setattr("service.graph.recipient_lists.EXPORTED_AT_ONCE", 1)
    exports = Exports()
    path = await path_of(client, RECIPIENTS, id=row_global_id("Campaign", campaign))
    pieces = await _pieces(app, exports, path)
    await anext(pieces)
    await anext(pieces)
    # While a client reads slowly, no connection waits for it
    pool = app.state.resources.pools.reading
    await eventually(lambda: pool.get_size() == pool.get_idle_size(), "idle connections")
    assert exports._written == 1
    await pieces.aclose()
    assert exports._written == 0


async def _pieces(app: Starlette, exports: Exports, path: str) -> Any:
    """What a file is sent in."""
    request = Request({"type": "http", "app": app, "path_params": {"token": path.rpartition("/")[2]}, "headers": []})
    answer = cast(StreamingResponse, await exports.download(request))
    return cast(AsyncIterator[str], answer.body_iterator)


async def test_mail_of_all_customers_is_a_file_with_its_filter(
    client: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    settings: Settings,
    connection: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given refused mail with a subject that a spreadsheet would run, written two at a time and bounded
    customer = await make_customer(connection, name="+Ada")
    for _ in range(5):
        await make_message(connection, customer, status="REFUSED", cause="BAD_ADDRESS", subject="=HYPERLINK(1)")
    await make_message(connection, customer, status="ACCEPTED")
    await keep_up(connection, Deployment.open(settings))
    monkeypatch.setattr("service.http.export_files.EXPORTED_AT_ONCE", 2)
    query = """query($format: ExportFormat! = CSV) {
      messages(filter: { statuses: [REFUSED] }, orderBy: OLDEST, first: 1) { exportUrl(format: $format) } }"""
    # When the file is fetched
    table = await anonymous.get(await path_of_field(client, query))
    rows = list(csv.DictReader(io.StringIO(table.text)))
    # Then all of it is there, oldest first, and nothing runs
    assert [row["status"] for row in rows] == ["REFUSED"] * 5
    assert rows == sorted(rows, key=lambda row: row["messageId"])
    assert {row["subject"] for row in rows} == {"'=HYPERLINK(1)"}
    lines = await anonymous.get(await path_of_field(client, query, format="JSONL"))
    assert [json.loads(line)["subject"] for line in lines.text.splitlines()] == ["=HYPERLINK(1)"] * 5
    # And a file ends at its bound
    monkeypatch.setattr("service.http.export_files.MAX_EXPORTED", 3)
    short = await anonymous.get(await path_of_field(client, query))
    assert len(list(csv.DictReader(io.StringIO(short.text)))) == 3
