"""Reads the mailbox of a real Dovecot."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.deployment import Deployment
from gateway.inbound.imap import TRIES, Waits, watch
from gateway.inbound.store import Envelope, store
from gateway.settings import ImapMailbox, Settings
from tests.dovecot import LACKING, Dovecot
from tests.eventually import eventually
from tests.inbound_process import environment, running

pytestmark = pytest.mark.skipif(LACKING is not None, reason=LACKING or "")

MAX_BYTES = 65_536
QUICK = Waits(idle=60.0, poll=0.05, first=0.05, longest=0.2, refused=3600.0)
"""An IDLE outlasts a test: what arrives was told by the server."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short, since a socket's path ends at 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="ce-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    update = {"bounce_domain": "bounce.example", "reply_domain": "reply.example", "inbound_max_bytes": MAX_BYTES}
    return Deployment.open(settings.model_copy(update=update))


@pytest.fixture
async def dovecot(directory: Path) -> AsyncIterator[Dovecot]:
    server = Dovecot(directory)
    try:
        await server.start()
        yield server
    finally:
        server.stop()


Watching = Callable[..., Any]


@pytest.fixture
def watching(pool: asyncpg.Pool[Any], deployment: Deployment, trusted_authority: Path) -> Watching:
    """Reads a mailbox until the block ends."""

    @asynccontextmanager
    async def begin(mailbox: ImapMailbox) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        task = asyncio.create_task(
            watch(mailbox, pool, deployment=deployment, stopping=stopping, jitter=lambda: 0.0, waits=QUICK)
        )
        try:
            yield
        finally:
            stopping.set()
            async with asyncio.timeout(10):
                await task

    return begin


def mail(subject: str, *headers: str, body: str = "Thursday suits me.") -> bytes:
    return "\r\n".join([*headers, f"Subject: {subject}", "From: ada@customer.example", "", body, ""]).encode()


async def stored(pool: asyncpg.Pool[Any]) -> list[Any]:
    return await pool.fetch("select source, envelope_from, envelope_to, size from inbound_mail order by id")


async def expect_stored(pool: asyncpg.Pool[Any], count: int) -> list[Any]:
    async def enough() -> list[Any] | None:
        rows = await stored(pool)
        return rows if len(rows) >= count else None

    rows: list[Any] = await eventually(enough, f"{count} mails")
    assert len(rows) == count
    return rows


async def last_uid(pool: asyncpg.Pool[Any]) -> int:
    return int(await pool.fetchval("select last_uid from imap_folder") or 0)


async def test_mail_that_is_there_and_mail_that_comes_are_stored_and_stay_in_the_mailbox(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any]
) -> None:
    dovecot.deliver(mail("One", "Return-Path: <>", "Delivered-To: TOKEN@bounce.example"))
    dovecot.deliver(mail("Two", "Return-Path: <ada@customer.example>", "X-Original-To: office@elsewhere.example"))
    async with watching(dovecot.mailbox):
        rows = await expect_stored(pool, 2)
        assert [tuple(row)[:3] for row in rows] == [
            ("IMAP", "", "token@bounce.example"),
            ("IMAP", "ada@customer.example", None),
        ]
        dovecot.deliver(mail("Three"))  # which IDLE tells
        await expect_stored(pool, 3)
        assert await pool.fetch("select source from inbound_listener") == [("IMAP",)]
    assert dovecot.flags() == set()
    assert await last_uid(pool) == 3


async def test_the_inbound_process_reads_it_without_a_port_of_its_own(
    dovecot: Dovecot, trusted_authority: Path, database_url: str, pool: asyncpg.Pool[Any]
) -> None:
    dovecot.deliver(mail("One"))
    env = environment(database_url, IMAP_URL=dovecot.url, SSL_CERT_FILE=str(trusted_authority))
    for without in ("INBOUND_SMTP", "INBOUND_LMTP", "BOUNCE_DOMAIN", "REPLY_DOMAIN"):
        del env[without]
    async with running(env) as gateway:
        await expect_stored(pool, 1)
        assert await gateway.stop() == 0


async def test_a_restart_of_the_server_and_of_the_reader_loses_and_doubles_nothing(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any]
) -> None:
    async with watching(dovecot.mailbox):
        dovecot.deliver(mail("One"))
        await expect_stored(pool, 1)
        dovecot.stop()
        dovecot.deliver(mail("Two"))
        await dovecot.start()
        await expect_stored(pool, 2)
    dovecot.deliver(mail("Three"))
    async with watching(dovecot.mailbox):
        await expect_stored(pool, 3)


