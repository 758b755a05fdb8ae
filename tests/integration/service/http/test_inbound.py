"""POST /inbound/raw, and that a token for it can do nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

import gateway.settings
from gateway.storage import content
from service.auth.tokens import create_token
from tests.inbound import BOUNCES, OFFICE, REPLIES, TOKEN
from tests.service_fixtures import BASE_URL

MAIL = b"From: a@b.example\r\nSubject: Thursday\r\n\r\nsuits me\r\n"


@pytest.fixture
def settings(settings: gateway.settings.Settings) -> gateway.settings.Settings:
    """With domains, a mailbox and the smallest limit."""
    changes = {"bounce_domain": BOUNCES, "reply_domain": REPLIES, "reply_mailboxes": ("office",)}
    return settings.model_copy(update={**changes, "inbound_max_bytes": 65_536})


@pytest.fixture
async def provider(client: httpx.AsyncClient, pool: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token for received mail."""
    token = await create_token(pool, "provider", inbound_only=True)
    headers = {"Authorization": f"Bearer {token}"}
    transport = client._transport
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as made:
        yield made


async def test_a_mail_is_stored_once_for_each_recipient(provider: httpx.AsyncClient, pool: Any) -> None:
    query = {"to": [TOKEN.upper(), OFFICE], "from": ""}
    first = await provider.post("/inbound/raw", params=query, content=MAIL)
    assert (first.status_code, first.json()) == (201, {"stored": 2})
    again = await provider.post("/inbound/raw", params=query, content=MAIL)
    assert (again.status_code, again.json()) == (200, {"stored": 0})
    rows = await pool.fetch("select source, envelope_from, envelope_to, content_sha256 from inbound_mail")
    assert {tuple(row)[:3] for row in rows} == {("HTTP", "", TOKEN), ("HTTP", "", OFFICE)}
    assert await content.load(pool, rows[0]["content_sha256"]) == MAIL


async def test_an_envelope_that_is_not_told_is_unknown(provider: httpx.AsyncClient, pool: Any) -> None:
    assert (await provider.post("/inbound/raw", content=MAIL)).status_code == 201
    assert tuple(await pool.fetchrow("select envelope_from, envelope_to from inbound_mail")) == (None, None)


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ({"to": "a@elsewhere.example"}, MAIL, 422, "FOREIGN_DOMAIN"),
        ({"to": [OFFICE, f"nobody@{REPLIES}"]}, MAIL, 422, "UNKNOWN_RECIPIENT"),
        ({"to": [OFFICE] * 101}, MAIL, 400, "BAD_REQUEST"),
        ({"from": "a\nb"}, MAIL, 400, "BAD_REQUEST"),
        ({"from": "a" * 513}, MAIL, 400, "BAD_REQUEST"),
        ({}, b"", 400, "BAD_REQUEST"),
        ({}, b"x" * 65_537, 413, "TOO_LARGE"),
    ],
)
async def test_what_cannot_be_taken_is_told_why(
    provider: httpx.AsyncClient, pool: Any, query: dict[str, Any], body: bytes, status: int, code: str
) -> None:
    answer = await provider.post("/inbound/raw", params=query, content=body)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert await pool.fetchval("select count(*) from inbound_mail") == 0


async def test_a_mail_of_unknown_length_is_counted_as_it_comes(provider: httpx.AsyncClient, pool: Any) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 32_768

    assert (await provider.post("/inbound/raw", content=pieces(3))).status_code == 413
    assert (await provider.post("/inbound/raw", content=pieces(2))).status_code == 201
    assert await pool.fetchval("select size from inbound_mail") == 65_536


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "multipart/form-data; boundary=x"}])
async def test_what_is_no_plain_body_is_415(provider: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await provider.post("/inbound/raw", content=MAIL, headers=headers)).status_code == 415


async def test_while_the_disk_is_full_it_is_to_be_sent_again(
    provider: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, pool: Any
) -> None:
    async def fail(*_: object) -> int:
        raise asyncpg.DiskFullError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("service.http.inbound.store_all", fail)
        answer = await provider.post("/inbound/raw", content=MAIL)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert (await provider.post("/inbound/raw", content=MAIL)).status_code == 201


async def test_any_token_hands_in_mail_and_nobody_without_one(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    assert (await anonymous.post("/inbound/raw", content=MAIL)).status_code == 401
    assert (await client.post("/inbound/raw", content=MAIL)).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/graphql", {"query": "{ __typename }"}),
        ("GET", "/graphql?query=%7B__typename%7D", None),
        ("POST", "/attachments?name=a.pdf", {"a": 1}),
        ("GET", "/metrics", None),
    ],
)
async def test_a_token_for_received_mail_does_nothing_else(
    provider: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    answer = await provider.request(method, path, json=body)
    assert answer.status_code == 403
    assert "POST /inbound/raw" in answer.text


async def test_a_token_for_received_mail_opens_no_session(anonymous: httpx.AsyncClient, pool: Any) -> None:
    token = await create_token(pool, "provider", inbound_only=True)
    answer = await anonymous.post("/session", json={"token": token})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert await pool.fetchval("select count(*) from session") == 0
