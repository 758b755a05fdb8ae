"""What tests of the outbox share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.database import prepare_connection
from service.standalone.postgres import Postgres


@pytest.fixture(scope="module")
def shared_database_url(postgres: Postgres) -> Iterator[str]:
    """A migrated, empty database of all tests of a file that keep nothing."""

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url("postgres"))
        await connection.execute(statement)
        await connection.close()

    name = f"shared_{uuid4().hex}"
    asyncio.run(administer(f"create database {name} template template_mail strategy file_copy"))
    yield postgres.url(name)
    asyncio.run(administer(f"drop database {name} with (force)"))


@pytest.fixture
async def still(shared_database_url: str) -> AsyncIterator[Any]:
    """A connection in a transaction: `now()` stays the same, and nothing is kept."""
    connection = await asyncpg.connect(shared_database_url)
    await prepare_connection(connection)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()
