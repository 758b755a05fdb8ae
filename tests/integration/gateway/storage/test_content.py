"""Bytes in the ledger: stored once, given back as they were."""

from __future__ import annotations

import os
import zlib
from typing import Any

import pytest

from gateway.storage import content


async def test_bytes_come_back_as_they_were(connection: Any) -> None:
    many = [b"", b"a", b"a" * 10_000, os.urandom(10_000), bytes(range(256))]
    for octets in many:
        sha256 = await content.store(connection, octets)
        assert await content.store(connection, octets) == sha256
        assert await content.load(connection, sha256) == octets
    assert await connection.fetchval("select count(*) from content") == len(many)


async def test_bytes_are_compressed_only_when_that_is_smaller(connection: Any) -> None:
    await content.store(connection, b"a" * 10_000)
    await content.store(connection, zlib.compress(os.urandom(5_000)))
    encodings = await connection.fetch("select encoding, size > length(bytes) as smaller from content order by size")
    assert [tuple(row) for row in encodings] == [("identity", False), ("zlib", True)]


async def test_unknown_bytes_are_said_to_be(connection: Any) -> None:
    with pytest.raises(LookupError):
        await content.load(connection, bytes(32))
