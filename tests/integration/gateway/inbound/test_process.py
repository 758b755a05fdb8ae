"""`python -m gateway --inbound`: its settings, its life, and that a mail answered 250 is in the database once."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from gateway.storage import content
from tests.inbound import OFFICE, TOKEN, connect
from tests.inbound_process import COMMAND, environment, running

MAIL = b"From: a@b.example\r\nSubject: Undelivered\r\n\r\n.See below.\r\n"
STUFFED = MAIL.replace(b"\r\n.", b"\r\n..")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"BOUNCE_DOMAIN": "", "REPLY_DOMAIN": ""}, "BOUNCE_DOMAIN=bounce.fabrikam.com"),
        ({"INBOUND_SMTP": "", "INBOUND_LMTP": ""}, "INBOUND_SMTP=2525"),
        ({"INBOUND_TLS_KEY": "/nowhere.pem"}, "INBOUND_TLS_CERTIFICATE"),
        ({"INBOUND_TLS_KEY": "/nowhere.pem", "INBOUND_TLS_CERTIFICATE": "/nowhere.pem"}, "INBOUND_TLS_CERTIFICATE"),
    ],
)
async def test_without_what_it_needs_it_says_what_to_set(database_url: str, changes: dict[str, str], word: str) -> None:
    env = {name: value for name, value in (environment(database_url) | changes).items() if value}
    process = await asyncio.create_subprocess_exec(*COMMAND, env=env, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert word in said.decode()
    assert len(said.splitlines()) == 1


async def test_mail_by_both_ways_is_in_the_database_when_it_is_answered(database_url: str, pool: Any) -> None:
    async with running(environment(database_url)) as gateway:
        async with connect(gateway.smtp) as smtp, connect(gateway.lmtp) as lmtp:
            await smtp.begin(TOKEN.upper(), OFFICE)
            assert (await smtp.say(STUFFED + b".")).startswith("250")
            # The same bytes for the same recipient are one mail, by whatever way.
            await lmtp.begin(TOKEN, hello="LHLO")
            assert (await lmtp.say(STUFFED + b".")).startswith("250")
        rows = await pool.fetch(
            "select source, envelope_from, envelope_to, content_sha256 from inbound_mail order by id"
        )
        assert {tuple(row)[:3] for row in rows} == {("SMTP", "", TOKEN), ("SMTP", "", OFFICE)}
        assert await content.load(pool, rows[0]["content_sha256"]) == MAIL
        assert await gateway.stop() == 0
    said = b"".join(gateway.log)
    assert b"has drained" in said
    assert TOKEN.encode() not in said.lower()
    assert b"127.0.0.1" not in said


async def test_a_mail_on_its_way_is_taken_before_the_listener_ends(database_url: str, pool: Any) -> None:
    async with running(environment(database_url)) as gateway:
        async with connect(gateway.smtp) as busy, connect(gateway.smtp) as idle:
            await busy.begin(TOKEN)
            busy.send(STUFFED)
            await idle.reply()
            gateway.process.send_signal(signal.SIGINT)
            assert (await idle.rest()).startswith("421 4.3.2")
            busy.send(b".\r\nMAIL FROM:<>\r\n")
            assert (await busy.rest()).splitlines()[0] == "250 2.0.0 Stored"
        assert await gateway.process.wait() == 0
    assert await pool.fetchval("select count(*) from inbound_mail") == 1


async def test_a_listener_killed_at_any_moment_loses_and_doubles_nothing(database_url: str, pool: Any) -> None:
    """As a sender does, each mail is sent again until it is answered 250."""
    stored = 0
    for delay in (0.0, 0.002, 0.01):
        async with running(environment(database_url)) as gateway, connect(gateway.smtp) as client:
            for number in range(100):
                await client.say("EHLO a.example") if number else await client.begin(TOKEN)
                if number:
                    await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA")
                client.send(b"Subject: %d\r\n\r\n.\r\n" % number)
                if number == 99:
                    await asyncio.sleep(delay)
                    gateway.process.kill()
                    stored = 100 if (await client.rest()).startswith("250") else 99
                else:
                    assert (await client.reply()).startswith("250")
        assert await pool.fetchval("select count(*) from inbound_mail") >= stored
    async with running(environment(database_url)) as gateway, connect(gateway.smtp) as client:
        await client.begin(TOKEN)
        assert (await client.say(b"Subject: 99\r\n\r\n.")).startswith("250")
    assert await pool.fetchval("select count(*) from inbound_mail") == 100
    assert await pool.fetchval("select count(*) from content") == 100


async def test_a_database_that_is_away_is_451(database_url: str, pool: Any) -> None:
    async with running(environment(database_url)) as gateway, connect(gateway.smtp) as client:
        await client.begin(TOKEN)
        name = await pool.fetchval("select current_database()")
        await pool.execute(f"alter database {name} allow_connections false")
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gateway inbound'"
            " and datname = current_database()"
        )
        assert (await client.say(STUFFED + b".")).startswith("451 4.3.0")
        await pool.execute(f"alter database {name} allow_connections true")
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA", STUFFED + b".")).startswith("250")
    assert await pool.fetchval("select count(*) from inbound_mail") == 1
