"""`python -m gateway --inbound`: its settings, its life, and that a mail answered 250 is in the database once."""

from __future__ import annotations

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Any

from gateway.storage import content
from tests.eventually import eventually
from tests.inbound import OFFICE, TOKEN, connect
from tests.inbound_process import COMMAND, environment, running
from tests.smtp_server import certificate_authority

MAIL = b"From: a@b.example\r\nSubject: Undelivered\r\n\r\n.See below.\r\n"
STUFFED = MAIL.replace(b"\r\n.", b"\r\n..")


async def test_without_what_it_needs_it_says_what_to_set(database_url: str) -> None:
    env = environment(database_url)
    del env["INBOUND_SMTP"], env["INBOUND_LMTP"]
    process = await asyncio.create_subprocess_exec(*COMMAND, env=env, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().splitlines() == [
        "INBOUND_SMTP, INBOUND_LMTP and IMAP_URL are missing: set one, or there is no way for mail to come. "
        "For example: INBOUND_SMTP=2525"
    ]


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
        assert await pool.fetchval("select array_agg(source order by source) from inbound_listener") == ["SMTP", "LMTP"]
        assert await content.load(pool, rows[0]["content_sha256"]) == MAIL
        assert await gateway.stop() == 0
    said = b"".join(gateway.log)
    assert b"has drained" in said
    assert TOKEN.encode() not in said.lower()
    assert b"127.0.0.1" not in said


async def test_a_mailbox_that_cannot_be_read_is_no_way_in(database_url: str, pool: Any) -> None:
    # Given the ports, and a mailbox on a server that is not there
    env = environment(database_url, IMAP_URL="imap://us:secret@127.0.0.1:1/INBOX")
    async with running(env) as gateway:
        # When it has failed
        assert await eventually(lambda: any(b"mailbox" in line for line in gateway.log), "its failure in the log")
        # Then /readyz hears of the ports alone
        noted = "select array_agg(source order by source) from inbound_listener"
        assert await eventually(lambda: pool.fetchval(noted), "the note") == ["SMTP", "LMTP"]


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


async def test_a_listener_killed_before_its_answer_loses_and_doubles_nothing(database_url: str, pool: Any) -> None:
    """As a sender does, a mail without an answer is sent again; it is stored once, whether it had been or not."""
    async with running(environment(database_url)) as gateway, asyncio.timeout(60), connect(gateway.smtp) as client:
        await client.begin(TOKEN)
        assert (await client.say(STUFFED + b".")).startswith("250")
        # The next one is on the disk, and its answer is never read: as if the kill had come between the two.
        await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA")
        client.send(b"Subject: second\r\n\r\n.\r\n")
        await eventually(lambda: _count(pool, 2), "the second mail")
        gateway.process.kill()
    async with running(environment(database_url)) as gateway, connect(gateway.smtp) as client:
        await client.begin(TOKEN)
        assert (await client.say(b"Subject: second\r\n\r\n.")).startswith("250")
    assert await _count(pool, 2)


async def _count(pool: Any, mails: int) -> bool:
    return bool(await pool.fetchval("select count(*) from inbound_mail") == mails)


async def test_starttls_with_a_certificate_of_ones_own(database_url: str, pool: Any, tmp_path: Path) -> None:
    certificate, key = tmp_path / "mx.pem", tmp_path / "mx.key"
    made = certificate_authority().issue_cert("localhost")
    certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    certificate_authority().configure_trust(trusting)
    env = environment(database_url, INBOUND_TLS_CERTIFICATE=str(certificate), INBOUND_TLS_KEY=str(key))
    async with running(env) as gateway:
        for port, hello in ((gateway.smtp, "EHLO"), (gateway.lmtp, "LHLO")):
            async with connect(port) as client:
                await client.reply()
                assert "STARTTLS" in await client.say(f"{hello} client.example")
                assert (await client.say("STARTTLS")).startswith("220")
                await client.start_tls(trusting)
                await client.say(f"{hello} client.example", "MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA")
                # More than one TLS record, and more than one read
                assert (await client.say(hello.encode() + b"x" * 200_000 + b"\r\n.")).startswith("250")
                assert (await client.say("MAIL FROM:<a\nb>")).startswith("550 5.6.0")
                assert await client.rest() == ""
            # A client that breaks off the handshake does no harm.
            async with connect(port) as client:
                await client.reply()
                await client.say(f"{hello} client.example", "STARTTLS")
                client.send(b"no handshake\r\n" * 100)
                await client.rest()
        assert await _count(pool, 2)
        assert await gateway.stop() == 0
    assert not [line for line in gateway.log if b'"error"' in line]
