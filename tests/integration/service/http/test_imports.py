"""POST /imports: streamed in chunks, named, limited; what is not whole is nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import gateway.settings
from gateway.campaigns.import_upload import CHUNK
from service.auth.tokens import create_token
from service.settings import Settings
from tests.eventually import eventually
from tests.serving import serve

TABLE = b"email,name\nada@fabrikam.com,Ada\n"


@pytest.fixture
def settings(settings: gateway.settings.Settings) -> gateway.settings.Settings:
    """With room for few octets."""
    return settings.model_copy(update={"import_max_bytes": 1_048_576, "import_store_bytes": 2_000_000})


async def count(pool: Any) -> tuple[int, int]:
    """Rows of imports, whole or not, and of chunks."""
    row = await pool.fetchrow("select (select count(*) from customer_import), (select count(*) from import_chunk)")
    return tuple(row)


async def test_an_upload_returns_the_import(client: httpx.AsyncClient, pool: Any) -> None:
    answer = await client.post("/imports", params={"name": "dir/customers.csv"}, content=TABLE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["id"].startswith("CustomerImport_")
    assert (made["name"], made["size"]) == ("customers.csv", len(TABLE))
    row = await pool.fetchrow("select status, actor, file_bytes from customer_import")
    assert tuple(row) == ("UPLOADED", "test", len(TABLE))


async def test_the_name_may_be_in_content_disposition(client: httpx.AsyncClient) -> None:
    headers = {"Content-Disposition": "attachment; filename*=UTF-8''%C3%BCber.csv"}
    answer = await client.post("/imports", content=TABLE, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (201, "über.csv")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_file_of_many_chunks_is_stored_as_it_is(client: httpx.AsyncClient, pool: Any, chunked: bool) -> None:
    body = TABLE + b"grace@fabrikam.com,Grace\n" * 30_000

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    answer = await client.post("/imports?name=a.csv", content=pieces() if chunked else body)
    assert answer.status_code == 201, answer.text
    rows = await pool.fetch("select number, bytes from import_chunk order by number")
    assert b"".join(row["bytes"] for row in rows) == body
    assert {len(row["bytes"]) for row in rows[:-1]} == {CHUNK}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_file_is_413_and_leaves_nothing(client: httpx.AsyncClient, pool: Any, chunked: bool) -> None:
    body = TABLE * 40_000

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    answer = await client.post("/imports?name=a.csv", content=pieces() if chunked else body)
    assert answer.status_code == 413
    assert "IMPORT_MAX_BYTES" in answer.text
    assert await count(pool) == (0, 0)


async def test_when_there_is_no_room_it_says_so(client: httpx.AsyncClient, pool: Any) -> None:
    body = TABLE + b"x@fabrikam.com,X\n" * 60_000
    assert (await client.post("/imports?name=a.csv", content=body)).status_code == 201
    answer = await client.post("/imports?name=b.csv", content=body)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (507, "TOO_MANY")
    assert "seven days" in answer.text
    assert (await count(pool))[0] == 1


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("/imports", TABLE, "BAD_REQUEST", "Name the file: POST /imports?name=customers.csv"),
        ("/imports?name=a%0Ab.csv", TABLE, "HEADER_INJECTION", "one line"),
        ("/imports?name=a.csv", b"", "INVALID", "empty"),
        ("/imports?name=a.csv", b"email\n\0\n", "INVALID", "Line 2 holds a NUL"),
        ("/imports?name=a.csv", TABLE + b"\x81\n", "INVALID", "Line 3 is neither UTF-8 nor Windows-1252"),
        ("/imports?name=a.csv", b"x" * 400_000 + b"\0", "INVALID", "NUL"),
        ("/imports?name=a.csv", b"a," * 250, "TOO_MANY", "200 columns"),
    ],
)
async def test_what_cannot_be_used_is_400_with_the_reason(
    client: httpx.AsyncClient, pool: Any, path: str, body: bytes, code: str, words: str
) -> None:
    answer = await client.post(path, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert words in answer.json()["errors"][0]["message"]
    assert await count(pool) == (0, 0)


async def test_what_is_no_plain_body_is_415(client: httpx.AsyncClient) -> None:
    form = await client.post("/imports?name=a.csv", files={"file": TABLE})
    packed = await client.post("/imports?name=a.csv", content=TABLE, headers={"Content-Encoding": "gzip"})
    assert (form.status_code, packed.status_code) == (415, 415)


async def test_an_upload_needs_a_token_or_a_session_with_its_csrf_header(
    anonymous: httpx.AsyncClient, token: str, pool: Any
) -> None:
    assert (await anonymous.post("/imports?name=a.csv", content=TABLE)).status_code == 401
    assert (await anonymous.get("/imports")).status_code == 405
    only_inbound = {"Authorization": f"Bearer {await create_token(pool, 'provider', inbound_only=True)}"}
    assert (await anonymous.post("/imports?name=a.csv", content=TABLE, headers=only_inbound)).status_code == 403
    # A browser that signed in has a cookie
    assert (await anonymous.post("/session", json={"token": token})).status_code in (200, 201, 204)
    refused = await anonymous.post("/imports?name=a.csv", content=TABLE)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "CSRF_TOKEN_MISSING")
    assert await count(pool) == (0, 0)
    csrf = (await anonymous.get("/session")).json()["csrfToken"]
    taken = await anonymous.post("/imports?name=a.csv", content=TABLE, headers={"X-CSRF-Token": csrf})
    assert taken.status_code == 201


async def test_an_upload_that_breaks_off_is_no_import(
    app: Starlette, service_settings: Settings, token: str, pool: Any
) -> None:
    # Given an upload of which a chunk has come
    async with serve(app, service_settings) as serving:
        _, writer = await asyncio.open_connection(serving.host, serving.port)
        head = (
            "POST /imports?name=a.csv HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {token}",
            "Content-Length: 900000",
        )
        writer.write("\r\n".join((*head, "", "")).encode() + TABLE * 10_000)
        await writer.drain()
        await eventually(lambda: pool.fetchval("select count(*) > 0 from import_chunk"), "a chunk")
        assert await pool.fetchval("select count(*) from customer_import where status is not null") == 0
        # When the connection closes
        writer.close()
        # Then nothing of it is left
        await eventually(lambda: _is_empty(pool), "an empty store")


async def _is_empty(pool: Any) -> bool:
    return await count(pool) == (0, 0)


async def test_a_few_files_come_at_once_and_the_next_waits(
    app: Starlette, service_settings: Settings, token: str, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.http.imports.MAX_CONCURRENT_UPLOADS", 1)
    async with serve(app, service_settings) as serving:
        first, last = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield TABLE
            first.set()
            await last.wait()

        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=serving.url, headers=headers) as own:
            slow = asyncio.create_task(own.post("/imports?name=a.csv", content=slowly()))
            await first.wait()
            await eventually(lambda: pool.fetchval("select count(*) > 0 from customer_import"), "an upload")
            busy = await own.post("/imports?name=b.csv", content=TABLE)
            assert (busy.status_code, "Retry-After" in busy.headers) == (503, True)
            last.set()
            assert (await slow).status_code == 201
            assert (await own.post("/imports?name=b.csv", content=TABLE)).status_code == 201
