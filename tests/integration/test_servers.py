"""The fixtures every other integration test leans on: PostgreSQL 18 and Valkey, the launcher's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import redis.asyncio

from gateway.settings import Settings
from tests.builders import make_attempt, make_campaign, make_customer, make_hit, make_message, make_outbox, orphans


async def test_a_test_has_a_migrated_database_of_its_own(pool: asyncpg.Pool[Any], settings: Settings) -> None:
    assert await pool.fetchval("select count(*) from customer") == 0
    assert await pool.fetchval("select current_setting('server_version_num')::int >= 180000")
    assert settings.allow_reserved_domains


async def test_the_next_test_sees_nothing_of_the_last(pool: asyncpg.Pool[Any]) -> None:
    await pool.execute("insert into customer (external_ref) values ('A-1')")
    assert await pool.fetchval("select count(*) from customer") == 1


async def test_valkey_answers_and_is_empty(redis_url: str) -> None:
    client = redis.asyncio.Redis.from_url(redis_url)
    assert await client.dbsize() == 0
    assert await client.set("bell", "rung")
    await client.aclose()


async def test_the_builders_make_rows_that_the_ledger_takes(pool: asyncpg.Pool[Any]) -> None:
    customer_id = await make_customer(pool)
    campaign_id = await make_campaign(pool)
    for values in (
        {"campaign_id": campaign_id, "status": "BOUNCED"},
        {"status": "UNCERTAIN"},
        {"direction": "RECEIVED"},
    ):
        message_id = await make_message(pool, customer_id, **values)
        await make_attempt(pool, customer_id, message_id)
        await make_outbox(pool, customer_id, message_id)
        await make_hit(pool, customer_id, message_id, url="https://fabrikam.example/")
    assert await orphans(pool) == {}
    await make_attempt(pool, customer_id, UUID(int=1))
    assert await orphans(pool) == {"attempt": 1}
