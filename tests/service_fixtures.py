"""Fixtures of the service in this process: application and HTTP clients. Imported by `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import gateway.settings
import service.settings
from service.auth.tokens import create_token

BASE_URL = "http://mail.example"
GRAPHQL_RESPONSE = "application/graphql-response+json"


@pytest.fixture
def service_settings(settings: gateway.settings.Settings) -> service.settings.Settings:
    """The service's settings beside the gateway's of the same test."""
    return service.settings.read_settings(
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        public_url=settings.public_url,
        pool_size=5,
        pool_wait_seconds=2,
        drain_seconds=2,
        drain_notice_seconds=0,
    )


@pytest.fixture
async def app(
    service_settings: service.settings.Settings, settings: gateway.settings.Settings
) -> AsyncIterator[Starlette]:
    """The application, started; its pools are closed afterwards."""
    # Imported here: the schema takes a second to build, which unit tests do not need.
    from service.app import create_app

    made = create_app(service_settings, settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def token(app: Starlette, pool: Any) -> str:
    """An API token of this test's database, named `test`, that shows the mail itself, too."""
    return await create_token(pool, "test", content=True)


@pytest.fixture
async def anonymous(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as made:
        yield made


@pytest.fixture
async def client(app: Starlette, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token of `test`: `await client.post("/graphql", json={"query": ...})`."""
    headers = {"Authorization": f"Bearer {token}", "Accept": GRAPHQL_RESPONSE}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL, headers=headers) as made:
        yield made
