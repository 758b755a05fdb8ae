"""Bytes kept once, by their SHA-256: composed individual mail, attachments, received mail."""

from __future__ import annotations

import asyncio
import hashlib
import zlib

from gateway.database import QUERIES, Connection, ConnectionOrPool

_LEVEL = 6
_SMALLEST = 256
"""Octets: below that zlib's frame eats what it saves."""
_LARGE = 262_144
"""Octets: above that packing takes long enough (10 ms and more) to leave the event loop to others."""


async def store(connection: Connection, content: bytes) -> bytes:
    """Keep `content`, compressed when that is smaller; its SHA-256, 32 bytes. Storing it again changes nothing."""
    if len(content) > _LARGE:
        sha256, compressed = await asyncio.to_thread(_pack, content)
    else:
        sha256, compressed = _pack(content)
    smaller = len(compressed) < len(content)
    await QUERIES.insert_content(
        connection,
        sha256=sha256,
        size=len(content),
        encoding="zlib" if smaller else "identity",
        bytes=compressed if smaller else content,
    )
    return sha256


def _pack(content: bytes) -> tuple[bytes, bytes]:
    compressed = zlib.compress(content, _LEVEL) if len(content) >= _SMALLEST else content
    return hashlib.sha256(content).digest(), compressed


async def load(connection: ConnectionOrPool, sha256: bytes) -> bytes:
    """The bytes with this hash. Raises LookupError: none are kept."""
    row = await QUERIES.content_by_sha256(connection, sha256=sha256)
    if row is None:
        raise LookupError(f"no content {sha256.hex()}")
    return zlib.decompress(row["bytes"]) if row["encoding"] == "zlib" else bytes(row["bytes"])
