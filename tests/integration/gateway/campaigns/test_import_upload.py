"""Files on their way in: chunks, their limits, and that half a file is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.campaigns import import_upload, imports
from gateway.campaigns.import_upload import CHUNK, UploadedFile
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from tests.importing import upload


def cut(octets: bytes, size: int) -> tuple[UploadedFile, list[bytes]]:
    """A file as it comes in pieces of this size, and its chunks."""
    file = UploadedFile()
    chunks: list[bytes] = []
    for start in range(0, len(octets), size):
        chunks += file.add(octets[start : start + size])
    return file, [*chunks, *file.rest()]


@pytest.mark.parametrize("size", [65_536, 100_000, 3 * CHUNK])
@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_is_cut_into_chunks_of_one_size(length: int, size: int) -> None:
    octets = (b"email\n" + b"a@fabrikam.com\n" * length)[:length]
    file, chunks = cut(octets, size)
    assert b"".join(chunks) == octets
    assert all(len(chunk) == CHUNK for chunk in chunks[:-1])
    assert file.received == length


async def test_an_upload_is_an_import_once_it_is_whole(connection: Any, deployment: Deployment) -> None:
    # Given a file in UTF-16 with a header and some lines
    text = "id;E-Mail;Größe\r\n1;a@fabrikam.com;3\r\n2;b@fabrikam.com;4\r\n"
    import_id = await upload(connection, text.encode("utf-16"), deployment)
    # Then it says how it is written and what its columns seem to be
    row = await connection.fetchrow("select * from customer_import where id = $1", import_id)
    assert (row["status"], row["encoding"], row["delimiter"]) == ("UPLOADED", "utf-16-le", ";")
    assert (row["body_at"], row["body_line"]) == (2 + 2 * len("id;E-Mail;Größe\r\n"), 2)
    assert [(one["heading"], one["field"], one["sample"]) for one in row["columns"]] == [
        ("id", "externalRef", ["1", "2"]),
        ("E-Mail", "address", ["a@fabrikam.com", "b@fabrikam.com"]),
        ("Größe", "attributes.grosse", ["3", "4"]),
    ]


@pytest.mark.parametrize(
    ("octets", "code", "words"),
    [
        (b"", RefusalCode.INVALID, "empty"),
        (b"\n\n", RefusalCode.INVALID, "empty"),
        (b"a,\0b\n", RefusalCode.INVALID, "Line 1 holds a NUL"),
        (b"\xff\xfea\0\0\0", RefusalCode.INVALID, "NUL"),
        (b"a\n\x81\xe9\n", RefusalCode.INVALID, "Line 2 is neither"),
        (b'"a,b\n1,2\n', RefusalCode.INVALID, "Line 1: A quote opens"),
        (b"a" * 70_000, RefusalCode.INVALID, "65,536 characters"),
        (b"a," * CHUNK, RefusalCode.INVALID, "Line 1"),
        (b"x," * 250 + b"x\n", RefusalCode.TOO_MANY, "200 columns"),
        (b"y" * 300 + b"\n", RefusalCode.TOO_LONG, "255"),
    ],
)
async def test_what_is_no_table_is_refused_and_is_no_import(
    connection: Any, deployment: Deployment, octets: bytes, code: RefusalCode, words: str
) -> None:
    with pytest.raises(Refusal) as caught:
        await upload(connection, octets, deployment)
    assert caught.value.code is code
    assert words in caught.value.message
    assert await connection.fetchval("select count(*) from customer_import where status is not null") == 0


async def test_files_have_room_together_and_cancelled_ones_make_room(connection: Any, deployment: Deployment) -> None:
    # Given room for little more than one file
    settings = deployment.settings.model_copy(update={"import_store_bytes": 100})
    small = Deployment(settings=settings, keyring=deployment.keyring)
    first = await upload(connection, "email\n" + "a@fabrikam.com\n" * 4, small)
    # When another one is announced that has none, or comes without saying its size
    with pytest.raises(Refusal, match="IMPORT_STORE_BYTES") as caught:
        await import_upload.begin(connection, file_name="b.csv", announced=60, actor="jo", deployment=small)
    assert caught.value.code is RefusalCode.TOO_MANY
    coming = await import_upload.begin(connection, file_name="b.csv", announced=0, actor="jo", deployment=small)
    with pytest.raises(Refusal, match="IMPORT_STORE_BYTES"):
        await import_upload.store_chunk(connection, coming, number=0, octets=b"x" * 60, received=60, deployment=small)
    await import_upload.abandon(connection, coming)
    # And when the first is cancelled and swept, there is room
    await imports.cancel(connection, first)
    assert await imports.sweep(connection)
    await upload(connection, "email\n" + "a@fabrikam.com\n" * 4, small)


async def test_so_many_files_are_kept_and_no_more(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.campaigns.import_upload.MAX_FILES", 2)
    for _ in range(2):
        await upload(connection, "email\n", deployment)
    with pytest.raises(Refusal, match="2 imported files are kept"):
        await upload(connection, "email\n", deployment)


async def test_an_upload_that_was_swept_is_gone(connection: Any, deployment: Deployment) -> None:
    import_id = await import_upload.begin(connection, file_name="a.csv", announced=0, actor="jo", deployment=deployment)
    file, [chunk] = cut(b"email\n", 100)
    await import_upload.store_chunk(connection, import_id, number=0, octets=chunk, received=6, deployment=deployment)
    await import_upload.abandon(connection, import_id)
    assert await connection.fetchval("select count(*) from import_chunk") == 0
    with pytest.raises(Refusal):
        await import_upload.store_chunk(
            connection, import_id, number=1, octets=chunk, received=12, deployment=deployment
        )
    with pytest.raises(Refusal) as caught:
        await import_upload.finish(connection, import_id, file)
    assert caught.value.code is RefusalCode.NOT_FOUND
