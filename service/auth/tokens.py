"""API tokens of programs: random; the database keeps only their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

from gateway.database import Connection
from service.database import QUERIES

TOKEN_PREFIX = "ce_"  # noqa: S105 - names the kind of secret, for scanners that look for leaked ones


def digest(secret: str) -> bytes:
    """The SHA-256 under which a secret of ours is stored: it is random, so it needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def create_token(connection: Connection, name: str) -> str:
    """A new API token under `name`, shown once. Raises asyncpg.UniqueViolationError when the name is taken."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    await QUERIES.create_token(connection, name=name, token_sha256=digest(token))
    return token


async def revoke_token(connection: Connection, name: str) -> bool:
    """End the token of this name and every session opened with it; whether it was living."""
    async with connection.transaction():
        if await QUERIES.revoke_token(connection, name=name) is None:
            return False
        await QUERIES.end_sessions_of_token(connection, name=name)
    return True
