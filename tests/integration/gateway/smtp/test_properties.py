"""Properties: content arrives unchanged, and no reply is ever attributed to another mail."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from typing import Any

import pytest
import uvloop
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mail.mime import AttachedFile
from gateway.mail.response import Exchange, FaultKind, Stage
from gateway.smtp.relays import Envelope, Relays, Timeouts
from gateway.storage.attachments import LARGEST_FILE
from tests.mails import composed, parsed
from tests.smtp_server import DEFAULT_KEYWORDS, Drop, Play, Point, Raw, Reply, Silence, SmtpServer
from tests.unit.gateway.compose.test_individual import WORK_ORDER

BODIES = st.one_of(
    st.binary(max_size=2000),
    st.lists(st.sampled_from([b".", b"\r\n", b"\r\n.", b"\n", b"\r", b"a", b"\xff", b"\r\n.\r\n"])).map(b"".join),
)


def as_received(content: bytes) -> bytes:
    """Line ends as SMTP has them, where the content had to be put right; else untouched."""
    if content.endswith(b"\r\n") and not re.search(rb"\n\.", content) and not content.startswith(b"."):
        return content
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


@settings(max_examples=40, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=8), st.booleans())
def test_any_content_arrives_as_it_was_sent(contents: list[bytes], pipelined: bool) -> None:
    async def send() -> list[bytes]:
        keywords = DEFAULT_KEYWORDS if pipelined else DEFAULT_KEYWORDS[1:]
        async with SmtpServer(keywords=keywords) as server:
            relays = Relays([server.relay(connections=2)], hostname="gateway.test")
            envelopes = [
                Envelope(return_path="f@y.test", recipient=f"n{number}@x.test", content=content)
                for number, content in enumerate(contents)
            ]
            exchanges = await asyncio.gather(*map(relays.deliver, envelopes))
            await relays.close()
            assert [exchange.fault for exchange in exchanges] == [None] * len(contents)
            return [message.content for message in sorted(server.messages, key=lambda message: message.recipients)]

    assert asyncio.run(send()) == [as_received(content) for content in contents]


@pytest.mark.parametrize(
    ("piece", "size"),
    [(b"x" * 74 + b"\r\n", 25_000_000), (b"\r\n.", 1_000_000), (b".\r\n" + b"." * 40, 3_000_000)],
    ids=["25 MB of lines", "1 MB of dots", "3 MB of dots"],
)
async def test_large_contents_arrive_whole_with_leading_dots_on_chunk_edges(piece: bytes, size: int) -> None:
    # A prime number of bytes in front, so that the edges of our pieces and of the packets fall everywhere.
    content = b"Subject: large\r\n\r\n" + b"y" * 13 + b"\r\n" + piece * (size // len(piece)) + b"\r\n"
    async with SmtpServer() as server:
        relays = Relays([server.relay(connections=1)], hostname="gateway.test")
        large = Envelope(return_path="f@y.test", recipient="large@x.test", content=content)
        small = Envelope(return_path="f@y.test", recipient="small@x.test", content=b"Subject: x\r\n\r\nx\r\n")
        exchanges = await asyncio.gather(relays.deliver(large), relays.deliver(small))
        await relays.close()
    assert [exchange.fault for exchange in exchanges] == [None, None]
    assert server.messages[0].content == content
    assert server.messages[1].recipients == ("small@x.test",)


PIECES = (b".", b"\r\n.\r\n", b"\r\n.", b"\n", b"\0\xff", b"%PDF-1.7", b"x" * 57)
NOTES = st.lists(
    st.sampled_from([".", "\n", "\n.", "\n..", "\n.\n", "=", "From ", "ä", "word " * 20]), max_size=12
).map("".join)


@st.composite
def attached(draw: st.DrawFn, *, limit: int) -> tuple[AttachedFile, ...]:
    """Up to four files of together at most so many octets, of any content: random, or a piece again and again."""
    files: list[AttachedFile] = []
    left = limit
    for number in range(draw(st.integers(0, 4))):
        size = draw(st.one_of(st.integers(0, min(left, 5000)), st.integers(0, left)))
        piece = draw(st.one_of(st.binary(min_size=1, max_size=300), st.sampled_from(PIECES)))
        content = (piece * (size // len(piece) + 1))[:size]
        files.append(AttachedFile(name=f".plan {number}.bin", media_type="application/octet-stream", content=content))
        left -= size
    return tuple(files)


WHOLE = AttachedFile(name="all.bin", media_type="application/octet-stream", content=b"\r\n." * (LARGEST_FILE // 3))


@settings(max_examples=12, deadline=None)
@given(NOTES, attached(limit=LARGEST_FILE), st.booleans())
@example(".\n..", (WHOLE,), True)
def test_any_composed_mail_arrives_with_its_files_as_they_were(
    notes: str, files: tuple[AttachedFile, ...], pipelined: bool
) -> None:
    letter = replace(WORK_ORDER, notes=notes)
    mail = composed(letter, attachments=files)

    arrived = asyncio.run(received(mail.content, pipelined=pipelined))

    assert arrived == mail.content
    found = [(part.get_filename(), part.get_payload(decode=True)) for part in parsed(arrived).iter_attachments()]
    # The calendar goes with every work order.
    assert found[:-1] == [(file.name, file.content) for file in files]


async def received(content: bytes, *, pipelined: bool) -> bytes:
    """The content of a mail as the server received it, without dot stuffing."""
    async with SmtpServer(keywords=DEFAULT_KEYWORDS if pipelined else DEFAULT_KEYWORDS[1:]) as server:
        relays = Relays([server.relay()], hostname="gateway.test")
        envelope = Envelope(return_path="f@y.test", recipient="a@x.test", content=content)
        exchange = await relays.deliver(envelope)
        await relays.close()
        assert (exchange.fault, exchange.dot_sent) == (None, True)
        return server.messages[0].content


def chaos(dice: random.Random, chance: float) -> dict[str, Any]:
    """Plays that break a transaction at any stage; every reply names its mail."""

    def play(point: Point) -> Play | None:
        if dice.random() > chance:
            return None
        name = point.key
        ways: list[Play] = [
            *(Drop(), Drop(reset=True), Silence(), Raw(b"who knows\r\n"), Raw(b"250-half", then=Drop())),
            *(Reply(451, f"4.3.0 <{name}> later"), Reply(550, f"5.1.1 <{name}> no")),
            *(Reply(421, f"4.3.2 <{name}> closing", then=Drop()), Reply(250, f"2.0.0 <{name}> slow", delay=0.02)),
        ]
        if point.stage == "after_dot":
            ways.append(Reply(250, f"2.0.0 <{name}> taken", then=Reply(421, "4.3.2 unasked", then=Drop())))
            ways.append(Reply(250, f"2.0.0 <{name}> taken, and late", delay=0.3))
        return dice.choice(ways)

    return {"rcpt": play, "data": play, "after_dot": play, "mail": play}


@pytest.mark.parametrize("seed", range(6))
def test_under_any_faults_no_reply_is_attributed_to_another_mail(seed: int) -> None:
    # The worker runs on uvloop, tests on asyncio: they differ in how a dead connection is detected.
    run = uvloop.run if seed % 2 else asyncio.run
    accepted = run(deliver_under_faults(seed))
    assert accepted > 60


async def deliver_under_faults(seed: int) -> int:
    """Delivers 150 mails under faults and compares each exchange with the server; returns how many it accepted."""
    dice = random.Random(seed)
    keywords = DEFAULT_KEYWORDS if seed % 3 else DEFAULT_KEYWORDS[1:]
    pace = ("separate", "coalesced", "bytewise")[seed % 3]
    timeouts = Timeouts(mail=0.2, rcpt=0.2, data=0.2, content=0.2, end_of_data=0.2)
    async with SmtpServer(keywords=keywords, pace=pace) as server:
        server.script(**chaos(dice, 0.06))
        if seed % 4 > 1:
            # A server that allows three connections at a time.
            full = Reply(421, "4.7.0 too many connections", then=Drop())
            server.script(greeting=lambda _: full if len(server.open_connections) > 3 else None)
        relays = Relays([server.relay(connections=5)], hostname="gateway.test", timeouts=timeouts)

        async def deliver(number: int) -> Exchange | None:
            # The sender has the recipient's name as well, so that MAIL's reply can be attributed.
            name = f"n{number}"
            mail = Envelope(
                return_path=f"{name}@x.test", recipient=f"{name}@x.test", content=b"Subject: x\r\n\r\n.\r\n"
            )
            task = asyncio.create_task(relays.deliver(mail))
            if dice.random() < 0.05:
                asyncio.get_running_loop().call_later(dice.random() * 0.02, task.cancel)
            await asyncio.wait([task])
            return None if task.cancelled() else task.result()

        exchanges = await asyncio.gather(*(deliver(number) for number in range(150)))
        await relays.close()
    taken = [message.recipients[0] for message in server.taken]
    for number, exchange in enumerate(exchanges):
        if exchange is not None:
            assert_it_is_its_own(f"<n{number}@x.test>", exchange)
            assert_it_matches_what_the_server_took(taken.count(f"n{number}@x.test"), exchange)
    return sum(1 for exchange in exchanges if exchange and is_accepted(exchange))


def is_accepted(exchange: Exchange) -> bool:
    reply = exchange.response
    return reply is not None and reply.stage is Stage.END_OF_DATA and reply.code == 250


def assert_it_is_its_own(name: str, exchange: Exchange) -> None:
    for reply in exchange.replies:
        if "<n" in reply.text:
            assert name in reply.text, f"{name} got {reply}"


def assert_it_matches_what_the_server_took(times: int, exchange: Exchange) -> None:
    """An accepted mail was taken; a taken one is accepted or uncertain; one that was not sent was not taken."""
    assert times <= 1
    if is_accepted(exchange):
        assert times == 1
    if times:
        assert is_accepted(exchange) or exchange.dot_sent
    if not exchange.dot_sent:
        assert times == 0
    if exchange.fault is not None:
        assert exchange.fault.kind in (FaultKind.DROPPED, FaultKind.TIMEOUT, FaultKind.PROTOCOL)
