"""Whether the database already holds mail for another relay than the launcher's."""

from __future__ import annotations

from gateway.database import connect
from service.database import QUERIES


async def has_mail_for_another_relay(database_url: str, relay: str) -> bool:
    """Whether mail is queued, or may still be made by a campaign, that is not bound to the relay of this name."""
    connection = await connect(database_url)
    try:
        return bool(await QUERIES.waits_for_another_relay(connection, relay=relay))
    finally:
        await connection.close()
