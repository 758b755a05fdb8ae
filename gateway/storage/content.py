"""Bytes kept once, by their SHA-256: composed individual mail, attachments, received mail."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from typing import Any

from gateway.database import QUERIES, Connection, ConnectionOrPool

_ZLIB_LEVEL = 6
_MIN_COMPRESSED = 256
"""Octets: below that zlib's frame costs what it saves."""
_LARGE = 262_144
"""Octets: above that compressing takes so long (10 ms and more) that it is done in a thread."""


async def store(connection: Connection, content: bytes) -> bytes:
    """Store `content`, compressed when that is smaller; returns its SHA-256, 32 bytes. A repeat changes nothing."""
    if len(content) > _LARGE:
        sha256, compressed = await asyncio.to_thread(_hash_and_compress, content)
    else:
        sha256, compressed = _hash_and_compress(content)
    smaller = len(compressed) < len(content)
    await QUERIES.insert_content(
        connection,
        sha256=sha256,
        size=len(content),
        encoding="zlib" if smaller else "identity",
        bytes=compressed if smaller else content,
    )
    return sha256


def _hash_and_compress(content: bytes) -> tuple[bytes, bytes]:
    compressed = zlib.compress(content, _ZLIB_LEVEL) if len(content) >= _MIN_COMPRESSED else content
    return hashlib.sha256(content).digest(), compressed


async def load(connection: ConnectionOrPool, sha256: bytes) -> bytes:
    """Returns the bytes with this hash. Raises LookupError when there are none."""
    row = await QUERIES.content_by_sha256(connection, sha256=sha256)
    if row is None:
        raise LookupError(f"no content {sha256.hex()}")
    return decode(row)


def decode(row: Any) -> bytes:
    """Returns the bytes of a row that has `bytes` and their `encoding`."""
    return zlib.decompress(row["bytes"]) if row["encoding"] == "zlib" else bytes(row["bytes"])
