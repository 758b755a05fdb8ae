"""What a ledger already holds when the launcher comes to it."""

from __future__ import annotations

import asyncpg

from service.database import QUERIES


async def waits_for_another_relay(database_url: str, relay: str) -> bool:
    """Whether mail waits, or a campaign may still make some, that is not bound to the relay of this name."""
    connection = await asyncpg.connect(database_url)
    try:
        return bool(await QUERIES.waits_for_another_relay(connection, relay=relay))
    finally:
        await connection.close()
