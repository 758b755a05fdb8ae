"""Idempotency keys: one namespace; a repeat returns the first result, other content under the same key is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode
from gateway.mail.header_guard import refuse_header_break


def check_key(key: str) -> None:
    """Refuse a key that is not 1 to 255 characters on one line. Raises Refusal."""
    if not key:
        raise Refusal(RefusalCode.REQUIRED, "An idempotency key is 1 to 255 characters.", ("idempotencyKey",))
    if len(key) > 255:
        raise Refusal(RefusalCode.TOO_LONG, "An idempotency key is 1 to 255 characters.", ("idempotencyKey",))
    refuse_header_break(key, ("idempotencyKey",))


async def first_result(connection: Connection, key: str, digest: bytes) -> Any:
    """The row of the first use of `key`, or None; callers of one key wait for each other. Raises Refusal when that
    use had other content."""
    await QUERIES.lock_idempotency_key(connection, key=key)
    row = await QUERIES.find_idempotency_key(connection, key=key)
    if row is not None and row["input_sha256"] != digest:
        raise idempotency_conflict()
    return row


def idempotency_conflict() -> Refusal:
    """The refusal of a key that was used with other content."""
    return Refusal(
        RefusalCode.IDEMPOTENCY_CONFLICT,
        "This idempotency key was used with other content. Use a new key for a new intent.",
        ("idempotencyKey",),
    )


def digest_of(value: Any) -> bytes:
    """SHA-256 of a value's one normal form: named types, sorted keys, exact decimals."""
    return hashlib.sha256(orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)).digest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"": type(value).__name__, **plain}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, datetime):
        return f"{value.isoformat()} again" if value.fold else value.isoformat()
    if isinstance(value, UUID):  # also asyncpg's own kind
        return str(value)
    return value


async def remember_campaign(connection: Connection, key: str, digest: bytes, campaign_id: UUID) -> None:
    """Keep the key of a campaign's creation or launch, in the caller's transaction."""
    await QUERIES.insert_idempotency_key(
        connection, key=key, input_sha256=digest, customer_id=None, message_id=None, campaign_id=campaign_id
    )


async def remember_mailing(
    connection: Connection, key: str, digest: bytes, *, campaign_id: UUID, mailing_id: int
) -> None:
    """Keep the key of a mailing's making, in the caller's transaction."""
    await QUERIES.insert_mailing_key(
        connection, key=key, input_sha256=digest, campaign_id=campaign_id, mailing_id=mailing_id
    )