async def test_a_folder_made_anew_is_read_again_and_known_mail_is_no_new_row(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any]
) -> None:
    dovecot.deliver(mail("One"))
    dovecot.deliver(mail("Two"))
    async with watching(dovecot.mailbox):
        await expect_stored(pool, 2)
        validity = await pool.fetchval("select uid_validity from imap_folder")
        dovecot.stop()
        dovecot.make_folder_anew()
        await dovecot.start()
        dovecot.deliver(mail("Three"))
        await expect_stored(pool, 3)
    assert await pool.fetchval("select uid_validity from imap_folder") == validity + 1


async def test_a_mail_that_is_too_large_is_left_and_the_next_is_stored(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any], caplog: pytest.LogCaptureFixture
) -> None:
    dovecot.deliver(mail("Secret plans", body="x" * MAX_BYTES))
    dovecot.deliver(mail("Small"))
    async with watching(dovecot.mailbox):
        rows = await expect_stored(pool, 1)
    assert rows[0]["size"] == len(mail("Small"))
    assert await last_uid(pool) == 2
    assert [record.fields for record in caplog.records if hasattr(record, "fields")] == [{"uid": 1, "why": "too_large"}]
    assert "Secret" not in caplog.text


async def test_a_folder_with_a_name_of_any_letters_is_read(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any]
) -> None:
    for name in ("new", "cur", "tmp"):
        (dovecot.maildir / ".R&APw-ckl&AOQ-ufer &- Co" / name).mkdir(parents=True)
    inbox, dovecot.maildir = dovecot.maildir, dovecot.maildir / ".R&APw-ckl&AOQ-ufer &- Co"
    dovecot.deliver(mail("One"))
    dovecot.maildir = inbox
    async with watching(replace(dovecot.mailbox, folder="Rückläufer & Co")):
        await expect_stored(pool, 1)


async def test_a_server_without_idle_is_asked_again_and_again(
    directory: Path, watching: Watching, pool: asyncpg.Pool[Any]
) -> None:
    server = Dovecot(directory, idle=False)
    try:
        await server.start()
        async with watching(server.mailbox):
            server.deliver(mail("One"))
            await expect_stored(pool, 1)
            server.deliver(mail("Two"))
            await expect_stored(pool, 2)
    finally:
        server.stop()


async def test_a_mail_that_cannot_be_stored_is_left_after_some_tries(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store

    async def refusing(connection: Any, raw: bytes, envelope: Envelope) -> Any:
        if b"Poison" in raw:
            raise asyncpg.DataError("one value is out of range")
        return await whole(connection, raw, envelope)

    monkeypatch.setattr("gateway.inbound.imap.store", refusing)
    for subject in ("One", "Poison", "Three"):
        dovecot.deliver(mail(subject))
    async with watching(dovecot.mailbox):
        await expect_stored(pool, 2)
    assert await last_uid(pool) == 3


async def test_postgresql_away_waits_and_costs_no_mail(
    dovecot: Dovecot, watching: Watching, pool: asyncpg.Pool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, away = store, iter(range(TRIES + 2))

    async def sometimes(connection: Any, raw: bytes, envelope: Envelope) -> Any:
        if next(away, None) is not None:
            raise asyncpg.CannotConnectNowError("starting up")
        return await whole(connection, raw, envelope)

    monkeypatch.setattr("gateway.inbound.imap.store", sometimes)
    dovecot.deliver(mail("One"))
    async with watching(dovecot.mailbox):
        await expect_stored(pool, 1)


async def test_what_a_person_must_correct_is_said_once_without_secrets(
    dovecot: Dovecot, watching: Watching, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = {
        "refuses user or password: NO [AUTHENTICATIONFAILED]": replace(dovecot.mailbox, password="wrong-password"),
        "refuses the folder: NO": replace(dovecot.mailbox, folder="Rückläufer & Co"),
        "certificate is not valid for its name": dovecot.mailbox,
    }
    for says, mailbox in faults.items():
        caplog.clear()
        if "certificate" in says:
            monkeypatch.delenv("SSL_CERT_FILE")
        async with watching(mailbox):
            await eventually(lambda: "Correct IMAP_URL" in caplog.text, "the log line")
        assert says in caplog.text
        assert "wrong-password" not in caplog.text
        assert len(caplog.records) == 1
