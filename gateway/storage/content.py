"""Bytes kept once, by their SHA-256: composed individual mail, attachments, received mail."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Sequence
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


async def store_all(connection: Connection, contents: Sequence[bytes]) -> list[bytes]:
    """Store several by one statement, each as `store` does; returns their SHA-256, in order."""
    if sum(map(len, contents)) > _LARGE:
        made = await asyncio.to_thread(lambda: list(map(_hash_and_compress, contents)))
    else:
        made = list(map(_hash_and_compress, contents))
    # Each once, and in one order: two transactions that lock the same rows in different orders would deadlock.
    distinct = sorted({sha256: place for place, (sha256, _) in enumerate(made)}.items())
    smaller = [len(made[place][1]) < len(contents[place]) for _, place in distinct]
    await QUERIES.insert_contents(
        connection,
        sha256s=[sha256 for sha256, _ in distinct],
        sizes=[len(contents[place]) for _, place in distinct],
        encodings=["zlib" if less else "identity" for less in smaller],
        contents=[
            made[place][1] if less else contents[place] for (_, place), less in zip(distinct, smaller, strict=True)
        ],
    )
    return [sha256 for sha256, _ in made]


def _hash_and_compress(content: bytes) -> tuple[bytes, bytes]:
    compressed = zlib.compress(content, _ZLIB_LEVEL) if len(content) >= _MIN_COMPRESSED else content
    return hashlib.sha256(content).digest(), compressed


async def load(connection: ConnectionOrPool, sha256: bytes) -> bytes:
    """Returns the bytes with this hash. Raises LookupError when there are none."""
    row = await QUERIES.content_by_sha256(connection, sha256=sha256)
    if row is None:
        raise LookupError(f"no content {sha256.hex()}")
    return decode(row)


def decode_start(row: Any, limit: int) -> bytes:
    """Returns the first `limit` bytes of such a row, of whose `bytes` as many are enough."""
    if row["encoding"] == "zlib":
        return zlib.decompressobj().decompress(row["bytes"], limit)
    return bytes(row["bytes"][:limit])


def decode(row: Any) -> bytes:
    """Returns the bytes of a row that has `bytes` and their `encoding`."""
    return zlib.decompress(row["bytes"]) if row["encoding"] == "zlib" else bytes(row["bytes"])
