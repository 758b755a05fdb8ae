"""Creates API tokens and sign-in links of one machine through the service's own functions."""

from __future__ import annotations

from gateway.database import connect
from service.auth.sessions import create_login_link
from service.auth.tokens import create_token


async def make_token(database_url: str, name: str, *, inbound_only: bool = False, content: bool = False) -> str:
    """Returns a new API token, as `create_token`. Raises UniqueViolationError where a token of this name lives."""
    connection = await connect(database_url)
    try:
        return await create_token(connection, name, inbound_only=inbound_only, content=content)
    finally:
        await connection.close()


async def make_login_link(
    database_url: str, public_url: str, name: str, *, content: bool = False, read_only: bool = False
) -> str:
    """Returns a one-time address that signs one browser in as `name`, within ten minutes, as `create_login_link`."""
    connection = await connect(database_url)
    try:
        return await create_login_link(connection, name, public_url, content=content, read_only=read_only)
    finally:
        await connection.close()
