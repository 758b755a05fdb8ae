"""Creates the launcher's API token and sign-in link through the service's own functions."""

from __future__ import annotations

import secrets

import asyncpg

from service.auth.sessions import create_login_link
from service.auth.tokens import create_token


async def make_token(database_url: str) -> str:
    """Returns a new API token under a new name: an older token may have been lost with its file."""
    connection = await asyncpg.connect(database_url)
    try:
        return await create_token(connection, f"make run {secrets.token_hex(4)}")
    finally:
        await connection.close()


async def make_login_link(database_url: str, public_url: str) -> str:
    """Returns a one-time address that signs one browser in."""
    connection = await asyncpg.connect(database_url)
    try:
        return await create_login_link(connection, "make run", public_url)
    finally:
        await connection.close()
