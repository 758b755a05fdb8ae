"""POST /attachments: streamed, named, sniffed, limited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.storage.attachments import LARGEST_FILE
from service.settings import Settings
from service.standalone.demo.api_client import ApiClient, ApiError
from tests.serving import serve

PDF = b"%PDF-1.7\n" + b"x" * 2000


async def test_an_upload_returns_an_id(client: httpx.AsyncClient, pool: Any) -> None:
    answer = await client.post("/attachments", params={"name": "offer.pdf"}, content=PDF)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["id"].startswith("Attachment_")
    assert (made["name"], made["mediaType"], made["size"]) == ("offer.pdf", "application/pdf", len(PDF))
    row = await pool.fetchrow("select a.uploaded_by, c.size from attachment a join content c using (sha256)")
    assert tuple(row) == ("test", len(PDF))


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="my offer.pdf"', "my offer.pdf"),
        ("attachment; filename*=UTF-8''%C3%BCber.pdf", "über.pdf"),
        ("attachment; filename=../../etc/offer.pdf", "offer.pdf"),
    ],
)
async def test_the_name_may_be_in_content_disposition(client: httpx.AsyncClient, disposition: str, name: str) -> None:
    answer = await client.post("/attachments", content=PDF, headers={"Content-Disposition": disposition})
    assert (answer.status_code, answer.json()["name"]) == (201, name)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_file_is_413_and_names_the_limit(client: httpx.AsyncClient, pool: Any, chunked: bool) -> None:
    body = b"x" * (30 * 1_048_576)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1_048_576):
            yield body[start : start + 1_048_576]

    answer = await client.post("/attachments?name=a.bin", content=pieces() if chunked else body)
    assert answer.status_code == 413
    assert "25 MB" in answer.json()["errors"][0]["message"]
    assert await pool.fetchval("select count(*) from attachment") == 0


async def test_the_largest_file_is_stored_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post("/attachments?name=a.bin", content=b"\x00" * LARGEST_FILE)
    assert (answer.status_code, answer.json()["size"]) == (201, LARGEST_FILE)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/attachments", "BAD_REQUEST"),
        ("/attachments?name=", "REQUIRED"),
        ("/attachments?name=a%0Ab.pdf", "HEADER_INJECTION"),
        ("/attachments?name=a%00b.pdf", "HEADER_INJECTION"),
        ("/attachments?name=4111111111111111.pdf", "CARD_NUMBER"),
        ("/attachments?name=" + "x" * 300, "TOO_LONG"),
    ],
)
async def test_an_unusable_name_is_400(client: httpx.AsyncClient, path: str, code: str) -> None:
    answer = await client.post(path, content=PDF)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_what_is_no_plain_body_is_415(client: httpx.AsyncClient) -> None:
    form = await client.post("/attachments?name=a.pdf", files={"file": PDF})
    packed = await client.post("/attachments?name=a.pdf", content=PDF, headers={"Content-Encoding": "gzip"})
    assert (form.status_code, packed.status_code) == (415, 415)


async def test_an_upload_needs_a_token(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.post("/attachments?name=a.pdf", content=PDF)).status_code == 401
    assert (await anonymous.get("/attachments")).status_code == 405


async def test_a_client_gets_the_reason_of_a_refused_upload(
    app: Starlette, service_settings: Settings, token: str
) -> None:
    async with serve(app, service_settings) as serving:
        api = ApiClient(serving.url, token)
        try:
            assert (await asyncio.to_thread(api.upload, "offer.pdf", PDF)).startswith("Attachment_")
            with pytest.raises(ApiError, match="25 MB"):
                await asyncio.to_thread(api.upload, "offer.pdf", b"x" * (LARGEST_FILE + 1))
        finally:
            api.close()
