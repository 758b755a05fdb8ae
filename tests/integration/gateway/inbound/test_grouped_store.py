"""Mail of many connections in one transaction, and what happens when PostgreSQL does not take it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from gateway.database import Connection, open_pool
from gateway.errors import LedgerFull, LedgerUnavailable
from gateway.inbound.grouped_store import LARGE, GroupedStore
from gateway.inbound.store import Envelope, InboundSource, Received
from service.standalone.postgres import Postgres
from tests.inbound import TOKEN


def mail(number: int, *, sender: str = "", size: int = 100) -> Received:
    envelope = Envelope(source=InboundSource.SMTP, sender=sender, recipient=TOKEN)
    return Received(raw=(b"Subject: %d\r\n\r\n" % number).ljust(size, b"."), envelopes=(envelope,))


async def test_mails_that_come_together_share_a_transaction(pool: Any) -> None:
    store = GroupedStore(pool.acquire)
    await asyncio.gather(*(store(mail(number)) for number in range(50)))
    stored, transactions = await pool.fetchrow("select count(*), count(distinct xmin::text) from inbound_mail")
    assert (stored, transactions) == (50, 1)


async def test_a_large_mail_does_not_hold_up_small_ones(pool: Any) -> None:
    store = GroupedStore(pool.acquire)
    await asyncio.gather(*(store(mail(number, size=100 if number % 2 else LARGE + 1)) for number in range(8)))
    assert await pool.fetchval("select count(*) from inbound_mail") == 8
    assert await pool.fetchval("select count(distinct xmin::text) from inbound_mail where size = 100") == 1


async def test_a_mail_that_cannot_be_stored_does_not_take_others_along(pool: Any) -> None:
    store = GroupedStore(pool.acquire)
    mails = [mail(number, sender="a\0b" if number == 3 else "") for number in range(10)]
    results = await asyncio.gather(*map(store, mails), return_exceptions=True)
    assert [type(result) for result in results] == [
        LedgerUnavailable if number == 3 else type(None) for number in range(10)
    ]
    assert await pool.fetchval("select count(*) from inbound_mail") == 9
    with pytest.raises(LedgerUnavailable):
        await store(mail(11, sender="a\0b", size=LARGE + 1))


async def test_while_the_database_is_away_nothing_is_said_to_be_stored(
    postgres: Postgres, database_url: str, pool: Any
) -> None:
    name = await pool.fetchval("select current_database()")
    own = await open_pool(database_url, size=2, name="away")
    administrator = await asyncpg.connect(postgres.url("postgres"))
    try:
        store = GroupedStore(own.acquire)
        await store(mail(1))
        await administrator.execute(f"alter database {name} allow_connections false")
        await administrator.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                await store(mail(2))
        await administrator.execute(f"alter database {name} allow_connections true")
        await store(mail(2))
        async with own.acquire() as connection:
            assert await connection.fetchval("select count(*) from inbound_mail") == 2
    finally:
        await administrator.close()
        own.terminate()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.DiskFullError("no space left on device"), LedgerFull),
        (asyncpg.PostgresIOError("could not write"), LedgerFull),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), LedgerUnavailable),
        (OSError("refused"), LedgerUnavailable),
        (asyncpg.DeadlockDetectedError("deadlock"), LedgerUnavailable),
    ],
)
async def test_the_reason_is_told(error: Exception, expected: type[LedgerUnavailable]) -> None:
    @asynccontextmanager
    async def lend() -> AsyncIterator[Connection]:
        raise error
        yield  # a generator

    with pytest.raises(LedgerUnavailable) as raised:
        await GroupedStore(lend)(mail(1))
    assert type(raised.value) is expected
