"""API tokens: created and revoked here. The database stores only the SHA-256 of a token, link or session secret."""

from __future__ import annotations

import hashlib
import secrets

from gateway.database import Connection
from service.database import QUERIES

TOKEN_PREFIX = "ce_"  # noqa: S105 - a public prefix, by which secret scanners recognise leaked tokens


def digest(secret: str) -> bytes:
    """Returns the SHA-256 under which a secret is stored. Secrets are random, so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def create_token(connection: Connection, name: str, *, inbound_only: bool = False, content: bool = False) -> str:
    """Returns a new API token named `name`; it cannot be read again. `inbound_only`: it hands in received mail and does
    nothing else. `content`: it shows the mail itself, too. Raises UniqueViolationError where one of this name lives."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    await QUERIES.create_token(
        connection, name=name, token_sha256=digest(token), inbound_only=inbound_only, content=content
    )
    return token


async def revoke_token(connection: Connection, name: str) -> bool:
    """Revoke the token of this name and end every session opened with it; False when there is no valid one."""
    async with connection.transaction():
        if await QUERIES.revoke_token(connection, name=name) is None:
            return False
        await QUERIES.end_sessions_of_token(connection, name=name)
    return True
