"""Says in the database that mail is taken, so that `/readyz` can say when nothing takes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

import asyncpg

from gateway.database import AWAY, QUERIES, ConnectionOrPool
from gateway.inbound.store import InboundSource

log = logging.getLogger("gateway.inbound")

SECONDS = 20.0
"""Between two notes: three fit into the minute after which a way counts as gone."""


async def note_listening(connection: ConnectionOrPool, sources: Collection[InboundSource]) -> None:
    """Note that mail is taken by these ways now."""
    await QUERIES.note_listening(connection, sources=list(sources))


async def keep_noting(pool: asyncpg.Pool[asyncpg.Record], sources: Collection[InboundSource]) -> None:
    """Note it until cancelled, whether the database can be reached or not."""
    while True:
        try:
            await note_listening(pool, sources)
        except (*AWAY, asyncpg.PostgresError, asyncpg.InternalClientError):
            log.warning("cannot note that mail is taken: the database is away")
        await asyncio.sleep(SECONDS)
