"""Octets of broken and hostile clients, over real sockets and cut anywhere: answered, never stored wrongly, never hung.

`STREAMS` is the corpus: what is sent, in steps between which the client waits for a reply, and the codes of the
replies. Beside it hypothesis puts together streams of its own.
"""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.inbound.addresses import AddressKind
from gateway.inbound.store import InboundSource
from tests.inbound import ADDRESSES, OFFICE, PATIENCE_SECONDS, TOKEN, Client, MemoryStore, connect, listening

BEGIN = f"EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<{TOKEN}>\r\nDATA\r\n".encode()
BEGUN = "220 250 250 250 354"
AGAIN = f"MAIL FROM:<>\r\nRCPT TO:<{TOKEN}>\r\nDATA\r\n".encode()

STREAMS: dict[str, tuple[list[bytes], str, int]] = {
    "nothing": ([b""], "220", 0),
    "half a command": ([b"EHLO a.exam"], "220", 0),
    "half a line end": ([b"EHLO a.example\r"], "220", 0),
    "HTTP": ([b"GET / HTTP/1.1\r\nHost: mail.example\r\n\r\n"], "220 502 502 502", 0),
    "HTTP with bare line feeds": ([b"GET / HTTP/1.1\nHost: mail.example\n\n"], "220 550", 0),
    "TLS": ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"], "220 500", 0),
    "PROXY": ([b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nNOOP\r\n"], "220 502 250", 0),
    "an endless line": ([b"EHLO " + b"a" * 100_000], "220 500", 0),
    "a long line": ([b"NOOP " + b"a" * 2100 + b"\r\n"], "220 500", 0),
    "empty lines": ([b"\r\n\r\n\r\nNOOP\r\n"], "220 502 502 502 250", 0),
    "lower case": ([b"ehlo a.example\r\nquit\r\n"], "220 250 221", 0),
    "blanks": ([b"EHLO   a.example  \r\nMAIL FROM: <>  \r\nRCPT  TO: <postmaster> \r\n"], "220 250 250 250", 0),
    "an empty mail": ([BEGIN, b".\r\nQUIT\r\n"], f"{BEGUN} 250 221", 1),
    "a mail of dots": ([BEGIN, b"..\r\n...\r\n..\r\n.\r\n"], f"{BEGUN} 250", 1),
    "NUL in a mail": ([BEGIN, b"a\0b\r\n.\r\n"], f"{BEGUN} 250", 1),
    "8 bits in a mail": ([BEGIN, b"\xff\xfe\r\n.\r\n"], f"{BEGUN} 250", 1),
    "a very long line in a mail": ([BEGIN, b"a" * 50_000 + b"\r\n.\r\n"], f"{BEGUN} 250", 1),
    "a mail without an end": ([BEGIN, b"a\r\n"], BEGUN, 0),
    "a mail whose end breaks off": ([BEGIN, b"a\r\n.\r"], BEGUN, 0),
    "a bare LF in a mail": ([BEGIN, b"a\nb\r\n.\r\n"], f"{BEGUN} 550", 0),
    "a bare CR in a mail": ([BEGIN, b"a\rb\r\n.\r\n"], f"{BEGUN} 550", 0),
    "LF . LF": ([BEGIN, b"a\n.\n" + AGAIN], f"{BEGUN} 550", 0),
    "CR . CR": ([BEGIN, b"a\r.\r" + AGAIN], f"{BEGUN} 550", 0),
    "CR LF . LF": ([BEGIN, b"a\r\n.\n" + AGAIN], f"{BEGUN} 550", 0),
    "LF . CR LF": ([BEGIN, b"a\n.\r\n" + AGAIN], f"{BEGUN} 550", 0),
    "CR LF . CR": ([BEGIN, b"a\r\n.\rMAIL"], f"{BEGUN} 550", 0),
    "CR CR LF . CR LF": ([BEGIN, b"a\r\r\n.\r\n"], f"{BEGUN} 550", 0),
    "LF LF . CR LF": ([BEGIN, b"a\r\n\n.\r\n"], f"{BEGUN} 550", 0),
    "a lone LF first": ([BEGIN, b"\n.\r\n"], f"{BEGUN} 550", 0),
    "a smuggled mail behind a taken one": (
        [BEGIN, b"a\r\n.\r\n" + AGAIN, b"b\n.\n"],
        f"{BEGUN} 250 250 250 354 550",
        1,
    ),
    "a command with LF behind a taken mail": ([BEGIN, b"a\r\n.\r\nRSET\nQUIT\r\n"], f"{BEGUN} 250 550", 1),
    "BDAT": ([b"EHLO a\r\nMAIL FROM:<>\r\nBDAT 5 LAST\r\nabcde\r\n"], "220 250 250 502 502", 0),
    "a parameter of another extension": ([b"EHLO a\r\nMAIL FROM:<> MT-PRIORITY=3\r\n"], "220 250 555", 0),
    "many errors": ([b"x\r\n" * 30], "220" + " 502" * 21 + " 421", 0),
    "many commands": ([b"NOOP\r\n" * 300], "220" + " 250" * 201 + " 421", 0),
}


async def exchange(port: int, steps: list[bytes], cuts: list[int]) -> list[str]:
    """Sends the steps in pieces; returns the codes of all replies until the listener closes."""
    codes: list[str] = []
    async with connect(port) as client:
        for number, step in enumerate(steps):
            for piece in pieces(step, cuts):
                client.send(piece)
                await asyncio.sleep(0)
            if number < len(steps) - 1:
                while not codes or codes[-1] != "354" or codes.count("354") <= number:
                    codes.append(await code(client))
        client.end()
        while (found := await code(client)) != "":
            codes.append(found)
    return codes


async def code(client: Client) -> str:
    """The code of a reply, all of whose lines must have it."""
    reply = await client.reply()
    assert all(re.fullmatch(r"[245][0-9]{2}[ -][ -~]*|354 [ -~]*", line) for line in reply.splitlines()), reply
    assert len({line[:3] for line in reply.splitlines()}) <= 1
    return reply[:3]


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    """Cuts a step into pieces of these lengths, again from the first when they are used up."""
    found, place, number = [], 0, 0
    while place < len(octets):
        length = cuts[number % len(cuts)] if cuts and len(octets) < 5_000 else len(octets)
        found.append(octets[place : place + length])
        place, number = place + length, number + 1
    return found


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("cuts", [[], [1], [3, 1, 2]], ids=["whole", "octets", "pieces"])
async def test_a_stream_is_answered_alike_however_it_is_cut(name: str, cuts: list[int]) -> None:
    steps, codes, stored = STREAMS[name]
    store = MemoryStore()
    async with listening(store) as port:
        assert " ".join(await exchange(port, steps, cuts)) == codes
    assert len(store.mails) == stored


PARTS = st.sampled_from(
    [
        b"EHLO a\r\n",
        b"LHLO a\r\n",
        b"MAIL FROM:<>\r\n",
        b"MAIL FROM:<a@b.example> SIZE=1\r\n",
        f"RCPT TO:<{TOKEN}>\r\n".encode(),
        f"RCPT TO:<{OFFICE}>\r\n".encode(),
        b"RCPT TO:<a@b.example>\r\n",
        b"DATA\r\n",
        b"Subject: a\r\n\r\nb\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"..a\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"\xff",
        b"x" * 3000,
    ]
)


@settings(max_examples=60)
@given(st.lists(PARTS, max_size=25), st.lists(st.integers(1, 200), max_size=4), st.booleans())
def test_whatever_is_sent_is_answered_and_stored_for_ours_alone(
    parts: list[bytes], cuts: list[int], lmtp: bool
) -> None:
    async def run() -> None:
        store = MemoryStore()
        source = InboundSource.LMTP if lmtp else InboundSource.SMTP
        async with listening(store, source) as port, asyncio.timeout(PATIENCE_SECONDS):
            codes = await exchange(port, [b"".join(parts)], cuts)
        assert codes[0] == "220"
        for mail in store.mails:
            assert re.search(rb"(?<!\r)\n|\r(?!\n)", mail.raw) is None
            assert mail.envelopes
            assert all(isinstance(ADDRESSES.accepts(one.recipient or ""), AddressKind) for one in mail.envelopes)

    asyncio.run(run())
