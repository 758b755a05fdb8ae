"""The listener for mail that comes back, over real sockets: what it takes, what it refuses and by which code."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from gateway.errors import LedgerFull, LedgerUnavailable
from gateway.inbound.store import Envelope, InboundSource
from tests.eventually import eventually
from tests.inbound import BOUNCES, OFFICE, REPLIES, TOKEN, MemoryStore, connect, listening
from tests.smtp_server import certificate_authority, server_tls

MAIL = b"Subject: Undelivered\r\n\r\nSee below.\r\n"


async def test_a_mail_is_stored_before_it_is_acknowledged() -> None:
    store = MemoryStore(gate=asyncio.Event())
    async with listening(store) as port, connect(port) as client:
        assert (await client.begin(TOKEN.upper())).startswith("354")
        client.send(MAIL + b".\r\n")
        answer = asyncio.create_task(client.reply())
        done, _ = await asyncio.wait([answer], timeout=0.1)
        assert not done
        assert store.gate is not None
        store.gate.set()
        assert await answer == "250 2.0.0 Stored"
    [mail] = store.mails
    assert mail.raw == MAIL
    assert mail.envelopes == (Envelope(source=InboundSource.SMTP, sender="", recipient=TOKEN.upper()),)


async def test_dots_are_unstuffed_and_only_the_lone_one_ends_a_mail() -> None:
    store = MemoryStore()
    async with listening(store) as port, connect(port) as client:
        await client.begin(TOKEN)
        client.send(b"..\r\n...a\r\n.b\r\n \r\n.\r\n")
        assert (await client.reply()).startswith("250")
        # An empty mail is one, too.
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA")).startswith("354")
        client.send(b".\r\n")
        assert (await client.reply()).startswith("250")
    assert [mail.raw for mail in store.mails] == [b".\r\n..a\r\nb\r\n \r\n", b""]


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("someone@elsewhere.example", "550 5.7.1"),
        (f"{TOKEN.partition('@')[0]}@elsewhere.example", "550 5.7.1"),
        (f"user%elsewhere.example@{BOUNCES}", "550 5.1.1"),
        ("office@[127.0.0.1]", "550 5.7.1"),
        (f"nobody@{REPLIES}", "550 5.1.1"),
        (f"office@{BOUNCES}", "550 5.1.1"),
        (f"b2k1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@{BOUNCES}", "550 5.1.1"),
        ("nonsense", "550 5.7.1"),
        ("", "501 5.1.3"),
        (OFFICE, "250 2.1.5"),
        (f'"office"@{REPLIES}', "250 2.1.5"),
        (f"@relay.example,@other.example:{OFFICE}", "250 2.1.5"),
        (f"complaints@{BOUNCES}", "250 2.1.5"),
        (f"PostMaster@{BOUNCES}", "250 2.1.5"),
        (f"postmaster@{REPLIES}.", "250 2.1.5"),
        ("postmaster", "250 2.1.5"),
    ],
)
async def test_only_recipients_of_ours_are_taken(recipient: str, code: str) -> None:
    async with listening(MemoryStore()) as port, connect(port) as client:
        await client.reply()
        reply = await client.say("EHLO client.example", "MAIL FROM:<a@b.example>", f"RCPT TO:<{recipient}>")
        assert reply.startswith(code)


async def test_a_mail_for_nobody_is_not_taken() -> None:
    async with listening(MemoryStore()) as port, connect(port) as client:
        assert (await client.begin(f"nobody@{REPLIES}")).startswith("503 5.5.1")


async def test_a_recipient_too_many_waits_for_the_next_mail() -> None:
    store = MemoryStore()
    async with listening(store, recipients=2) as port, connect(port) as client:
        await client.reply()
        await client.say("EHLO client.example", "MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", f"RCPT TO:<{OFFICE}>")
        assert (await client.say(f"RCPT TO:<complaints@{BOUNCES}>")).startswith("452 4.5.3")
        assert (await client.say("DATA")).startswith("354")
        assert (await client.say(MAIL + b".")).startswith("250")
    assert [envelope.recipient for envelope in store.mails[0].envelopes] == [TOKEN, OFFICE]


async def test_a_mail_too_large_is_refused_by_its_announced_size() -> None:
    async with listening(MemoryStore()) as port, connect(port) as client:
        await client.reply()
        assert "250-SIZE 65536" in await client.say("EHLO client.example")
        assert (await client.say("MAIL FROM:<> SIZE=65537")).startswith("552 5.3.4")
        assert (await client.say("MAIL FROM:<> SIZE=65536")).startswith("250")


async def test_a_mail_too_large_is_refused_after_its_dot_and_the_next_one_is_taken() -> None:
    store = MemoryStore()
    async with listening(store) as port, connect(port) as client:
        await client.begin(TOKEN)
        client.send(b"x" * 65_537 + b"\r\n.\r\n")
        assert (await client.reply()).startswith("552 5.3.4")
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA", MAIL + b".")).startswith("250")
    assert [mail.raw for mail in store.mails] == [MAIL]


async def test_a_mail_without_an_end_is_cut_off() -> None:
    async with listening(MemoryStore()) as port, connect(port) as client:
        await client.begin(TOKEN)
        client.send(b"x" * 200_000)
        assert (await client.rest()).startswith("552 5.3.4")


@pytest.mark.parametrize(
    ("error", "code"),
    [(LedgerUnavailable("away"), "451 4.3.0"), (LedgerFull("full"), "452 4.3.1")],
)
async def test_what_cannot_be_stored_is_to_be_sent_again(error: Exception, code: str) -> None:
    store = MemoryStore(error=error)
    async with listening(store) as port, connect(port) as client:
        await client.begin(TOKEN)
        assert (await client.say(MAIL + b".")).startswith(code)
        store.error = None
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA", MAIL + b".")).startswith("250")


async def test_lmtp_answers_for_each_recipient() -> None:
    store = MemoryStore()
    async with listening(store, InboundSource.LMTP) as port, connect(port) as client:
        await client.begin(TOKEN, f"nobody@{REPLIES}", OFFICE, hello="LHLO")
        assert (await client.say(MAIL + b".")).startswith("250")
        assert (await client.reply()).startswith("250")
        assert (await client.say("NOOP")).startswith("250 2.0.0 Ok")
        store.error = LedgerUnavailable("away")
        await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", f"RCPT TO:<{OFFICE}>", "DATA")
        assert (await client.say(MAIL + b".")).startswith("451 4.3.0")
        assert (await client.reply()).startswith("451 4.3.0")
        assert (await client.say("QUIT")).startswith("221")
    assert [len(mail.envelopes) for mail in store.mails] == [2]


@pytest.mark.parametrize(("source", "hello"), [(InboundSource.SMTP, "LHLO"), (InboundSource.LMTP, "EHLO")])
async def test_the_other_protocol_is_refused(source: InboundSource, hello: str) -> None:
    async with listening(MemoryStore(), source) as port, connect(port) as client:
        await client.reply()
        assert (await client.say(f"{hello} client.example")).startswith("500 5.5.1")


async def test_commands_that_come_together_are_answered_in_their_order() -> None:
    store = MemoryStore()
    async with listening(store) as port, connect(port) as client:
        await client.reply()
        assert "250-PIPELINING" in await client.say("EHLO client.example")
        begin = f"MAIL FROM:<>\r\nRCPT TO:<x@y.example>\r\nRCPT TO:<{TOKEN}>\r\nDATA\r\n".encode()
        client.send(begin)
        assert [(await client.reply())[:3] for _ in range(4)] == ["250", "550", "250", "354"]
        client.send(MAIL + b".\r\nRSET\r\n" + begin)  # RFC 2920 3.1: the end of a mail may begin a group
        assert [(await client.reply())[:3] for _ in range(6)] == ["250", "250", "250", "550", "250", "354"]
        client.send(MAIL + b".\r\nQUIT\r\n")
        assert [(await client.reply())[:3] for _ in range(2)] == ["250", "221"]
        assert await client.reply() == ""
    assert len(store.mails) == 2


async def test_a_mail_sent_before_the_reply_to_data_is_refused() -> None:
    store = MemoryStore()
    async with listening(store) as port, connect(port) as client:
        await client.reply()
        await client.say("EHLO client.example", "MAIL FROM:<>", f"RCPT TO:<{TOKEN}>")
        client.send(b"DATA\r\n" + MAIL + b".\r\n")
        assert (await client.rest()).startswith("503 5.5.1")
    assert store.mails == []


async def test_a_client_that_ends_its_side_is_still_answered() -> None:
    store = MemoryStore()
    async with listening(store) as port, connect(port) as client:
        await client.begin(TOKEN)
        client.send(MAIL + b".\r\nQUIT\r\n")
        client.end()
        assert [line[:3] for line in (await client.rest()).splitlines()] == ["250", "221"]
    assert len(store.mails) == 1


async def test_a_mail_that_breaks_off_is_not_stored() -> None:
    store = MemoryStore()
    async with listening(store) as port:
        async with connect(port) as client:
            await client.begin(TOKEN)
            client.send(MAIL)
        async with connect(port) as client:
            await client.begin(TOKEN)
            assert (await client.say(b"after\r\n.")).startswith("250")
    assert [mail.raw for mail in store.mails] == [b"after\r\n"]


async def test_starttls_begins_anew() -> None:
    store = MemoryStore()
    async with listening(store, tls=server_tls("localhost")) as port, connect(port) as client:
        context = ssl.create_default_context()
        certificate_authority().configure_trust(context)
        await client.reply()
        assert "250-STARTTLS" in await client.say("EHLO client.example")
        assert (await client.say("STARTTLS")).startswith("220")
        await client.start_tls(context)
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        assert "STARTTLS" not in await client.say("EHLO client.example")
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{TOKEN}>", "DATA", MAIL + b".")).startswith("250")
        assert (await client.say("QUIT")).startswith("221")
    assert [mail.raw for mail in store.mails] == [MAIL]


async def test_what_follows_starttls_in_clear_is_refused() -> None:
    async with listening(MemoryStore(), tls=server_tls("localhost")) as port, connect(port) as client:
        await client.reply()
        await client.say("EHLO client.example")
        client.send(b"STARTTLS\r\nMAIL FROM:<injected@client.example>\r\n")
        assert (await client.rest()).startswith("503 5.5.1")


@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\r.\r",
        b"\r\n.\n",
        b"\n.\r\n",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\n\n.\r\n",
        b"\r\r\n.\r\n",
        b"\r\n\x00.\r\n\n",
    ],
)
@pytest.mark.parametrize("pieces", [1, 3])
async def test_no_mail_is_smuggled(end: bytes, pieces: int) -> None:
    """What ends a mail for a careless server must not end it here, nor hide a second one."""
    store = MemoryStore()
    second = f"MAIL FROM:<forged@bank.example>\r\nRCPT TO:<{OFFICE}>\r\nDATA\r\nforged\r\n.\r\n".encode()
    octets = b"first" + end + second + b"\r\n.\r\nQUIT\r\n"
    async with listening(store) as port, connect(port) as client:
        await client.begin(TOKEN)
        for start in range(0, len(octets), len(octets) // pieces + 1):
            client.send(octets[start : start + len(octets) // pieces + 1])
            await asyncio.sleep(0)
        assert (await client.rest()).startswith("550 5.6.0")
    assert store.mails == []


@pytest.mark.parametrize("line", [b"NOOP\nQUIT\r\n", b"NOOP\r", b"NOOP\n", b"\n", b"NO\rOP\r\n", b"EHLO a\n\r\n"])
async def test_a_bare_line_ending_in_a_command_ends_the_connection(line: bytes) -> None:
    async with listening(MemoryStore()) as port, connect(port) as client:
        await client.reply()
        client.send(line + b"NOOP\r\n")
        assert (await client.rest()).startswith("550 5.6.0")


async def test_a_client_that_guesses_is_sent_away() -> None:
    async with listening(MemoryStore(), errors=3) as port, connect(port) as client:
        await client.reply()
        await client.say("EHLO client.example", "MAIL FROM:<>")
        client.send(b"".join(b"RCPT TO:<guess%d@%s>\r\n" % (number, REPLIES.encode()) for number in range(10)))
        assert [line[:9] for line in (await client.rest()).splitlines()] == ["550 5.1.1"] * 4 + ["421 4.7.0"]


async def test_silence_ends_a_connection() -> None:
    async with listening(MemoryStore(), idle=0.05) as port, connect(port) as client:
        await client.reply()
        assert (await client.rest()).startswith("421 4.4.2")


async def test_a_mail_that_trickles_in_ends_the_connection() -> None:
    async with listening(MemoryStore(), content=0.05) as port, connect(port) as client:
        await client.begin(TOKEN)
        client.send(b"Subject: ")
        assert (await client.rest()).startswith("421 4.4.2")


async def test_connections_have_a_limit() -> None:
    async with listening(MemoryStore(), connections=1) as port:
        async with connect(port) as first:
            assert (await first.reply()).startswith("220")
            async with connect(port) as second:
                assert (await second.rest()).startswith("421 4.7.0")
            assert (await first.say("QUIT")).startswith("221")

        async def is_free() -> bool:
            async with connect(port) as third:
                return (await third.reply()).startswith("220")

        await eventually(is_free, "a free connection")


async def test_a_client_has_so_much_mail_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.listener.client_of", lambda _: "192.0.2.1")  # this machine has no such limit
    async with listening(MemoryStore(), per_minute=2) as port, connect(port) as client:
        await client.begin(TOKEN)
        assert (await client.say(MAIL + b".")).startswith("250")
        assert (await client.say("MAIL FROM:<>")).startswith("450 4.7.1")
        async with connect(port) as another:
            assert (await another.rest()).startswith("421 4.7.0")


async def test_mail_that_does_not_fit_into_memory_is_to_be_sent_again() -> None:
    store = MemoryStore(gate=asyncio.Event())
    async with listening(store, memory=10_000) as port, connect(port) as first, connect(port) as second:
        await first.begin(TOKEN)
        first.send(b"x" * 6_000 + b"\r\n.\r\n")
        waiting = asyncio.create_task(first.reply())
        await second.begin(TOKEN)
        assert (await second.say(b"x" * 6_000 + b"\r\n.")).startswith("452 4.3.1")
        assert (await second.say("MAIL FROM:<> SIZE=6000")).startswith("452 4.3.1")
        assert store.gate is not None
        store.gate.set()
        assert (await waiting).startswith("250")
        assert (await second.say("MAIL FROM:<> SIZE=6000")).startswith("250")


async def test_a_fault_of_ours_ends_one_connection_and_the_mail_is_to_be_sent_again() -> None:
    store = MemoryStore(error=ValueError("a fault"))
    async with listening(store, memory=10_000) as port:
        for _ in range(3):  # the memory that was taken is given back
            async with connect(port) as client:
                await client.begin(TOKEN)
                client.send(b"x" * 6_000 + b"\r\n.\r\n")
                assert (await client.rest()).startswith("421 4.3.0")
        store.error = None
        async with connect(port) as client:
            await client.begin(TOKEN)
            assert (await client.say(b"x" * 6_000 + b"\r\n.")).startswith("250")
