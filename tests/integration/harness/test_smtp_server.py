"""Tests of the scriptable SMTP server, with the standard library's client."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import sys
from pathlib import Path

import pytest

from tests.smtp_server import Drop, Reply, SmtpServer

CONTENT = b"Subject: x\r\n\r\n.dot\r\nend\r\n"


def send(server: SmtpServer, *recipients: str) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP(server.host, server.port, timeout=10) as client:
        return client.sendmail("from@x.test", list(recipients), CONTENT)


async def test_a_message_is_recorded_whole(smtp_server: SmtpServer) -> None:
    await asyncio.to_thread(send, smtp_server, "a@x.test", "b@x.test")
    await smtp_server.accepted(1)
    (message,) = smtp_server.messages
    assert (message.sender, message.recipients, message.code) == ("from@x.test", ("a@x.test", "b@x.test"), 250)
    assert message.content == CONTENT
    assert message.wire == CONTENT.replace(b"\r\n.", b"\r\n..")
    assert smtp_server.verbs() == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]


async def test_a_script_selects_by_recipient_by_turn_and_by_connection(smtp_server: SmtpServer) -> None:
    smtp_server.script(rcpt={"bad@x.test": Reply(550, "5.1.1 unknown\nreally")})
    smtp_server.script(connection=2, after_dot=[Reply(451, "4.3.0 later")])
    refused = await asyncio.to_thread(send, smtp_server, "bad@x.test", "good@x.test")
    assert refused == {"bad@x.test": (550, b"5.1.1 unknown\nreally")}
    with pytest.raises(smtplib.SMTPDataError, match="later"):
        await asyncio.to_thread(send, smtp_server, "good@x.test")
    await asyncio.to_thread(send, smtp_server, "good@x.test")
    assert [message.taken for message in smtp_server.messages] == [True, False, True]


async def test_a_drop_after_the_dot_counts_as_accepted_unless_scripted_otherwise(smtp_server: SmtpServer) -> None:
    smtp_server.script(after_dot=[Drop(), Drop(taken=False, reset=True)])
    for _ in range(2):
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
            await asyncio.to_thread(send, smtp_server, "a@x.test")
    assert [message.taken for message in smtp_server.messages] == [True, False]


@pytest.mark.parametrize("pace", ["separate", "coalesced", "bytewise"])
async def test_every_pace_sends_the_same(pace: str) -> None:
    async with SmtpServer(pace=pace) as server:
        await asyncio.to_thread(send, server, "a@x.test")
        assert [message.content for message in server.taken] == [CONTENT]


async def test_starttls_and_a_login(trusted_authority: Path) -> None:
    def send_secured(server: SmtpServer) -> None:
        with smtplib.SMTP("localhost", server.port, timeout=10) as client:
            client.starttls(context=ssl.create_default_context())
            client.login("user", "right")
            client.sendmail("from@x.test", ["a@x.test"], CONTENT)

    async with SmtpServer(tls="starttls", logins={"user": "right"}) as server:
        await asyncio.to_thread(send_secured, server)
        await server.accepted(1)
        assert server.connections[0].tls == "TLSv1.3"
        assert server.connections[0].login == "user"


async def test_hanging_up_sends_the_last_bytes_and_waits_for_the_close(smtp_server: SmtpServer) -> None:
    reader, writer = await asyncio.open_connection(smtp_server.host, smtp_server.port)
    await smtp_server.connected(1)
    await reader.readline()
    await smtp_server.hang_up(wire=b"421 4.3.2 closing\r\n")
    assert await reader.read() == b"421 4.3.2 closing\r\n"
    assert smtp_server.open_connections == []
    writer.close()


async def test_it_runs_as_a_process_and_writes_what_it_accepted(tmp_path: Path) -> None:
    taken = tmp_path / "taken.jsonl"
    command = ["-m", "tests.smtp_server", "--port", "0", "--accepted", str(taken)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    port = int((await process.stdout.readline()).rsplit(b":", 1)[1])
    client = SmtpServer(port=port)  # only its address is used
    await asyncio.to_thread(send, client, "a@x.test")
    process.kill()
    await process.communicate()
    assert [json.loads(line)["recipients"] for line in taken.read_text().splitlines()] == [["a@x.test"]]
