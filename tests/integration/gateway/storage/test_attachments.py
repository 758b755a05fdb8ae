"""Files in the ledger: given back as they were, deleted when no letter used them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.storage import attachments
from gateway.storage.attachments import LARGEST_FILE, media_type_of

NO_CONNECTION: Any = None
"""What is refused is refused before the database is asked."""

NOW = timedelta(0)
PDF = b"%PDF-1.7\n" + b"x" * 400


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_file_is_kept_and_comes_back(connection: Any) -> None:
    first = await attachments.store(
        connection, name="C:\\docs\\offer.pdf", uploaded_by="t", stream=chunks(PDF[:5], PDF[5:])
    )
    second = await attachments.store(connection, name="same.bin", uploaded_by="t", stream=PDF, media_type="text/plain")
    files = await attachments.load_many(connection, [second, first])
    assert [(file.name, file.media_type, file.content) for file in files] == [
        ("same.bin", "application/pdf", PDF),
        ("offer.pdf", "application/pdf", PDF),
    ]
    assert await connection.fetchval("select count(*) from content") == 1


@pytest.mark.parametrize(
    ("octets", "name", "declared", "found"),
    [
        (PDF, "x.txt", "text/plain", "application/pdf"),
        (b"hello", "a.txt", None, "text/plain"),
        (b"hello", "a", "Text/CSV; charset=utf-8", "text/csv"),
        (b"hello", "a", "nonsense", "application/octet-stream"),
        (b"hello", "a", "a/b\r\nX: y", "application/octet-stream"),
        (
            b"PK\x03\x04" + b"\0" * 60,
            "a.docx",
            None,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"PK\x03\x04" + b"\0" * 60, "a.png", None, "application/zip"),
        (b"<html><script>", "offer.pdf", "application/pdf", "application/octet-stream"),
        (b"<html><script>", "picture.png", None, "application/octet-stream"),
        (b"", "empty.pdf", None, "application/octet-stream"),
    ],
)
def test_what_the_bytes_say_counts_before_what_is_said_of_them(
    octets: bytes, name: str, declared: str | None, found: str
) -> None:
    assert media_type_of(octets, name, declared) == found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a\r\nb.pdf", RefusalCode.HEADER_INJECTION),
        ("4111-1111-1111-1111.pdf", RefusalCode.CARD_NUMBER),
        ("", RefusalCode.REQUIRED),
        ("docs/..", RefusalCode.REQUIRED),
        ("x" * 256, RefusalCode.TOO_LONG),
    ],
)
async def test_a_bad_name_is_refused_before_the_ledger_hears_of_it(name: str, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as refused:
        await attachments.store(NO_CONNECTION, name=name, uploaded_by="t", stream=PDF)
    assert refused.value.code is code


async def test_reading_stops_when_a_file_is_too_large() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1_048_576
            yield bytes(1_048_576)

    with pytest.raises(Refusal) as refused:
        await attachments.store(NO_CONNECTION, name="a.bin", uploaded_by="t", stream=endless())
    assert refused.value.code is RefusalCode.ATTACHMENT_TOO_LARGE
    assert "25 MB" in refused.value.message
    assert read == LARGEST_FILE + 1_048_576


async def test_unknown_and_too_many_bytes_together_are_refused(connection: Any) -> None:
    one = await attachments.store(connection, name="a.bin", uploaded_by="t", stream=b"\1" * 14_000_000)
    two = await attachments.store(connection, name="b.bin", uploaded_by="t", stream=b"\2" * 14_000_000)
    with pytest.raises(Refusal) as refused:
        await attachments.find(connection, [one, two])
    assert (refused.value.code, refused.value.field) == (RefusalCode.ATTACHMENT_TOO_LARGE, ("attachmentIds",))
    with pytest.raises(Refusal) as refused:
        await attachments.find(connection, [one, UUID(int=3)])
    assert (refused.value.code, refused.value.field) == (RefusalCode.NOT_FOUND, ("attachmentIds", "1"))


async def test_the_sweep_takes_what_no_letter_took_and_only_that(connection: Any) -> None:
    taken = await attachments.store(connection, name="a.pdf", uploaded_by="t", stream=PDF)
    await connection.execute("update attachment set referenced_at = now() where id = $1", taken)
    await attachments.store(connection, name="same bytes.pdf", uploaded_by="t", stream=PDF)
    await attachments.store(connection, name="b.txt", uploaded_by="t", stream=b"nobody's")
    assert await attachments.sweep(connection) == 0
    assert await attachments.sweep(connection, older_than=NOW) == 2
    assert [row["name"] for row in await connection.fetch("select name from attachment")] == ["a.pdf"]
    assert [row["size"] for row in await connection.fetch("select size from content")] == [len(PDF)]


async def test_a_backlog_of_uploads_goes_five_hundred_at_a_time_the_oldest_first(connection: Any) -> None:
    # Given more uploads that nobody used than one sweep takes
    await connection.execute(
        "insert into content (sha256, size, encoding, bytes, created_at)"
        " select sha256(n::text::bytea), 1, 'identity', 'x', now() - interval '2 days' from generate_series(1, 1200) n"
    )
    await connection.execute(
        "insert into attachment (sha256, name, media_type, size, uploaded_by, created_at)"
        " select sha256(n::text::bytea), n::text, 'text/plain', 1, 't', now() - interval '3 days' + n * interval '1 s'"
        " from generate_series(1, 1200) n"
    )
    # When it is swept again and again
    assert await attachments.sweep(connection) == 500
    assert await connection.fetchval("select min(name::integer) from attachment") == 501
    # Then all go with their bytes
    assert [await attachments.sweep(connection) for _ in range(3)] == [500, 200, 0]
    assert await connection.fetchval("select count(*) from content") == 0


async def test_two_sweeps_at_once_do_not_meet(pool: asyncpg.Pool[Any]) -> None:
    async with pool.acquire() as connection:
        for number in range(6):
            await attachments.store(connection, name=f"{number}.txt", uploaded_by="t", stream=bytes([number]))

    async def sweep() -> int:
        async with pool.acquire() as connection:
            return await attachments.sweep(connection, older_than=NOW)

    assert sum(await asyncio.gather(sweep(), sweep())) == 6
    assert await pool.fetchval("select count(*) from content") == 0
